"""A bar chart drawn with the application's own brush: groups of bars with their numbers at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cmsdesk.desk.theme import Theme, font

_BAR, _GAP, _GROUP = 16, 3, 18
_LABEL = 22
_LEGEND = 52
"""Two lines: its names may not fit one."""
_NUMBER = 64
_TONES = ("accent", "good", "warn", "muted")
"""A colour a series; the numbers and the table beside say the same without it."""


@dataclass(frozen=True)
class Group:
    """One group of bars: its name and a value a series."""

    name: str
    values: tuple[int, ...]


class BarChart(QWidget):
    """Horizontal bars; `show_groups` gives what they show, `says` what a screen reader says of it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._series: tuple[str, ...] = ()
        self._groups: tuple[Group, ...] = ()
        self._figures = font(tabular=True)
        self._small = font("small")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_groups(self, series: Sequence[str], groups: Sequence[Group], says: str) -> None:
        """Show other values; ``series``: the names of the bars, as shown."""
        self._series, self._groups = tuple(series), tuple(groups)
        self.setAccessibleName(says)
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its bars."""
        group = _LABEL + len(self._series) * (_BAR + _GAP) + _GROUP
        return QSize(360, _LEGEND + len(self._groups) * group)

    def bars(self) -> list[tuple[int, int, QRectF]]:
        """Return (group, series, where) of every bar."""
        most = max((value for one in self._groups for value in one.values), default=0)
        room = max(1, self.width() - _NUMBER)
        found, y = [], float(_LEGEND)
        for number, one in enumerate(self._groups):
            y += _LABEL
            for series, value in enumerate(one.values):
                long = room * value / most if most else 0.0
                found.append((number, series, QRectF(0, y, max(long, 2.0), _BAR)))
                y += _BAR + _GAP
            y += _GROUP
        return found

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw legend, names, bars and numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._theme.tokens.colours()
        text = QColor(colours["text"])
        self._draw_legend(painter, colours)
        named: set[int] = set()
        for number, series, where in self.bars():
            if number not in named:
                named.add(number)
                painter.setFont(font())
                painter.setPen(text)
                above = QRectF(0, where.top() - _LABEL, self.width(), _LABEL)
                side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
                painter.drawText(above, side, self._groups[number].name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours[_TONES[series % len(_TONES)]]))
            if self._groups[number].values[series]:
                painter.drawRoundedRect(where, 3, 3)
            painter.setPen(text)
            painter.setFont(self._figures)
            beside = QRectF(where.right() + 6, where.top(), _NUMBER, _BAR)
            painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, str(self._groups[number].values[series]))
        painter.end()

    def _draw_legend(self, painter: QPainter, colours: dict[str, str]) -> None:
        painter.setFont(self._small)
        x, y = 0.0, 0.0
        for series, name in enumerate(self._series):
            wide = painter.fontMetrics().horizontalAdvance(name)
            if x and x + wide + 24 > self.width():
                x, y = 0.0, y + _LABEL
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours[_TONES[series % len(_TONES)]]))
            painter.drawRoundedRect(QRectF(x, y + 6, 10, 10), 2, 2)
            painter.setPen(QColor(colours["muted"]))
            painter.drawText(QRectF(x + 16, y, wide + 8, 22), Qt.AlignmentFlag.AlignVCenter, name)
            x += wide + 36
