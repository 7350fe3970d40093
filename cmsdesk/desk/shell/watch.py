"""When the desk locks by itself: the operator's card is taken out, or nobody works for a while."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer, Signal

from cmsdesk.base.texts import N_
from cmsdesk.desk.readers import ReaderWatch

_ACTS = frozenset(
    {QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel, QEvent.Type.TouchBegin}
)
_MINUTE_MS = 60_000
_CARD_OUT = N_("The operator's card was taken out.")
_PRODUCED = N_("The production is over: the operator's card is asked for again.")
_IDLE = N_("Nobody worked here for a while.")


class LockWatch(QObject):
    """`locked` when the time has come, with why; an event filter on the application sees who works."""

    locked = Signal(str)

    def __init__(
        self, readers: ReaderWatch, reader: str, idle_minutes: Callable[[], int], parent: QObject
    ) -> None:
        """``reader``: where the card sits that signed in; empty when there is none to watch."""
        super().__init__(parent)
        self._readers, self._reader, self._idle_minutes = readers, reader, idle_minutes
        self._away_allowed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._idled)
        readers.changed.connect(self._look)

    def begin(self, reader: str = "") -> None:
        """Watch from now on, the card in ``reader`` if one is given."""
        self._reader = reader or self._reader
        self._timer.start(self._idle_minutes() * _MINUTE_MS)

    def allow_card_away(self, allowed: bool) -> None:
        """A desk with one reader: the operator's card may leave while a device is produced."""
        was, self._away_allowed = self._away_allowed, allowed
        self._look(_PRODUCED if was else _CARD_OUT)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Begin to count afresh whenever somebody does something."""
        if event.type() in _ACTS and self._timer.isActive():
            self._timer.start(self._idle_minutes() * _MINUTE_MS)
        return False

    def _idled(self) -> None:
        self.locked.emit(_IDLE)

    def _look(self, why: str = _CARD_OUT) -> None:
        if self._reader and not self._away_allowed and not self._readers.card_in(self._reader):
            self._timer.stop()
            self.locked.emit(why)
