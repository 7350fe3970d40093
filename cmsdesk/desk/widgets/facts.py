"""Names and values of a thing, one below another; values can be copied."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

from cmsdesk.desk.theme import font
from cmsdesk.desk.widgets.basics import plain

_NAMES_WIDTH, _BETWEEN = 160, 12
_LONG = 24
"""Letters of one word: more do not fit beside a name in a narrow place."""
_LEAST_VALUE = 120
"""Pixels: of what wraps, beside its name."""


class FactGrid(QWidget):
    """What it shows is given as (name, value) in the language of the moment; empty values are left out.

    Long numbers and addresses stand beside their names where there is room, else below them; numbers smaller.
    """

    def __init__(self, facts: Sequence[tuple[str, str]], *, figures: frozenset[str] = frozenset()) -> None:
        """``figures``: values whose figures stand below one another (codes, serials)."""
        super().__init__()
        self._rows: list[tuple[QLabel, QLabel, bool]] = []
        self._figures: set[QLabel] = set()
        self._narrow = False
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(_BETWEEN)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnMinimumWidth(0, _NAMES_WIDTH)
        self._grid.setColumnStretch(1, 1)
        for name, value in ((name, value) for name, value in facts if value):
            words, said = plain(name, "muted"), plain(value, wrap=True, selectable=True)
            if value in figures:
                said.setFont(font(tabular=True))
                self._figures.add(said)
            said.setAccessibleName(f"{name}: {value}")
            words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
            number = value in figures and len(value) > _LONG
            long = number or any(len(part) > _LONG for part in _parts(value))
            self._rows.append((words, said, long))
        self._place()
        # in a wide place names and values stay together: what is left goes beside them
        inside = QHBoxLayout()
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(self._grid, 1)
        inside.addStretch(0)
        self.setLayout(inside)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put long numbers beside their names or below them."""
        super().resizeEvent(event)
        narrow = self.width() < self._names() + _BETWEEN + self._longest("base")
        if narrow != self._narrow:
            self._narrow = narrow
            self._place()

    def minimumSizeHint(self) -> QSize:
        """As wide as a long number below its name, or as a value beside it."""
        wanted = super().minimumSizeHint()
        least = max(self._longest("small"), self._names() + _BETWEEN + _LEAST_VALUE)
        return QSize(min(wanted.width(), least), wanted.height())

    def _names(self) -> int:
        return max([_NAMES_WIDTH, *(words.sizeHint().width() for words, _, _ in self._rows)])

    def _longest(self, size: str) -> int:
        """Return how wide the widest long word is, numbers in a size of type, pixels."""
        long = [
            QFontMetrics(font(size, tabular=True) if said in self._figures else font()).horizontalAdvance(
                part
            )
            for _, said, long in self._rows
            if long
            for part in _parts(said.text())
        ]
        return max([0, *(width + 2 for width in long)])

    def _place(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0)
        number = 0
        for words, said, long in self._rows:
            self._grid.addWidget(words, number, 0, Qt.AlignmentFlag.AlignTop)
            if long and said in self._figures:
                said.setFont(font("small" if self._narrow else "base", tabular=True))
            if long and self._narrow:
                number += 1
                self._grid.addWidget(said, number, 0, 1, 2, Qt.AlignmentFlag.AlignTop)
            else:
                self._grid.addWidget(said, number, 1, Qt.AlignmentFlag.AlignTop)
            number += 1


def _parts(value: str) -> list[str]:
    """Return what of a value is never broken."""
    return re.split(r"[ /]", value)
