"""What is plugged in, and waiting for it to change; survives the service's stop and return.

An own SCardGetStatusChange loop: pyscard's CardMonitor ends for good on "no service", and the
Windows service stops with its last reader.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from smartcard import scard

from cmsdesk.cards.pcsc import results
from cmsdesk.operations.errors import NoReader, SmartCardServiceDown
from cmsdesk.operations.ports import ReaderInfo

_READERS_CHANGED = "\\\\?PnP?\\Notification"
"""Pseudo reader whose state changes when a reader comes or goes."""
_EVENT_COUNT = 0xFFFF0000
"""Upper half of a reader's state: insertions and removals counted by the service."""
_RETRY_S = 0.25
_SLICE_S = 60.0
_RECANCEL_S = 0.02


@dataclass(frozen=True)
class _Seen:
    state: int
    atr: bytes

    @property
    def meaningful(self) -> tuple[int, bytes]:
        """The part of the state that counts: a card there or not, which, and how often changed.

        Flags such as "in use" come and go with every program that looks at the card.
        """
        return self.state & (_EVENT_COUNT | scard.SCARD_STATE_PRESENT), self.atr


class Monitor:
    """Readers of this computer; `wait` may run in one thread while others call `snapshot` or `cancel`."""

    def __init__(self) -> None:
        self._known: dict[str, _Seen] = {}
        self._service_up = False
        self._lock = threading.Lock()
        self._waiting_context: int | None = None
        self._cancelled = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def snapshot(self) -> list[ReaderInfo]:
        """Return readers and cards as they are now.

        Raises:
            SmartCardServiceDown, NoReader.
        """
        try:
            context = _establish()
            try:
                seen = _look(context)
            finally:
                scard.SCardReleaseContext(context)
        except SmartCardServiceDown:
            self._remember(None)
            raise
        self._remember(seen)
        if not seen:
            raise NoReader()
        return [ReaderInfo(name, found.atr or None) for name, found in seen.items()]

    def wait(self, timeout_s: float) -> bool:
        """Wait until a card, a reader or the service comes or goes since the last look.

        Returns False when ``timeout_s`` passed or `cancel` was called.
        """
        self._idle.clear()
        try:
            return self._wait(time.monotonic() + timeout_s)
        finally:
            self._idle.set()

    def cancel(self) -> None:
        """End the running `wait` and every later one."""
        self._cancelled.set()
        # A cancel that meets no blocked call is lost: repeat it until the waiting thread has left.
        while not self._idle.wait(_RECANCEL_S):
            context = self._waiting_context
            if context is not None:
                scard.SCardCancel(context)

    def close(self) -> None:
        """Cancel and let go of the service."""
        self.cancel()
        self._drop_context()

    def _wait(self, deadline: float) -> bool:
        while not self._cancelled.is_set():
            try:
                context = self._context()
                if self._differs(_look(context)):
                    return True
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._block(context, min(remaining, _SLICE_S))
            except SmartCardServiceDown:
                self._drop_context()
                if self._service_lost():
                    return True
                if time.monotonic() + _RETRY_S > deadline:
                    return False
                self._cancelled.wait(_RETRY_S)
        return False

    def _context(self) -> int:
        if self._waiting_context is None:
            self._waiting_context = _establish()
        return self._waiting_context

    def _drop_context(self) -> None:
        context, self._waiting_context = self._waiting_context, None
        if context is not None:
            scard.SCardReleaseContext(context)

    def _block(self, context: int, seconds: float) -> None:
        with self._lock:
            states = [(name, seen.state & ~scard.SCARD_STATE_CHANGED) for name, seen in self._known.items()]
            plugged = len(self._known) << 16
        states.append((_READERS_CHANGED, plugged))
        result, _ = scard.SCardGetStatusChange(context, int(seconds * 1000) + 1, states)
        _check(result, also={results.TIMEOUT, results.CANCELLED, results.UNKNOWN_READER})

    def _remember(self, seen: dict[str, _Seen] | None) -> None:
        with self._lock:
            self._service_up = seen is not None
            self._known = seen or {}

    def _differs(self, seen: dict[str, _Seen]) -> bool:
        with self._lock:
            before = {name: known.meaningful for name, known in self._known.items()}
            changed = not self._service_up or before != {name: now.meaningful for name, now in seen.items()}
            self._known, self._service_up = seen, True
            return changed

    def _service_lost(self) -> bool:
        with self._lock:
            was_up, self._service_up = self._service_up, False
            self._known = {}
            return was_up


def _establish() -> int:
    result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _check(result)
    return int(context)


def _look(context: int) -> dict[str, _Seen]:
    result, names = scard.SCardListReaders(context, [])
    if results.code(result) == results.NO_READERS or not names:
        _check(result, also={results.NO_READERS})
        return {}
    _check(result)
    unaware = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
    result, states = scard.SCardGetStatusChange(context, 0, unaware)
    _check(result, also={results.TIMEOUT, results.UNKNOWN_READER})
    return {
        name: _Seen(state, bytes(atr) if state & scard.SCARD_STATE_PRESENT else b"")
        for name, state, atr in states
        if not state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_IGNORE)
    }


def _check(result: int, also: frozenset[int] | set[int] = frozenset()) -> None:
    value = results.code(result)
    if value != results.OK and value not in also:
        failure = results.error(value, "", "status")
        # Every failure here is the service's: no single reader or card was asked for anything.
        raise failure if isinstance(failure, SmartCardServiceDown) else SmartCardServiceDown()
