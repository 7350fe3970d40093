"""The public keys that heads and vouchers are signed with; desks check with them what the service says."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cmsdesk.operations.proof import key_signed


class Signed(Protocol):
    """What the service signed: a head, a voucher; each names its purpose in ``signed``."""

    @property
    def signed(self) -> bytes:
        """The message."""
        ...

    @property
    def signature(self) -> bytes:
        """Ed25519 (RFC 8032), or ECDSA in DER (RFC 3279 §2.2.3)."""
        ...

    @property
    def key_id(self) -> str:
        """SHA-256 of the key's SubjectPublicKeyInfo, hex."""
        ...


class Keys:
    """The public keys that the service may sign with: the present one and former ones."""

    def __init__(self, *public_keys: bytes) -> None:
        """``public_keys``: SubjectPublicKeyInfo, DER or PEM."""
        loaded = [_spki(key) for key in public_keys]
        self._keys: Mapping[str, bytes] = {key_id(key): key for key in loaded}

    def verify(self, head: Signed) -> bool:
        """Tell whether one of these keys signed it."""
        key = self._keys.get(head.key_id)
        return key is not None and _signed(key, head.signature, head.signed)


def key_id(public_key: bytes) -> str:
    """Return the name of a key: SHA-256 of its SubjectPublicKeyInfo, hex."""
    return sha256(public_key).hexdigest()


def _signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    key = serialization.load_der_public_key(public_key)
    if not isinstance(key, Ed25519PublicKey):
        return key_signed(public_key, signature, message)
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _spki(public_key: bytes) -> bytes:
    load = serialization.load_pem_public_key if b"-----" in public_key else serialization.load_der_public_key
    return load(public_key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
