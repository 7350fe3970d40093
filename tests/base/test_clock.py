"""Clocks tell aware UTC times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from cmsdesk.base.clock import ROME, FixedClock, SystemClock


def test_the_computers_clock_is_aware_and_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2026, 3, 29, 0, 30, tzinfo=UTC) == clock.now()
    assert clock.now().tzinfo is UTC
    clock.advance(timedelta(hours=1))
    assert clock.now() == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_rome_knows_summer_time() -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(ROME).hour == 1
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(ROME).hour == 2
