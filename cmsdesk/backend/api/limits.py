"""How much a caller may ask: so many calls in a time, so many bytes in one.

Kept in each replica's memory: a token bucket for each caller, the longest unseen forgotten first. Tries
(sign-ins, enrolments) are counted in the database too, for all replicas together (`services.tries`).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_CALLERS = 10_000


@dataclass(frozen=True)
class Limits:
    """The service's settings about callers; a caller is a certificate, or an address without one."""

    calls_per_s: float = 200.0
    calls_at_once: int = 2000
    sign_ins_per_minute: float = 60.0
    """Challenges and signed answers together."""
    enrolments_per_minute: float = 30.0
    call_bytes: int = 16 << 20
    unsigned_call_bytes: int = 64 << 10
    """Of a call that needs no session yet: enrolment and sign-in."""
    waiting_at_once: int = 2000
    """Desks that one replica lets wait for news; what is beyond asks now and then."""
    waiting_of_one: int = 4
    """Of one caller."""


class Buckets:
    """One bucket of tokens for each caller; each call takes one, time fills them up again."""

    def __init__(self, per_s: float, at_once: float, monotonic_s: Callable[[], float]) -> None:
        self._per_s, self._at_once, self._now_s = per_s, at_once, monotonic_s
        self._callers: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str) -> int:
        """Take a token and return 0; or return in how many whole seconds there is one."""
        now = self._now_s()
        left, since = self._callers.pop(caller, (self._at_once, now))
        left = min(self._at_once, left + (now - since) * self._per_s)
        taken = left >= 1
        self._callers[caller] = (left - 1 if taken else left, now)
        while len(self._callers) > _CALLERS:
            self._callers.popitem(last=False)
        return 0 if taken else math.ceil((1 - left) / self._per_s)
