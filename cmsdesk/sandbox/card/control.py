"""The caller's side of the emulator's control socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmsdesk.sandbox.card.reader import LogEntry

_ANSWER_MARGIN_S = 10.0
_RETRY_S = 0.005


class EmulatorError(Exception):
    """The emulator refused a request or is gone; the text says why."""


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """A reader as the emulator and pcscd see it. `seen` is None while pcscd does not publish the reader."""

    reader: str
    pcsc_name: str | None
    card: str | None
    face: str | None
    seen: bool | None
    counter: int
    cuts: int


class EmulatorControl:
    """Steers the emulator. Thread-safe; waits are bounded."""

    def __init__(self, path: Path, *, ready_s: float = 10.0) -> None:
        self._path = path
        self._ready_s = ready_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._lines: Any = None
        self._secrets: set[bytes] = set()

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._hang_up()

    def list_readers(self) -> list[ReaderStatus]:
        """All readers."""
        return [ReaderStatus(**raw) for raw in self._ask("list_readers")]

    def status(self, reader: str) -> ReaderStatus:
        """One reader."""
        return ReaderStatus(**self._ask("status", reader=reader))

    def insert(self, reader: str, card: Path, face: str = "myeid", *, wait_s: float = 5.0) -> ReaderStatus:
        """Put a card file into a reader; returns when pcscd publishes it (`wait_s` 0: at once)."""
        return ReaderStatus(**self._ask("insert", reader=reader, card=str(card), face=face, wait_s=wait_s))

    def remove(self, reader: str, *, wait_s: float = 5.0) -> ReaderStatus:
        """Pull the card; returns when pcscd has noticed (`wait_s` 0: at once). No card is no error."""
        return ReaderStatus(**self._ask("remove", reader=reader, wait_s=wait_s))

    def wait_readers(self, readers: list[str], *, wait_s: float = 10.0) -> bool:
        """Wait until pcscd publishes these of the stack's readers and no other."""
        return bool(self._ask("wait_readers", readers=readers, wait_s=wait_s))

    def wait_cut(self, reader: str, *, wait_s: float = 5.0) -> ReaderStatus:
        """Wait until the planned cut has happened and pcscd has noticed. Raises `EmulatorError` if not."""
        return ReaderStatus(**self._ask("wait_cut", reader=reader, wait_s=wait_s))

    def set_faults(self, reader: str, **faults: Any) -> None:
        """Replace the faults of a reader (names: `cmsdesk.sandbox.card.faults.Faults`); none clears them."""
        self._ask("set_faults", reader=reader, faults=faults)

    def reset_counter(self, reader: str) -> None:
        """Count commands from 0 again."""
        self._ask("reset_counter", reader=reader)

    def log(self, reader: str, since: int = 0) -> list[LogEntry]:
        """The commands seen since the counter's reset."""
        return [LogEntry(*raw) for raw in self._ask("log", reader=reader, since=since)]

    def secrets_seen(self) -> set[bytes]:
        """Every PIN and PUK value sent to a chip since `forget_secrets`, without padding.

        Those learned here stay known when the emulator is killed.
        """
        self._secrets |= {bytes.fromhex(raw) for raw in self._ask("secrets_seen")}
        return set(self._secrets)

    def forget_secrets(self) -> None:
        """Begin the set of `secrets_seen` anew."""
        self._ask("forget_secrets")
        self._secrets.clear()

    def tries(self, card: Path) -> dict[int, list[int]]:
        """Per PIN number of a card file: tries left, tries at most, and the same of its own PUK."""
        return {int(ref): tries for ref, tries in self._ask("tries", card=str(card)).items()}

    def _ask(self, do: str, **fields: Any) -> Any:
        with self._lock:
            try:
                lines = self._connected(float(fields.get("wait_s", 0.0)))
                lines.write(json.dumps({"do": do, **fields}).encode() + b"\n")
                lines.flush()
                line = lines.readline()
            except OSError as error:
                self._hang_up()
                raise EmulatorError(f"the emulator does not answer: {error}") from error
            if not line:
                self._hang_up()
                raise EmulatorError("the emulator ended")
        reply = json.loads(line)
        if not reply["ok"]:
            raise EmulatorError(reply["error"])
        return reply["result"]

    def _connected(self, wait_s: float) -> Any:
        if self._socket is None:
            self._socket = self._connect()
            self._lines = self._socket.makefile("rwb")
        # an insertion may wait twice: for the last removal, then for itself
        self._socket.settimeout(2 * wait_s + _ANSWER_MARGIN_S)
        return self._lines

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + self._ready_s
        while True:
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(str(self._path))
            except OSError as error:
                line.close()
                if time.monotonic() > deadline:
                    raise EmulatorError(f"no emulator at {self._path.name}: {error}") from error
                time.sleep(_RETRY_S)
            else:
                return line

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._lines.close()
            self._socket.close()
        self._socket = self._lines = None
