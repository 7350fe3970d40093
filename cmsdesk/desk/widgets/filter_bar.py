"""Search, office, period and states of a work list; chips that can be read aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.desk.people import by_whom
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import column, fold, row
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.work_lists import ListQuery, Sort

_SETTLE_MS = 300
"""After a change of the records: others follow."""
_TYPED_MS = 10
"""After a key: a person waits for the rows; what was asked before is dropped."""
_ROOM = 1100
"""Pixels: from this width on there is room for all choices and for the words of the tools."""
_ONE_OFFICE = 2
"""«All» and one: nothing to choose."""
_LETTERS = 13
_PERIODS = (
    (0, N_("Any time")),
    (1, N_("Today")),
    (7, N_("Last 7 days")),
    (30, N_("Last 30 days")),
    (365, N_("Last 12 months")),
)


@dataclass(frozen=True)
class StateFilter:
    """One chip: a message of the catalogue and the states it stands for."""

    message: str
    states: frozenset[str]


class FilterBar(QWidget):
    """`changed` when the list is to be read by another query."""

    changed = Signal()

    def __init__(
        self, session: DeskSession, texts: LiveTexts, work_list: WorkList, filters: Sequence[StateFilter]
    ) -> None:
        super().__init__()
        self._session, self._texts, self._list, self._filters = session, texts, work_list, filters
        self.search = QLineEdit()
        self._period, self._office, self._operator = QComboBox(), QComboBox(), QComboBox()
        self._tools = QHBoxLayout()
        self._folding: list[QPushButton] = []
        self.chips = [self._chip(one) for one in filters]
        for box in (self._period, self._office, self._operator):
            # long names are read in the open list
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(_LETTERS)
        line = row(self.search, self._office, self._operator, self._period)
        line.setStretch(0, 1)
        line.addLayout(self._tools)
        self.below = row(*self.chips, None)
        """Chips, and what other ways there are to choose."""
        self.lines = column(line, self.below)
        self.lines.setSpacing(12)
        self.setLayout(self.lines)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self.changed)
        self.search.textChanged.connect(lambda _: self._settle.start(_TYPED_MS))
        for box in (self._period, self._office, self._operator):
            box.activated.connect(lambda _: self.changed.emit())
        texts.bind(self, self._say)

    def add_tool(self, made: QPushButton, *, folds: bool = False) -> None:
        """Put beside the filters what is done with the list; ``folds``: by its icon in a small window."""
        self._tools.addWidget(made)
        if folds:
            self._folding.append(made)
            self._texts.bind(made, self._fold)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the search its room."""
        super().resizeEvent(event)
        self._fold()

    def query(self) -> ListQuery:
        """Return what is asked for."""
        chosen = [one.states for made, one in zip(self.chips, self._filters, strict=True) if made.isChecked()]
        office, days = self._office.currentData() or "", self._period.currentData() or 0
        operator = self._operator.currentData() or ""
        asked = ListQuery(
            self._list,
            contains=self.search.text().strip(),
            states=frozenset().union(*chosen),
            offices=frozenset({office} if office else ()),
            operators=frozenset(operator.split()),
        )
        return replace(asked, created_from=self._since(days), within_days=days) if days else asked

    def show_query(self, query: ListQuery) -> None:
        """Show a saved filter's choices; `changed` is emitted once."""
        self.reset(query.states)
        self.search.setText(query.contains)
        for box, wanted in (
            (self._period, query.within_days),
            (self._office, next(iter(query.offices), "")),
            (self._operator, " ".join(sorted(query.operators))),
        ):
            box.setCurrentIndex(max(0, box.findData(wanted)))
        self._settle.stop()
        self.changed.emit()

    def show_whole(self) -> None:
        """Take all filters away, and let something else be looked for."""
        self.show_query(ListQuery(self._list))
        self.search.setFocus()

    def reset(self, states: frozenset[str] = frozenset()) -> None:
        """Take all filters away, but these states."""
        for made, one in zip(self.chips, self._filters, strict=True):
            made.blockSignals(True)
            made.setChecked(bool(one.states & states))
            made.blockSignals(False)
        self.search.clear()
        self._period.setCurrentIndex(0)
        self._office.setCurrentIndex(0)
        self._operator.setCurrentIndex(0)

    def settle(self) -> None:
        """Something changed in the records: ask again soon."""
        if not self._settle.isActive():
            self._settle.start(_SETTLE_MS)

    def _chip(self, one: StateFilter) -> QPushButton:
        made = QPushButton()
        made.setCheckable(True)
        made.setProperty("chip", True)
        self._texts.bind(made, partial(self._name, made, one.message))
        made.toggled.connect(lambda _: self.changed.emit())
        return made

    def _name(self, made: QPushButton, message: str) -> None:
        made.setText(self._texts(message))
        made.setAccessibleName(self._texts(N_("Filter: {name}"), name=self._texts(message)))

    def _since(self, days: int) -> datetime:
        today = self._session.clock.now().astimezone(ROME)
        return today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)

    def _say(self) -> None:
        texts = self._texts
        self.search.setPlaceholderText(texts(N_("Name, codice fiscale, serial or number")))
        self.search.setAccessibleName(texts(N_("Search")))
        self.search.setToolTip("Ctrl+F")
        for box, name, items in (
            (self._period, N_("Period"), [(texts(words), days) for days, words in _PERIODS]),
            (self._office, N_("Office"), self._offices()),
            (self._operator, N_("Operator"), self._operators()),
        ):
            chosen = box.currentData()
            box.clear()
            for words, value in items:
                box.addItem(words, value)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.setAccessibleName(texts(name))
        self._office.setVisible(self._office.count() > _ONE_OFFICE)
        self._operator.setVisible(self._operator.count() > _ONE_OFFICE)

    def _fold(self) -> None:
        for made in self._folding:
            fold(made, self.width() < _ROOM)

    def _offices(self) -> list[tuple[str, str]]:
        found = self._session.lists.values(self._list, Sort.OFFICE)
        language = self._texts.language
        named = sorted((self._session.named("office", office, language), office) for office in found)
        return [(self._texts(N_("All offices")), ""), *named]

    def _operators(self) -> list[tuple[str, str]]:
        """Return the people who registered something, each with their mandates."""
        mandates: dict[str, list[str]] = {}
        for mandate in self._session.lists.values(self._list, Sort.OPERATOR):
            mandates.setdefault(by_whom(self._session, self._texts, mandate), []).append(mandate)
        people = sorted((name, " ".join(sorted(found))) for name, found in mandates.items())
        return [(self._texts(N_("All operators")), ""), *people]
