"""What lies in stock where, as the screens show it; counted in the desk's file, not read thing by thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from cmsdesk.base.texts import N_
from cmsdesk.domain.configuration import StockRules, Thresholds
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.events import Document
from cmsdesk.domain.organisation import Office
from cmsdesk.domain.scratch_card import ScratchCardState
from cmsdesk.domain.shapes import ShapeWrong, shaped
from cmsdesk.domain.stock import SCRATCH_CARD, Shortage, short
from cmsdesk.sync.work_lists import WorkLists

KINDS: Mapping[str, str] = {
    DeviceKind.SMART_CARD.value: N_("Smart cards"),
    DeviceKind.USB_TOKEN.value: N_("USB tokens"),
    SCRATCH_CARD: N_("Scratch cards"),
}
WHOLE = "*"
_FREE = DeviceState.IN_STOCK.value
_HERE = {
    _FREE,
    DeviceState.SET_ASIDE.value,
    DeviceState.IN_PRODUCTION.value,
    DeviceState.RESETTING.value,
    ScratchCardState.RESERVED.value,
}
"""States of what still lies with the body."""


@dataclass(frozen=True)
class StockRow:
    """One kind of thing in one place."""

    kind: str
    office: str | None
    """None: the body's store; `WHOLE`: everything together."""
    order: int
    states: Mapping[str, int]
    """Numbers by state, of what still lies with the body."""
    threshold: int = 0

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"{self.kind}/{self.office or ''}"

    @property
    def free(self) -> int:
        """How many can be used."""
        return self.states.get(_FREE, 0)

    @property
    def low(self) -> bool:
        """Whether it is time to order, or to send some there."""
        return self.free < self.threshold


@dataclass(frozen=True)
class Stock:
    """All rows, the names of open offices, and the lots by row."""

    rows: tuple[StockRow, ...]
    offices: Mapping[str, str]
    lots: Mapping[str, Mapping[str, int]]
    """What can be used, by row's key and lot."""


def rules_of(configuration: Document | None) -> StockRules:
    """Return the thresholds of a configuration's document; none where it has none."""
    try:
        return shaped(StockRules, (configuration or {}).get("stock", {}))
    except ShapeWrong:
        return StockRules()


def shortages_of(lists: WorkLists, configuration: Document | None) -> list[Shortage]:
    """Return what is low in the body; runs in a thread."""
    rules = rules_of(configuration)
    left: Counter[tuple[str | None, str]] = Counter()
    for (kind, office, state, _), count in _counted(lists).items():
        if state == _FREE:
            left[office or None, kind] += count
    return short(rules, left)


def read_stock(lists: WorkLists, configuration: Document | None) -> Stock:
    """Return what lies where; runs in a thread."""
    offices = {identifier: Office.of(identifier, document) for identifier, document in lists.things("office")}
    rules = rules_of(configuration)
    states: dict[tuple[str, str], Counter[str]] = {}
    lots: dict[str, Counter[str]] = {}
    for (kind, office, state, lot), count in _counted(lists).items():
        if state not in _HERE:
            continue
        for place in (WHOLE, office):
            states.setdefault((kind, place), Counter())[state] += count
            if state == _FREE:
                lots.setdefault(f"{kind}/{place}", Counter())[lot] += count
    places = [WHOLE, "", *sorted(offices, key=lambda one: offices[one].name.casefold())]
    rows: list[StockRow] = []
    for place in places:
        limits = _limits(rules, place)
        for kind in KINDS:
            found = states.get((kind, place), Counter())
            threshold = int(getattr(limits, kind))
            if found or threshold or place == WHOLE:
                rows.append(StockRow(kind, place or None, len(rows), found, threshold))
    named = sorted(offices.values(), key=lambda one: one.name.casefold())
    opened = {one.id: one.name for one in named if one.state.value == "open"}
    return Stock(tuple(rows), opened, lots)


def _limits(rules: StockRules, place: str) -> Thresholds:
    return rules.body if place == WHOLE else rules.offices.get(place, Thresholds())


def _counted(lists: WorkLists) -> dict[tuple[str, str, str, str], int]:
    """Return numbers by kind, office (empty: the store), state and lot."""
    counted: dict[tuple[str, str, str, str], int] = {}
    for (kind, office, state, lot), count in lists.tally("device", "kind", "office", "state", "lot").items():
        counted[kind, office, state, lot] = count
    for (office, state, lot), count in lists.tally(SCRATCH_CARD, "office", "state", "lot").items():
        counted[SCRATCH_CARD, office, state, lot] = count
    return counted
