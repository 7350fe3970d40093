"""Command and response units of ISO/IEC 7816-4 §5: parsing, building, and the chip's status words."""

from __future__ import annotations

from dataclasses import dataclass

SW_OK = 0x9000
SW_MORE_DATA = 0x6100
SW_TRIES_LEFT = 0x63C0
SW_MEMORY_FAILURE = 0x6581
SW_WRONG_LENGTH = 0x6700
SW_LAST_OF_CHAIN_EXPECTED = 0x6883
SW_WRONG_FILE_KIND = 0x6981
SW_SECURITY = 0x6982
SW_BLOCKED = 0x6983
SW_CONDITIONS = 0x6985
SW_NO_CURRENT_EF = 0x6986
SW_WRONG_DATA = 0x6A80
SW_NOT_SUPPORTED = 0x6A81
SW_NOT_FOUND = 0x6A82
SW_NO_SPACE = 0x6A84
SW_WRONG_P1P2 = 0x6A86
SW_REFERENCE_NOT_FOUND = 0x6A88
SW_EXISTS = 0x6A89
SW_WRONG_OFFSET = 0x6B00
SW_UNKNOWN_INS = 0x6D00
SW_UNKNOWN_CLA = 0x6E00
SW_BUG = 0x6F00

_SHORT_LE_ALL = 256
_EXTENDED_LE_ALL = 65536


class Refused(Exception):
    """The chip answers with a status word other than 9000; `sw` is that word."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


@dataclass(frozen=True, slots=True)
class Command:
    """One command unit: header, data field, and `ne`, the number of answer bytes wanted (0 = none).

    `extended` tells whether its lengths came in the long form.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int
    extended: bool = False

    @property
    def p1p2(self) -> int:
        """P1 and P2 as one 16-bit number."""
        return self.p1 << 8 | self.p2


def parse(raw: bytes) -> Command:
    """Read a command unit, short or extended (ISO/IEC 7816-4 §5.1). Raises `Refused` 6700 when malformed."""
    if len(raw) < 4:
        raise Refused(SW_WRONG_LENGTH)
    data, ne = _body(raw[4:])
    extended = len(raw) > 5 and raw[4] == 0
    return Command(raw[0], raw[1], raw[2], raw[3], data, ne, extended)


def _body(body: bytes) -> tuple[bytes, int]:
    if not body:
        return b"", 0
    if len(body) == 1:
        return b"", body[0] or _SHORT_LE_ALL
    if body[0] == 0 and len(body) >= 3:
        return _extended_body(body[1:])
    lc = body[0]
    data, rest = body[1 : 1 + lc], body[1 + lc :]
    if len(data) != lc or len(rest) > 1:
        raise Refused(SW_WRONG_LENGTH)
    return data, (rest[0] or _SHORT_LE_ALL) if rest else 0


def _extended_body(body: bytes) -> tuple[bytes, int]:
    first = int.from_bytes(body[:2], "big")
    if len(body) == 2:
        return b"", first or _EXTENDED_LE_ALL
    data, rest = body[2 : 2 + first], body[2 + first :]
    if len(data) != first or len(rest) not in (0, 2):
        raise Refused(SW_WRONG_LENGTH)
    return data, (int.from_bytes(rest, "big") or _EXTENDED_LE_ALL) if rest else 0


def answer(data: bytes, sw: int) -> bytes:
    """A response unit: data followed by the status word."""
    return data + sw.to_bytes(2, "big")


def tlv(tag: int, value: bytes) -> bytes:
    """A BER-TLV object with a one-byte tag (ISO/IEC 7816-4 §5.2.2)."""
    size = len(value)
    if size < 0x80:
        head = bytes((tag, size))
    elif size < 0x100:
        head = bytes((tag, 0x81, size))
    else:
        head = bytes((tag, 0x82, size >> 8, size & 0xFF))
    return head + value


def read_tlvs(raw: bytes) -> dict[int, bytes]:
    """The objects of a flat BER-TLV string by one-byte tag; zero padding ends it. `Refused` 6A80 when cut."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(raw) and raw[at] != 0:
        if at + 2 > len(raw):
            raise Refused(SW_WRONG_DATA)
        tag, size, start = raw[at], raw[at + 1], at + 2
        if size & 0x80:
            more = size & 0x7F
            size = int.from_bytes(raw[start : start + more], "big")
            start += more
        if start + size > len(raw):
            raise Refused(SW_WRONG_DATA)
        found[tag] = raw[start : start + size]
        at = start + size
    return found
