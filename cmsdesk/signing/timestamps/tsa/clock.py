"""When may a time stamping unit trust its clock (ETSI EN 319 421 clause 7.7.2).

A unit that cannot show that its clock is within the accuracy it declares must not issue time stamps. Three
guards, each with its own evidence, are combined by `Guarded`:

- `StepGuard`: the wall clock has not jumped against the monotonic clock since it was last trusted;
- `KernelDiscipline`: the operating system's time discipline says that it is synchronised, and bounds the
  error (Linux, `adjtimex(2)`; chrony, ntpd and systemd-timesyncd all report there);
- whatever else the operator provides as a `Guard` (a GPS receiver, a chamber's own NTP monitor).
"""

import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol


class Guard(Protocol):
    """One source of evidence about the clock."""

    def distrust(self, now: datetime) -> str | None:
        """Return why the clock, which just said `now`, is not trusted; or None when it is."""
        ...


class StampClock(Protocol):
    """The clock of a time stamping unit."""

    def read(self) -> datetime:
        """Return the present moment, aware, UTC.

        Raises:
            UntrustedClock: the clock cannot be trusted now; the text says why.
        """
        ...


class UntrustedClock(Exception):
    """No time stamp may be issued now."""


class Guarded:
    """A clock that answers only while every guard trusts it."""

    def __init__(self, guards: Sequence[Guard], now: Callable[[], datetime] | None = None) -> None:
        self._guards = tuple(guards)
        self._now = now or _utc_now

    def read(self) -> datetime:
        """Return the present moment, aware, UTC; see `StampClock.read`."""
        now = self._now()
        for guard in self._guards:
            if reason := guard.distrust(now):
                raise UntrustedClock(reason)
        return now


def _utc_now() -> datetime:
    return datetime.now(UTC)


_SLEW = 500e-6


class StepGuard:
    """Distrusts the wall clock once it has left the monotonic clock by more than `tolerance_s`.

    Slow corrections are allowed: the kernel slews by at most 500 parts per million, and the reference follows
    every `window_s`. After a step the unit stays silent until somebody calls `trust_again`.
    """

    def __init__(
        self,
        tolerance_s: float = 0.5,
        window_s: float = 60.0,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tolerance_s = tolerance_s
        self._window_s = window_s
        self._monotonic_s = monotonic_s
        self._offset_s: float | None = None
        self._looked_s = 0.0
        self._broken: str | None = None

    def distrust(self, now: datetime) -> str | None:
        """Return why the clock is not trusted, or None."""
        if self._broken:
            return self._broken
        monotonic_s = self._monotonic_s()
        offset_s = now.timestamp() - monotonic_s
        if self._offset_s is None:
            self._offset_s, self._looked_s = offset_s, monotonic_s
            return None
        step_s, elapsed_s = offset_s - self._offset_s, monotonic_s - self._looked_s
        if abs(step_s) > self._tolerance_s + _SLEW * elapsed_s:
            self._broken = f"the clock was moved by {step_s:+.3f} s"
            return self._broken
        if elapsed_s > self._window_s:
            self._offset_s, self._looked_s = offset_s, monotonic_s
        return None

    def trust_again(self) -> None:
        """Start over: an operator has checked the clock against its reference (and recorded it)."""
        self._broken = self._offset_s = None


class KernelDiscipline:
    """Asks the Linux kernel whether its clock is synchronised, and within which error.

    The answer is kept for `keep_s`. On another system it never trusts: provide another guard there.
    """

    def __init__(
        self,
        max_error_s: float = 0.5,
        keep_s: float = 1.0,
        probe: "Callable[[], Discipline] | None" = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_error_s = max_error_s
        self._keep_s = keep_s
        self._probe = probe or read_kernel_discipline
        self._monotonic_s = monotonic_s
        self._asked_s = float("-inf")
        self._answer: str | None = None

    def distrust(self, now: datetime) -> str | None:
        """Return why the clock is not trusted, or None."""
        monotonic_s = self._monotonic_s()
        if monotonic_s - self._asked_s > self._keep_s:
            self._answer = self._ask()
            self._asked_s = monotonic_s
        return self._answer

    def _ask(self) -> str | None:
        try:
            synchronised, error_s = self._probe()
        except OSError as error:
            return f"the system does not tell whether its clock is synchronised ({error})"
        if not synchronised:
            return "the system's clock is not synchronised"
        if error_s > self._max_error_s:
            return f"the clock may be wrong by {error_s:.3f} s, more than {self._max_error_s:g} s"
        return None


Discipline = tuple[bool, float]
"""Synchronised or not, and the bound of the error in seconds."""

_STA_UNSYNC = 0x0040
_TIME_OOP = 3  # a leap second is in progress
_TIME_ERROR = 5


class _Timeval(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("fraction", ctypes.c_long))


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Timeval),
        ("rest", ctypes.c_byte * 128),
    )


def read_kernel_discipline() -> Discipline:
    """Ask adjtimex(2), changing nothing.

    Raises:
        OSError: not Linux, or the call is not allowed.
    """
    if sys.platform != "linux":
        raise OSError(f"no adjtimex on {sys.platform}")
    library = ctypes.CDLL(None, use_errno=True)
    timex = _Timex()
    state = library.adjtimex(ctypes.byref(timex))
    if state < 0:
        raise OSError(ctypes.get_errno(), "adjtimex failed")
    synchronised = state not in (_TIME_OOP, _TIME_ERROR) and not timex.status & _STA_UNSYNC
    return synchronised, timex.maxerror / 1_000_000
