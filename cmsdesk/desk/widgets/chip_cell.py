"""A table's cell drawn as a chip: the word in its tone's colours."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from cmsdesk.desk.models.work_list import TONE, Index
from cmsdesk.desk.theme import Theme, font
from cmsdesk.desk.widgets.table import RowCells

_HEIGHT = 22
_SIDE = 10


class ChipCells(RowCells):
    """Draws the column it is set on."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._font = font("small")
        self._font.setWeight(self._font.Weight.Medium)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the cell's ground, then the chip."""
        words, tone = index.data() or "", index.data(TONE) or ""
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        plain.text = ""
        style = plain.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, plain.widget)
        if not words:
            return
        colours = self._theme.tokens.colours()
        back = colours[f"{tone}_soft"] if tone else colours["raised"]
        front = colours[tone] if tone else colours["text"]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        width = painter.fontMetrics().horizontalAdvance(words) + 2 * _SIDE
        area = option.rect
        box = QRectF(area.left() + 8, area.center().y() - _HEIGHT / 2 + 1, width, _HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(back))
        painter.drawRoundedRect(box, _HEIGHT / 2, _HEIGHT / 2)
        painter.setPen(QColor(front))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()
