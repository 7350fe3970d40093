"""How many documents go to the signer in one call."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_AIM_S = 0.1
_LARGEST = 128
_GROWTH = 8  # at most so many times the last group, which may have been a lucky one
_MAX_BYTES = 16 * 1024 * 1024

T = TypeVar("T")


class Grouping:
    """Cuts a stream of documents into groups that take the signer about 100 ms.

    A card that needs 90 ms a signature gets one document at a time, so that progress is seen; an HSM gets
    dozens, so that handing over costs nothing: the processor's caches are filled anew with every change
    between the process that prepares and the one that signs. What was learned of the signer's speed serves
    all batches of a session.

    Args:
        fixed: group size that the signer asks for (a remote service that authorises each call), or None.
    """

    def __init__(self, fixed: int | None) -> None:
        self._fixed = fixed
        self._size = fixed or 1

    @contextmanager
    def measured(self, count: int) -> Iterator[None]:
        """Measure one call of the signer with `count` documents."""
        started = time.perf_counter()
        yield
        if self._fixed is None:
            each_s = max((time.perf_counter() - started) / count, 1e-6)
            self._size = max(1, min(_LARGEST, _GROWTH * self._size, int(_AIM_S / each_s)))

    def split(self, items: Iterable[T], weight: Callable[[T], int]) -> Iterator[list[T]]:
        """Cut `items` into groups; `weight` tells the octets an item keeps in memory."""
        group: list[T] = []
        held = 0
        for item in items:
            group.append(item)
            held += weight(item)
            if len(group) >= self._size or held >= _MAX_BYTES:
                yield group
                group, held = [], 0
        if group:
            yield group
