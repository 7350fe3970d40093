"""A field for a PIN that keeps it in one buffer and leaves no copy (QLineEdit leaves several)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from cmsdesk.desk.qt import STRONG_FOCUS, Qt, later

if TYPE_CHECKING:  # not on the way to the first frame
    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from cmsdesk.base.secret import Secret

LONGEST = 16
_DOT = 8
_GAP = 6
_HEIGHT = 40
_WIDTH = 240


class PinField(QFrame):
    """Digits typed by a person, shown as dots; `take` hands them over once and wipes them here."""

    changed = Signal(int)
    """How many characters stand there."""
    entered = Signal()
    """Enter was pressed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._typed = bytearray(LONGEST)
        self._length = 0
        self.setProperty("focusPolicy", STRONG_FOCUS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        later(self, self._begin)

    def _begin(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.setCursor(Qt.CursorShape.IBeamCursor)

    def length(self) -> int:
        """Return how many characters were typed."""
        return self._length

    def take(self) -> Secret:
        """Hand the PIN over; the field is empty afterwards. The caller wipes the secret."""
        from cmsdesk.base.secret import Secret

        taken = bytes(memoryview(self._typed)[: self._length])
        self.clear()
        return Secret(taken)

    def clear(self) -> None:
        """Wipe what was typed."""
        self._typed[:] = bytes(LONGEST)
        self._set_length(0)

    def sizeHint(self) -> QSize:
        """Room for eight dots and more."""
        return QSize(_WIDTH, _HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take a printable ASCII character, Backspace, Delete (all) or Enter."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._length:
                self.entered.emit()
            else:
                event.ignore()
        elif key == Qt.Key.Key_Backspace:
            if self._length:
                self._typed[self._length - 1] = 0
                self._set_length(self._length - 1)
        elif key == Qt.Key.Key_Delete:
            self.clear()
        elif not self._type(event):
            super().keyPressEvent(event)

    def _type(self, event: QKeyEvent) -> bool:
        wanted = event.text()
        plain = not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        if not plain or len(wanted) != 1 or not wanted.isascii() or not wanted.isprintable():
            return False
        if self._length < LONGEST:
            self._typed[self._length] = ord(wanted)
            self._set_length(self._length + 1)
        return True

    def _set_length(self, length: int) -> None:
        self._length = length
        self.update()
        self.changed.emit(length)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame, a dot for each character, and the caret."""
        from PySide6.QtWidgets import QStyle, QStyleOption

        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        colour = self.palette().text().color()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        top = (self.height() - _DOT) // 2
        left = 14
        for _ in range(self._length):
            painter.drawEllipse(QRect(left, top, _DOT, _DOT))
            left += _DOT + _GAP
        if self.hasFocus():
            painter.drawRect(QRect(left, top - 4, 1, _DOT + 8))
        painter.end()
