"""Serial numbers of time stamps: unique and increasing, also across crashes (RFC 3161 clause 2.4.2).

Numbers are taken from blocks. The end of a block is on disk before its first number is given out, so that a
crash can only leave a gap. A block never begins below the present second times 2^20: even a state file put
back from an old backup, or a virtual machine rolled back, gives out no number twice as long as the clock of
the unit (which must be trusted anyway) is right. Numbers stay far below the 160 bits that RFC 3161 allows.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from cmsdesk.signing.errors import SettingsError

_SECOND = 1 << 20


class Serials(Protocol):
    """Where serial numbers come from. The central service provides one on its database."""

    def take(self) -> int:
        """Return the next number: larger than every number this source ever returned."""
        ...


class FileSerials:
    """Serial numbers from a file that belongs to one time stamping unit in one process."""

    def __init__(
        self, path: Path, *, block: int = 4096, now_s: Callable[[], float] = time.time, create: bool = False
    ) -> None:
        """Open the file; `create` makes a new one for a new unit.

        Raises:
            SettingsError: no such file, a damaged one, or another process holds it. Starting over silently
                would risk numbers given out twice.
        """
        self._path = path
        self._block = block
        self._now_s = now_s
        self._lock = FileLock(f"{path}.lock", thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise SettingsError(
                "Another process is giving out serial numbers from this file.",
                "Stop it, or give this unit its own certificate and its own file.",
                path=str(path),
            ) from None
        self._next = self._end = self._read() if path.exists() or not create else 1

    def take(self) -> int:
        """Return the next number; writes the file once per block."""
        if self._next >= self._end:
            if not self._lock.is_locked:
                raise ValueError("the serial numbers were closed")
            first = max(self._next, int(self._now_s()) * _SECOND)
            self._write(first + self._block)
            self._next, self._end = first, first + self._block
        number = self._next
        self._next += 1
        return number

    def close(self) -> None:
        """Let the file go; the rest of the block is lost."""
        self._next = self._end
        self._lock.release()

    def _read(self) -> int:
        try:
            return int(json.loads(self._path.read_text("ascii"))["reserved_below"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._lock.release()
            raise SettingsError(
                "The file of serial numbers is missing or damaged.",
                "Put the newest copy back, or create a new file only for a new unit.",
                path=str(self._path),
                reason=type(error).__name__,
            ) from error

    def _write(self, end: int) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        with fresh.open("w", encoding="ascii") as file:
            json.dump({"reserved_below": end}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_directory(self._path.parent)


def _sync_directory(directory: Path) -> None:
    """Make the rename durable; Windows has no such call and journals it by itself."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
