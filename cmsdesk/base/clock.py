"""Time is asked of a clock that is handed in; all times are aware and UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    ROME: ZoneInfo
else:

    def __getattr__(name):
        """Load ``ROME`` when it is first asked for: not on the way to the desk's first frame."""
        if name != "ROME":
            raise AttributeError(name)
        from zoneinfo import ZoneInfo

        globals()[name] = ZoneInfo("Europe/Rome")
        return globals()[name]


class Clock(Protocol):
    """Whatever tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        ...


class SystemClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is told to move: for tests and replays."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move the clock."""
        self._at += by
