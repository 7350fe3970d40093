"""Which certificate is signed by which; no policy, no dates: the CA's answers are only told from others'."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def spki(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """Return the SubjectPublicKeyInfo, DER."""
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether ``issuer`` is the name and the key that signed ``certificate``."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def chained(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]) -> bool:
    """Tell whether each is signed by the next, and the last is a trust anchor or signed by one."""
    if not all(issued_by(lower, upper) for lower, upper in pairwise(chain)):
        return False
    return chain[-1] in anchors or any(issued_by(chain[-1], anchor) for anchor in anchors)


def der(certificate: x509.Certificate) -> bytes:
    """Return the encoding, DER."""
    return certificate.public_bytes(Encoding.DER)
