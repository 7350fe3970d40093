"""A signer whose key is at a remote service: only `hash(signedAttrs)` leaves this computer (SIG-2)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cmsdesk.signing.cms import der
from cmsdesk.signing.cms.algorithms import signature_identifier
from cmsdesk.signing.cms.certificates import Certificate, verifier
from cmsdesk.signing.errors import (
    BadSignature,
    PinLocked,
    PinRefused,
    RemoteRefused,
    SettingsError,
    SignerError,
    SigningError,
)
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.remote.csc import Credential, CscService, SignOrder
from cmsdesk.signing.signers.base import Digest, Scheme, SignatureAlgorithm

_RSA_KEY = "1.2.840.113549.1.1.1"  # RFC 8017 appendix A.1: the digest is named beside it
_EC_KEY = "1.2.840.10045.2.1"  # RFC 5480 clause 2.1.1


@dataclass(frozen=True, slots=True)
class SignerName:
    """Who signs, as the service's administrators name people: alias and domain (SIG-2)."""

    alias: str
    domain: str


class NotSigned(SignerError):
    """The service answered, but not for this document; the others are not concerned."""

    code = "not-signed"
    stops_batch = False


SecretSource = Callable[[str], Pin]
"""Asks for a secret by its name, such as OTP; called once per authorisation."""


class RemoteSigner:
    """A `Signer` over a remote signature service.

    Each call of `sign` is cut into authorisations of the size the credential allows. What was signed before a
    failure is kept: every digest has its own outcome. Each signature is checked with the certificate before
    it is returned, so that answers in a wrong order cannot end in the wrong document.

    Credentials of mode ``implicit`` and ``explicit`` (PIN, one-time code, confirmation on a device) sign;
    those of mode ``oauth2code``, whose owner authorises every signature in a browser, are refused in words.

    Args:
        service: the service, already logged in.
        who: the credential's identifier, or alias and domain.
        secrets: PIN and other secrets that stay the same, by name; wiped on `close`. A PIN that was refused
            is not sent again.
        ask: asked for secrets that change, such as one-time codes.
        digest: of documents and signed attributes; None chooses by the key.
        pss: sign with RSA-PSS.

    Raises:
        RemoteRefused: no such credential, or it is disabled.
        SettingsError: the credential needs a way of authorising that is not offered here, or a secret that
            nobody can give.
        SignerError: the service cannot be reached, or its certificate is unfit.
    """

    lanes = 1

    def __init__(
        self,
        service: CscService,
        who: str | SignerName,
        *,
        secrets: Mapping[str, Pin] | None = None,
        ask: SecretSource | None = None,
        digest: Digest | None = None,
        pss: bool = False,
    ) -> None:
        self._service = service
        self._secrets = {name: Pin(secret.reveal()) for name, secret in (secrets or {}).items()}
        self._ask = ask
        identifier = who if isinstance(who, str) else find_credential(service, who)
        self._credential = service.credential(identifier)
        _check(self._credential)
        for name in self._credential.secrets:
            if name not in self._secrets and ask is None:
                raise SettingsError("The signature service asks for a secret.", "Give it.", secret=name)
        self.certificate, *chain = self._credential.certificates
        self.chain = tuple(c for c in chain if not _is_self_issued(c))
        parsed = Certificate.from_der(self.certificate)
        self.algorithm = _algorithm(parsed, digest, pss=pss)
        self._verify = verifier(parsed, self.algorithm)
        self._service_algorithm = _service_algorithm(self._credential, self.algorithm)
        self._refused: SignerError | None = None

    @property
    def batch_size(self) -> int:
        """How many documents a session gives to one call: as many as one authorisation may cover."""
        return self._credential.batch

    def sign(self, digests: Sequence[bytes]) -> list[bytes | SigningError]:
        """Sign each digest; see `Signer.sign`."""
        outcomes: list[bytes | SigningError] = []
        for batch in _cut(digests, self._credential.batch):
            try:
                outcomes += self._sign_batch(batch)
            except SignerError as error:
                if not outcomes:
                    raise
                outcomes += [error] * (len(digests) - len(outcomes))
                break
        return outcomes

    def close(self) -> None:
        """Wipe the secrets and close the connections."""
        for secret in self._secrets.values():
            secret.wipe()
        self._service.close()

    def _sign_batch(self, digests: Sequence[bytes]) -> list[bytes | SigningError]:
        if self._refused is not None:
            raise self._refused
        order = SignOrder(
            self._credential.identifier, digests, self.algorithm.digest, *self._service_algorithm
        )
        try:
            activation = self._service.authorise(order, self._gather())
        except (PinRefused, PinLocked) as error:
            self._refused = error
            raise
        values = self._service.sign(order, activation)
        found: list[bytes | SigningError] = [
            self._checked(digest, value) for digest, value in zip(digests, values, strict=False)
        ]
        missing = len(digests) - len(found)
        return found + [_not_signed() for _ in range(missing)]

    def _gather(self) -> dict[str, Pin]:
        found = {}
        for name in self._credential.secrets:
            secret = self._secrets.get(name)
            found[name] = secret if secret is not None else self._asked(name)
        return found

    def _asked(self, name: str) -> Pin:
        if self._ask is None:
            raise SettingsError("The signature service asks for a secret.", "Give it.", secret=name)
        return self._ask(name)

    def _checked(self, digest: bytes, value: bytes) -> bytes | SigningError:
        for candidate in self._forms(value):
            if self._verify(digest, candidate):
                return candidate
        return BadSignature(
            "The service returned a signature that does not verify with its certificate.",
            "Nothing was written; report it to the service.",
        )

    def _forms(self, value: bytes) -> Iterator[bytes]:
        yield value
        if self.algorithm.scheme is Scheme.ECDSA and value and len(value) % 2 == 0:
            # some services return r and s side by side (IEEE P1363) instead of DER (RFC 5753 clause 7.2)
            half = len(value) // 2
            yield encode_dss_signature(
                int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
            )


