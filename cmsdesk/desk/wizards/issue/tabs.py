"""The lanes of the desk, one beside another: whose device is made in each, where, and who is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.widgets.basics import row
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
        self._tabs: dict[Lane, QPushButton] = {}
        self._row = row(gap=1)
        self._row.addStretch(1)
        self.setLayout(self._row)
        desk.texts.bind(self, lambda: self.show_lanes(*self._lanes))
        desk.theme.dress(self, lambda: self.show_lanes(*self._lanes))

    def show_lanes(self, lanes: Sequence[Lane], shown: Lane | None) -> None:
        """Show the lanes; ``shown``: the one that is seen below, None for the list.

        A lane's tab stays the same one, so that no click and no focus is lost while lanes work.
        """
        self._lanes = lanes, shown
        for gone in self._tabs.keys() - set(lanes):
            tab = self._tabs.pop(gone)
            self._row.removeWidget(tab)
            tab.hide()
            tab.deleteLater()
        self.setVisible(len(lanes) > 1 or (bool(lanes) and shown is None))
        for lane in lanes:
            if lane not in self._tabs:
                self._tabs[lane] = self._tab(lane)
            self._say(self._tabs[lane], lane, lane is shown)

    def said(self) -> list[str]:
        """What a screen reader says of each tab, in their order."""
        return [tab.accessibleName() for tab in self._tabs.values()]

    def _tab(self, lane: Lane) -> QPushButton:
        made = QPushButton()
        made.setProperty("chip", True)
        made.setCheckable(True)
        made.clicked.connect(partial(self._choose, lane))
        self._row.insertWidget(self._row.count() - 1, made)
        made.show()  # at once, not only when the layout is done
        return made

    def _say(self, tab: QPushButton, lane: Lane, checked: bool) -> None:
        flow, texts = lane.flow, self._desk.texts
        document = self._session.get("request", flow.request) or {}
        whose = next((text for _, text in who(texts, document)), "")
        where = reader_name(flow.reader) or texts(N_("Next device"))
        name = " · ".join(filter(None, (whose, where)))
        heading = words.heading(flow, card_in=self._desk.readers.card_in(flow.reader))
        said = texts(heading, reader=reader_name(flow.reader))
        tab.setText(f" {name}")
        tab.setIcon(self._desk.theme.icon(*words.SIGNS.get(flow.stage, words.WAITS)))
        tab.setToolTip(said)
        tab.setAccessibleName(f"{name}: {said}")
        tab.setChecked(checked)

    def _choose(self, lane: Lane, _checked: bool = False) -> None:
        self.show_lanes(*self._lanes)
        self.chosen.emit(lane)
