"""The tray beside the readers: training cards with their codes printed on them, and blind envelopes.

Free of Qt. The tray lasts: it is a file in the sandbox's folder, codes included, as if printed. That
is for a sandbox alone; real codes never leave the vault but sealed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from cmsdesk.base.secret import Secret
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.scratch_card import ScratchCardState
from cmsdesk.sandbox.card.atr import SHAPE_CARD
from cmsdesk.sandbox.readers.transport import random_order
from cmsdesk.sandbox.world import SHAPES, World

_FILE = "tray-of-the-desk.json"
_BLANKS = {DeviceKind.SMART_CARD: 6, DeviceKind.USB_TOKEN: 2}
"""How many blank devices lie ready."""
_ENVELOPES = 6
FACE_CNS, FACE_MYEID = "cns", "myeid"
_PERSONALISED = frozenset({DeviceState.PERSONALISED, DeviceState.DELIVERED})
FOREIGN_ATR = "3B020102"
"""Of no card that anybody profiled."""


class Kind(Enum):
    """What lies in the tray."""

    OPERATOR = "operator"
    BLANK_CARD = "blank_card"
    BLANK_TOKEN = "blank_token"  # noqa: S105 - a kind of device
    PRODUCED = "produced"
    FOREIGN = "foreign"


_ORDER = tuple(Kind)


@dataclass(frozen=True)
class TrayCard:
    """A card in the tray or in a reader."""

    name: str
    """Its serial; the file is named after it."""
    kind: Kind
    path: Path
    shape: str
    face: str
    pin: str = ""
    puk: str = ""
    """As printed on it; empty where nobody knows them."""

    def printed(self) -> str:
        """Return the codes as printed on the card."""
        return "  ".join(f"{word} {code}" for word, code in (("PIN", self.pin), ("PUK", self.puk)) if code)


@dataclass(frozen=True)
class Envelope:
    """A blind envelope (busta cieca), its test codes printed outside."""

    number: str
    pin: str
    puk: str


class Tray:
    """The cards and envelopes of one sandbox."""

    def __init__(self, world: World) -> None:
        """Read the tray, and fill it up at the first start."""
        self._world = world
        self._path = world.places.folder / _FILE
        stored: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._blanks = {name: DeviceKind(kind) for name, kind in stored.get("blanks", {}).items()}
        self._envelopes = [Envelope(**raw) for raw in stored.get("envelopes", [])]
        self._foreign = str(stored.get("foreign", ""))
        self.fill()

    def fill(self) -> None:
        """Make what is missing: blank devices, a foreign card, envelopes."""
        for kind, wanted in _BLANKS.items():
            free = sum(card.kind is not Kind.PRODUCED for card in self._devices(kind))
            for _ in range(wanted - free):
                self._blanks[self._world.blank(kind).card_id] = kind
        if not self._foreign:
            order = random_order()
            self._world.make_card(order)
            self._foreign = order.card_id
        for _ in range(_ENVELOPES - len(self.envelopes())):
            pin, puk = Secret.random_digits(8), Secret.random_digits(8)
            printed = pin.reveal_text(), puk.reveal_text()
            self._envelopes.append(Envelope(self._world.scratch_card(pin, puk), *printed))
        self._keep()

    def cards(self) -> list[TrayCard]:
        """Return every card, the operator's first; what was produced meanwhile says so."""
        operator = self._world.operator
        pin = operator.pin.reveal_text()
        own = TrayCard("operator", Kind.OPERATOR, operator.path, SHAPE_CARD, FACE_CNS, pin)
        path = self._world.places.cards / f"{self._foreign}.card"
        foreign = TrayCard(self._foreign, Kind.FOREIGN, path, SHAPE_CARD, FACE_MYEID)
        devices = [card for kind in DeviceKind for card in self._devices(kind)]
        return sorted([own, *devices, foreign], key=lambda card: _ORDER.index(card.kind))

    def envelopes(self) -> list[Envelope]:
        """Return the envelopes that are still free."""
        cards = ((one, self._world.near.records.scratch_card(one.number)) for one in self._envelopes)
        return [one for one, card in cards if card is not None and card.state is ScratchCardState.IN_STOCK]

    def _devices(self, kind: DeviceKind) -> list[TrayCard]:
        records = self._world.near.records
        used = records.scratch_cards_used()
        codes = {one.number: one for one in self._envelopes}
        made = []
        for name, its in self._blanks.items():
            if its is not kind:
                continue
            blank = Kind.BLANK_TOKEN if kind is DeviceKind.USB_TOKEN else Kind.BLANK_CARD
            path = self._world.places.cards / f"{name}.card"
            card = TrayCard(name, blank, path, SHAPES[kind], FACE_MYEID)
            device = records.device(name)
            if device is not None and device.state in _PERSONALISED:
                envelope = codes.get(used.get(name, ""))
                printed = (envelope.pin, envelope.puk) if envelope else ("", "")
                card = TrayCard(name, Kind.PRODUCED, path, SHAPES[kind], FACE_MYEID, *printed)
            made.append(card)
        return made

    def _keep(self) -> None:
        content = {
            "blanks": {name: kind.value for name, kind in self._blanks.items()},
            "envelopes": [asdict(one) for one in self._envelopes],
            "foreign": self._foreign,
        }
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1), encoding="utf-8")
        fresh.replace(self._path)
