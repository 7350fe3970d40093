"""Makes pcscd look at a reader now, instead of within its 400 ms.

pcscd 1.9.9 polls each slot of a vpcd reader in a thread of its own that sleeps 400 ms between two looks.
SIGUSR1, for which pcscd has a handler that only rescans USB, ends that sleep when it is sent to that thread.
The threads are told apart by age: they start in the order of the reader definitions. Without such threads
to be found (another kernel, another pcscd) nothing is sent and pcscd's own rhythm holds.
"""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path

_SLOTS_PER_READER = 2
_SLEEPING = ("hrtimer_nanosleep", "do_nanosleep", "common_nsleep")


class PollingThreads:
    """The polling threads of the pcscd whose process id is in `pid_file`; `readers` in their order there."""

    def __init__(self, pid_file: Path, readers: list[str]) -> None:
        self._pid_file = pid_file
        self.readers = readers
        self._found: tuple[int, list[int]] = (0, [])
        self._libc = ctypes.CDLL(None)

    def nudge(self, reader: str) -> None:
        """Wake the thread that polls the reader's first slot, if it can be told."""
        pid, threads = self._threads()
        if threads and reader in self.readers:
            self._libc.tgkill(pid, threads[_SLOTS_PER_READER * self.readers.index(reader)], signal.SIGUSR1)

    def _threads(self) -> tuple[int, list[int]]:
        try:
            pid = int(self._pid_file.read_text("ascii"))
        except (OSError, ValueError):
            return 0, []
        if self._found[0] != pid:
            threads = _sleeping_threads(pid)
            if len(threads) != _SLOTS_PER_READER * len(self.readers):
                return pid, []  # one of them is just looking at its reader: the caller tries again
            self._found = pid, threads
        return self._found


def _sleeping_threads(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "wchan").read_text("ascii") in _SLEEPING:
                found.append(int(task.name))
    except OSError:
        return []  # pcscd is ending
    return sorted(found)
