"""A private key in memory: for tests and benchmarks, never for a person's qualified signature."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cmsdesk.signing.cms.certificates import Certificate, hash_algorithm, verifier
from cmsdesk.signing.errors import CertificateUnfit
from cmsdesk.signing.signers.base import Digest, Scheme, SignatureAlgorithm


class SoftwareSigner:
    """Signs with a `cryptography` private key.

    Args:
        key: RSA or EC private key.
        certificate: of the key, DER.
        chain: issuers to embed, DER.
        digest: of documents and signed attributes.
        pss: sign with RSA-PSS instead of PKCS#1 v1.5.

    Raises:
        CertificateUnfit: the certificate is not of this key.
    """

    lanes = 1

    def __init__(
        self,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        certificate: bytes,
        chain: Sequence[bytes] = (),
        *,
        digest: Digest = Digest.SHA256,
        pss: bool = False,
    ) -> None:
        self._key = key
        self.certificate = certificate
        self.chain = tuple(chain)
        scheme = Scheme.RSA_PSS if pss else Scheme.RSA_PKCS1
        if isinstance(key, ec.EllipticCurvePrivateKey):
            scheme = Scheme.ECDSA
        self.algorithm = SignatureAlgorithm(scheme, digest)
        parsed = Certificate.from_der(certificate)
        if parsed.parsed.public_key() != key.public_key():
            raise CertificateUnfit(
                "The certificate does not belong to the key.", "Give the key's certificate."
            )
        verifier(parsed, self.algorithm)

    def sign(self, digests: Sequence[bytes]) -> list[bytes]:
        """Sign each digest; see `Signer.sign`."""
        return [self._sign(digest) for digest in digests]

    def _sign(self, digest: bytes) -> bytes:
        algorithm = hash_algorithm(self.algorithm.digest)
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(digest, ec.ECDSA(Prehashed(algorithm)))
        if self.algorithm.scheme is Scheme.RSA_PSS:
            pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            return self._key.sign(digest, pss, Prehashed(algorithm))
        return self._key.sign(digest, padding.PKCS1v15(), Prehashed(algorithm))

    def close(self) -> None:
        """Nothing to free."""
