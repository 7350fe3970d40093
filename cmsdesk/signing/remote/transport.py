"""JSON over HTTPS to a remote signature service, with the application's authentication."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HttpTimeout

from cmsdesk.signing.errors import PinLocked, PinRefused, RemoteRefused, SettingsError, SignerLost
from cmsdesk.signing.pin import Pin

_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_WRONG_SECRETS = frozenset(("invalid_pin", "invalid_otp", "invalid_authentication_data"))

Json = dict[str, object]


@dataclass(frozen=True)
class Basic:
    """The application's user name and password, given when it was registered (SIG-2)."""

    username: str
    password: Pin

    def header(self) -> str:
        """Return the Authorization header (RFC 7617)."""
        pair = self.username.encode() + b":" + self.password.reveal()
        return "Basic " + base64.b64encode(pair).decode("ascii")


@dataclass(frozen=True)
class Bearer:
    """An access token (RFC 6750)."""

    token: Pin

    def header(self) -> str:
        """Return the Authorization header."""
        return "Bearer " + self.token.reveal().decode("ascii")


Authentication = Basic | Bearer


class JsonTransport:
    """Posts JSON to the paths of one service; safe from several threads.

    Args:
        base_url: of the service, up to and without ``/csc/v1``.
        authentication: of the calling application; None for a service that authenticates otherwise (mutual
            TLS at a proxy, a private network).
        timeout_s: for the connection and for every wait for data.
        ca_file: PEM file of the authorities that may certify the server, instead of the system's.
        client_certificate: PEM file with certificate and key, for mutual TLS.

    Raises:
        SettingsError: no HTTPS address (plain HTTP is for this computer only).
    """

    def __init__(
        self,
        base_url: str,
        authentication: Authentication | None = None,
        *,
        timeout_s: float = 20.0,
        ca_file: str | None = None,
        client_certificate: str | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise SettingsError("The signature service must have an https address.", "Correct the address.")
        self.host = parts.hostname
        self.authentication = authentication
        self._base_url = base_url.rstrip("/")
        self._pool = urllib3.PoolManager(
            maxsize=4,
            timeout=urllib3.Timeout(timeout_s),
            retries=False,
            ca_certs=ca_file,
            cert_file=client_certificate,
        )

    def post(self, path: str, body: Json) -> Json:
        """Post `body`; return the answer's object.

        Nothing is sent twice: a signature request that was lost may have been carried out and charged.

        Raises:
            SignerLost: no answer in time, or no connection.
            PinRefused, PinLocked: the service refused the signer's secret.
            RemoteRefused: any other refusal, with the service's own words in the facts.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.authentication is not None:
            headers["Authorization"] = self.authentication.header()
        try:
            answer = self._pool.request(
                "POST",
                self._base_url + path,
                body=json.dumps(body).encode(),
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            data = answer.read(_MAX_ANSWER_BYTES + 1)
            answer.drain_conn()
            answer.release_conn()
        except NewConnectionError:
            raise self._lost("The signature service cannot be reached.") from None
        except HttpTimeout:
            raise self._lost("The signature service did not answer in time.") from None
        except HTTPError:
            raise self._lost("The signature service cannot be reached.") from None
        if answer.status not in (200, 202, 204):
            raise self._refusal(answer.status, data)
        return self._object(data)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _object(self, data: bytes) -> Json:
        if not data:
            return {}
        try:
            found = json.loads(data) if len(data) <= _MAX_ANSWER_BYTES else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._lost("The signature service gave an answer that cannot be read.")
        return found

    def _refusal(self, status: int, data: bytes) -> RemoteRefused | PinRefused | PinLocked | SignerLost:
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        words = found if isinstance(found, dict) else {}
        error = str(words.get("error", ""))[:64]
        text = str(words.get("error_description", ""))[:200]
        if status >= 500 and status != 501:
            return self._lost("The signature service failed.", status)
        if error in _WRONG_SECRETS:
            return PinRefused(
                "The signature service refused the PIN or the one-time code.",
                "Give the right one; it is not sent again.",
                service=self.host,
                error=error,
            )
        if "locked" in text.lower():
            return PinLocked(
                "The remote credential is locked.", "Ask the service to unlock it.", service=self.host
            )
        known = status in (401, 403)
        return RemoteRefused(
            "The signature service does not know this application."
            if known
            else "The signature service refused the request.",
            "Check the application's user name and password." if known else "Ask the service.",
            service=self.host,
            status=status,
            error=error,
            text=text,
        )

    def _lost(self, cause: str, status: int | None = None) -> SignerLost:
        return SignerLost(
            cause,
            "Try again later; documents without a result may be signed again.",
            service=self.host,
            status=status,
        )
