"""Enrolment hours."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from cmsdesk.ca.hours import EnrolmentHours

ROME = ZoneInfo("Europe/Rome")
DAILY = EnrolmentHours(time(6), time(21))
WORKING_DAYS = EnrolmentHours(time(8), time(20), weekdays=frozenset(range(5)))


def rome(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "now", "is_open", "reopens"),
    [
        (DAILY, rome(20, 6), True, None),
        (DAILY, rome(20, 20, 59), True, None),
        (DAILY, rome(20, 21), False, rome(21, 6)),
        (DAILY, rome(20, 5, 59), False, rome(20, 6)),
        (WORKING_DAYS, rome(20, 19), True, None),  # a Friday
        (WORKING_DAYS, rome(20, 20), False, rome(23, 8)),
        (WORKING_DAYS, rome(21, 12), False, rome(23, 8)),
        (DAILY, rome(24, 22, month=10), False, rome(25, 6, month=10)),  # the clocks go back that night
        (DAILY, rome(28, 22, month=3), False, rome(29, 6, month=3)),  # and forward
    ],
)
def test_hours(hours: EnrolmentHours, now: datetime, is_open: bool, reopens: datetime | None) -> None:
    opening = hours.opening(now)
    assert (opening.open, opening.reopens_at) == (is_open, reopens)
    assert bool(opening.reason) is not is_open


@pytest.mark.parametrize(
    "wrong", [(time(21), time(6), {1}), (time(6), time(21), set()), (time(6), time(21), {7})]
)
def test_impossible_hours_are_refused(wrong: tuple[time, time, set[int]]) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        EnrolmentHours(wrong[0], wrong[1], weekdays=frozenset(wrong[2]))
