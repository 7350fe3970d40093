"""Reading PKCS #15 directories (PKCS #15 v1.1 §6; ISO/IEC 7816-15): which objects a card says it holds.

Bytes only. Directory files hold DER values one after the other and end in zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from asn1crypto import parser

PRIVATE_KEYS = 0
PUBLIC_KEYS = 1
CERTIFICATES = 4
"""Context tags of the object directory file (PKCS #15 v1.1 §6.2)."""

_UNIVERSAL, _CONTEXT = 0, 2
_UTF8_STRING, _OCTET_STRING, _SEQUENCE = 12, 4, 16
_TYPE_ATTRIBUTES = 1
_MASTER_FILE = b"\x3f\x00"


@dataclass(frozen=True)
class Entry:
    """One object of a directory: its file's ``path`` is from the master file, that left out."""

    label: str
    object_id: bytes
    path: bytes
    elliptic: bool
    """For keys: an EC key; else RSA."""


def is_complete(directory: bytes) -> bool:
    """Tell whether ``directory`` was read to its end: after the last whole value come zeros."""
    rest = directory
    while rest[:1] not in (b"", b"\x00"):
        size = _size(rest)
        if size is None or size > len(rest):
            return False
        rest = rest[size:]
    return rest[:1] == b"\x00"


def object_directories(odf: bytes) -> dict[int, bytes]:
    """Return the directory files' paths by kind, from the object directory file.

    Raises:
        ValueError: it cannot be parsed.
    """
    found = {}
    for value in _values(odf):
        tag_class, _, kind, _, content, _ = parser.parse(value)
        if tag_class == _CONTEXT:
            found[kind] = _path(content)
    return found


def entries(directory: bytes) -> tuple[Entry, ...]:
    """Return the objects of a directory file.

    Raises:
        ValueError: it cannot be parsed.
    """
    return tuple(_entry(value) for value in _values(directory))


def _entry(value: bytes) -> Entry:
    tag_class, _, _, _, content, _ = parser.parse(value)
    common, attributes, *rest = _values(content)
    label = next((text for tag, text in _tagged(common) if tag == _UTF8_STRING), b"")
    object_id = next((octets for tag, octets in _tagged(attributes) if tag == _OCTET_STRING), None)
    typed = next((part for part in rest if _context_tag(part) == _TYPE_ATTRIBUTES), None)
    if object_id is None or typed is None:
        raise ValueError("an object without id or place")
    inside = parser.parse(parser.parse(typed)[4])[4]
    return Entry(label.decode("utf-8"), object_id, _path(inside), elliptic=tag_class == _CONTEXT)


def _path(content: bytes) -> bytes:
    """Return the file path of the ``Path`` that ``content`` begins with."""
    tag_class, _, tag, _, inside, _ = parser.parse(content, strict=False)
    if (tag_class, tag) != (_UNIVERSAL, _SEQUENCE):
        raise ValueError("an object that is not in a file")
    _, _, tag, _, path, _ = parser.parse(inside, strict=False)
    if tag != _OCTET_STRING or len(path) % 2:
        raise ValueError("a path that is none")
    return bytes(path).removeprefix(_MASTER_FILE)


def _tagged(sequence: bytes) -> Iterator[tuple[int, bytes]]:
    for value in _values(parser.parse(sequence)[4]):
        tag_class, _, tag, _, content, _ = parser.parse(value)
        if tag_class == _UNIVERSAL:
            yield tag, content


def _context_tag(value: bytes) -> int | None:
    tag_class, _, tag, *_ = parser.parse(value)
    return tag if tag_class == _CONTEXT else None


def _values(content: bytes) -> Iterator[bytes]:
    rest = content
    while rest[:1] not in (b"", b"\x00"):
        size = _size(rest)
        if size is None or size > len(rest):
            raise ValueError("a value is cut off")
        yield rest[:size]
        rest = rest[size:]


def _size(data: bytes) -> int | None:
    """Return the whole size of the value at the start, None when even its length is cut off."""
    if len(data) < 2:
        return None
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    if len(data) < 2 + count:
        return None
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")
