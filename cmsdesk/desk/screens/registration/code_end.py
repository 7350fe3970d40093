"""The key that ends a codice fiscale from which the form has gone on by itself."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QEvent, Qt
from PySide6.QtGui import QKeyEvent

_ENDS_MS = 1000
_ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)


class CodeEnd:
    """Barcode readers end what they read with Enter or Tab, as people do: the next field is not passed."""

    def __init__(self) -> None:
        self._went = QElapsedTimer()

    def went(self) -> None:
        """The form has gone on by itself."""
        self._went.start()

    def is_it(self, event: QEvent) -> bool:
        """Tell whether an event is that key: the first one after it, within a second."""
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return False
        soon = self._went.isValid() and self._went.elapsed() < _ENDS_MS
        self._went.invalidate()
        return soon and event.key() in _ENDS
