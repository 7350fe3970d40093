"""Runs programs for a card host and never lets them outlive that host (``python -m cmsdesk.cards.helper``).

A program such as `pkcs15-init` would go on writing to the card after its host was killed, beside
the next owner of the reader. This process reads one order from its standard input, holds the
reader's helper lock while the program runs, and kills the program when the input ends.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from filelock import FileLock

from cmsdesk.base.process import environment

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0) if sys.platform == "win32" else 0


def command() -> list[str]:
    """Return the command that starts a helper."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--card-helper"]
    return [sys.executable, "-m", "cmsdesk.cards.helper"]


def run(programs: list[list[str]], secrets: dict[str, str], lock: Path, timeout_s: float) -> int:
    """Run ``programs`` one after the other, ``secrets`` in their environment, until one fails.

    Returns the exit code of the last one run.

    Raises:
        subprocess.TimeoutExpired: no end within ``timeout_s``; the running program was killed.
    """
    order = json.dumps({"programs": programs, "secrets": secrets, "lock": str(lock)}).encode("utf-8") + b"\n"
    with subprocess.Popen(
        command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        creationflags=_NO_WINDOW,
    ) as helper:
        if helper.stdin is None:
            raise RuntimeError("the helper has no input")
        helper.stdin.write(order)
        helper.stdin.flush()
        # The input stays open: its end would stop the program.
        return helper.wait(timeout_s)


class _Runner:
    """The programs of one order; killed together when the input ends."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._environment = {**os.environ, **secrets}
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._ended = False

    def run(self, program: list[str]) -> int:
        with self._lock:
            if self._ended:
                return 1
            self._running = subprocess.Popen(
                program,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                creationflags=_NO_WINDOW,
            )
        return self._running.wait()

    def kill_at_end_of(self, lines: io.FileIO) -> None:
        lines.readall()
        with self._lock:
            self._ended = True
            if self._running is not None:
                self._running.kill()


def main() -> int:
    """Carry out the order on standard input; return the last program's exit code."""
    lines = io.FileIO(0, closefd=False)
    order: dict[str, Any] = json.loads(lines.readline())
    runner = _Runner(order["secrets"])
    with FileLock(order["lock"]):
        threading.Thread(target=runner.kill_at_end_of, args=(lines,), daemon=True).start()
        return next((code for code in map(runner.run, order["programs"]) if code), 0)


if __name__ == "__main__":
    # No interpreter shutdown: the thread still reads.
    os._exit(main() & 0xFF)
