"""How codes travel from the vault to a card host: HPKE (RFC 9180), one-time key, bound to its use.

Both ends share this module. Suite: KEM MLKEM768-X25519 (hybrid post-quantum), KDF HKDF-SHA256,
AEAD AES-256-GCM. Plain text and binding are canonical JSON (sorted keys, no spaces, UTF-8)::

    binding    {"device": …, "production": …, "step": …}
    plaintext  {"codes": {label: {"pin": …, "puk": …}}, "device": …, "production": …, "step": …}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from cmsdesk.base.errors import CmsdeskError
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.operations.ports import SealedCodes

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_MLKEM_PUBLIC_LENGTH = 1184
_X25519_PUBLIC_LENGTH = 32


class SealBroken(CmsdeskError):
    """Sealed codes that do not open, or are not what their binding says."""


@dataclass(frozen=True)
class CodePair:
    """A PIN and a PUK that belong together."""

    pin: Secret
    puk: Secret

    def wipe(self) -> None:
        """Overwrite both."""
        self.pin.wipe()
        self.puk.wipe()


@dataclass(frozen=True)
class Binding:
    """What sealed codes are for: nothing else may use them."""

    production: str
    device: str
    """The card id of the one device (`DeviceFacts.card_id`)."""
    step: str

    def encode(self) -> bytes:
        """Return the HPKE ``info``."""
        return _canonical({"device": self.device, "production": self.production, "step": self.step})

    @classmethod
    def decode(cls, info: bytes) -> Binding:
        """Read an HPKE ``info`` back.

        Raises:
            SealBroken: not the canonical form.
        """
        try:
            fields = json.loads(info)
            binding = cls(fields["production"], fields["device"], fields["step"])
        except (ValueError, KeyError, TypeError) as error:
            raise SealBroken(N_("the binding cannot be read")) from error
        texts = all(isinstance(part, str) for part in (binding.production, binding.device, binding.step))
        if not texts or binding.encode() != info:
            raise SealBroken(N_("the binding is not canonical"))
        return binding


class SealingKey:
    """A card host's one-time key pair; it opens one `SealedCodes` and is gone."""

    def __init__(self) -> None:
        mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        self._private: MLKEM768X25519PrivateKey | None = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        """ML-KEM-768 key (1184 bytes) and X25519 key (32 bytes), as X-Wing orders them."""

    def open(self, sealed: SealedCodes) -> tuple[Binding, dict[str, CodePair]]:
        """Open ``sealed`` and forget the private key, also when it fails.

        Raises:
            SealBroken: sealed to another key, altered, used before, or its inside contradicts
                its binding.
        """
        private, self._private = self._private, None
        if private is None:
            raise SealBroken(N_("the one-time key was used before"))
        binding = Binding.decode(sealed.binding)
        try:
            plaintext = SUITE.decrypt(sealed.ciphertext, private, sealed.binding)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(N_("sealed to another key or altered")) from error
        inside = _read_inside(plaintext)
        if inside is None:
            raise SealBroken(N_("the inside cannot be read"))
        said, codes = inside
        if said != binding:
            for pair in codes.values():
                pair.wipe()
            raise SealBroken(N_("the inside contradicts the binding"))
        return binding, codes


def recipient_of(public_key: bytes) -> MLKEM768X25519PublicKey:
    """Return the key that bytes in the form of `SealingKey.public` are.

    Raises:
        SealBroken: they are none.
    """
    if len(public_key) != _MLKEM_PUBLIC_LENGTH + _X25519_PUBLIC_LENGTH:
        raise SealBroken(f"a sealing key of {len(public_key)} bytes")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC_LENGTH]),
            X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC_LENGTH:]),
        )
    except ValueError as error:
        raise SealBroken("not a sealing key") from error


def seal(public_key: bytes, codes: Mapping[str, CodePair], binding: Binding) -> SealedCodes:
    """Seal ``codes`` to a card host's `SealingKey.public`.

    Raises:
        SealBroken: ``public_key`` is none.
    """
    recipient = recipient_of(public_key)
    plaintext = _canonical(
        {
            "codes": {
                label: {"pin": pair.pin.reveal_text(), "puk": pair.puk.reveal_text()}
                for label, pair in codes.items()
            },
            "device": binding.device,
            "production": binding.production,
            "step": binding.step,
        }
    )
    info = binding.encode()
    return SealedCodes(ciphertext=SUITE.encrypt(plaintext, recipient, info), binding=info)


def release_request(binding: Binding, scratch_card: str, sealing_key: bytes) -> bytes:
    """Return what the card's new CNS key signs to ask the vault for the scratch card's codes (step j)."""
    return _canonical(
        {
            "purpose": "cmsdesk scratch card release",
            "production": binding.production,
            "device": binding.device,
            "step": binding.step,
            "scratch_card": scratch_card,
            "sealing_key_sha256": hashlib.sha256(sealing_key).hexdigest(),
        }
    )


def _read_inside(plaintext: bytes) -> tuple[Binding, dict[str, CodePair]] | None:
    """Return what was sealed, or None: an error raised here would carry the plain text as its context."""
    try:
        inside = json.loads(plaintext)
        codes = {
            str(label): CodePair(Secret(pair["pin"]), Secret(pair["puk"]))
            for label, pair in inside["codes"].items()
        }
        return Binding(inside["production"], inside["device"], inside["step"]), codes
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
