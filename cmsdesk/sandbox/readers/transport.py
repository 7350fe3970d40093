"""Transport cards on order: personalised truthfully by `pkcs15-init`, or cloned from one that was.

The maker's steps are OpenSC's own: create the PKCS#15 structure with the SO PIN, add the user PIN, finalise.
The unblocking code that MyEID stores with each PIN is random and thrown away at once, so that it is no
back door beside the SO PIN (= PUK).
"""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cmsdesk.sandbox.card.atr import SHAPE_CARD
from cmsdesk.sandbox.card.eeprom import DEFAULT_EEPROM_BYTES
from cmsdesk.sandbox.card.factory import clone_transport_card, make_blank_chip, random_puk
from cmsdesk.sandbox.readers.bench import Bench, BenchError

TOKEN_LABEL = "CNS"  # noqa: S105 — the token's label, no secret
PIN_LABEL = "PIN"
_STEP_S = 60.0
_TEMPLATE_SERIAL = bytes(10)
_TEMPLATE_ID = "7430010987654321"


@dataclass(frozen=True, slots=True)
class CardOrder:
    """What a chamber orders. `serial`: 10 bytes of the chip; `card_id`: 16 digits; PIN and PUK 4–8 digits."""

    serial: bytes
    card_id: str
    transport_pin: str
    transport_puk: str
    shape: str = SHAPE_CARD
    eeprom_bytes: int = DEFAULT_EEPROM_BYTES

    def __repr__(self) -> str:
        return f"CardOrder(serial={self.serial.hex()}, card_id={self.card_id}, shape={self.shape})"


def make_transport_card(bench: Bench, path: Path, order: CardOrder, *, reader: str | None = None) -> None:
    """A transport card, cloned in milliseconds from a template that `pkcs15-init` makes once per bench.

    The template is made in `reader` (default: the last one), which must be empty the first time.
    """
    template = bench.runtime / "template.card"
    if not template.exists():
        fresh = CardOrder(_TEMPLATE_SERIAL, _TEMPLATE_ID, random_puk(), random_puk())
        made = bench.runtime / "template.new"
        personalise(bench, made, fresh, reader=reader)
        made.replace(template)
    clone_transport_card(
        template,
        path,
        order.serial,
        order.card_id,
        order.transport_pin,
        order.transport_puk,
        shape=order.shape,
        eeprom_bytes=order.eeprom_bytes,
        durable=False,
    )


def personalise(bench: Bench, path: Path, order: CardOrder, *, reader: str | None = None) -> None:
    """A transport card made from a blank chip with `pkcs15-init`, in a reader of the bench."""
    where = reader or bench.emulator.list_readers()[-1].reader
    make_blank_chip(path, order.serial, order.card_id, order.shape, order.eeprom_bytes, durable=False)
    status = bench.emulator.insert(where, path)
    name = status.pcsc_name or where
    codes = {
        "SO_PIN": order.transport_puk,
        "USER_PIN": order.transport_pin,
        "SO_PUK": random_puk(),
        "USER_PUK": random_puk(),
    }
    so = ("--so-pin", "env:SO_PIN")
    create = ("-C", *so, "--so-puk", "env:SO_PUK", "--label", TOKEN_LABEL, "--serial", order.card_id)
    add_pin = ("-P", "-a", "1", *so, "--pin", "env:USER_PIN", "--puk", "env:USER_PUK", "--label", PIN_LABEL)
    try:
        for step in (create, add_pin, ("-F", *so)):
            _pkcs15_init(bench, name, step, codes)
    finally:
        bench.emulator.remove(where)


def _pkcs15_init(bench: Bench, reader: str, step: tuple[str, ...], codes: dict[str, str]) -> None:
    done = subprocess.run(
        ["pkcs15-init", "--reader", reader, *step],
        env={**os.environ, **bench.environment(), **codes},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STEP_S,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"pkcs15-init {step[0]} failed: {done.stderr.strip()}")


def random_order(shape: str = SHAPE_CARD) -> CardOrder:
    """An order with a random serial, card id and codes, for tests."""
    card_id = f"743001{secrets.randbelow(10**10):010d}"
    return CardOrder(secrets.token_bytes(10), card_id, random_puk(), random_puk(), shape)
