"""A Python for the service's process that times its exchanges with the CA; takes Python's own ``-m``.

The time from sending a request to having read the answer is added to the numbers that follow those
of stopwatch.c in the file named by STOPWATCH. Nothing else is changed.
"""

from __future__ import annotations

import mmap
import os
import runpy
import struct
import sys
import threading
import time
from typing import Any

from cmsdesk.ca.transport import Transport

_OFFSET = struct.calcsize("5q")
_NUMBERS = struct.Struct("2q")


def main() -> None:
    """Time `Transport.send`, then run the module asked for."""
    option, module, *sys.argv[1:] = sys.argv[1:]
    if option != "-m":
        raise SystemExit("python -m tests.benchmarks.measured_service -m MODULE …")
    with open(os.environ["STOPWATCH"], "r+b") as file:  # noqa: PTH123 - as mmap wants it
        shared = mmap.mmap(file.fileno(), 0)
    lock = threading.Lock()
    send = Transport.send

    def timed(self: Transport, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        began = time.perf_counter_ns()
        try:
            return send(self, *arguments, **named)
        finally:
            took = time.perf_counter_ns() - began
            with lock:
                calls, total_ns = _NUMBERS.unpack_from(shared, _OFFSET)
                _NUMBERS.pack_into(shared, _OFFSET, calls + 1, total_ns + took)

    setattr(Transport, "send", timed)  # noqa: B010 - a method is not assigned to
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
