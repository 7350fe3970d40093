"""What is in the readers, told to the window as it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QThread, Signal

from cmsdesk.base.errors import Mendable

if TYPE_CHECKING:
    from cmsdesk.operations.ports import ReaderInfo

_SLICE_S = 60.0


class WatchesReaders(Protocol):
    """`cards.pcsc.monitor.Monitor`, one of the watch's own: two that wait on one would miss changes."""

    def snapshot(self) -> list[ReaderInfo]:
        """Return readers and cards as they are now; raises `SmartCardServiceDown`, `NoReader`."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait until something comes or goes."""
        ...

    def close(self) -> None:
        """End the waiting."""
        ...


class ReaderWatch(QThread):
    """Follows the readers in a thread; `changed` is emitted in the window's thread."""

    changed = Signal()
    _seen = Signal(object, object)

    def __init__(self, monitor: WatchesReaders, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._monitor = monitor
        self._ended = False
        self.readers: tuple[ReaderInfo, ...] = ()
        """Readers and what is in them, as last seen."""
        self.trouble: Mendable | None = None
        """Why there are none: no reader, or no smart card service."""
        self._seen.connect(self._on_seen)

    def run(self) -> None:
        """Wait and look, until `stop`."""
        while not self._ended:
            try:
                self._seen.emit(tuple(self._monitor.snapshot()), None)
            except Mendable as error:
                self._seen.emit((), error)
            while not self._ended and not self._monitor.wait(_SLICE_S):
                pass

    def stop(self) -> None:
        """End the watch; returns when it has."""
        self._ended = True
        self._monitor.close()
        self.wait()

    def card_in(self, reader: str) -> bool:
        """Tell whether a card is in ``reader``, as last seen."""
        return any(found.name == reader and found.atr is not None for found in self.readers)

    def _on_seen(self, readers: tuple[ReaderInfo, ...], trouble: Mendable | None) -> None:
        if (readers, type(trouble)) == (self.readers, type(self.trouble)):
            return
        self.readers, self.trouble = readers, trouble
        self.changed.emit()
