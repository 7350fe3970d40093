"""How long the window's thread is held up: idle, while 10,000 changes arrive, and while 100 papers are made.

``python -m tests.desk.heartbeat``

A timer of 5 ms is the heart; a gap is what a beat comes late. The yardstick is the idle window of the run.
Prints one line a case, and the worst gap beyond the idle one's.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest

from cmsdesk.base.clock import FixedClock
from cmsdesk.desk import work
from cmsdesk.desk.application import create_app
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.request_papers import FORM, RequestPapers
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from tests.desk.bench import NOW, Desk, some_work, wait_for, window_of
from tests.sync.bench import BODY, CA, CentralService

_BEAT_MS = 5
_IDLE_S = 5.0
_CHANGES = 10_000
_PAPERS = 100


@dataclass(frozen=True)
class Beats:
    """The gaps of one case, milliseconds beyond the beat."""

    gaps: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The longest."""
        return max(self.gaps)

    @property
    def p999(self) -> float:
        """What one in a thousand exceeds."""
        return sorted(self.gaps)[int(len(self.gaps) * 0.999)]


class Heart:
    """Beats in the window's thread and notes how late each beat came."""

    def __init__(self, window: DeskWindow) -> None:
        self._timer = QTimer(window)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._gaps: list[float] = []
        self._last = 0.0

    def while_(self, busy: Callable[[], bool]) -> Beats:
        """Beat until ``busy`` is over."""
        self._gaps = []
        self._last = time.perf_counter()
        self._timer.start()
        while busy():
            QTest.qWait(20)
        self._timer.stop()
        return Beats(tuple(self._gaps) or (0.0,))

    def _beat(self) -> None:
        now = time.perf_counter()
        self._gaps.append(max(0.0, (now - self._last) * 1000 - _BEAT_MS))
        self._last = now


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory(prefix="heartbeat-") as name:
        folder = Path(name)
        central = CentralService(f"sqlite:///{folder / 'service.db'}", FixedClock(NOW))
        desk = Desk(central, folder)
        some_work(central, desk.mandate)
        application = create_app(Preferences(folder / "none.json"))
        window = window_of(application, central.clock, folder)
        window.show()
        window.begin(desk.parts())
        wait_for(lambda: window.session.sync_state.link is Link.UP)
        window.open("requests")
        QTest.qWait(1000)
        heart = Heart(window)
        idle = heart.while_(_for(_IDLE_S))
        _print("idle", idle, idle)
        _print(f"syncing {_CHANGES} changes", _sync(heart, window, central), idle)
        _print(f"making {_PAPERS} papers", _papers(heart, window), idle)
        window.close()
        central.close()


def _sync(heart: Heart, window: DeskWindow, central: CentralService) -> Beats:
    """Changes of the stock arrive from the service, with the list on screen."""
    devices = [f"7430020{number:09d}" for number in range(_CHANGES)]
    stock = {"ca": CA, "certified_until": "2031-12-31", "kind": "smart_card"}
    received = [{"card_id": one, **stock} for one in devices]
    for start in range(0, _CHANGES, 500):
        supply = {"lot": f"L{start}", "supplier": "Fornitore", "devices": received[start : start + 500]}
        central.administer("stock.receive", BODY, **supply)
    window.session.sync_now()
    last = devices[-1]
    return heart.while_(lambda: window.session.get("device", last) is None)


def _papers(heart: Heart, window: DeskWindow) -> Beats:
    """Forms, one after another, as fast as they are made."""
    papers = RequestPapers(window, window.current)
    request = window.session.in_state("request", "registered")[0][0]
    left = _PAPERS

    def next_one(_: object = None) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            work.start(papers, papers._job(FORM, request), done=next_one, failed=_raise)

    next_one()
    beats = heart.while_(lambda: left >= 0)
    papers.papers.close()
    return beats


def _raise(error: BaseException) -> None:
    raise error


def _for(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end


def _print(case: str, beats: Beats, idle: Beats) -> None:
    print(
        f"{case:24} worst gap {beats.worst:7.1f} ms   1 in 1000 {beats.p999:6.1f} ms"
        f"   beyond idle {max(0.0, beats.worst - idle.worst):6.1f} ms   beats {len(beats.gaps)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
