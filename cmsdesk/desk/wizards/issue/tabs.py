"""The lanes of the desk, one beside another: whose device is made in each, where, and who is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.widgets.basics import clear, row
from cmsdesk.desk.wizards.issue import words
from cmsdesk.desk.wizards.issue.lanes import Lane
from cmsdesk.desk.wizards.issue.view import who
from cmsdesk.operations.errors import reader_name


class LaneTabs(QWidget):
    """`chosen` with a lane; nothing is seen while there is but one and it is shown."""

    chosen = Signal(object)

    def __init__(self, desk: Desk, session: DeskSession) -> None:
        super().__init__()
        self._desk, self._session = desk, session
        self._lanes: tuple[Sequence[Lane], Lane | None] = ((), None)
        self._row = row(gap=1)
        self.setLayout(self._row)
        desk.texts.bind(self, lambda: self.show_lanes(*self._lanes))

    def show_lanes(self, lanes: Sequence[Lane], shown: Lane | None) -> None:
        """Show the lanes; ``shown``: the one that is seen below, None for the list."""
        self._lanes = lanes, shown
        clear(self._row)
        self.setVisible(len(lanes) > 1 or (bool(lanes) and shown is None))
        for lane in lanes:
            self._row.addWidget(self._tab(lane, lane is shown))
        self._row.addStretch(1)

    def _tab(self, lane: Lane, checked: bool) -> QPushButton:
        flow, texts = lane.flow, self._desk.texts
        document = self._session.get("request", flow.request) or {}
        whose = next((text for _, text in who(texts, document)), "")
        where = reader_name(flow.reader) or texts(N_("Next device"))
        name = " · ".join(filter(None, (whose, where)))
        heading = words.heading(flow, card_in=self._desk.readers.card_in(flow.reader))
        said = texts(heading, reader=reader_name(flow.reader))
        made = QPushButton(f" {name}")
        made.setProperty("chip", True)
        theme, sign = self._desk.theme, words.SIGNS.get(flow.stage, words.WAITS)
        theme.dress(made, lambda: made.setIcon(theme.icon(*sign)))
        made.setToolTip(said)
        made.setAccessibleName(f"{name}: {said}")
        made.setCheckable(True)
        made.setChecked(checked)
        made.clicked.connect(partial(self._choose, lane))
        return made

    def _choose(self, lane: Lane, _checked: bool = False) -> None:
        self.chosen.emit(lane)
