"""One owner per reader, across all processes of this computer.

The operating system lets go of the lock when the owner dies, however it dies.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from cmsdesk.operations.errors import ReaderBusy

_POLL_S = 0.02


class Ownership:
    """The lock of one reader."""

    def __init__(self, runtime: Path, reader: str) -> None:
        self._reader = reader
        key = reader_key(reader)
        self._lock = FileLock(runtime / f"reader-{key}.lock")
        self.helper_lock = runtime / f"helper-{key}.lock"
        """Held by programs that an owner started (`cmsdesk.cards.helper`)."""

    def take(self, wait_s: float, give_up: Callable[[], None]) -> None:
        """Become the owner, waiting for an earlier one to end; ``give_up`` may raise to stop waiting.

        Raises:
            ReaderBusy: still owned after ``wait_s``.
        """
        deadline = time.monotonic() + wait_s
        self._acquire(self._lock, deadline, give_up)
        helper = FileLock(self.helper_lock)
        self._acquire(helper, deadline, give_up)
        helper.release()

    def release(self) -> None:
        """Let go."""
        self._lock.release()

    def _acquire(self, lock: BaseFileLock, deadline: float, give_up: Callable[[], None]) -> None:
        while True:
            try:
                lock.acquire(timeout=0)
                return
            except Timeout:
                give_up()
                if time.monotonic() > deadline:
                    raise ReaderBusy(reader=self._reader) from None
                time.sleep(_POLL_S)


def reader_key(reader: str) -> str:
    """Return a name for ``reader`` that fits a file name everywhere."""
    return hashlib.sha256(reader.encode("utf-8")).hexdigest()[:16]
