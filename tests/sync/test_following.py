"""When rounds are run: at once after a nudge or at news, now and then where nobody tells of news."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync import following as module
from cmsdesk.sync.following import Following
from cmsdesk.sync.synchroniser import Round

SOON_S = 5.0
LATE_S = 60.0
"""Longer than any test here lasts."""


class Service:
    """A synchroniser whose service holds calls, or does not, or is away."""

    def __init__(self) -> None:
        self.rounds = threading.Semaphore(0)
        self.listening = threading.Semaphore(0)
        self.news = threading.Semaphore(0)
        self.holds = True
        self.away = False
        self.listened = 0

    def run(self) -> Round:
        self.rounds.release()
        if self.away:
            raise ServiceUnreachable(reason="away")
        return Round()

    def listen(self) -> bool:
        self.listened += 1
        self.listening.release()
        if self.holds:
            self.news.acquire()
        if self.away:
            raise ServiceUnreachable(reason="away")
        return self.holds


class Bench:
    """The two threads and what they tell."""

    def __init__(self) -> None:
        self.service = Service()
        self.told: list[BaseException | None] = []
        self.following = Following(self.service, lambda: None, lambda _, error: self.told.append(error))

    def expect(self, what: threading.Semaphore) -> None:
        """Wait for one more of something."""
        assert what.acquire(timeout=SOON_S)

    def quiet(self) -> None:
        """See that no round is run."""
        assert not self.service.rounds.acquire(timeout=0.2)

    def begin(self) -> None:
        """The first round is over, and it listens."""
        self.following.start()
        self.expect(self.service.rounds)
        self.expect(self.service.listening)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(module, "POLL_S", LATE_S)
    bench = Bench()
    yield bench
    bench.following.stop()
    bench.service.holds = False
    bench.service.news.release()
    bench.following.join()
    assert not any(thread.is_alive() for thread in bench.following._threads)


def test_news_bring_a_round_at_once_and_then_it_listens_again(bench: Bench) -> None:
    bench.begin()
    for _ in range(3):
        bench.service.news.release()
        bench.expect(bench.service.rounds)
        bench.expect(bench.service.listening)
    bench.quiet()


def test_an_act_at_the_desk_brings_a_round_while_it_listens(bench: Bench) -> None:
    bench.begin()
    bench.following.nudge()
    bench.expect(bench.service.rounds)
    bench.quiet()
    assert bench.service.listened == 1


def test_a_service_that_holds_no_calls_is_asked_now_and_then(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    bench.service.holds = False
    bench.following.start()
    for _ in range(5):
        bench.expect(bench.service.rounds)
    bench.expect(bench.service.listening)
    assert bench.service.listened <= 6, "and not without pause"


def test_a_service_that_goes_away_is_noticed_at_once_and_asked_again_later(bench: Bench) -> None:
    bench.begin()
    bench.service.news.release()
    bench.expect(bench.service.rounds)
    bench.expect(bench.service.listening)
    bench.service.away = True
    bench.service.news.release()
    bench.expect(bench.service.rounds)
    bench.quiet()
    assert isinstance(bench.told[-1], ServiceUnreachable)
    assert bench.service.listened == 2, "who cannot push and pull does not listen"


def test_it_listens_again_when_the_service_is_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    bench.service.away = True
    bench.service.news.release()
    bench.following.start()
    bench.expect(bench.service.rounds)
    bench.service.away = False
    deadline = time.monotonic() + SOON_S
    while bench.service.listened < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.service.listened >= 1
    while bench.service.rounds.acquire(blocking=False):
        pass
    bench.service.news.release()
    bench.expect(bench.service.rounds)
