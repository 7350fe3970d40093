"""COSE_Sign1 with ES256 (RFC 9052 clause 4.2, RFC 9053 clause 2.1), in deterministic CBOR.

The protected header names the algorithm and the certificate: x5t, the first eight octets of its SHA-256
(RFC 9360 clause 2, algorithm SHA-256/64). The certificate itself is not on the paper; the checker has it in
its trust list.
"""

import hashlib
from dataclasses import dataclass

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from cmsdesk.signing.errors import SealError, SigningError
from cmsdesk.signing.seal.content import decode_strictly
from cmsdesk.signing.signers.base import Digest, Scheme, Signer

_TAG = 18  # COSE_Sign1
_ALGORITHM, _ES256 = 1, -7
_X5T, _SHA256_64 = 34, -15
_COORDINATE_BYTES = 32


def thumbprint(certificate: bytes) -> bytes:
    """Return SHA-256/64 of a DER certificate."""
    return hashlib.sha256(certificate).digest()[:8]


@dataclass(frozen=True, slots=True)
class Signed:
    """A COSE_Sign1 taken apart; nothing is verified yet."""

    thumbprint: bytes
    protected: bytes
    payload: bytes
    signature: bytes

    def verifies(self, certificate: bytes) -> bool:
        """Tell whether the signature is this certificate's."""
        key = x509.load_der_x509_certificate(certificate).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            return False
        r, s = self.signature[:_COORDINATE_BYTES], self.signature[_COORDINATE_BYTES:]
        encoded = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        try:
            key.verify(encoded, _to_sign(self.protected, self.payload), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


def sign(payload: bytes, signer: Signer) -> bytes:
    """Return a tagged COSE_Sign1 over `payload`.

    Raises:
        SealError: the signer's key is not P-256 with SHA-256.
        SigningError: the signer failed.
    """
    key = x509.load_der_x509_certificate(signer.certificate).public_key()
    fits = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not fits or (signer.algorithm.scheme, signer.algorithm.digest) != (Scheme.ECDSA, Digest.SHA256):
        raise SealError("A paper seal is signed with a P-256 key and SHA-256.", "Choose such a key.")
    protected = _protected(signer.certificate)
    outcome = signer.sign([hashlib.sha256(_to_sign(protected, payload)).digest()])[0]
    if isinstance(outcome, SigningError):
        raise outcome
    r, s = decode_dss_signature(outcome)
    signature = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
    return _message(protected, payload, signature)


def unsigned(payload: bytes, certificate: bytes) -> bytes:
    """Return what `sign` would, with zeros for the signature: exactly as long."""
    return _message(_protected(certificate), payload, bytes(2 * _COORDINATE_BYTES))


def _protected(certificate: bytes) -> bytes:
    return _encode({_ALGORITHM: _ES256, _X5T: [_SHA256_64, thumbprint(certificate)]})


def _message(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    return _encode(cbor2.CBORTag(_TAG, [protected, {}, payload, signature]))


def parse(message: bytes) -> Signed:
    """Take a COSE_Sign1 apart.

    Raises:
        SealError: it is none, or uses another algorithm.
    """
    found = decode_strictly(message)
    try:
        return _parse(found)
    except (KeyError, ValueError, TypeError) as error:
        raise SealError("The symbol is not a paper seal.", "Scan the seal of the document.") from error


def _parse(found: object) -> Signed:
    if not isinstance(found, cbor2.CBORTag) or found.tag != _TAG:
        raise TypeError("tag")
    protected, unprotected, payload, signature = found.value
    header = decode_strictly(protected)
    if not isinstance(header, dict) or set(header) != {_ALGORITHM, _X5T} or unprotected:
        raise ValueError("header")
    kind, value = header[_X5T]
    if header[_ALGORITHM] != _ES256 or kind != _SHA256_64 or not isinstance(value, bytes):
        raise ValueError("algorithm")
    if not isinstance(payload, bytes) or not isinstance(signature, bytes):
        raise TypeError("octets")
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise ValueError("signature")
    return Signed(value, protected, payload, signature)


def _to_sign(protected: bytes, payload: bytes) -> bytes:
    """Sig_structure without external data (RFC 9052 clause 4.4)."""
    return _encode(["Signature1", protected, b"", payload])


def _encode(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)
