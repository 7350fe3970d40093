"""The emulator process: all virtual readers, and the control socket through which tests and the demo steer.

Run by the reader stack as `python -m cmsdesk.sandbox.card.emulator`, inside pcscd's network namespace.
Control is JSON lines over a unix socket: `{"do": NAME, …}` is answered by `{"ok": true, "result": …}` or
`{"ok": false, "error": TEXT}`. Values sent to chips as PIN or PUK leave this process over that socket only.
"""

from __future__ import annotations

import argparse
import json
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

from cmsdesk.sandbox.card.chip import FACE_CNS, FACE_MYEID
from cmsdesk.sandbox.card.eeprom import CardFile
from cmsdesk.sandbox.card.faults import Faults
from cmsdesk.sandbox.card.nudge import PollingThreads
from cmsdesk.sandbox.card.reader import VirtualReader
from cmsdesk.sandbox.card.watch import PcscWatch

_SWITCH_INTERVAL_S = 0.0005
_NUDGE_S = 0.005
_CUT_NOTICED_S = 5.0


class Refusal(Exception):
    """A control request that cannot be met; the text goes back to the asker."""


class Emulator:
    """The readers and what can be asked of them. `REQUESTS` names the methods open to the control socket."""

    REQUESTS = (
        "list_readers",
        "status",
        "insert",
        "remove",
        "wait_readers",
        "wait_cut",
        "set_faults",
        "reset_counter",
        "log",
        "secrets_seen",
        "forget_secrets",
        "tries",
    )

    def __init__(self, ports: dict[str, int], pcscd_pid: Path, *, durable: bool) -> None:
        self._secrets: set[bytes] = set()
        self._durable = durable
        self._readers = {
            name: VirtualReader(name, port, self._secrets.add, self._after_cut)
            for name, port in ports.items()
        }
        self._locks = {name: threading.Lock() for name in ports}
        self._watch = PcscWatch()
        self._polling = PollingThreads(pcscd_pid, list(ports))

    def list_readers(self) -> list[dict[str, Any]]:
        """All readers, as `status`."""
        return [self.status(name) for name in self._readers]

    def status(self, reader: str) -> dict[str, Any]:
        """Counter of commands, cuts so far, card file and face, and whether pcscd sees a card."""
        it = self._reader(reader)
        return {
            "reader": it.name,
            "pcsc_name": self._watch.full_name(it.name),
            "card": str(it.card) if it.filled else None,
            "face": it.face if it.filled else None,
            "seen": self._watch.state(it.name),
            "counter": it.counter,
            "cuts": it.cuts,
        }

    def insert(self, reader: str, card: str, face: str = FACE_MYEID, wait_s: float = 5.0) -> dict[str, Any]:
        """Put a card in and, unless `wait_s` is 0, wait until pcscd publishes it."""
        if face not in (FACE_MYEID, FACE_CNS):
            raise Refusal(f"no face {face}")
        it = self._reader(reader)
        with self._locks[reader]:
            if not it.filled:
                # a card put in before the last one's removal was noticed would pass for that one
                it.remove()
                self._await(it, present=False, wait_s=wait_s)
            try:
                it.insert(Path(card), face, durable=self._durable)
            except (OSError, ValueError) as error:
                raise Refusal(f"{type(error).__name__}: {error}") from error
            self._await(it, present=True, wait_s=wait_s)
        return self.status(reader)

    def remove(self, reader: str, wait_s: float = 5.0) -> dict[str, Any]:
        """Pull the card and, unless `wait_s` is 0, wait until pcscd has noticed."""
        it = self._reader(reader)
        with self._locks[reader]:
            it.remove()
            self._await(it, present=False, wait_s=wait_s)
        return self.status(reader)

    def wait_readers(self, readers: list[str], wait_s: float = 10.0) -> bool:
        """Wait until pcscd publishes these of the readers, no other, and the cards in them."""
        self._polling.readers = [name for name in self._readers if name in readers]
        known = self._watch.wait_known({name: name in readers for name in self._readers}, wait_s)
        for name in self._polling.readers if known else ():
            if self._readers[name].filled:
                self._await(self._readers[name], present=True, wait_s=wait_s)
        return known

    def wait_cut(self, reader: str, wait_s: float = 5.0) -> dict[str, Any]:
        """Wait until the planned cut has happened and pcscd has noticed."""
        it = self._reader(reader)
        deadline = time.monotonic() + wait_s
        while not it.cuts and time.monotonic() < deadline:
            time.sleep(_NUDGE_S)
        if not it.cuts:
            raise Refusal(f"no cut in {reader} within {wait_s} s, {it.counter} commands seen")
        self._await(it, present=False, wait_s=wait_s)
        return self.status(reader)

    def set_faults(self, reader: str, faults: dict[str, Any]) -> None:
        """Replace the reader's faults; an empty object clears them."""
        try:
            self._reader(reader).set_faults(Faults.from_json(faults))
        except (ValueError, TypeError) as error:
            raise Refusal(str(error)) from error

    def reset_counter(self, reader: str) -> None:
        """Count commands and cuts from 0 again and forget the log."""
        self._reader(reader).reset_counter()

    def log(self, reader: str, since: int = 0) -> list[tuple[int, ...]]:
        """Entries from that command on: index, INS, P1, P2, bytes sent, bytes answered, status word."""
        return [astuple(entry) for entry in self._reader(reader).log if entry.index >= since]

    def secrets_seen(self) -> list[str]:
        """Every PIN and PUK value sent to a chip here, in hex."""
        return sorted(value.hex() for value in tuple(self._secrets) if value)

    def forget_secrets(self) -> None:
        """Begin the set of values sent anew."""
        self._secrets.clear()

    def tries(self, card: str) -> dict[str, list[int]]:
        """Tries left and of how many, per PIN number, and of its own PUK, read from the card file."""
        eeprom = CardFile(Path(card)).load()
        return {
            str(ref): [p.code.tries_left, p.code.tries_max, p.puk.tries_left, p.puk.tries_max]
            for ref, p in eeprom.pins.items()
        }

    def _reader(self, name: str) -> VirtualReader:
        if name not in self._readers:
            raise Refusal(f"no reader {name}")
        return self._readers[name]

    def _await(self, it: VirtualReader, *, present: bool, wait_s: float) -> None:
        if not wait_s:
            return
        deadline = time.monotonic() + wait_s
        while bool(self._watch.state(it.name)) != present:
            self._polling.nudge(it.name)
            if self._watch.wait(it.name, present=present, timeout_s=_NUDGE_S):
                return
            if time.monotonic() > deadline:
                seen = "filled" if present else "emptied"
                raise Refusal(f"pcscd did not see {it.name} {seen} in {wait_s} s")

    def _after_cut(self, reader: str) -> None:
        """A reader tells its host at once that the card has gone."""
        try:
            self._await(self._readers[reader], present=False, wait_s=_CUT_NOTICED_S)
        except Refusal as refusal:
            print(refusal, file=sys.stderr)


