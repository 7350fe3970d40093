"""A box to tick whose words go on in a second line where there is no room for one: Qt's do not."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QSizePolicy

from cmsdesk.desk.tokens import TARGET

_BESIDE = 44
"""Pixels that the box, the gap and the frame take from the words (see `resources/styles/desk.qss`)."""
_AIR = 12
_NARROWEST = 160


class Tick(QCheckBox):
    """Say its words with `say`; they are also its accessible name."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def say(self, words: str) -> None:
        """Show these words."""
        self._words = words
        self.setAccessibleName(words)
        self._wrap()
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """Words that wrap make it higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return how high it is at a width."""
        lines = len(self._lines(width))
        return max(TARGET, lines * self.fontMetrics().lineSpacing() + _AIR)

    def sizeHint(self) -> QSize:
        """One line, if there is room for it."""
        width = self.fontMetrics().horizontalAdvance(self._words) + _BESIDE
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """It gets along with little room, and then takes more lines."""
        width = min(_NARROWEST, self.sizeHint().width())
        return QSize(width, TARGET)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the words anew."""
        super().resizeEvent(event)
        self._wrap()

    def _wrap(self) -> None:
        said = "\n".join(self._lines(self.width()))
        if said != self.text():
            self.setText(said)

    def _lines(self, width: int) -> list[str]:
        metrics, room = self.fontMetrics(), width - _BESIDE
        lines = [""]
        for word in self._words.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and metrics.horizontalAdvance(longer) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines
