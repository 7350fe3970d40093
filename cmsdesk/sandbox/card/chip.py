"""One chip under power: takes command units, answers response units, keeps EEPROM on disk in step.

Command chaining (CLA bit 5) and response chaining (61xx, GET RESPONSE) of ISO/IEC 7816-4 §5.3 live here,
below both faces.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cmsdesk.sandbox.card.apdu import (
    SW_CONDITIONS,
    SW_LAST_OF_CHAIN_EXPECTED,
    SW_MORE_DATA,
    SW_OK,
    SW_UNKNOWN_CLA,
    SW_UNKNOWN_INS,
    SW_WRONG_LENGTH,
    Command,
    Refused,
    answer,
    parse,
)
from cmsdesk.sandbox.card.cns import CnsFace
from cmsdesk.sandbox.card.eeprom import CardFile, Eeprom
from cmsdesk.sandbox.card.myeid import MyEidFace
from cmsdesk.sandbox.card.session import Context

FACE_MYEID = "myeid"
FACE_CNS = "cns"
_CHAIN_BIT = 0x10
_GET_RESPONSE = 0xC0
_CHAIN_LIMIT_BYTES = 4096


class Face(Protocol):
    """A command set over the chip's state."""

    classes: frozenset[int]
    takes_extended: bool
    commands: dict[int, Callable[[Command], bytes]]
    context: Context

    def reset(self) -> None:
        """Forget the session."""


class Chip:
    """A chip in a reader. `on_secret` hears every PIN or PUK sent to it."""

    def __init__(self, file: CardFile, face: str, on_secret: Callable[[bytes], None]) -> None:
        self._file = file
        self.eeprom: Eeprom = file.load()
        kinds: dict[str, Callable[[Eeprom, Callable[[bytes], None]], Face]] = {
            FACE_MYEID: MyEidFace,
            FACE_CNS: CnsFace,
        }
        self._face = kinds[face](self.eeprom, on_secret)
        self._chain: tuple[int, bytes] | None = None
        self._rest = b""

    @property
    def memory_full(self) -> bool:
        """Whether allocations are made to fail."""
        return self._face.context.memory_full

    @memory_full.setter
    def memory_full(self, full: bool) -> None:
        self._face.context.memory_full = full

    def reset(self) -> None:
        """Power on or warm reset."""
        self._chain, self._rest = None, b""
        self._face.reset()

    def transmit(self, raw: bytes) -> bytes:
        """Carry out one command unit; when it returns, the change is on disk."""
        try:
            data, sw = self._carry_out(parse(raw))
        except Refused as refusal:
            data, sw = b"", refusal.sw
        if self._face.context.take_changed():
            self._file.save(self.eeprom)
        return answer(data, sw)

    def _carry_out(self, command: Command) -> tuple[bytes, int]:
        if command.ins == _GET_RESPONSE:
            if not self._rest:
                raise Refused(SW_CONDITIONS)
            return self._first_part(self._rest, command.ne)
        self._rest = b""
        if command.extended and not self._face.takes_extended:
            raise Refused(SW_WRONG_LENGTH)
        header = command.ins << 16 | command.p1p2
        sent = b""
        if self._chain is not None:
            begun, sent = self._chain
            self._chain = None
            if begun != header:
                raise Refused(SW_LAST_OF_CHAIN_EXPECTED)
        data = sent + command.data
        if len(data) > _CHAIN_LIMIT_BYTES:
            raise Refused(SW_WRONG_LENGTH)
        if command.cla & _CHAIN_BIT:
            self._chain = header, data
            return b"", SW_OK
        return self._first_part(self._run(command, data), command.ne)

    def _run(self, command: Command, data: bytes) -> bytes:
        if command.cla not in self._face.classes:
            raise Refused(SW_UNKNOWN_CLA)
        handler = self._face.commands.get(command.ins)
        if handler is None:
            raise Refused(SW_UNKNOWN_INS)
        return handler(Command(command.cla, command.ins, command.p1, command.p2, data, command.ne))

    def _first_part(self, data: bytes, ne: int) -> tuple[bytes, int]:
        """What fits the wanted length; the rest waits for GET RESPONSE. Without Le all is kept waiting."""
        self._rest = data[ne:]
        if not self._rest:
            return data, SW_OK
        return data[:ne], SW_MORE_DATA | (len(self._rest) if len(self._rest) < 256 else 0)
