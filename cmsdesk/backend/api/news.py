"""Desks that wait for news: one look at the database now and then, for all who wait at one replica."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from cmsdesk.backend.api.limits import Limits
from cmsdesk.backend.journal.store import Cursor
from cmsdesk.base.logs import Log

LOOK_S = 0.25
"""How often the ends of the journals are read while anybody waits, seconds."""
_THREADS = 1
"""For the look-ups of those who wait. One change wakes every desk of a body at once; more threads would
take turns with each other at the interpreter, and with the operators' own calls: that costs twice as much."""
T = TypeVar("T")
Ends = Callable[[Collection[str]], Mapping[str, Cursor]]
"""Tells where the journals of bodies end; blocks."""


@dataclass(eq=False)
class _Wait:
    """One desk that waits behind a cursor of its body's journal."""

    body: str
    cursor: Cursor
    over: asyncio.Event = field(default_factory=asyncio.Event)


class News:
    """Whoever waits at this replica; nobody holds a thread or a database connection meanwhile.

    Replicas tell one another nothing: each reads what all of them wrote. What a look finds is compared
    with where each desk stands, so that nothing is missed between two looks.
    """

    def __init__(self, ends: Ends, limits: Limits) -> None:
        self._ends = ends
        self._most, self._most_of_one = limits.waiting_at_once, limits.waiting_of_one
        self._waits: set[_Wait] = set()
        self._callers: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._ended = False
        self._threads = CapacityLimiter(_THREADS)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waits)

    def end(self) -> None:
        """Let all go, and hold nobody any more; may be called from another thread."""
        self._ended = True

    async def look_up(self, errand: Callable[[], T]) -> T:
        """Read the database for one who waits; they take turns."""
        return await to_thread.run_sync(errand, limiter=self._threads)

    async def wait(
        self, caller: str, body: str, cursor: Cursor, seconds: float, gone: Callable[[], Awaitable[object]]
    ) -> bool:
        """Wait until a body's journal does not end at ``cursor``, at most so long.

        Args:
            caller: whose limit counts.
            gone: returns when the caller has hung up.

        Returns:
            False: it was not waited at all: too many do, or the service is about to stop.
        """
        full = len(self._waits) >= self._most or self._callers[caller] >= self._most_of_one
        if self._ended or full:
            return False
        wait = _Wait(body, cursor)
        self._waits.add(wait)
        self._callers[caller] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        ends = [asyncio.ensure_future(gone()), asyncio.ensure_future(wait.over.wait())]
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            self._waits.discard(wait)
            self._callers[caller] -= 1
            if not self._callers[caller]:
                del self._callers[caller]
        return not self._ended

    async def _look(self) -> None:
        """Look until nobody waits."""
        while self._waits:
            try:
                found = await to_thread.run_sync(self._ends, {wait.body for wait in self._waits})
            except Exception as error:  # noqa: BLE001 - those who wait ask the database next, and are told
                Log("api").warning("news_lost", error=type(error).__name__)
                found = {}
            for wait in self._waits:
                if self._ended or found.get(wait.body) != wait.cursor:
                    wait.over.set()
            await asyncio.sleep(LOOK_S)
