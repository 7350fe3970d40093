"""The Cloud Signature Consortium API, versions 1 and 2: the five calls a signing client needs.

Clause numbers are those of CSC API 1.0.4 and 2.0, which agree (clause 11). The versions differ in the names
of fields; what they mean is the same, and this file is the only place that knows the difference.
"""

import base64
import binascii
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cmsdesk.signing.cms.algorithms import DIGEST_OIDS
from cmsdesk.signing.errors import RemoteRefused, SignerLost
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.remote.transport import Basic, Bearer, Json, JsonTransport
from cmsdesk.signing.signers.base import Digest

_POLL_S = 1.0
_MAX_PAGES = 100


class Version(IntEnum):
    """Version of the API."""

    V1 = 1
    V2 = 2


@dataclass(frozen=True, slots=True)
class Credential:
    """What a service says about a credential (clause 11.5).

    Attributes:
        certificates: DER, the signer's first.
        algorithms: OIDs the key can be used with.
        mode: "implicit", "explicit", "oauth2code".
        secrets: names of the secrets asked for in explicit mode, such as PIN and OTP.
        pins_hashes: the authorisation is bound to the hashes (SCAL 2).
        batch: greatest number of signatures in one authorisation.
    """

    identifier: str
    certificates: tuple[bytes, ...]
    algorithms: tuple[str, ...]
    enabled: bool
    mode: str
    secrets: tuple[str, ...]
    pins_hashes: bool
    batch: int


@dataclass(frozen=True, slots=True)
class SignOrder:
    """Hashes to sign in one call, all made with `digest`."""

    credential: str
    hashes: Sequence[bytes]
    digest: Digest
    algorithm: str
    parameters: bytes = b""

    @property
    def encoded(self) -> list[str]:
        """The hashes in Base64."""
        return [base64.b64encode(one).decode("ascii") for one in self.hashes]


