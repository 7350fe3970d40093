"""The readers of this computer, to choose from: picture, name, what is in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import clear, column, label
from cmsdesk.desk.widgets.reader_button import ReaderButton, holds_token
from cmsdesk.operations.ports import ReaderInfo

_WIDE = 288


class ReaderList(QFrame):
    """`chosen` with a reader's name; its buttons stay while the readers are the same."""

    chosen = Signal(str)

    def __init__(self, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self._texts, self._theme = texts, theme
        self._made: list[ReaderButton] = []
        self._rows = column(gap=1)
        self.setProperty("card", True)
        self.setFixedWidth(_WIDE)
        self.setLayout(column(label(texts, N_("Readers"), "heading"), self._rows, None, margin=2))

    def take_focus(self) -> None:
        """Put the keyboard on the chosen reader."""
        chosen = next((one for one in self._made if one.isChecked()), None)
        if chosen is not None and chosen.isVisible():
            chosen.setFocus(Qt.FocusReason.OtherFocusReason)

    def stand_before(self, following: QWidget) -> None:
        """Have Tab go through the readers, then on to what follows them: they may have come later."""
        for one, after in pairwise([*self._made, following]):
            QWidget.setTabOrder(one, after)

    def show_readers(self, readers: Sequence[ReaderInfo], current: str, own: str) -> None:
        """Show what is in the readers; ``own``: where the operator's card is."""
        if [one.name for one in readers] != [one.reader for one in self._made]:
            clear(self._rows)
            self._made = [self._button(one.name) for one in readers]
            if not readers:
                self._rows.addWidget(label(self._texts, N_("None."), "muted"))
        for made, one in zip(self._made, readers, strict=True):
            said = N_("the operator's card is in it") if one.name == own else N_("a card is in it")
            said = said if one.atr is not None else N_("empty")
            made.show_state(self._texts(said), filled=one.atr is not None, token=holds_token(one))
            made.setChecked(one.name == current)

    def _button(self, name: str) -> ReaderButton:
        made = ReaderButton(self._theme, name, "", filled=False, token=False)
        made.setCheckable(True)
        made.clicked.connect(lambda: self.chosen.emit(name))
        self._rows.addWidget(made)
        return made


def likeliest(readers: Mapping[str, bytes | None], own: str) -> str:
    """Return the reader somebody most likely means: with a card in it that is not their own."""
    order = sorted(readers, key=lambda name: (readers[name] is None, name == own))
    return order[0] if order else ""
