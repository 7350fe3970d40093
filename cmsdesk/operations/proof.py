"""Checks on certificates and signatures that several use cases need (RFC 5280 §6, as far as needed)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtensionOID

_DIGESTS = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
# Policies are accepted whatever they are (RFC 5280 §6.1.1 c, any-policy), so nothing is left to process.
_KNOWN = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.CERTIFICATE_POLICIES}


def public_key_of(certificate: bytes) -> bytes:
    """Return a certificate's SubjectPublicKeyInfo, DER."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def signed_by(certificate: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether ``signature`` over ``message`` was made by the certificate's key.

    RSA: PKCS #1 v1.5 with SHA-256. EC: ECDSA with SHA-256, SHA-384 on P-384.
    """
    return key_signed(public_key_of(certificate), signature, message)


def key_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """As `signed_by`, for a SubjectPublicKeyInfo, DER."""
    key = serialization.load_der_public_key(public_key)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(curve_digest(key)))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def curve_digest(key: ec.EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    """Return the digest that goes with a curve: SHA-384 for P-384, SHA-256 otherwise."""
    return hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()


def ends_in(certificate: bytes, chain: Sequence[bytes], anchors: Sequence[bytes], at: datetime) -> bool:
    """Tell whether a path leads from ``certificate`` over CAs in ``chain`` to one of ``anchors``.

    Checked at every link: signature (SHA-2 only), issuer name, validity at ``at``, and of the issuer
    basicConstraints with its path length, keyCertSign, and that it has no critical extension which is
    not known here (RFC 5280 §6.1.3, §6.1.4 k–o). What cannot be read is no link.
    """
    roots = [found for der in anchors if (found := _readable(der)) is not None]
    between = [found for der in chain if (found := _readable(der)) is not None]
    leaf = _readable(certificate)
    # What is reached, nearest to the leaf first, with the number of CAs between it and the leaf.
    reached = deque([(leaf, 0)] if leaf else [])
    while reached:
        last, depth = reached.popleft()
        if any(_issued(last, root, depth, at) for root in roots):
            return True
        issuers = [found for found in between if _issued(last, found, depth, at)]
        between = [found for found in between if found not in issuers]
        reached.extend((found, depth + (found.issuer != found.subject)) for found in issuers)
    return False


def _readable(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, depth: int, at: datetime) -> bool:
    """Tell whether ``issuer``, with ``depth`` CAs between it and the leaf, issued ``certificate``."""
    if not issuer.not_valid_before_utc <= at <= issuer.not_valid_after_utc:
        return False
    try:
        extensions = issuer.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not isinstance(certificate.signature_hash_algorithm, _DIGESTS):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    long_enough = constraints.path_length is None or depth <= constraints.path_length
    known = all(extension.oid in _KNOWN for extension in extensions if extension.critical)
    return constraints.ca and usage.key_cert_sign and long_enough and known
