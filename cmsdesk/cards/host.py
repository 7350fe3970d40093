"""The card host: a child process that owns one reader (``python -m cmsdesk.cards.host``).

It speaks `cmsdesk.cards.wire` on its standard input and output. Vendor modules hang, crash and
print; here they can be killed, take nothing with them, and their prints go to standard error. The
process leaves no core file, and ends when its standard input does: with its parent.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from cmsdesk.base.errors import Mendable
from cmsdesk.base.process import leave_no_core
from cmsdesk.cards import profiles, wire
from cmsdesk.cards.errors import Cancelled
from cmsdesk.cards.worker import Line, Worker
from cmsdesk.operations.sealing import SealingKey


class Host:
    """The pipe's end: this thread reads, one worker thread does the work."""

    def __init__(self, lines: BinaryIO, out: BinaryIO) -> None:
        self._lines = lines
        self._out = out
        self._requests: queue.SimpleQueue[wire.Json] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[wire.Json] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._reader = ""

    def run(self) -> None:
        """Serve until the input ends."""
        threading.Thread(target=self._work, daemon=True, name="card").start()
        for line in self._lines:
            message = wire.decode(line)
            if message.get("cancel"):
                self._cancelled.add(message["id"])
                self._replies.put(message)
            elif "reply" in message:
                self._replies.put(message)
            else:
                self._requests.put(message)

    def _work(self) -> None:
        worker = Worker()
        # The first key pair costs 20 ms of the library's own start: paid while the host is a spare.
        SealingKey()
        while True:
            request = self._requests.get()
            if "prepare" in request:
                _read_ahead(request["prepare"])
                continue
            self._send(self._answer(worker, request))
            self._cancelled.discard(request["id"])

    def _answer(self, worker: Worker, request: wire.Json) -> wire.Json:
        number = request["id"]
        self._reader = request.get("args", {}).get("reader", self._reader)
        line = Line(
            progress=lambda part: self._send({"id": number, "progress": part}),
            prompt=lambda kind, facts: self._ask(number, kind, facts),
            check=lambda: self._stop_if_cancelled(number),
        )
        try:
            self._stop_if_cancelled(number)
            return {"id": number, "ok": worker.handle(request["op"], request.get("args", {}), line)}
        except Mendable as error:
            return {"id": number, "error": {"code": error.code, "facts": error.facts}}
        except Exception as error:  # noqa: BLE001 - reported as a bug to the client, which raises it
            return {"id": number, "error": {"code": wire.BUG, "facts": _where(error)}}

    def _ask(self, number: int, kind: str, facts: dict[str, Any]) -> Any:
        self._send({"id": number, "prompt": kind, "facts": facts})
        while True:
            reply = self._replies.get()
            if reply["id"] == number:
                self._stop_if_cancelled(number)
                return reply["reply"]

    def _stop_if_cancelled(self, number: int) -> None:
        if number in self._cancelled:
            raise Cancelled(reader=self._reader)

    def _send(self, message: wire.Json) -> None:
        # Only the worker thread writes.
        self._out.write(wire.encode(message))
        self._out.flush()


def _read_ahead(drivers: str) -> None:
    """Read the card profiles before they are needed; what is wrong with them «attach» meets and tells."""
    with contextlib.suppress(Exception):
        profiles.load(Path(drivers))


def _where(error: Exception) -> dict[str, str]:
    """Say what kind of bug it is and where, without the values at hand: they may be secret."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames[-4:]]  # noqa: PTH119
    return {"kind": type(error).__name__, "where": " ".join(places)}


def _private_output() -> BinaryIO:
    """Keep standard output for the protocol alone; what modules print goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def main() -> None:
    """Serve the parent until it closes the pipe or dies."""
    leave_no_core()
    out = _private_output()
    lines = io.BufferedReader(io.FileIO(0, closefd=False))
    try:
        Host(lines, out).run()
    finally:
        # The worker may hang in a vendor module for ever: no waiting, no clean-up that could block.
        os._exit(0)


if __name__ == "__main__":
    main()
