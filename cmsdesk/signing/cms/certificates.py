"""What the templates need from a certificate (RFC 5280 clause 4.1), and checks of its fitness to sign."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cmsdesk.signing.cms import der
from cmsdesk.signing.errors import CertificateUnfit
from cmsdesk.signing.signers.base import Digest, Scheme, SignatureAlgorithm

_HASHES: dict[Digest, hashes.HashAlgorithm] = {
    Digest.SHA256: hashes.SHA256(),
    Digest.SHA384: hashes.SHA384(),
    Digest.SHA512: hashes.SHA512(),
}
_MEND_CERTIFICATE = "Choose the signature certificate of this key."


def hash_algorithm(digest: Digest) -> hashes.HashAlgorithm:
    """Return the `cryptography` object of a digest."""
    return _HASHES[digest]


@dataclass(frozen=True)
class Certificate:
    """A certificate, read once."""

    encoded: bytes
    issuer: bytes
    serial: bytes

    @classmethod
    def from_der(cls, encoded: bytes) -> "Certificate":
        """Read a DER certificate.

        Raises:
            CertificateUnfit: the bytes are not a certificate.
        """
        try:
            outer = der.read(encoded, 0)
            fields = list(der.children(encoded, next(der.children(encoded, outer))))
            if fields[0].tag == 0xA0:
                del fields[0]
            return cls(encoded, fields[2].encoded(encoded), fields[0].encoded(encoded))
        except (der.DerError, IndexError, StopIteration) as error:
            raise CertificateUnfit("The certificate cannot be read.", _MEND_CERTIFICATE) from error

    @cached_property
    def parsed(self) -> x509.Certificate:
        """The certificate as `cryptography` reads it."""
        try:
            return x509.load_der_x509_certificate(self.encoded)
        except ValueError as error:
            raise CertificateUnfit("The certificate cannot be read.", _MEND_CERTIFICATE) from error

    @cached_property
    def common_name(self) -> str:
        """The subject's common name, else its whole name."""
        found = self.parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(found[0].value) if found else self.parsed.subject.rfc4514_string()

    def check_fit(self, moment: datetime) -> None:
        """Refuse a certificate that must not sign at `moment`.

        Raises:
            CertificateUnfit: outside its validity, or its key usage allows neither digitalSignature nor
                nonRepudiation (RFC 5280 clause 4.2.1.3).
        """
        begins, ends = self.parsed.not_valid_before_utc, self.parsed.not_valid_after_utc
        if not begins <= moment <= ends:
            raise CertificateUnfit(
                "The certificate is not valid today.",
                "Renew the certificate, or check the clock of this computer.",
                not_before=begins.isoformat(),
                not_after=ends.isoformat(),
            )
        try:
            usage = self.parsed.extensions.get_extension_for_class(x509.KeyUsage).value
        except x509.ExtensionNotFound:
            return
        if not (usage.digital_signature or usage.content_commitment):
            raise CertificateUnfit("The certificate is not meant for signatures.", _MEND_CERTIFICATE)


def verifier(certificate: Certificate, algorithm: SignatureAlgorithm) -> Callable[[bytes, bytes], bool]:
    """Return a function that says whether a signature value over a digest verifies with the certificate.

    Raises:
        CertificateUnfit: the certificate's key is of another kind than the algorithm.
    """
    key = certificate.parsed.public_key()
    if isinstance(key, rsa.RSAPublicKey) and algorithm.scheme is not Scheme.ECDSA:
        return _rsa_verifier(key, algorithm)
    if isinstance(key, ec.EllipticCurvePublicKey) and algorithm.scheme is Scheme.ECDSA:
        return _ecdsa_verifier(key, Prehashed(_HASHES[algorithm.digest]))
    raise CertificateUnfit("The certificate does not belong to this kind of key.", _MEND_CERTIFICATE)


def _rsa_verifier(key: rsa.RSAPublicKey, algorithm: SignatureAlgorithm) -> Callable[[bytes, bytes], bool]:
    digest = _HASHES[algorithm.digest]
    prehashed = Prehashed(digest)
    pad: padding.PKCS1v15 | padding.PSS = padding.PKCS1v15()
    if algorithm.scheme is Scheme.RSA_PSS:
        pad = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)

    def verify(digest: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, digest, pad, prehashed)
        except InvalidSignature:
            return False
        return True

    return verify


def _ecdsa_verifier(key: ec.EllipticCurvePublicKey, prehashed: Prehashed) -> Callable[[bytes, bytes], bool]:
    method = ec.ECDSA(prehashed)

    def verify(digest: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, digest, method)
        except InvalidSignature:
            return False
        return True

    return verify


def signature_size(certificate: Certificate, scheme: Scheme) -> int:
    """Return the greatest length in octets of a CMS signature value of this certificate's key."""
    key = certificate.parsed.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return (key.key_size + 7) // 8
    if isinstance(key, ec.EllipticCurvePublicKey) and scheme is Scheme.ECDSA:
        return 2 * ((key.key_size + 7) // 8 + 3) + 3
    raise CertificateUnfit("Keys of this kind are not supported.", "Use an RSA or an EC certificate.")