def find_credential(service: CscService, who: SignerName) -> str:
    """Return the identifier of the one credential that bears this alias in this domain.

    The domain goes to the service as client data; of what it lists, the identifier must be the alias, or end
    in it after the domain.

    Raises:
        RemoteRefused: none, or several.
    """
    wanted = {
        who.alias,
        f"{who.domain}/{who.alias}",
        f"{who.domain}\\{who.alias}",
        f"{who.alias}@{who.domain}",
    }
    found = [one for one in service.list_credentials(client_data=who.domain) if one in wanted]
    if len(found) != 1:
        raise RemoteRefused(
            "The service knows no such signer." if not found else "The service knows several such signers.",
            "Check alias and domain.",
            alias=who.alias,
            domain=who.domain,
        )
    return found[0]


def _check(credential: Credential) -> None:
    if not credential.certificates:
        raise RemoteRefused(
            "The service gave no certificate.", "Ask the service.", credential=credential.identifier
        )
    if not credential.enabled:
        raise RemoteRefused(
            "The remote credential is disabled, or its certificate is no longer valid.",
            "Choose another credential, or renew this one.",
            credential=credential.identifier,
        )
    if credential.mode not in ("implicit", "explicit"):
        raise SettingsError(
            "The signer must authorise each signature in a browser, which is not offered here.",
            "Ask the service for a credential for automatic signatures.",
            mode=credential.mode,
        )


def _algorithm(certificate: Certificate, digest: Digest | None, *, pss: bool) -> SignatureAlgorithm:
    key = certificate.parsed.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        natural = Digest.SHA384 if key.key_size > 256 else Digest.SHA256
        return SignatureAlgorithm(Scheme.ECDSA, digest or natural)
    return SignatureAlgorithm(Scheme.RSA_PSS if pss else Scheme.RSA_PKCS1, digest or Digest.SHA256)


def _service_algorithm(credential: Credential, algorithm: SignatureAlgorithm) -> tuple[str, bytes]:
    """Return the OID to ask for, and parameters: the exact algorithm, else the bare key algorithm."""
    identifier = signature_identifier(algorithm)
    exact, *parameters = der.children(identifier, der.read(identifier, 0))
    exact_oid = _dotted(exact.contents(identifier))
    values = parameters[0].encoded(identifier) if algorithm.scheme is Scheme.RSA_PSS else b""
    if exact_oid in credential.algorithms:
        return exact_oid, values
    bare = _EC_KEY if algorithm.scheme is Scheme.ECDSA else _RSA_KEY
    if algorithm.scheme is not Scheme.RSA_PSS and bare in credential.algorithms:
        return bare, b""
    raise SettingsError(
        "The remote key is not used with this algorithm.",
        "Choose another digest or scheme.",
        offered=", ".join(credential.algorithms),
    )


def _dotted(contents: bytes) -> str:
    arcs, value = [], 0
    for octet in contents:
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _cut(digests: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(digests), size):
        yield digests[start : start + size]


def _is_self_issued(certificate: bytes) -> bool:
    parsed = Certificate.from_der(certificate).parsed
    return parsed.subject == parsed.issuer


def _not_signed() -> NotSigned:
    return NotSigned("The service did not sign this document.", "Sign it again.")
