"""Callers with the same errand: one of them leads and runs it for those who came meanwhile, too.

A commit costs as much for one command as for twenty. Whoever finds nobody at work leads at once, so
that a caller who is alone waits for nothing; the others gather until the leader is done, and the
first of them leads next. There is no thread for it and no delay.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar


class Place:
    """A caller's place in a line; what is wanted and what became of it are the subclass's."""

    def __init__(self, weight: int) -> None:
        self.weight = weight
        """How much of a leader's load it is."""
        self.called = threading.Event()
        self.served = False


P = TypeVar("P", bound=Place)


class Line(Generic[P]):
    """Places in the order in which they were taken."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._led = False
        self._waiting: deque[P] = deque()
        self._taken: list[P] = []

    def leads(self, place: P) -> bool:
        """Wait. True: lead now, and `leave` whatever happens; False: a leader took the place along."""
        with self._guard:
            if not self._led:
                self._led = True
                return True
            self._waiting.append(place)
        place.called.wait()
        return not place.served

    def take_along(self, most: int) -> list[P]:
        """Return the leader's next ones in order, as many as have together at most that weight."""
        with self._guard:
            while self._waiting and self._waiting[0].weight <= most:
                place = self._waiting.popleft()
                most -= place.weight
                self._taken.append(place)
            return list(self._taken)

    def leave(self) -> None:
        """Let go whom the leader took along, and have the next one lead."""
        with self._guard:
            for place in self._taken:
                place.served = True
                place.called.set()
            self._taken = []
            self._led = bool(self._waiting)
            if self._waiting:
                self._waiting.popleft().called.set()
