"""How long the window's thread is held up: ``python -m tests.benchmarks.heartbeat [--alone] [--where MS]``.

The real window on a sandbox: its service a process of its own over HTTPS, its cards in virtual readers.
A timer of 5 ms is the heart; a gap is what a beat comes late. Cases: idle, a device issued (from the
check to the outcome), 10,000 changes that arrive by the feed with the list of devices on screen, and 100
papers printed one after another. Goal: no gap more than 50 ms longer than the longest while idle.

``--where``: say what every thread is doing whenever a beat is so many milliseconds late.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, Qt, QTimer

from cmsdesk.backend.services.administration import Administration
from cmsdesk.cards.client import PcscReaders
from cmsdesk.desk.application import create_app
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.request_papers import FORM, RequestPapers
from cmsdesk.desk.wizards.issue.flow import Stage
from cmsdesk.sandbox.desk.start import running_sandbox
from cmsdesk.sandbox.world import BODY, CA_NAME, Blank, Pins, World
from cmsdesk.sync.synchroniser import Round
from tests.benchmarks.machine import describe
from tests.desk.production.driver import Driver
from tests.fixtures.worlds import place_for_a_world

BEAT_MS = 5
IDLE_S = 5.0
ROUNDS, CHANGES, PAPERS = 3, 10_000, 100
GOAL_MS = 50.0
_SUPPLY = 500


@dataclass(frozen=True)
class Beats:
    """The gaps of one case, milliseconds beyond the beat."""

    gaps: tuple[float, ...]
    own: tuple[float, ...]
    """Of each gap without what the thread waited for a free processor: other programs' doing."""
    seconds: float

    @property
    def worst(self) -> float:
        """The longest."""
        return max(self.gaps, default=0.0)

    @property
    def worst_own(self) -> float:
        """The longest but for the waits for a processor."""
        return max(self.own, default=0.0)

    @property
    def p999(self) -> float:
        """What one in a thousand exceeds."""
        return sorted(self.gaps)[int(len(self.gaps) * 0.999)]


class Heart(QObject):
    """Beats in the window's thread and notes how late each beat came."""

    def __init__(self, where_ms: int) -> None:
        super().__init__()
        self._where_ms = where_ms
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._gaps: list[float] = []
        self._own: list[float] = []
        self._last = self._waited = 0.0

    @contextmanager
    def beating(self, found: list[Beats]) -> Iterator[None]:
        """Beat while the block runs; it lets the window live."""
        self._gaps, self._own, began = [], [], time.perf_counter()
        self._last, self._waited = began, _waited_ms()
        self._timer.start()
        yield
        self._timer.stop()
        faulthandler.cancel_dump_traceback_later()
        found.append(Beats(tuple(self._gaps), tuple(self._own), time.perf_counter() - began))

    def _beat(self) -> None:
        now, waited = time.perf_counter(), _waited_ms()
        gap = max(0.0, (now - self._last) * 1000 - BEAT_MS)
        self._gaps.append(gap)
        self._own.append(max(0.0, gap - (waited - self._waited)))
        self._last, self._waited = now, waited
        if self._where_ms:
            if gap > self._where_ms:
                print(f"gap {gap:.0f} ms, own {self._own[-1]:.0f} ms", file=sys.stderr, flush=True)
            faulthandler.dump_traceback_later((BEAT_MS + self._where_ms) / 1000, file=sys.stderr)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--where", type=int, default=0, metavar="MS")
    parser.add_argument("--alone", action="store_true", help="keep other programs from the processors")
    parser.add_argument("--changes", type=int, default=CHANGES)
    options = parser.parse_args()
    print("\n".join(describe(["PySide6-Essentials", "sqlcipher3"])), flush=True)
    heart: Heart | None = None
    with tempfile.TemporaryDirectory() as folder, place_for_a_world() as place:
        preferences = Preferences(Path(folder) / "desk.json")
        application = create_app(preferences)
        world = World(place, Pins.random())
        with ExitStack() as stack:
            sandbox = stack.enter_context(running_sandbox(world))
            if options.alone:
                _alone(world)
            driver = stack.enter_context(Driver(sandbox, preferences))
            heart = Heart(options.where)
            requests = [driver.request() for _ in range(ROUNDS)]
            blanks = [world.blank() for _ in range(ROUNDS)]
            driver.sign_in()
            driver.know(*requests)
            driver.pause(2)
            idle = _idle(heart, driver)
            _say("idle", idle, idle)
            for name, measure in (
                (f"issuing {ROUNDS} devices", lambda: _issue(heart, driver, requests, blanks)),
                (f"{options.changes:,} changes", lambda: _changes(heart, driver, options.changes)),
                (f"printing {PAPERS} papers", lambda: _print(heart, driver, requests[0])),
            ):
                _say(name, measure(), idle)
            _say("idle again", _idle(heart, driver), idle)
        application.processEvents()


