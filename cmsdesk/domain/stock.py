"""What is left in stock, by office and kind, against the body's thresholds (ORG-5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cmsdesk.domain.configuration import StockRules, Thresholds
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.events import Document

SCRATCH_CARD = "scratch_card"
_FREE = DeviceState.IN_STOCK.value
"""The word is the same for devices and scratch cards."""


@dataclass(frozen=True)
class Shortage:
    """Fewer than the threshold says."""

    office: str | None
    """None: in the whole body."""
    kind: str
    """A `DeviceKind`'s value, or ``scratch_card``."""
    left: int
    threshold: int


def shortages(rules: StockRules, devices: Iterable[Document], cards: Iterable[Document]) -> list[Shortage]:
    """Return what is short: of the whole body first, then of the offices that have thresholds."""
    by_office: Counter[tuple[str | None, str]] = Counter()
    for kind, document in (
        *((device["kind"], device) for device in devices),
        *((SCRATCH_CARD, card) for card in cards),
    ):
        if document["state"] == _FREE:
            by_office[document.get("office"), kind] += 1
    return short(rules, by_office)


def short(rules: StockRules, left: Mapping[tuple[str | None, str], int]) -> list[Shortage]:
    """Return what is short; ``left``: how many can be used, by office (None: the body's store) and kind."""
    whole: Counter[str] = Counter()
    for (_, kind), count in left.items():
        whole[kind] += count
    found = _short(None, rules.body, whole)
    for office, thresholds in sorted(rules.offices.items()):
        here = Counter({kind: count for (at, kind), count in left.items() if at == office})
        found += _short(office, thresholds, here)
    return found


def _short(office: str | None, thresholds: Thresholds, left: Counter[str]) -> list[Shortage]:
    return [
        Shortage(office, kind, left[kind], threshold)
        for kind, threshold in vars(thresholds).items()
        if left[kind] < threshold
    ]
