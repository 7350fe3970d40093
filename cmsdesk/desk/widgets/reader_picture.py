"""Readers and cards, painted in the theme's colours: what the hands have to do is shown, not only said."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from cmsdesk.desk.theme import Theme
from cmsdesk.desk.tokens import Tokens

_WIDE, _HIGH = 240.0, 184.0


class Lamp(Enum):
    """The reader's lamp."""

    OFF = "off"
    READY = "ready"
    BUSY = "busy"
    TROUBLE = "trouble"


class Hint(Enum):
    """The arrow beside the card."""

    NONE = "none"
    IN = "in"
    OUT = "out"
    SWAP = "swap"


_LAMPS = {Lamp.OFF: "control", Lamp.READY: "good", Lamp.BUSY: "warn", Lamp.TROUBLE: "bad"}


class ReaderPicture(QWidget):
    """A desk reader seen from the front, with a card in it, above it, or none; or a USB token."""

    def __init__(self, theme: Theme, *, token: bool = False, scale: float = 1.0) -> None:
        super().__init__()
        self._theme, self._token, self._scale = theme, token, scale
        self._inserted = False
        self._lamp, self._hint, self._own = Lamp.OFF, Hint.NONE, False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_state(
        self, *, inserted: bool, lamp: Lamp = Lamp.OFF, hint: Hint = Hint.NONE, own_card: bool = False
    ) -> None:
        """Show whether a card is in, the lamp, and what the hands do; ``own_card``: it is the operator's."""
        state = (inserted, lamp, hint, own_card)
        if state != (self._inserted, self._lamp, self._hint, self._own):
            self._inserted, self._lamp, self._hint, self._own = state
            self.update()

    def set_token(self, token: bool) -> None:
        """Draw a USB token instead of a reader with its card, or the reader again."""
        if token != self._token:
            self._token = token
            self.update()

    def set_scale(self, scale: float) -> None:
        """Draw it larger or smaller."""
        if scale != self._scale:
            self._scale = scale
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """The picture's size at this scale."""
        return QSize(round(_WIDE * self._scale), round(_HIGH * self._scale))

    def minimumSizeHint(self) -> QSize:
        """It does not shrink."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint reader, card, lamp and arrow."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.width() / _WIDE, self.height() / _HIGH)
        if self._token:
            self._paint_token(painter)
        else:
            self._paint_reader(painter)
        painter.end()

    # --- inside --------------------------------------------------------------------------------

    def _paint_reader(self, painter: QPainter) -> None:
        tokens = self._theme.tokens
        held = self._inserted or self._hint is not Hint.NONE
        if held:
            top = 44.0 if self._inserted and self._hint in (Hint.NONE, Hint.SWAP) else 12.0
            paint_card(painter, QRectF(62, top, 116, 74), tokens, own=self._own)
        body = QRectF(34, 92, 172, 72)
        painter.setPen(QPen(QColor(tokens.control), 1.5))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(body, 12, 12)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.control))
        painter.drawRoundedRect(QRectF(52, 100, 136, 6), 3, 3)
        painter.setBrush(QColor(tokens.border))
        painter.drawRoundedRect(QRectF(96, 140, 48, 4), 2, 2)
        self._paint_lamp(painter, QPointF(120, 124))
        self._paint_arrow(painter, QPointF(206, 52))

    def _paint_token(self, painter: QPainter) -> None:
        tokens = self._theme.tokens
        port = QRectF(24, 146, 192, 22)
        painter.setPen(QPen(QColor(tokens.control), 1.5))
        painter.setBrush(QColor(tokens.raised))
        painter.drawRoundedRect(port, 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.control))
        painter.drawRoundedRect(QRectF(98, 152, 44, 10), 2, 2)
        if self._inserted or self._hint is not Hint.NONE:
            low = self._inserted and self._hint is Hint.NONE
            top = 34.0 if low else 16.0
            painter.setBrush(QColor(tokens.control))
            painter.drawRect(QRectF(104, top + 84, 32, 34))
            painter.setPen(QPen(QColor(tokens.accent), 1.5))
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(QRectF(92, top, 56, 90), 10, 10)
            self._paint_lamp(painter, QPointF(120, top + 24))
        self._paint_arrow(painter, QPointF(186, 74))

    def _paint_lamp(self, painter: QPainter, at: QPointF) -> None:
        colour = QColor(self._theme.tokens.colours()[_LAMPS[self._lamp]])
        painter.setPen(Qt.PenStyle.NoPen)
        if self._lamp is not Lamp.OFF:
            halo = QColor(colour)
            halo.setAlpha(60)
            painter.setBrush(halo)
            painter.drawEllipse(at, 9, 9)
        painter.setBrush(colour)
        painter.drawEllipse(at, 4.5, 4.5)

    def _paint_arrow(self, painter: QPainter, at: QPointF) -> None:
        colour = QColor(self._theme.tokens.accent)
        if self._hint in (Hint.IN, Hint.SWAP):
            _arrow(painter, at, colour, down=True)
        if self._hint in (Hint.OUT, Hint.SWAP):
            there = QPointF(240 - at.x(), at.y()) if self._hint is Hint.SWAP else at
            _arrow(painter, there, colour, down=False)


def paint_card(painter: QPainter, where: QRectF, tokens: Tokens, *, own: bool = False) -> None:
    """Paint a smart card: ``own`` is the operator's, with a figure on it."""
    painter.setPen(QPen(QColor(tokens.accent), 1.5))
    painter.setBrush(QColor(tokens.accent_soft))
    painter.drawRoundedRect(where, 7, 7)
    unit = where.width() / 116
    chip = QRectF(where.left() + 16 * unit, where.top() + 22 * unit, 24 * unit, 19 * unit)
    painter.setPen(QPen(QColor(tokens.control), 1))
    painter.setBrush(QColor(tokens.band))
    painter.drawRoundedRect(chip, 3, 3)
    painter.drawLine(QPointF(chip.left(), chip.center().y()), QPointF(chip.right(), chip.center().y()))
    painter.drawLine(QPointF(chip.center().x(), chip.top()), QPointF(chip.center().x(), chip.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.accent))
    if own:
        middle = QPointF(where.right() - 26 * unit, where.top() + 24 * unit)
        painter.drawEllipse(middle, 7 * unit, 7 * unit)
        shoulders = QPainterPath()
        shoulders.addEllipse(QPointF(middle.x(), middle.y() + 20 * unit), 13 * unit, 10 * unit)
        painter.drawPath(shoulders)
        return
    painter.setOpacity(0.55)
    for index, width in enumerate((44, 32)):
        line = QRectF(
            where.right() - 58 * unit, where.top() + (24 + 10 * index) * unit, width * unit, 4 * unit
        )
        painter.drawRoundedRect(line, 2, 2)
    painter.setOpacity(1.0)


def _arrow(painter: QPainter, at: QPointF, colour: QColor, *, down: bool) -> None:
    """Draw an arrow of 44 pixels, its middle at ``at``."""
    way = 1.0 if down else -1.0
    path = QPainterPath()
    path.moveTo(at.x(), at.y() + 22 * way)
    path.lineTo(at.x() - 13, at.y() + 6 * way)
    path.lineTo(at.x() - 5, at.y() + 6 * way)
    path.lineTo(at.x() - 5, at.y() - 22 * way)
    path.lineTo(at.x() + 5, at.y() - 22 * way)
    path.lineTo(at.x() + 5, at.y() + 6 * way)
    path.lineTo(at.x() + 13, at.y() + 6 * way)
    path.closeSubpath()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPath(path)
