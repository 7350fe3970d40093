"""The supplier's file of devices and scratch cards: what is in it, and how it comes into stock.

Two forms, both ours, for suppliers' own have no public description:

* CSV, UTF-8, parted by semicolons, with the heading ``type;id;ca;certified_until;pin;puk;emergency_code``;
  ``type`` is ``smart_card``, ``usb_token`` or ``scratch_card``; devices leave the last column empty,
  scratch cards the third and fourth.
* TOML: ``[[devices]]`` with ``kind``, ``card_id``, ``ca``, ``certified_until``, ``pin``, ``puk``, and
  ``[[scratch_cards]]`` with ``number``, ``pin``, ``puk``, ``emergency_code``; all texts.

The codes go into the vault and nowhere else.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.domain.commands import AlreadyThere
from cmsdesk.domain.decisions.stock import MOST_AT_ONCE
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.events import Document

SCRATCH_CARD = "scratch_card"
_COLUMNS = ("type", "id", "ca", "certified_until", "pin", "puk", "emergency_code")


class SupplyWrong(Mendable):
    """The supplier's file cannot be taken; nothing of it was."""

    code = "SUPPLY"
    cause = N_("The supplier’s file cannot be used: entry {entry}, «{name}» {problem}.")
    next_step = N_("Ask the supplier for a corrected file; nothing of this one was taken into stock.")


@dataclass(frozen=True)
class SuppliedDevice:
    """A device with its transport codes."""

    card_id: str
    kind: DeviceKind
    ca: str
    certified_until: date
    pin: Secret
    puk: Secret


@dataclass(frozen=True)
class SuppliedCard:
    """A scratch card with its codes."""

    number: str
    pin: Secret
    puk: Secret
    emergency: Secret


@dataclass(frozen=True)
class Supply:
    """A supplier's file."""

    devices: tuple[SuppliedDevice, ...]
    scratch_cards: tuple[SuppliedCard, ...]

    def wipe(self) -> None:
        """Forget all codes."""
        for device in self.devices:
            device.pin.wipe()
            device.puk.wipe()
        for card in self.scratch_cards:
            card.pin.wipe()
            card.puk.wipe()
            card.emergency.wipe()


class Codes(Protocol):
    """Where the codes go: the vault."""

    def put_transport(self, device: str, pin: Secret, puk: Secret) -> None:
        """Store a device's transport codes."""
        ...

    def put_scratch(self, number: str, pin: Secret, puk: Secret, emergency: Secret) -> None:
        """Store a scratch card's codes."""
        ...


