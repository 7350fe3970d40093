"""A desk that comes back after a week: ``python -m tests.benchmarks.week [--changes 10000]``.

The service in this process has so many changes that the desk has not seen; the desk fetches, checks
and stores them, every hash and head included, in its own thread while the event loop of an application
beats. Goal: under 5 s, and no gap between beats more than 50 ms longer than the longest while idle.
Transport is not in it: the pages are fetched from the service before, as HTTPS carries them, and what
the service needed for them is named apart.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QThread, QTimer

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.sync.synchroniser import PAGE, Round
from tests.benchmarks.machine import describe
from tests.desk.bench import Desk
from tests.sync.bench import BODY, MORNING, OFFICE, CentralService, digest_of, registration

BEAT_MS = 5
IDLE_S = 2.0
GOAL_S, GOAL_GAP_MS = 5.0, 50.0


class Coming(QThread):
    """The desk's synchronisation, in a thread as in the session; what it gets was fetched before."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._synchroniser = desk.parts().synchroniser
        known = desk.files.store.followed()
        assert known is not None
        began = time.thread_time()
        self._pages = _pages(desk, (known.epoch, known.size))
        self.worked_there = time.thread_time() - began
        desk.line.pull = self._page  # type: ignore[method-assign]
        self.round = Round()
        self.seconds = self.worked = 0.0

    def run(self) -> None:
        began, worked = time.perf_counter(), time.thread_time()
        self.round = self._synchroniser.run()
        self.seconds, self.worked = time.perf_counter() - began, time.thread_time() - worked

    def _page(self, cursor: tuple[int, int] | None, limit: int) -> dict[str, Any]:
        page: dict[str, Any] = json.loads(self._pages[cursor])
        return page


def _pages(desk: Desk, cursor: tuple[int, int]) -> dict[tuple[int, int] | None, str]:
    """Return the feed's pages from a cursor on, as HTTPS carries them."""
    found: dict[tuple[int, int] | None, str] = {}
    while True:
        page = desk.line.pull(cursor, PAGE)
        found[cursor] = json.dumps(page)
        cursor = page["cursor"]["epoch"], page["cursor"]["index"]
        if cursor[1] >= page["size"]:
            return found


class Heart:
    """Beats in the event loop and notes the longest gap."""

    def __init__(self) -> None:
        self._since = QElapsedTimer()
        self._timer = QTimer()
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self.longest_ms = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self.longest_ms = 0.0
        self._since.start()
        self._timer.start()

    def _beat(self) -> None:
        self.longest_ms = max(self.longest_ms, self._since.nsecsElapsed() / 1e6)
        self._since.restart()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    changes = parser.parse_args().changes
    print("\n".join(describe(["sqlcipher3", "SQLAlchemy", "PySide6-Essentials"])), flush=True)
    application = QCoreApplication([])
    with tempfile.TemporaryDirectory() as folder:
        central = CentralService(f"sqlite:///{Path(folder) / 'service.db'}", FixedClock(MORNING))
        desk = Desk(central, Path(folder))
        desk.parts().synchroniser.run()
        a_week(central, desk.mandate, changes)
        heart, coming = Heart(), Coming(desk)
        heart.begin()
        QTimer.singleShot(round(IDLE_S * 1000), application.quit)
        application.exec()
        idle = heart.longest_ms
        coming.finished.connect(application.quit)
        heart.begin()
        coming.start()
        application.exec()
        busy = heart.longest_ms
        coming.wait()
        central.close()
    worked = f"{coming.worked:.1f} s of the processor; the service {coming.worked_there:.1f} s before"
    print(f"{coming.round.received:,} changes in {coming.seconds:.1f} s (goal {GOAL_S:.0f}), {worked}")
    print(f"longest gap of the event loop: idle {idle:.0f} ms, meanwhile {busy:.0f} ms"
          f" (goal {GOAL_GAP_MS:.0f} more than idle)")  # fmt: skip


def a_week(central: CentralService, mandate: str, changes: int) -> None:
    """Have requests registered and approved until so many changes are there."""
    actor = central.actor(mandate)
    made = 0
    while made < changes:
        central.clock.advance(timedelta(days=7) * 100 / changes)
        requests = [new_id() for _ in range(min(50, (changes - made + 1) // 2))]
        commands = [Command(new_id(), "request.register", BODY, registration(one)) for one in requests]
        commands += [
            Command(new_id(), "request.approve", BODY, {"request": one, "digest": digest_of(one, OFFICE)})
            for one in requests
        ]
        answers = central.service.execute(commands, actor)
        assert all(answer.accepted for answer in answers), answers[0]
        made += len(commands)


if __name__ == "__main__":
    main()
