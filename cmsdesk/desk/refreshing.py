"""Screens follow the records: once for many changes, and only while somebody sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from cmsdesk.desk.session import DeskSession

SETTLE_MS = 150
"""Others follow a change: a page of the feed, the commands of one act."""


class Refreshing(QObject):
    """Has ``look`` called after changes of the records; a widget that is hidden follows when it is shown."""

    def __init__(
        self,
        widget: QWidget,
        session: DeskSession,
        look: Callable[[], object],
        settle_ms: int = SETTLE_MS,
    ) -> None:
        """``settle_ms``: changes within so long are one; while they go on, so often ``look`` is called."""
        super().__init__(widget)
        self._widget, self._look = widget, look
        self._stale = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(settle_ms)
        self._timer.timeout.connect(self._settled)
        session.changed.connect(self._changed)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look when the widget comes to be seen and something has changed."""
        if watched is self._widget and self._stale and event.type() is QEvent.Type.Show:
            self._begin()
        return super().eventFilter(watched, event)

    def _changed(self, _: object) -> None:
        self._stale = True
        if self._widget.isVisible():
            self._begin()

    def _begin(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _settled(self) -> None:
        if self._stale and self._widget.isVisible():
            self._stale = False
            self._look()
