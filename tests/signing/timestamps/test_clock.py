"""When the time stamping unit may trust its clock."""

import sys
from datetime import UTC, datetime, timedelta

import pytest

from cmsdesk.signing.timestamps.tsa.clock import (
    Guarded,
    KernelDiscipline,
    StepGuard,
    UntrustedClock,
    read_kernel_discipline,
)

START = datetime(2026, 12, 3, 10, 0, tzinfo=UTC)


class Hands:
    """Two clocks moved by hand."""

    def __init__(self) -> None:
        self.wall = START
        self.monotonic_s = 1000.0

    def pass_s(self, seconds: float, *, slewed_s: float = 0.0) -> None:
        self.monotonic_s += seconds
        self.wall += timedelta(seconds=seconds + slewed_s)

    def clock(self, guard: StepGuard) -> Guarded:
        return Guarded([guard], lambda: self.wall)

    def guard(self) -> StepGuard:
        return StepGuard(tolerance_s=0.5, window_s=60, monotonic_s=lambda: self.monotonic_s)


@pytest.mark.parametrize("step_s", [-3600.0, -0.6, 0.6, 5.0])
def test_a_step_silences_the_clock_until_it_is_trusted_again(step_s: float) -> None:
    hands = Hands()
    guard = hands.guard()
    clock = hands.clock(guard)
    assert clock.read() == START
    hands.pass_s(10, slewed_s=step_s)
    with pytest.raises(UntrustedClock, match="moved by"):
        clock.read()
    hands.pass_s(10, slewed_s=-step_s)
    with pytest.raises(UntrustedClock):
        clock.read()
    guard.trust_again()
    assert clock.read() == hands.wall


def test_slow_corrections_are_no_step() -> None:
    hands = Hands()
    clock = hands.clock(hands.guard())
    clock.read()
    for _ in range(200):
        hands.pass_s(30, slewed_s=30 * 400e-6)
        clock.read()
    hands.pass_s(7200, slewed_s=7200 * 400e-6)
    assert clock.read() == hands.wall


def test_many_small_steps_are_steps() -> None:
    hands = Hands()
    clock = hands.clock(hands.guard())
    clock.read()
    hands.pass_s(1, slewed_s=0.3)
    clock.read()
    hands.pass_s(1, slewed_s=0.3)
    with pytest.raises(UntrustedClock):
        clock.read()


@pytest.mark.parametrize(
    ("synchronised", "error_s", "reason"),
    [(True, 0.02, None), (False, 0.02, "not synchronised"), (True, 0.9, "wrong by 0.900 s")],
)
def test_the_kernels_word_counts(synchronised: bool, error_s: float, reason: str | None) -> None:
    found = KernelDiscipline(probe=lambda: (synchronised, error_s)).distrust(START)
    assert found == reason if reason is None else reason in str(found)


def test_a_system_that_cannot_tell_is_not_trusted() -> None:
    def probe() -> tuple[bool, float]:
        raise OSError(1, "not permitted")

    assert "does not tell" in str(KernelDiscipline(probe=probe).distrust(START))


def test_the_kernel_is_asked_once_a_second() -> None:
    asked: list[None] = []
    hands = Hands()

    def probe() -> tuple[bool, float]:
        asked.append(None)
        return True, 0.0

    guard = KernelDiscipline(probe=probe, monotonic_s=lambda: hands.monotonic_s)
    for _ in range(10):
        guard.distrust(START)
    assert len(asked) == 1
    hands.pass_s(1.5)
    guard.distrust(START)
    assert len(asked) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_real_kernel_answers() -> None:
    synchronised, error_s = read_kernel_discipline()
    assert isinstance(synchronised, bool)
    assert error_s >= 0
