"""A date as people type it: 12041988, 12/4/88, 12.04.1988, 1988-04-12."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.dates import read_date
from cmsdesk.desk.texts_qt import LiveTexts

__all__ = ["DateField", "read_date"]


class DateField(QLineEdit):
    """A line that takes a date in any usual writing and shows it as 12/04/1988 when left."""

    date_changed = Signal(object)

    def __init__(self, texts: LiveTexts, today: date, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._today = today
        self._last: date | None = None
        self.setMaxLength(10)
        texts.bind(self, lambda: self.setPlaceholderText(texts(N_("dd/mm/yyyy"))))
        self.textChanged.connect(self._on_text)

    def value(self) -> date | None:
        """Return the date, or None while there is none or what stands there is no date."""
        return read_date(self.text(), self._today)

    def set_value(self, value: date | None) -> None:
        """Show a date."""
        self.setText("" if value is None else f"{value:%d/%m/%Y}")

    def is_filled(self) -> bool:
        """Tell whether anything stands there."""
        return bool(self.text().strip())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Write the date out in full."""
        value = self.value()
        if value is not None:
            self.set_value(value)
        super().focusOutEvent(event)

    def _on_text(self) -> None:
        value = self.value()
        if value != self._last:
            self._last = value
            self.date_changed.emit(value)
