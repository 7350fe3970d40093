"""The workstation CA: its key lies in the HSM, its certificates let PCs call (ORG-10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmsdesk.base.errors import Bug
from cmsdesk.base.texts import N_
from cmsdesk.operations.sign_in import EnrolmentRefused

_CA_LIFE = timedelta(days=20 * 365)
_LIFE = timedelta(days=3 * 365)
_BEFORE = timedelta(hours=1)
_SHORTEST_RSA = 2048


class _KeyInHsm(ec.EllipticCurvePrivateKey):
    """A P-256 key that signs inside the HSM, as `cryptography` takes keys."""

    def __init__(self, public: ec.EllipticCurvePublicKey, sign: Callable[[bytes], bytes]) -> None:
        self._public, self._sign = public, sign

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        return self._sign(bytes(data))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        raise Bug("a CA key exchanges nothing")

    def private_numbers(self) -> NoReturn:
        raise Bug("the key does not leave the HSM")

    def private_bytes(self, *_: object) -> NoReturn:
        raise Bug("the key does not leave the HSM")

    def __copy__(self) -> NoReturn:
        raise Bug("the key does not leave the HSM")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise Bug("the key does not leave the HSM")


class WorkstationCa:
    """Issues certificates for client authentication (RFC 5280), and nothing else."""

    def __init__(self, name: str, public_key: bytes, sign: Callable[[bytes], bytes]) -> None:
        """``public_key``: SubjectPublicKeyInfo, DER, P-256; ``sign`` returns ECDSA with SHA-256, DER."""
        public = serialization.load_der_public_key(public_key)
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise Bug("the workstation CA's key is on P-256")
        self._key = _KeyInHsm(public, sign)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} workstations"[:64])])

    def own_certificate(self, now: datetime) -> bytes:
        """Return a self-signed certificate for the CA, DER."""
        key = self._key.public_key()
        builder = self._builder(self._name, key, now, _CA_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(sign_certificates=True), critical=True)
        return _der(builder.sign(self._key, hashes.SHA256()))

    def issue(self, csr: x509.CertificateSigningRequest, name: str, now: datetime) -> bytes:
        """Return a certificate, DER, for the key of a request that `read_csr` accepted."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        builder = self._builder(subject, csr.public_key(), now, _LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(sign_certificates=False), critical=True)
        use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return _der(builder.add_extension(use, critical=False).sign(self._key, hashes.SHA256()))

    def _builder(
        self, subject: x509.Name, key: Any, now: datetime, life: timedelta
    ) -> x509.CertificateBuilder:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BEFORE)
            .not_valid_after(now + life)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(issuer, critical=False)
        )


def read_csr(der: bytes) -> x509.CertificateSigningRequest:
    """Read a request (PKCS #10); its subject does not count, its key must have signed it.

    Raises:
        EnrolmentRefused: unreadable, signature wrong, or a key that is too weak.
    """
    try:
        csr = x509.load_der_x509_csr(der)
        signed = csr.is_signature_valid
        key = csr.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise EnrolmentRefused(reason=N_("the PC's key cannot be read")) from None
    strong = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1)
    strong = strong or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _SHORTEST_RSA)
    if not signed or not strong:
        raise EnrolmentRefused(reason=N_("the PC's key is of a kind that is not accepted"))
    return csr


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )
