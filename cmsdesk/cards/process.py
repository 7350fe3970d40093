"""The parent's end of a card host: starting, talking with a time limit, killing, starting again."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Any

import cmsdesk.cards.errors  # noqa: F401 - `revive` makes them again from what a host says
from cmsdesk.base.errors import Bug, revive
from cmsdesk.base.process import environment
from cmsdesk.base.texts import N_
from cmsdesk.cards import wire
from cmsdesk.cards.profiles import DEFAULT_TIMEOUT_S
from cmsdesk.operations.errors import CardHostFailed

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0) if sys.platform == "win32" else 0
_END_S = 1.0
_ATTACH_SLACK_S = 5.0
Prompted = Callable[[str, dict[str, Any]], Any]
Progressed = Callable[[str], None]


def host_command() -> list[str]:
    """Return the command that starts a host."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--card-host"]
    return [sys.executable, "-m", "cmsdesk.cards.host"]


class HostProcess:
    """One running host. Calls come one at a time; `cancel` and `kill` may come from other threads."""

    def __init__(self, command: Sequence[str], errors: IO[bytes] | int = subprocess.DEVNULL) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment(),
            creationflags=_NO_WINDOW,
        )
        self._messages: queue.SimpleQueue[wire.Json | None] = queue.SimpleQueue()
        self._number = 0
        self._writing = threading.Lock()
        self._listener = threading.Thread(target=self._listen, daemon=True, name=f"host {self.pid}")
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def prepare(self, drivers: str) -> None:
        """Have it read the card profiles in folder ``drivers`` while nothing is asked of it."""
        self._send({"prepare": drivers})

    def call(
        self,
        reader: str,
        operation: str,
        arguments: dict[str, Any],
        timeout_s: float,
        *,
        prompted: Prompted | None = None,
        progressed: Progressed | None = None,
    ) -> Any:
        """Ask for ``operation`` and wait; progress restarts the time limit, a prompt stops it.

        Raises:
            CardHostFailed: no answer in time, or the process ended; it is dead afterwards.
            Whatever the host answers.
        """
        self._number += 1
        number = self._number
        if not self._send({"id": number, "op": operation, "args": arguments}):
            raise self._failed(reader, operation, N_("it had ended"))
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._failed(reader, operation, N_("no answer in {seconds} s"), timeout_s) from None
            if message is None:
                raise self._failed(reader, operation, N_("it crashed"))
            if "prompt" in message:
                if prompted is None:
                    raise self._failed(reader, operation, N_("it asked what nobody answers"))
                self._send({"id": number, "reply": prompted(message["prompt"], message["facts"])})
            elif "progress" in message:
                if progressed is not None:
                    progressed(message["progress"])
            else:
                return _result(message)
            deadline = time.monotonic() + timeout_s

    def cancel(self) -> None:
        """Make the running call stop waiting, where it waits for something that may never come."""
        self._send({"id": self._number, "cancel": True})

    def close(self) -> None:
        """End the process: by closing its input, by force when that does not do."""
        with self._writing:
            _close_quietly(self._process.stdin)
        # The end of its output is told at once; `wait` alone looks after pauses that grow to 50 ms.
        self._listener.join(_END_S)
        try:
            self._process.wait(0 if self._listener.is_alive() else _END_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process by force."""
        self._process.kill()
        self._process.wait()
        with self._writing:
            _close_quietly(self._process.stdin)

    def _failed(self, reader: str, operation: str, reason: str, timeout_s: float = 0) -> CardHostFailed:
        self.kill()
        return CardHostFailed(
            reader=reader,
            reason=reason,
            seconds=round(timeout_s),
            operation=operation,
            status=self._process.returncode,
        )

    def _send(self, message: wire.Json) -> bool:
        stdin = self._process.stdin
        if stdin is None or stdin.closed:
            return False
        try:
            with self._writing:
                stdin.write(wire.encode(message))
                stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _listen(self) -> None:
        stdout = self._process.stdout
        if stdout is not None:
            with stdout:
                for line in stdout:
                    try:
                        self._messages.put(wire.decode(line))
                    except ValueError:
                        break
        self._messages.put(None)


class HostStarter:
    """Starts hosts ahead of need: a start costs more than all of a card's first commands.

    New spares are started when a session ends, not while a card is being worked on.
    """

    def __init__(self, command: list[str], drivers: str, errors: IO[bytes] | int, spares: int) -> None:
        self._command = command
        self._drivers = drivers
        self._errors = errors
        self._wanted = spares
        self._spares: list[HostProcess] = []
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Start the spare hosts that are missing."""
        with self._lock:
            dead = [spare for spare in self._spares if not spare.alive]
            self._spares = [spare for spare in self._spares if spare not in dead]
            while len(self._spares) < self._wanted:
                self._spares.append(self._new())
        for spare in dead:
            spare.close()

    def prepare_soon(self) -> None:
        """As `prepare`, without holding the caller up; if none can be started, the next `start` says so."""

        def prepare() -> None:
            with suppress(OSError):
                self.prepare()

        threading.Thread(target=prepare, daemon=True, name="spare hosts").start()

    def start(self) -> HostProcess:
        """Return a host that serves no reader yet."""
        with self._lock:
            while self._spares:
                spare = self._spares.pop(0)
                if spare.alive:
                    return spare
                spare.close()
        return self._new()

    def close(self) -> None:
        """End the spare hosts and start no more."""
        with self._lock:
            self._wanted = 0
            spares, self._spares = self._spares, []
        for spare in spares:
            spare.close()

    def _new(self) -> HostProcess:
        host = HostProcess(self._command, self._errors)
        host.prepare(self._drivers)
        return host


class HostLink:
    """A host attached to one reader; one that failed is replaced at the next call."""

    def __init__(self, starter: HostStarter, arguments: dict[str, Any]) -> None:
        """``arguments``: those of the host's ``attach``.

        Raises:
            ReaderBusy: another owner did not end in time.
        """
        self.reader: str = arguments["reader"]
        self.progressed: Progressed | None = None
        """Told the parts of a long operation as they begin."""
        self.timeout_s: Callable[[str], float] = lambda operation: DEFAULT_TIMEOUT_S
        self._starter = starter
        self._arguments = arguments
        self._host: HostProcess | None = None
        self._closed = False
        self._attach()

    @property
    def pid(self) -> int | None:
        """The host's process id; None when none runs."""
        return self._host.pid if self._host is not None else None

    def call(
        self, operation: str, arguments: dict[str, Any] | None = None, prompted: Prompted | None = None
    ) -> Any:
        """Ask the host, starting one when none runs; errors as it answers, or CardHostFailed."""
        if self._closed:
            raise Bug("the card session was closed")
        host = self._host if self._host is not None and self._host.alive else self._attach()
        return host.call(
            self.reader,
            operation,
            arguments or {},
            self.timeout_s(operation),
            prompted=prompted,
            progressed=self.progressed,
        )

    def cancel(self) -> None:
        """From another thread: make the running call stop waiting."""
        host = self._host
        if host is not None:
            host.cancel()

    def close(self) -> None:
        """End the host."""
        self._closed = True
        host, self._host = self._host, None
        if host is not None:
            host.close()
            self._starter.prepare_soon()

    def _attach(self) -> HostProcess:
        if self._host is not None:
            self._host.close()
        host = self._host = self._starter.start()
        try:
            wait_s = float(self._arguments["wait_s"]) + _ATTACH_SLACK_S
            host.call(self.reader, "attach", self._arguments, wait_s)
        except BaseException:
            self._host = None
            host.close()
            raise
        return host


def _result(message: wire.Json) -> Any:
    error = message.get("error")
    if error is None:
        return message["ok"]
    if error["code"] == wire.BUG:
        raise Bug(f"card host: {error['facts']}")
    raise revive(error["code"], error["facts"])


def _close_quietly(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:
            return  # the process is gone already, and with it what was unsent
