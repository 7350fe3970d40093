"""APDUs of ISO/IEC 7816-4: every instruction, status word and template the cards are spoken to in."""

from __future__ import annotations

from dataclasses import dataclass

CLA_ISO = 0x00
INS_VERIFY = 0x20
INS_MANAGE_SECURITY_ENVIRONMENT = 0x22
INS_CHANGE_REFERENCE_DATA = 0x24
INS_PERFORM_SECURITY_OPERATION = 0x2A
INS_RESET_RETRY_COUNTER = 0x2C
INS_SELECT = 0xA4
INS_READ_BINARY = 0xB0
INS_GET_RESPONSE = 0xC0
INS_GET_DATA = 0xCA
INS_UPDATE_BINARY = 0xD6

SW_OK = 0x9000
SW_AUTHENTICATION_BLOCKED = 0x6983
SW_SECURITY_STATUS_NOT_SATISFIED = 0x6982
SW_FILE_NOT_FOUND = 0x6A82
SW_NOT_ENOUGH_MEMORY = 0x6A84
SW_REFERENCE_NOT_FOUND = 0x6A88
SW_TRIES_LEFT = 0x63C0
"""63Cx: verification failed, x tries left (ISO/IEC 7816-4 table 6)."""

TAG_FCP = 0x62
TAG_FCI = 0x6F
TAG_LIFE_CYCLE = 0x8A
TAG_SIZE = 0x81
"""Of a DF: what is left for files."""
LIFE_CYCLE_CREATION = 0x01

MASTER_FILE = b"\x3f\x00"
LE_MAX = 0x00
CHUNK = 0xF0
"""Bytes moved by one READ or UPDATE BINARY: below 255 for readers and cards without extended length."""


@dataclass(frozen=True)
class Command:
    """A short command APDU (ISO/IEC 7816-4 §5.1).

    ``secret`` marks data that is a PIN, PUK or the like; its `repr` never shows data.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None
    secret: bool = False

    def encode(self) -> bytes:
        """Return the bytes to send."""
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        body = bytes((len(self.data),)) + self.data if self.data else b""
        return header + body + (b"" if self.le is None else bytes((self.le,)))

    def __repr__(self) -> str:
        return f"Command({self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}, {len(self.data)} bytes)"


@dataclass(frozen=True)
class Response:
    """What a card answered; `data` may be anything the card holds and is never printed."""

    data: bytes
    sw: int

    @classmethod
    def decode(cls, raw: bytes) -> Response:
        """Split ``raw`` into data and status word.

        Raises:
            ValueError: fewer than two bytes.
        """
        if len(raw) < 2:
            raise ValueError("a response APDU has at least two bytes")
        return cls(raw[:-2], int.from_bytes(raw[-2:], "big"))

    @property
    def ok(self) -> bool:
        """Whether the card did what it was told."""
        return self.sw == SW_OK

    @property
    def tries_left(self) -> int | None:
        """Tries left after a VERIFY, as the status word tells; None when it does not."""
        if self.sw == SW_AUTHENTICATION_BLOCKED:
            return 0
        if self.sw & 0xFFF0 == SW_TRIES_LEFT:
            return self.sw & 0x000F
        return None

    def __repr__(self) -> str:
        return f"Response({self.sw:04X}, {len(self.data)} bytes)"


def select_path(path: bytes, *, describe: bool = False) -> Command:
    """SELECT by path from the master file (the MF's own id left out); ``describe`` asks for the FCP."""
    le = LE_MAX if describe else None
    return Command(CLA_ISO, INS_SELECT, 0x08, 0x00 if describe else 0x0C, path, le)


def select_file(file_id: bytes, *, describe: bool = False) -> Command:
    """SELECT by file id under the current DF; ``3F00`` is the master file."""
    le = LE_MAX if describe else None
    return Command(CLA_ISO, INS_SELECT, 0x00, 0x00 if describe else 0x0C, file_id, le)


def select_application(aid: bytes) -> Command:
    """SELECT by application identifier."""
    return Command(CLA_ISO, INS_SELECT, 0x04, 0x00, aid, LE_MAX)


def read_binary(offset: int, length: int) -> Command:
    """READ BINARY of the current file; ``length`` at most 256 bytes."""
    return Command(CLA_ISO, INS_READ_BINARY, offset >> 8 & 0x7F, offset & 0xFF, le=length & 0xFF)


def update_binary(offset: int, data: bytes) -> Command:
    """UPDATE BINARY of the current file; at most 255 bytes."""
    return Command(CLA_ISO, INS_UPDATE_BINARY, offset >> 8 & 0x7F, offset & 0xFF, data)


def read_counter(reference: int) -> Command:
    """VERIFY without data: asks the tries left, tries nothing (ISO/IEC 7816-4 §11.5.6)."""
    return Command(CLA_ISO, INS_VERIFY, 0x00, reference)


def verify(reference: int, pin: bytes) -> Command:
    """VERIFY ``pin``, padded as the card wants it."""
    return Command(CLA_ISO, INS_VERIFY, 0x00, reference, pin, secret=True)


def change_reference_data(reference: int, current: bytes, new: bytes) -> Command:
    """CHANGE REFERENCE DATA, both values padded as the card wants them."""
    return Command(CLA_ISO, INS_CHANGE_REFERENCE_DATA, 0x00, reference, current + new, secret=True)


def reset_retry_counter(reference: int, puk: bytes, new_pin: bytes) -> Command:
    """RESET RETRY COUNTER with the unblocking code and a new PIN."""
    return Command(CLA_ISO, INS_RESET_RETRY_COUNTER, 0x00, reference, puk + new_pin, secret=True)


def reset_retry_counter_by_officer(reference: int, new_pin: bytes) -> Command:
    """RESET RETRY COUNTER with a new PIN alone, the security officer being verified (P1 = 02)."""
    return Command(CLA_ISO, INS_RESET_RETRY_COUNTER, 0x02, reference, new_pin, secret=True)


def get_data(p1: int, p2: int, le: int = LE_MAX) -> Command:
    """GET DATA."""
    return Command(CLA_ISO, INS_GET_DATA, p1, p2, le=le)


def get_response(length: int) -> Command:
    """GET RESPONSE, after status word 61xx."""
    return Command(CLA_ISO, INS_GET_RESPONSE, 0x00, 0x00, le=length & 0xFF)


def pad(pin: bytes, length: int, filler: int) -> bytes:
    """Return ``pin`` filled up to ``length`` bytes with ``filler``.

    Raises:
        ValueError: the PIN is longer; the message does not hold it.
    """
    if len(pin) > length:
        raise ValueError(f"a code of {len(pin)} bytes does not fit {length}")
    return pin + bytes((filler,)) * (length - len(pin))


def template_value(template: bytes, tag: int) -> bytes | None:
    """Return the value of a one-byte ``tag`` in a file control template (62 or 6F), if there.

    Lengths up to 255 bytes; a template cut short yields None.
    """
    body = _value(template) if template[:1] in (bytes((TAG_FCP,)), bytes((TAG_FCI,))) else template
    while len(body) >= 2:
        value, rest = _value(body), _after(body)
        if body[0] == tag:
            return value
        body = rest
    return None


def _value(tlv: bytes) -> bytes:
    start = 3 if tlv[1:2] == b"\x81" else 2
    return tlv[start : start + tlv[start - 1]] if len(tlv) >= start else b""


def _after(tlv: bytes) -> bytes:
    start = 3 if tlv[1] == 0x81 else 2
    return tlv[start + tlv[start - 1] :] if len(tlv) >= start else b""
