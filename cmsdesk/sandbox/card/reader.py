"""One virtual reader: the client of vpcd's TCP socket, with a chip in it or none.

The wire (vsmartcard, vpcd protocol): each message is a 16-bit big-endian length and that many bytes; one
byte is a control code (0 off, 1 on, 2 reset, 4 send ATR), more is a command unit. Connecting is inserting
the card, closing is removing it.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cmsdesk.sandbox.card.apdu import answer
from cmsdesk.sandbox.card.atr import ATRS
from cmsdesk.sandbox.card.chip import Chip
from cmsdesk.sandbox.card.eeprom import CardFile
from cmsdesk.sandbox.card.faults import CUT_BEFORE, Faults

_HOST = "127.0.0.1"
_OFF, _ON, _RESET, _SEND_ATR = 0, 1, 2, 4
_RECONNECT_S = 0.02
_DROP = struct.pack("ii", 1, 0)
_LOG_LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One command unit seen: header, lengths of data and answer in bytes, status word (-1: cut). No data."""

    index: int
    ins: int
    p1: int
    p2: int
    sent_bytes: int
    answered_bytes: int
    sw: int


class VirtualReader:
    """A reader slot at `port` of vpcd. Thread-safe: commands come from the control socket's threads."""

    def __init__(
        self, name: str, port: int, on_secret: Callable[[bytes], None], on_cut: Callable[[str], None]
    ) -> None:
        self.name = name
        self.port = port
        self._on_secret = on_secret
        self._on_cut = on_cut
        self.faults = Faults()
        self.counter = 0
        self.cuts = 0
        self.log: list[LogEntry] = []
        self.card: Path | None = None
        self.face = ""
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._pulled = threading.Event()
        self._cut_now = False

    # what the control socket asks

    @property
    def filled(self) -> bool:
        """Whether a card is in the reader."""
        return self._thread is not None and self._thread.is_alive() and not self._pulled.is_set()

    def insert(self, card: Path, face: str, *, durable: bool) -> None:
        """Put a card in. Raises `ValueError` when one is in or the file is none, `OSError` without vpcd."""
        if self.filled:
            raise ValueError(f"there is a card in {self.name} already")
        chip = Chip(CardFile(card, durable=durable), face, self._on_secret)
        chip.memory_full = self.faults.memory_full
        atr = self.faults.atr or ATRS[chip.eeprom.shape, face]
        self._pulled = threading.Event()
        self._socket = self._connect()
        self.card, self.face = card, face
        self._thread = threading.Thread(target=self._serve, args=(chip, atr), name=self.name, daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Pull the card, whatever it is doing; a command under way still ends inside the chip."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._pull()
            thread.join()

    def set_faults(self, faults: Faults) -> None:
        """Replace the faults; they bind from the next command on."""
        self.faults = faults

    def reset_counter(self) -> None:
        """Count commands from 0 again and forget the log."""
        self.counter = 0
        self.cuts = 0
        self.log = []

    # the wire

    def _connect(self) -> socket.socket:
        wire = socket.create_connection((_HOST, self.port), timeout=5)
        wire.settimeout(None)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return wire

    def _pull(self) -> None:
        """Wake the serving thread, which then drops the connection."""
        self._pulled.set()
        wire = self._socket
        if wire is not None:
            try:
                wire.shutdown(socket.SHUT_RD)
            except OSError:
                return  # the other side was quicker

    def _serve(self, chip: Chip, atr: bytes) -> None:
        while not self._pulled.is_set():
            wire = self._socket or self._reconnect()
            if wire is None:
                continue
            with wire:
                chip.reset()
                self._talk(wire, chip, atr)
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP)
            self._socket = None
            if self._cut_now:
                self._cut_now = False
                self._on_cut(self.name)

    def _reconnect(self) -> socket.socket | None:
        """pcscd went away: the card stays in its reader until pcscd is back."""
        self._pulled.wait(_RECONNECT_S)
        try:
            self._socket = self._connect()
        except OSError:
            return None
        return self._socket

    def _talk(self, wire: socket.socket, chip: Chip, atr: bytes) -> None:
        buffer = b""
        while not self._pulled.is_set():
            try:
                # without an immediate acknowledgement every command would wait 40 ms for the delayed one
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                received = wire.recv(65538)
            except OSError:
                return
            if not received:
                return
            buffer += received
            while len(buffer) >= 2 and len(buffer) >= (size := 2 + int.from_bytes(buffer[:2], "big")):
                message, buffer = buffer[2:size], buffer[size:]
                reply = self._answer(chip, atr, message)
                if self._pulled.is_set():
                    # half an answer and a reset: anything less, vpcd takes for an answer of no bytes
                    self._send(wire, b"", claimed=2)
                    return
                if reply is not None and not self._send(wire, reply):
                    return

    @staticmethod
    def _send(wire: socket.socket, reply: bytes, claimed: int | None = None) -> bool:
        size = len(reply) if claimed is None else claimed
        try:
            wire.sendall(size.to_bytes(2, "big") + reply)
        except OSError:
            return False
        return True

    def _answer(self, chip: Chip, atr: bytes, message: bytes) -> bytes | None:
        if len(message) > 1:
            return self._command(chip, message)
        code = message[0] if message else -1
        if code == _SEND_ATR:
            return atr
        if code in (_OFF, _ON, _RESET):
            chip.reset()
        return None

    def _command(self, chip: Chip, raw: bytes) -> bytes | None:
        index, self.counter = self.counter, self.counter + 1
        faults = self.faults
        if (delay_s := faults.delay_s(raw[1])) and self._pulled.wait(delay_s):
            return None
        cut_here = faults.cut_at == index
        if cut_here and faults.cut_when == CUT_BEFORE:
            self._cut(index, raw)
            return None
        if (sw := faults.sw_by_ins.get(raw[1])) is not None:
            reply = answer(b"", sw)
        else:
            chip.memory_full = faults.memory_full
            reply = chip.transmit(raw)
        if cut_here:
            self._cut(index, raw)
            return None
        self._note(index, raw, len(reply) - 2, int.from_bytes(reply[-2:], "big"))
        return reply

    def _cut(self, index: int, raw: bytes) -> None:
        self._note(index, raw, 0, -1)
        self._cut_now = True
        self._pull()
        self.cuts += 1

    def _note(self, index: int, raw: bytes, answered: int, sw: int) -> None:
        if len(self.log) < _LOG_LIMIT:
            p1, p2 = (raw[2], raw[3]) if len(raw) >= 4 else (0, 0)
            self.log.append(LogEntry(index, raw[1], p1, p2, max(len(raw) - 5, 0), answered, sw))
