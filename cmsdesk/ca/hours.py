"""Enrolment hours (REN-3 a: «none after 21:00»): a rule of the CA's contract, kept as configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.operations.ports import Opening

EVERY_DAY = frozenset(range(7))
_OUT_OF_HOURS = N_("enrolment is closed at this hour")


@dataclass(frozen=True)
class EnrolmentHours:
    """Daily hours in which a CA enrols; ``closes`` is the first moment when it no longer does."""

    opens: time
    closes: time
    zone: ZoneInfo = ROME
    weekdays: frozenset[int] = EVERY_DAY
    """0 is Monday."""

    def __post_init__(self) -> None:
        if self.opens >= self.closes or not self.weekdays <= EVERY_DAY or not self.weekdays:
            raise ValueError("enrolment hours must open before they close, on at least one day of the week")

    def opening(self, now: datetime) -> Opening:
        """Tell whether ``now`` (aware) is within the hours, and if not, when they begin again (UTC)."""
        local = now.astimezone(self.zone)
        if local.weekday() in self.weekdays and self.opens <= local.time() < self.closes:
            return Opening(True)
        return Opening(False, _OUT_OF_HOURS, self._next(local))

    def _next(self, local: datetime) -> datetime:
        days = (local.date() + timedelta(days=ahead) for ahead in range(8))
        moments = (datetime.combine(day, self.opens, self.zone) for day in days)
        return next(
            moment.astimezone(UTC)
            for moment in moments
            if moment > local and moment.weekday() in self.weekdays
        )