def _alone(world: World) -> None:
    """Put this process, the desk's, before all others, as ``chrt -r 10`` does; the sandbox has what is left.

    On a desk the service and the cards' chips are not on the same computer. Card hosts run as others do:
    two real-time processes that start would keep the window's thread off both processors.
    """
    world.readers.close()
    command = ["chrt", "-o", "0", sys.executable, "-m", "cmsdesk.cards.host"]
    world.readers = PcscReaders(world.folder / "run", command=command)
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(10))


def _idle(heart: Heart, driver: Driver) -> Beats:
    found: list[Beats] = []
    with heart.beating(found):
        driver.pause(IDLE_S)
    return found[0]


def _issue(heart: Heart, driver: Driver, requests: list[str], blanks: list[Blank]) -> Beats:
    """Devices are produced as a person does: number, PIN, outcome."""
    found: list[Beats] = []
    for request, blank in zip(requests, blanks, strict=True):
        with heart.beating(found):
            driver.window.open("production", request=request)
            _beside(driver, lambda blank=blank: driver.insert(blank))
            driver.say_number(blank.scratch_card)
            driver.say_pin()
            driver.reach(Stage.ISSUED)
            _beside(driver, driver.remove)
            driver.until(lambda: driver.screen._shown is None)
    gaps, own = (tuple(gap for one in found for gap in getattr(one, name)) for name in ("gaps", "own"))
    return Beats(gaps, own, sum(one.seconds for one in found))


def _changes(heart: Heart, driver: Driver, number: int) -> Beats:
    """A supply arrives from the service, with the list of devices on screen."""
    window = driver.window
    with patch.object(window.session._parts.synchroniser, "run", return_value=Round()):
        driver.pause(1)
        devices = [f"7430020{number:09d}" for number in range(number)]
        administration = Administration(driver.world.service.engine, driver.world.clock, BODY)
        stock = {"ca": CA_NAME, "certified_until": date(2031, 12, 31).isoformat(), "kind": "smart_card"}
        for start in range(0, number, _SUPPLY):
            received = [{"card_id": one, **stock} for one in devices[start : start + _SUPPLY]]
            administration.execute("stock.receive", lot=f"L{start}", supplier="Fornitore", devices=received)
        window.open("devices")
        driver.pause(2)
    found: list[Beats] = []
    with heart.beating(found):
        window.session.sync_now()
        driver.until(lambda: window.session.get("device", devices[-1]))
        driver.pause(1)
    return found[0]


def _print(heart: Heart, driver: Driver, request: str) -> Beats:
    """Forms, one after another, as fast as they are made; the first one starts the process."""
    left = PAPERS

    def seen(_: Path) -> bool:
        nonlocal left
        left -= 1
        if left > 0:
            QTimer.singleShot(0, lambda: papers.print(FORM, request))
        return True

    driver.window.open("production")
    papers = RequestPapers(driver.window, driver.screen, Papers(seen))
    found: list[Beats] = []
    with heart.beating(found):
        papers.print(FORM, request)
        driver.until(lambda: left <= 0)
    papers.papers.close()
    return found[0]


def _waited_ms() -> float:
    """Return how long this thread was ready to run and had no processor, so far."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6


def _beside(driver: Driver, work: Callable[[], object]) -> None:
    """Do the hand's work in a thread: the window's must not wait for the emulator."""
    thread = threading.Thread(target=work)
    thread.start()
    driver.until(lambda: not thread.is_alive())


def _say(case: str, beats: Beats, idle: Beats) -> None:
    beyond, own = max(0.0, beats.worst - idle.worst), max(0.0, beats.worst_own - idle.worst_own)
    print(
        f"{case:20} {beats.seconds:6.1f} s   longest gap {beats.worst:6.1f} ms, 1 in 1000 {beats.p999:.1f} ms"
        f"; beyond idle {beyond:.1f} ms, without waits for a processor {own:.1f} ms (goal {GOAL_MS:.0f})",
        flush=True,
    )


if __name__ == "__main__":
    main()
