"""Distinguished Encoding Rules (ITU-T X.690): the few encoders the templates need, and a strict reader.

The writers return bytes that are ready to be joined; the reader walks one level at a time and copies nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
SEQUENCE = 0x30
SET = 0x31
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18

NULL_VALUE = b"\x05\x00"
_TAGS = tuple(bytes((value,)) for value in range(256))


class DerError(ValueError):
    """Bytes that are not the DER (or BER) structure they should be."""


# --- writing ---


def length(size: int) -> bytes:
    """Encode a definite length of `size` octets (X.690 clause 10.1, the shortest form)."""
    if size < 0x80:
        return _TAGS[size]
    if size < 0x10000:
        return b"\x81" + _TAGS[size] if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    if size < 0x1000000:
        return b"\x83" + size.to_bytes(3, "big")
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def header(tag: int, size: int) -> bytes:
    """Encode the tag and length of a value of `size` octets that follows elsewhere."""
    return _TAGS[tag] + length(size)


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode one value made of `parts`."""
    body = b"".join(parts)
    return _TAGS[tag] + length(len(body)) + body


def sequence(*parts: bytes) -> bytes:
    """Encode SEQUENCE."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Encode SET OF, its components in ascending order (X.690 clause 11.6)."""
    return tlv(SET, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """Encode a constructed context-specific tag `[number]`."""
    return tlv(0xA0 | number, *parts)


def octet_string(value: bytes) -> bytes:
    """Encode OCTET STRING."""
    return tlv(OCTET_STRING, value)


def integer(value: int) -> bytes:
    """Encode INTEGER (two's complement, shortest form)."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def utf8(text: str) -> bytes:
    """Encode UTF8String."""
    return tlv(UTF8_STRING, text.encode())


@lru_cache(maxsize=256)
def oid(dotted: str) -> bytes:
    """Encode OBJECT IDENTIFIER (X.690 clause 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OBJECT_IDENTIFIER, _base128(first * 40 + second), *(_base128(arc) for arc in rest))


def _base128(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    return bytes(reversed(groups))


def utc_time(moment: datetime) -> bytes:
    """Encode UTCTime to the second (RFC 5652 clause 11.3: for the years 1950 to 2049)."""
    return tlv(UTC_TIME, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode("ascii"))


def generalized_time(moment: datetime, *, milliseconds: bool = False) -> bytes:
    """Encode GeneralizedTime to the second, or with a fraction without trailing zeros (X.690 clause 11.7)."""
    utc = moment.astimezone(UTC)
    text = utc.strftime("%Y%m%d%H%M%S")
    if milliseconds and (fraction := f"{utc.microsecond // 1000:03d}".rstrip("0")):
        text += f".{fraction}"
    return tlv(GENERALIZED_TIME, f"{text}Z".encode("ascii"))


def time(moment: datetime) -> bytes:
    """Encode Time as RFC 5652 clause 11.3 asks: UTCTime through 2049, GeneralizedTime from 2050."""
    return utc_time(moment) if 1950 <= moment.astimezone(UTC).year <= 2049 else generalized_time(moment)


# --- reading ---


@dataclass(frozen=True, slots=True)
class Node:
    """One value found in a buffer: where it starts, where its contents start, where it ends."""

    tag: int
    start: int
    body: int
    end: int

    def contents(self, buffer: bytes) -> bytes:
        """Return the contents octets."""
        return buffer[self.body : self.end]

    def encoded(self, buffer: bytes) -> bytes:
        """Return tag, length and contents as they stand."""
        return buffer[self.start : self.end]


def read(buffer: bytes, start: int, limit: int | None = None) -> Node:
    """Read one definite-length value at `start`, which must end by `limit`.

    Raises:
        DerError: truncated, indefinite length, a tag of several octets, or a length that leaves the limit.
    """
    limit = len(buffer) if limit is None else limit
    if start + 2 > limit:
        raise DerError(f"truncated at {start}")
    tag, size, body = buffer[start], buffer[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise DerError(f"long tag at {start}")
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 8 or body + count > limit:
            raise DerError(f"bad length at {start}")
        size = int.from_bytes(buffer[body : body + count], "big")
        body += count
    if body + size > limit:
        raise DerError(f"value at {start} leaves its container")
    return Node(tag, start, body, body + size)


def children(buffer: bytes, node: Node) -> Iterator[Node]:
    """Read the values inside a constructed value."""
    position = node.body
    while position < node.end:
        child = read(buffer, position, node.end)
        yield child
        position = child.end
