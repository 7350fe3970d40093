"""The desk's first frame and memory against a bare PySide6 window: ``python -m tests.benchmarks.desk``.

Goals: first frame at most 1.5 times, memory at most 3 times. Both run as processes of their own, in
turn, so that a busy machine is busy for both; the ratio of the medians counts. Each runs once before
it is measured: the desk's modules are compiled then, as they are from a program's second start on and
as Qt's always are. On a shared machine the processor's seconds say more than the clock's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from tests.benchmarks.machine import describe

BARE = """
import time; begun = time.perf_counter(), time.process_time()
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow
application = QApplication([])
window = QMainWindow()
window.setCentralWidget(QLabel("bare"))
window.resize(1280, 800)
"""
DESK = """
import time; begun = time.perf_counter(), time.process_time()
import sys
from pathlib import Path
from cmsdesk.base.clock import SystemClock
from cmsdesk.desk.application import create_app, create_window
from cmsdesk.desk.environment import Environment
from cmsdesk.desk.preferences import Preferences
class NoReaders:
    def snapshot(self): return []
    def wait(self, timeout_s): time.sleep(0.01); return False
    def close(self): pass
preferences = Preferences(Path(sys.argv[1]) / "desk.json")
application = create_app(preferences)
window = create_window(application, None, NoReaders(), preferences, Environment("bench"), SystemClock())
"""
END = """
window.show()
application.processEvents()
window.grab()
import resource
ended = time.perf_counter(), time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(ended[0] - begun[0], ended[1] - begun[1], peak, flush=True)
import os; os._exit(0)
"""


def measure(program: str, folder: str) -> tuple[float, float, float]:
    """Return seconds to the first frame by the clock and of the processor, and memory in MiB."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", program + END, folder],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    elapsed, worked, kibibytes = map(float, done.stdout.split())
    return elapsed, worked, kibibytes / 1024


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float, float]]] = {"bare": [], "desk": []}
    print("\n".join(describe(["PySide6-Essentials"])))
    with tempfile.TemporaryDirectory() as folder:
        for program in (BARE, DESK):
            measure(program, folder)
        for _ in range(rounds):
            found["bare"].append(measure(BARE, folder))
            found["desk"].append(measure(DESK, folder))
    figures = (("first frame, clock", "s", 1.5), ("first frame, processor", "s", 1.5), ("memory", "MiB", 3.0))
    for place, (name, unit, goal) in enumerate(figures):
        bare, desk = (statistics.median(one[place] for one in found[which]) for which in ("bare", "desk"))
        print(
            f"{name}: bare {bare:.3f} {unit}, desk {desk:.3f} {unit}, ratio {desk / bare:.2f} (goal {goal})"
        )


if __name__ == "__main__":
    main()
