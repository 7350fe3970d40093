"""Private keys inside the chip: generation, signature, decipherment, key agreement."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed

from cmsdesk.sandbox.card.apdu import SW_CONDITIONS, SW_WRONG_DATA, SW_WRONG_FILE_KIND, Refused
from cmsdesk.sandbox.card.eeprom import KIND_EC, KIND_RSA, Node

RSA_BITS = (2048, 3072, 4096)
_CURVES: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1()}
_DIGEST_OF_WIDTH: dict[int, hashes.HashAlgorithm] = {32: hashes.SHA256(), 48: hashes.SHA384()}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def is_supported(kind: str, bits: int) -> bool:
    """Whether the chip can hold such a key."""
    return bits in RSA_BITS if kind == KIND_RSA else bits in _CURVES


def generate(node: Node) -> None:
    """Make a new key pair in the key file, replacing what it held."""
    key: PrivateKey
    if node.kind == KIND_RSA:
        key = rsa.generate_private_key(65537, node.size)
    elif node.kind == KIND_EC:
        key = ec.generate_private_key(_CURVES[node.size])
    else:
        raise Refused(SW_WRONG_FILE_KIND)
    node.secret = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    node.public = spki(key.public_key())


def spki(public: object) -> bytes:
    """SubjectPublicKeyInfo (DER) of a public key object of `cryptography`."""
    if not isinstance(public, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        return b""
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=64)
def _load(secret: bytes) -> PrivateKey:
    key = serialization.load_der_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise TypeError("a key file holds a key of another kind")
    return key


def _private(node: Node) -> PrivateKey:
    if not node.secret:
        raise Refused(SW_CONDITIONS)
    return _load(node.secret)


def rsa_modulus(node: Node) -> bytes:
    """The modulus, big-endian, of an RSA key file."""
    key = _private(node)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Refused(SW_WRONG_FILE_KIND)
    return key.public_key().public_numbers().n.to_bytes(key.key_size // 8, "big")


def pkcs1_public(node: Node) -> bytes:
    """RSAPublicKey (PKCS #1, DER) of an RSA key file."""
    key = _private(node)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Refused(SW_WRONG_FILE_KIND)
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def ec_point(node: Node) -> bytes:
    """The public point, uncompressed (SEC 1 §2.3.3), of an EC key file."""
    key = _private(node)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused(SW_WRONG_FILE_KIND)
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def sign(node: Node, data: bytes, *, pad: bool) -> bytes:
    """PSO COMPUTE DIGITAL SIGNATURE.

    RSA: with `pad` the chip adds EMSA-PKCS1-v1_5 type 1 padding to `data` (a DigestInfo), else `data` is the
    whole block. EC: `data` is the hash; the answer is DER (ECDSA-Sig-Value).
    """
    key = _private(node)
    if isinstance(key, rsa.RSAPrivateKey):
        return _sign_rsa(key, data, pad=pad)
    width = key.curve.key_size // 8
    if not data:
        raise Refused(SW_WRONG_DATA)
    digest = data[:width].rjust(width, b"\0")
    return key.sign(digest, ec.ECDSA(Prehashed(_DIGEST_OF_WIDTH[width])))


def _sign_rsa(key: rsa.RSAPrivateKey, data: bytes, *, pad: bool) -> bytes:
    size = key.key_size // 8
    if pad:
        if not data or len(data) > size - 11:
            raise Refused(SW_WRONG_DATA)
        return key.sign(data, padding.PKCS1v15(), NoDigestInfo())
    return _raw(key, data)


def _raw(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    size = key.key_size // 8
    if len(data) != size:
        raise Refused(SW_WRONG_DATA)
    payload = _pkcs1_payload(data)
    if payload:
        return key.sign(payload, padding.PKCS1v15(), NoDigestInfo())
    numbers = key.private_numbers()
    block = int.from_bytes(data, "big")
    if block >= numbers.public_numbers.n:
        raise Refused(SW_WRONG_DATA)
    left = pow(block, numbers.dmp1, numbers.p)
    right = pow(block, numbers.dmq1, numbers.q)
    result = right + (left - right) * numbers.iqmp % numbers.p * numbers.q
    return result.to_bytes(size, "big")


def _pkcs1_payload(block: bytes) -> bytes:
    """The payload of a type 1 block (00 01 FF… 00 payload), for OpenSSL's fast path; empty for another."""
    if not block.startswith(b"\0\1\xff"):
        return b""
    filler, zero, payload = block[2:].partition(b"\0")
    return payload if zero and len(filler) >= 8 and filler.strip(b"\xff") == b"" else b""


def decipher(node: Node, cryptogram: bytes, *, unpad: bool) -> bytes:
    """PSO DECIPHER with RSA: the message, or with `unpad` false the whole decrypted block."""
    key = _private(node)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Refused(SW_WRONG_FILE_KIND)
    if not unpad:
        return _raw(key, cryptogram)
    try:
        return key.decrypt(cryptogram, padding.PKCS1v15())
    except ValueError:
        raise Refused(SW_WRONG_DATA) from None


def agree(node: Node, point: bytes) -> bytes:
    """ECDH: the x coordinate shared with the other side's uncompressed point."""
    key = _private(node)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused(SW_WRONG_FILE_KIND)
    try:
        other = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point)
    except ValueError:
        raise Refused(SW_WRONG_DATA) from None
    return key.exchange(ec.ECDH(), other)