class _Control(socketserver.StreamRequestHandler):
    server: ControlServer

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(json.dumps(self.server.reply(line)).encode() + b"\n")


class ControlServer(socketserver.ThreadingUnixStreamServer):
    """Serves control requests at a unix socket, a thread for each connection."""

    daemon_threads = True

    def __init__(self, path: Path, emulator: Emulator) -> None:
        self._requests: dict[str, Callable[..., Any]] = {
            name: getattr(emulator, name) for name in Emulator.REQUESTS
        }
        super().__init__(str(path), _Control)

    def reply(self, line: bytes) -> dict[str, Any]:
        """Answer one request line."""
        try:
            request = json.loads(line)
            action = self._requests[request.pop("do")]
            return {"ok": True, "result": action(**request)}
        except Refusal as refusal:
            return {"ok": False, "error": str(refusal)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Serve until killed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--control", type=Path, required=True, help="unix socket to listen at")
    arguments.add_argument("--ports", type=json.loads, required=True, help='JSON: {"reader name": port, …}')
    arguments.add_argument("--pcscd-pid", type=Path, required=True, help="file with pcscd's process id")
    arguments.add_argument("--no-fsync", action="store_true", help="do not wait for the disk on a change")
    chosen = arguments.parse_args()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    emulator = Emulator(chosen.ports, chosen.pcscd_pid, durable=not chosen.no_fsync)
    with ControlServer(chosen.control, emulator) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
