"""What every process of ours does for itself at start, and what it gives those that it starts."""

from __future__ import annotations

import os
import sys

_SEM_FAILCRITICALERRORS = 0x0001
_SEM_NOGPFAULTERRORBOX = 0x0002


def environment() -> dict[str, str]:
    """Return a copy of the environment, for a process that a thread starts.

    Without one the start reads the C library's table, which another thread may be changing: the call
    then fails with «Bad address», or the process gets half a table.
    """
    while True:
        try:
            return dict(os.environ)
        except KeyError:  # a variable went away while it was copied
            continue


def leave_no_core() -> None:
    """Memory with PINs in it must not reach the disk when the process crashes."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(_SEM_FAILCRITICALERRORS | _SEM_NOGPFAULTERRORBOX)
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
