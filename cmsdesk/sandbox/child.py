"""A process of the sandbox that takes a PIN on standard input, says when it is ready, and ends with us."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from cmsdesk.base.secret import Secret

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0


class ChildFailed(RuntimeError):
    """The process did not start."""


class Child:
    """One process: its first line of input is a PIN, its first line of output JSON that says it is ready."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str] | None:
        """The process while it runs."""
        return self._process

    def start(
        self, command: Sequence[str], pin: Secret, environment: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Start it and return what its first line says.

        Raises:
            ChildFailed: it runs already, or ended or hung before that line.
        """
        if self._process is not None:
            raise ChildFailed("it runs already")
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise ChildFailed("no pipes")
        process.stdin.write(pin.reveal_text() + "\n")
        process.stdin.flush()
        overdue = threading.Timer(_START_TIMEOUT_S, process.kill)
        overdue.start()
        line = process.stdout.readline()
        overdue.cancel()
        if not line:
            self._reap()
            raise ChildFailed("it ended before it was ready")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def stop(self) -> None:
        """Let it end in order, as it does when its standard input ends; harmless when it does not run."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._reap()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
