"""One kind of thing in one place, beside the list: numbers by state, lots, and the threshold."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.stock_rows import KINDS, StockRow
from cmsdesk.desk.widgets.basics import Item, chip, column, line, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.scratch_card import ScratchCardState
from cmsdesk.domain.stock import SCRATCH_CARD
from cmsdesk.domain.words import word

if TYPE_CHECKING:
    from cmsdesk.desk.screens.administration.stock import StockScreen

_LOTS = 12


class StockDetail(QWidget):
    """What is known of a row."""

    def __init__(self, screen: StockScreen, found: StockRow) -> None:
        super().__init__()
        texts = screen.texts
        title = f"{texts(KINDS[found.kind])} · {screen.place_of(found)}"
        states: type[Enum] = ScratchCardState if found.kind == SCRATCH_CARD else DeviceState
        facts = [
            (texts.begin(word(state)), texts.number(found.states.get(state.value, 0)))
            for state in states
            if found.states.get(state.value)
        ]
        facts.append((texts(N_("Threshold")), texts.number(found.threshold) if found.threshold else ""))
        items: list[Item] = [plain(title, "heading", wrap=True)]
        if found.low:
            items.append(row(chip(texts(N_("Low")), "bad"), None))
            said = N_(
                "{left} are left; the threshold is {threshold}. Order, or send some from another office."
            )
            values = {"left": texts.number(found.free), "threshold": texts.number(found.threshold)}
            items.append(plain(texts(said, **values), wrap=True))
        items += [FactGrid(facts), line(), plain(texts(N_("Lots")), "label")]
        lots = sorted(screen.stock.lots.get(found.key, {}).items(), reverse=True)
        if not lots:
            items.append(plain(texts(N_("Nothing that could be used.")), "muted"))
        items.append(FactGrid([(lot or "–", texts.number(count)) for lot, count in lots[:_LOTS]]))
        inside = column(*items, None)
        inside.setSpacing(12)
        inside.setContentsMargins(0, 0, 8, 0)
        self.setLayout(inside)
        self.setAccessibleName(title)