class Stock(Protocol):
    """The body's things."""

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a document, or None."""
        ...

    def execute_all(self, acts: list[tuple[str, dict[str, Any]]]) -> None:
        """Execute commands, all or none."""
        ...


def read_supply(path: Path) -> Supply:
    """Read a supplier's file, CSV or TOML by its ending.

    Raises:
        SupplyWrong: naming entry and value; never a code.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        entries = list(_toml(text) if path.suffix.lower() == ".toml" else _csv(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error):
        raise SupplyWrong(entry=0, name=path.name, problem=N_("cannot be read")) from None
    devices: list[SuppliedDevice] = []
    cards: list[SuppliedCard] = []
    for number, entry in enumerate(entries, 1):
        if entry.get("type") == SCRATCH_CARD:
            cards.append(_card(_Entry(number, entry)))
        else:
            devices.append(_device(_Entry(number, entry)))
    if not devices and not cards:
        raise SupplyWrong(entry=0, name=path.name, problem=N_("is empty"))
    return Supply(tuple(devices), tuple(cards))


def take_supply(
    supply: Supply,
    stock: Stock,
    vault: Codes,
    *,
    lot: str,
    supplier: str,
    office: str | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Put a supply's codes into the vault, then devices and scratch cards into stock; return how many.

    What was left half-way by an interruption is taken by doing it again: nothing is in stock until
    every code lies in the vault.

    Raises:
        AlreadyThere: one is in stock or was; its codes are left as they are.
        Refusal: the rules say no.
    """
    names = [("device", device.card_id) for device in supply.devices]
    names += [(SCRATCH_CARD, card.number) for card in supply.scratch_cards]
    seen: set[tuple[str, str]] = set()
    for thing, identifier in names:
        if stock.get(thing, identifier) is not None or (thing, identifier) in seen:
            raise AlreadyThere(thing=thing, id=identifier)
        seen.add((thing, identifier))
    total = len(names)
    for done, device in enumerate(supply.devices, 1):
        vault.put_transport(device.card_id, device.pin, device.puk)
        progress(done, total)
    for done, card in enumerate(supply.scratch_cards, len(supply.devices) + 1):
        vault.put_scratch(card.number, card.pin, card.puk, card.emergency)
        progress(done, total)
    stock.execute_all(receive_acts(supply, lot=lot, supplier=supplier, office=office))
    return total


def receive_acts(
    supply: Supply, *, lot: str, supplier: str, office: str | None
) -> list[tuple[str, dict[str, Any]]]:
    """Return the commands that take a supply into stock, whose codes lie in the vault; they hold no code."""
    common = {"lot": lot, "supplier": supplier, "office": office}
    members: dict[str, list[Any]] = {
        "devices": [_facts(device) for device in supply.devices],
        "scratch_cards": [card.number for card in supply.scratch_cards],
    }
    return [
        ("stock.receive", {**common, name: found[start : start + MOST_AT_ONCE]})
        for name, found in members.items()
        for start in range(0, len(found), MOST_AT_ONCE)
    ]


def _facts(device: SuppliedDevice) -> dict[str, str]:
    return {
        "card_id": device.card_id,
        "kind": device.kind.value,
        "ca": device.ca,
        "certified_until": device.certified_until.isoformat(),
    }


class _Entry:
    """One entry of the file; a wrong value is named, a code never shown."""

    def __init__(self, number: int, values: Mapping[str, Any]) -> None:
        self._number = number
        self._values = values

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, N_("is missing"))
        return value.strip()

    def code(self, name: str) -> Secret:
        value = self.text(name)
        if not value.isascii() or not value.isalnum():
            raise self.wrong(name, N_("is not made of letters and digits"))
        return Secret(value)

    def wrong(self, name: str, problem: str) -> SupplyWrong:
        return SupplyWrong(entry=self._number, name=name, problem=problem)


def _device(entry: _Entry) -> SuppliedDevice:
    try:
        kind = DeviceKind(entry.text("type"))
    except ValueError:
        raise entry.wrong("type", N_("is not known")) from None
    try:
        certified_until = date.fromisoformat(entry.text("certified_until"))
    except ValueError:
        raise entry.wrong("certified_until", N_("is not a date (YYYY-MM-DD)")) from None
    return SuppliedDevice(
        entry.text("id"), kind, entry.text("ca"), certified_until, entry.code("pin"), entry.code("puk")
    )


def _card(entry: _Entry) -> SuppliedCard:
    return SuppliedCard(entry.text("id"), entry.code("pin"), entry.code("puk"), entry.code("emergency_code"))


def _csv(text: str) -> Iterator[Mapping[str, Any]]:
    lines = csv.DictReader(io.StringIO(text), delimiter=";", strict=True)
    if tuple(lines.fieldnames or ()) != _COLUMNS:
        raise SupplyWrong(entry=0, name=";".join(_COLUMNS), problem=N_("is not its first line"))
    yield from lines


def _toml(text: str) -> Iterator[Mapping[str, Any]]:
    values = tomllib.loads(text)
    for name in values:
        if name not in ("devices", "scratch_cards"):
            raise SupplyWrong(entry=0, name=name, problem=N_("is not known"))
    for device in values.get("devices", []):
        yield {**device, "type": device.get("kind"), "id": device.get("card_id")}
    for card in values.get("scratch_cards", []):
        yield {**card, "type": SCRATCH_CARD, "id": card.get("number")}