class CscService:
    """A service, spoken to in one version of the API.

    Args:
        transport: the connection, with the application's authentication.
        version: of the API.
        client_data: sent with every call, if the service asks for one.
    """

    def __init__(
        self,
        transport: JsonTransport,
        version: Version = Version.V1,
        *,
        client_data: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._version = version
        self._client_data = client_data
        self._sleep = sleep
        self._prefix = f"/csc/v{version.value}/"

    def log_in(self) -> None:
        """Exchange the application's user name and password for an access token, where the service does so.

        clause 11.1 tells whether it does: `auth/login` is among its methods. Otherwise the password goes with
        every call, as clause 8.3 allows.
        """
        if not isinstance(self._transport.authentication, Basic):
            return
        methods = self._call("info", {}).get("methods")
        if isinstance(methods, list) and "auth/login" in methods:
            token = self._text(self._call("auth/login", {}), "access_token")
            self._transport.authentication = Bearer(Pin(token))

    def list_credentials(self, *, user: str | None = None, client_data: str | None = None) -> list[str]:
        """Return the identifiers of the credentials (clause 11.4)."""
        found: list[str] = []
        page: str | None = None
        for _ in range(_MAX_PAGES):
            body: Json = {} if user is None else {"userID": user}
            if client_data is not None:
                body["clientData"] = client_data
            if page is not None:
                body["pageToken"] = page
            answer = self._call("credentials/list", body)
            found += self._texts(answer, "credentialIDs")
            token = answer.get("nextPageToken")
            if not isinstance(token, str) or not token:
                break
            page = token
        return found

    def credential(self, identifier: str) -> Credential:
        """Return what the service says about a credential (clause 11.5)."""
        answer = self._call(
            "credentials/info",
            {"credentialID": identifier, "certificates": "chain", "certInfo": False, "authInfo": True},
        )
        key, certificate = self._inner(answer, "key"), self._inner(answer, "cert")
        authorisation = answer.get("auth")
        own = authorisation if isinstance(authorisation, dict) else {}
        batch = answer.get("multisign", 1)
        return Credential(
            identifier=identifier,
            certificates=tuple(self._octets(one) for one in self._texts(certificate, "certificates")),
            algorithms=tuple(self._texts(key, "algo")),
            enabled=key.get("status") == "enabled" and certificate.get("status", "valid") == "valid",
            mode=str(own.get("mode") or answer.get("authMode") or "explicit"),
            secrets=_secrets(answer, own),
            pins_hashes=str(answer.get("SCAL", "1")) == "2",
            batch=batch if isinstance(batch, int) and batch > 0 else 1,
        )

    def authorise(self, order: SignOrder, secrets: Mapping[str, Pin], *, patience_s: float = 120.0) -> str:
        """Return the signature activation data for exactly these hashes (clause 11.6).

        Args:
            order: what is to be signed.
            secrets: by the names that the credential asks for.
            patience_s: how long the signer may take to confirm on another device (version 2 only).
        """
        body: Json = {"credentialID": order.credential, "numSignatures": len(order.hashes)}
        values = {name: secret.reveal().decode("utf-8") for name, secret in secrets.items()}
        if self._version is Version.V1:
            body |= {"hash": order.encoded, **values}
        else:
            body |= {"hashes": order.encoded, "hashAlgorithmOID": DIGEST_OIDS[order.digest]}
            if values:
                body["authData"] = [{"id": name, "value": value} for name, value in values.items()]
        answer = self._call("credentials/authorize", body)
        waited_s = 0.0
        while "SAD" not in answer and isinstance(answer.get("handle"), str):
            if waited_s >= patience_s:
                raise SignerLost(
                    "The signer did not confirm in time.", "Start again and confirm on the device."
                )
            self._sleep(_POLL_S)
            waited_s += _POLL_S
            answer = self._call("credentials/authorizeCheck", {"handle": answer["handle"]})
        return self._text(answer, "SAD")

    def sign(self, order: SignOrder, activation: str) -> list[bytes]:
        """Return the signature values, in the order of the hashes (clause 11.9 of version 1, 11.10 of 2)."""
        body: Json = {
            "credentialID": order.credential,
            "SAD": activation,
            "hash" if self._version is Version.V1 else "hashes": order.encoded,
            "hashAlgo" if self._version is Version.V1 else "hashAlgorithmOID": DIGEST_OIDS[order.digest],
            "signAlgo": order.algorithm,
        }
        if order.parameters:
            body["signAlgoParams"] = base64.b64encode(order.parameters).decode("ascii")
        answer = self._call("signatures/signHash", body)
        return [self._octets(one) for one in self._texts(answer, "signatures")]

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _call(self, method: str, body: Json) -> Json:
        if self._client_data is not None:
            body = {"clientData": self._client_data} | body
        return self._transport.post(self._prefix + method, body)

    def _inner(self, answer: Json, name: str) -> Json:
        value = answer.get(name)
        if not isinstance(value, dict):
            raise self._unreadable(name)
        return value

    def _text(self, answer: Json, name: str) -> str:
        value = answer.get(name)
        if not isinstance(value, str) or not value:
            raise self._unreadable(name)
        return value

    def _texts(self, answer: Json, name: str) -> list[str]:
        value = answer.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._unreadable(name)
        return value

    def _octets(self, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise self._unreadable("Base64") from None

    def _unreadable(self, what: str) -> RemoteRefused:
        return RemoteRefused(
            "The signature service gave an answer that does not follow its interface.",
            "Check the address and the version of the interface.",
            service=self._transport.host,
            field=what,
        )


def _secrets(answer: Json, authorisation: Json) -> tuple[str, ...]:
    """Version 2 names them as objects, version 1 as the fields PIN and OTP."""
    objects = authorisation.get("objects")
    if isinstance(objects, list):
        return tuple(str(one["id"]) for one in objects if isinstance(one, dict) and "id" in one)
    asked = []
    for name in ("PIN", "OTP"):
        field = answer.get(name)
        if isinstance(field, dict) and str(field.get("presence", "")).lower() in ("true", "1"):
            asked.append(name)
    return tuple(asked)
