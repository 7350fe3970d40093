"""What can go wrong at a CA, on command: once, a few times, or until cleared."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

ANY = "*"

# kind → the operations it befalls unless told otherwise; names of operations are those of `rest.ROUTES`
KINDS: dict[str, tuple[str, ...]] = {
    "slow": (ANY,),
    "lose_request": (ANY,),
    "lose_answer": (ANY,),
    "error": (ANY,),
    "error_after": (ANY,),
    "offline": ("certify", "health"),
    "pending": ("add",),
    "refuse": ("certify",),
    "wrong_certificate": ("certify",),
}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``slow`` waits ``value`` ms, then answers. ``lose_request`` ends the connection before anything
    was done, ``lose_answer`` after it was done; ``error`` and ``error_after`` answer 500 instead.
    ``offline`` answers 503, ``pending`` asks for an approval that comes after ``value`` questions,
    ``refuse`` refuses with the reason ``value``, ``wrong_certificate`` certifies another key.
    """

    kind: str
    on: tuple[str, ...] = ()
    """Operations it befalls; empty for the usual ones of its kind."""
    ca: str | None = None
    """Only requests about this CA."""
    skip: int = 0
    """How many matching requests pass first."""
    times: int | None = 1
    """How often it strikes; None until cleared."""
    value: str | float | None = None

    def matches(self, operation: str, ca: str | None) -> bool:
        """Tell whether it is about such a request."""
        wanted = self.on or KINDS[self.kind]
        return (ANY in wanted or operation in wanted) and self.ca in (None, ca)


class Faults:
    """The faults in force, and a count of the requests that came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._log: list[str] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force.

        Raises:
            ValueError: there is no such kind.
        """
        if fault.kind not in KINDS:
            raise ValueError(f"no fault {fault.kind}: one of {', '.join(KINDS)}")
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """End all faults and forget the log of requests."""
        with self._lock:
            self._faults.clear()
            self._log.clear()

    def strike(self, operation: str, ca: str | None) -> dict[str, Fault]:
        """Note a request; return by kind what strikes it."""
        with self._lock:
            self._log.append(operation)
            return {fault.kind: fault for fault in self._strike(operation, ca)}

    def _strike(self, operation: str, ca: str | None) -> Iterator[Fault]:
        left = []
        for fault in self._faults:
            if not fault.matches(operation, ca):
                left.append(fault)
            elif fault.skip:
                left.append(replace(fault, skip=fault.skip - 1))
            else:
                yield fault
                times = None if fault.times is None else fault.times - 1
                if times != 0:
                    left.append(replace(fault, times=times))
        self._faults = left

    def report(self) -> dict[str, Any]:
        """Return the requests so far, in order and counted, and the faults still in force."""
        with self._lock:
            return {
                "requests": list(self._log),
                "counts": dict(Counter(self._log)),
                "faults": [asdict(fault) for fault in self._faults],
            }
