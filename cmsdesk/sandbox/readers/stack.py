"""A private PC/SC stack as a context manager: pcscd, virtual readers, the emulator, client settings.

Everything lives in a runtime directory given by the caller; nothing of the machine's own smart card
service is touched. Clients join by the environment of `Bench.environment`.

vpcd gives each reader two slots; cards go into the first ("NAME 00 00"), the second ("NAME 00 01") stays
empty. vpcd cannot take a single reader away from a running pcscd: unplugging restarts pcscd without it, and
clients see what they see on a PC whose last reader is unplugged: the service goes, and comes back without it.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cmsdesk.sandbox.card.atr import SHAPE_CARD, SHAPE_TOKEN
from cmsdesk.sandbox.readers.bench import Bench, BenchError
from cmsdesk.sandbox.readers.opensc import DRIVER_CNS, DRIVER_MYEID, write_opensc_conf

_FIRST_PORT = 0x8C7B
_SLOTS_PER_READER = 2
_READERS_MAX = 8
_READY_S = 15.0
_STOP_S = 15.0
_SOCKET_PATH_LIMIT = 107


@dataclass(frozen=True, slots=True)
class ReaderPlan:
    """A reader to be: its name in pcscd and the shape of device it holds (card, token)."""

    name: str
    shape: str = SHAPE_CARD


DEFAULT_READERS = (
    ReaderPlan("Sandbox Lettore 1"),
    ReaderPlan("Sandbox Lettore 2"),
    ReaderPlan("Sandbox Token 1", SHAPE_TOKEN),
)


class ReaderStack(Bench):
    """A running stack between `start` and `stop`, owned by this process: it ends when this process does.

    With `fsync` (the default) cards wait for the disk at every change; tests leave that out.
    """

    def __init__(
        self, runtime: Path, readers: Sequence[ReaderPlan] = DEFAULT_READERS, *, fsync: bool = True
    ) -> None:
        super().__init__(runtime)
        if not 1 <= len(readers) <= _READERS_MAX:
            raise BenchError(f"pcscd holds 1 to {_READERS_MAX} readers of two slots")
        if len(str(self.control_socket)) > _SOCKET_PATH_LIMIT:
            raise BenchError(f"the path {self.runtime} is too long for a unix socket")
        self.readers = tuple(readers)
        self._plugged = [plan.name for plan in readers]
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reader_names(self, shape: str | None = None) -> list[str]:
        """Names of the readers, of one shape or all."""
        return [plan.name for plan in self.readers if shape in (None, plan.shape)]

    # life

    def start(self) -> None:
        """Start everything and wait until pcscd publishes all readers. Raises `BenchError` after 15 s."""
        self._write_settings()
        self._process = subprocess.Popen(
            self._command(),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._read_reply()
            self._await_readers()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything; nothing is left running."""
        self.emulator.close()
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()

    # faults of the machine

    def stop_service(self) -> None:
        """Stop pcscd: clients see the smart card service go. Cards stay in their readers."""
        self._request("pcscd", "stop")

    def start_service(self) -> None:
        """Start pcscd again; returns when it publishes all plugged readers."""
        self._request("pcscd", "start")
        self._await_readers()

    def unplug(self, reader: str) -> None:
        """Take a reader from the machine (see the module's text); its card, if any, is pulled."""
        self._plugged.remove(reader)
        self.emulator.remove(reader, wait_s=0)
        self._restart_service()

    def plug(self, reader: str) -> None:
        """Put an unplugged reader back, empty."""
        self._plugged.append(self._plan(reader).name)
        self._restart_service()

    def kill_emulator(self) -> None:
        """SIGKILL the emulator, as a power cut of all readers would."""
        self.emulator.secrets_seen()
        self._request("emulator", "kill")
        self.emulator.close()

    def start_emulator(self) -> None:
        """Start the emulator again, all readers empty; returns when pcscd and it know all readers."""
        self._request("emulator", "start")
        self._await_readers()

    # settings

    def _write_settings(self) -> None:
        self.runtime.mkdir(parents=True, exist_ok=True)
        library = _driver_library()
        shutil.rmtree(self._drivers, ignore_errors=True)
        self._drivers.mkdir()
        for port in self._ports().values():
            # two readers of one library would show the same card
            shutil.copy(library, self._driver(port))
        for driver in (DRIVER_MYEID, DRIVER_CNS):
            write_opensc_conf(self.opensc_conf(driver), driver)
        self._write_readers()

    def _write_readers(self) -> None:
        self._config.mkdir(exist_ok=True)
        entries = [
            f'FRIENDLYNAME "{name}"\nDEVICENAME /dev/null:{port:#x}\n'
            f"LIBPATH {self._driver(port)}\nCHANNELID {port:#x}\n"
            for name, port in self._ports().items()
            if name in self._plugged
        ]
        (self._config / "sandbox").write_text("\n".join(entries), "utf-8")

    @property
    def _config(self) -> Path:
        return self.runtime / "reader.conf.d"

    @property
    def _drivers(self) -> Path:
        return self.runtime / "drivers"

    def _driver(self, port: int) -> Path:
        return self._drivers / f"libifdvpcd-{port}.so"

    def _ports(self) -> dict[str, int]:
        return {plan.name: _FIRST_PORT + _SLOTS_PER_READER * i for i, plan in enumerate(self.readers)}

    def _plan(self, reader: str) -> ReaderPlan:
        return next(plan for plan in self.readers if plan.name == reader)

    # the supervisor

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "cmsdesk.sandbox.readers.supervisor", "--pcscd", _pcscd()]
        command += ["--config", str(self._config), "--pcsc", str(self.pcsc_socket)]
        command += ["--pcscd-pid", str(self.runtime / "pcscd.pid"), "--control", str(self.control_socket)]
        command += ["--ports", json.dumps(self._ports()), "--logs", str(self.runtime)]
        return command if self._fsync else [*command, "--no-fsync"]

    def _restart_service(self) -> None:
        self._request("pcscd", "stop")
        self._write_readers()
        self.start_service()

    def _request(self, service: str, do: str) -> None:
        with self._lock:
            if self._process is None or self._process.stdin is None:
                raise BenchError("the stack is not running")
            self._process.stdin.write(json.dumps({"service": service, "do": do}).encode() + b"\n")
            self._read_reply()

    def _read_reply(self) -> None:
        if self._process is None or self._process.stdout is None:
            raise BenchError("the stack is not running")
        door = self._process.stdout.fileno()
        deadline = time.monotonic() + _READY_S
        received = b""
        # not select(): it refuses descriptors from 1024 on
        with selectors.DefaultSelector() as waiting:
            waiting.register(door, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                ready = waiting.select(max(0.0, deadline - time.monotonic()))
                part = os.read(door, 4096) if ready else b""
                if not part:
                    raise BenchError(f"the reader stack ended or hangs: {self._tail()}")
                received += part

    def _await_readers(self) -> None:
        if not self.emulator.wait_readers(self._plugged, wait_s=_READY_S):
            raise BenchError(f"pcscd publishes other readers than {self._plugged}: {self._tail()}")

    def _tail(self) -> str:
        logs = [self.runtime / "pcscd.log", self.runtime / "emulator.log"]
        return " ".join(log.read_text("utf-8", "replace")[-500:] for log in logs if log.exists())


def _pcscd() -> str:
    found = shutil.which("pcscd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise BenchError("pcscd is not installed (Debian: pcscd)")
    return found


def _driver_library() -> Path:
    found = next(Path("/usr/lib").glob("**/pcsc/drivers/serial/libifdvpcd.so"), None)
    if found is None:
        raise BenchError("vpcd is not installed (Debian: vsmartcard-vpcd)")
    return found
