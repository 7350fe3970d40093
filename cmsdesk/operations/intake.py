"""How a supplier's codes travel from an administrator's desk into the vault: HPKE, as codes leave it.

The suite and the form of keys are those of `operations.sealing`. Binding and plain text are
canonical JSON::

    binding    {"body": …, "purpose": "cmsdesk supply", "until": …}
    plaintext  {"devices": {id: [pin, puk]}, "scratch_cards": {number: [pin, puk, emergency]}}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.operations.sealing import SUITE, SealBroken, recipient_of
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice

_SEED = 64
"""Bytes of an ML-KEM-768 private key's seed; the X25519 key follows."""
_DEVICE_CODES, _CARD_CODES = 2, 3


@dataclass(frozen=True)
class Ticket:
    """A key to seal codes to, for one body and a short time."""

    public_key: bytes
    until: str
    """ISO 8601, UTC."""
    sealed_key: bytes
    """The private half, sealed by the vault's HSM: nobody else opens it."""

    def binding(self, body: str) -> bytes:
        """Return what ciphertext and sealed key are bound to."""
        return binding(body, self.until)


def binding(body: str, until: str) -> bytes:
    """Return the HPKE ``info``: nothing sealed for one body or time opens for another."""
    return _canonical({"body": body, "purpose": "cmsdesk supply", "until": until})


def new_key() -> tuple[bytes, bytes]:
    """Return (private, public) of a new key pair."""
    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    private = mlkem.private_bytes_raw() + x25519.private_bytes_raw()
    return private, mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def seal_codes(
    ticket: Ticket, body: str, devices: Sequence[SuppliedDevice], cards: Sequence[SuppliedCard]
) -> bytes:
    """Seal the codes of a part of a supply.

    Raises:
        SealBroken: the ticket holds no key.
    """
    plaintext = _canonical(
        {
            "devices": {one.card_id: [one.pin.reveal_text(), one.puk.reveal_text()] for one in devices},
            "scratch_cards": {
                one.number: [one.pin.reveal_text(), one.puk.reveal_text(), one.emergency.reveal_text()]
                for one in cards
            },
        }
    )
    return SUITE.encrypt(plaintext, recipient_of(ticket.public_key), ticket.binding(body))


@dataclass(frozen=True)
class Codes:
    """What was sealed: codes by device and by scratch card."""

    devices: dict[str, tuple[Secret, Secret]]
    scratch_cards: dict[str, tuple[Secret, Secret, Secret]]

    def wipe(self) -> None:
        """Forget all of them."""
        for codes in (*self.devices.values(), *self.scratch_cards.values()):
            for code in codes:
                code.wipe()


def open_codes(private: bytes, info: bytes, ciphertext: bytes) -> Codes:
    """Open what `seal_codes` sealed.

    Raises:
        SealBroken: sealed to another key, for another body or time, altered, or not of that form.
    """
    key = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(private[:_SEED]),
        X25519PrivateKey.from_private_bytes(private[_SEED:]),
    )
    try:
        plaintext = SUITE.decrypt(ciphertext, key, info)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(N_("sealed to another key or altered")) from error
    found = _read(plaintext)
    if found is None:
        raise SealBroken(N_("the inside cannot be read"))
    return found


def _read(plaintext: bytes) -> Codes | None:
    """Return what was sealed, or None: an error raised here would carry the plain text as its context."""
    try:
        inside = json.loads(plaintext)
        devices = {name: tuple(map(Secret, codes)) for name, codes in inside["devices"].items()}
        cards = {name: tuple(map(Secret, codes)) for name, codes in inside["scratch_cards"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if any(len(codes) != _DEVICE_CODES for codes in devices.values()):
        return None
    if any(len(codes) != _CARD_CODES for codes in cards.values()):
        return None
    return Codes(
        {name: (codes[0], codes[1]) for name, codes in devices.items()},
        {name: (codes[0], codes[1], codes[2]) for name, codes in cards.items()},
    )


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
