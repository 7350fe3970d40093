"""A desk that keeps in step: it synchronises at once after each of its own acts and at news from the service.

Two threads: one runs the rounds, the other waits at the service. Where the service does not hold calls
(an older one, one that is full or away), rounds are run every `POLL_S`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # not on the way to the first frame
    from cmsdesk.sync.synchroniser import Round

POLL_S = 5.0
"""How often the service is asked for others' changes where it does not tell of them, seconds."""
_JOIN_S = 5.0


class Kept(Protocol):
    """What `synchroniser.Synchroniser` does."""

    def run(self) -> Round:
        """Push and pull."""
        ...

    def listen(self) -> bool:
        """Wait for news; False: the service does not hold this call."""
        ...


class Following:
    """Runs one synchroniser until it is stopped."""

    def __init__(
        self,
        synchroniser: Kept,
        began: Callable[[], object],
        over: Callable[[Round | None, BaseException | None], object],
    ) -> None:
        """``began`` and ``over`` are told of every round, in the thread that runs them."""
        self._synchroniser = synchroniser
        self._began, self._over = began, over
        self._wake, self._settled, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._hears = self._failed = False
        self._threads = [
            threading.Thread(target=work, name=f"sync {work.__name__}", daemon=True)
            for work in (self._run, self._listen)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def nudge(self) -> None:
        """Run a round at once."""
        self._wake.set()

    def stop(self) -> None:
        """Run no further round, and wait for the one under way; close the connection after it."""
        self._ended.set()
        self._wake.set()
        self._settled.set()
        if self._threads[0].ident is not None:
            self._threads[0].join()

    def join(self) -> None:
        """Wait for the thread that listens; the connection that it waits on is closed."""
        if self._threads[1].ident is not None:
            self._threads[1].join(_JOIN_S)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            self._began()
            try:
                done = self._synchroniser.run()
            except Exception as error:  # noqa: BLE001 - the next round may do better; who is told says it
                self._failed = True
                self._over(None, error)
            else:
                self._failed = False
                self._over(done, None)
            self._settled.set()
            self._wake.wait(None if self._hears else POLL_S)

    def _listen(self) -> None:
        while True:
            self._settled.wait()  # the next wait begins where this round ended
            if self._ended.is_set():
                return
            self._settled.clear()
            heard_before, self._hears = self._hears, not self._failed and self._heard()
            if self._hears or heard_before:
                self._wake.set()
            if not self._hears:
                self._ended.wait(POLL_S)

    def _heard(self) -> bool:
        try:
            return self._synchroniser.listen()
        except Exception:  # noqa: BLE001 - the round that follows meets it too, and tells
            return False
