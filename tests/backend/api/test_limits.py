"""Buckets: how many calls at once, how many in the long run, and for whom."""

from __future__ import annotations

import pytest

from cmsdesk.backend.api import limits as module
from cmsdesk.backend.api.limits import Buckets


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_so_many_at_once_then_one_each_time_there_is_a_token() -> None:
    time = Time()
    buckets = Buckets(0.5, 3, time)
    assert [buckets.wait_s("a") for _ in range(5)] == [0, 0, 0, 2, 2]
    time.now_s += 1
    assert buckets.wait_s("a") == 1
    time.now_s += 1
    assert [buckets.wait_s("a") for _ in range(2)] == [0, 2]


def test_a_long_rest_fills_it_no_more_than_full() -> None:
    time = Time()
    buckets = Buckets(1, 2, time)
    assert [buckets.wait_s("a") for _ in range(3)] == [0, 0, 1]
    time.now_s += 1000
    assert [buckets.wait_s("a") for _ in range(3)] == [0, 0, 1]


def test_callers_have_buckets_of_their_own() -> None:
    buckets = Buckets(1, 1, Time())
    assert [buckets.wait_s(caller) for caller in "abab"] == [0, 0, 1, 1]


def test_many_callers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CALLERS", 10)
    buckets = Buckets(1, 1, Time())
    for number in range(100):
        buckets.wait_s(str(number))
    assert len(buckets._callers) == 10
    assert buckets.wait_s("99") == 1, "the last ones are remembered"
