"""What a screen shows when there is nothing, and while something takes time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.qt import Qt
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, column, label, picture, plain, row

T = TypeVar("T")
READING = N_("Reading the records…")
_PATIENCE_MS = 500
_MOST = 1000
"""Of the room: the words take all they can use."""
_LEAST_LINE = 360
"""Pixels: a sentence in the middle of a page is not broken after every third word."""


class EmptyState(QWidget):
    """Says what will be here and how to begin (ux.md, Empty states)."""

    def __init__(
        self,
        texts: LiveTexts,
        theme: Theme,
        icon: str,
        heading: str,
        sentence: str,
        begin: QPushButton | None = None,
    ) -> None:
        super().__init__()
        words = label(texts, sentence, "muted", wrap=True)
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words.setMinimumWidth(_LEAST_LINE)
        title = label(texts, heading, "heading")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inside = column(
            None,
            row(None, picture(theme, icon, "muted", 40), None),
            title,
            row(None, words, None),
            None,
            margin=3,
        )
        if begin is not None:
            inside.insertLayout(4, row(None, begin, None))
            inside.insertSpacing(4, 8)
        self.setLayout(inside)


class Busy(QFrame):
    """A moving bar, what is being waited for, and a way to give up where there is one."""

    def __init__(self, texts: LiveTexts, cancel: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._texts = texts
        self._message, self._values = "", dict[str, object]()
        self._words = plain(role="muted", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        head = row(self._words, None)
        head.setStretch(0, _MOST)
        if cancel is not None:
            head.addWidget(button(texts, N_("Cancel"), cancel, kind="flat"))
        self.setLayout(column(head, self._bar))
        self.setVisible(False)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PATIENCE_MS)
        self._later.timeout.connect(lambda: self.setVisible(True))
        texts.bind(self, self._say)

    def begin(self, message: str, **values: object) -> None:
        """Show what is being waited for."""
        self._bar.setRange(0, 0)
        self.say(message, **values)
        self.setVisible(True)

    def say(self, message: str, **values: object) -> None:
        """Name what is being waited for, however far it is."""
        if (message, values) != (self._message, self._values):
            self._message, self._values = message, values
            self._say()

    def begin_soon(self, message: str) -> None:
        """Show what is being waited for, unless it ends at once."""
        if self.isHidden() and not self._later.isActive():
            self.begin(message)
            self.setVisible(False)
            self._later.start()

    def progress(self, done: int, of: int) -> None:
        """Show how far it is."""
        if self._bar.maximum() != of:
            self._bar.setRange(0, of)
        self._bar.setValue(done)

    def end(self) -> None:
        """Done, one way or the other."""
        self._later.stop()
        self.setVisible(False)

    def ending(self, then: Callable[[T], object]) -> Callable[[T], object]:
        """Return what ends the wait and hands its outcome on."""

        def ended(outcome: T) -> object:
            self.end()
            return then(outcome)

        return ended

    def _say(self) -> None:
        said = self._texts(self._message, **self._values)
        self._words.setText(said)
        self._bar.setAccessibleName(said)
