"""The frames that a pool and its worker processes exchange over two pipes.

A frame is a four-octet big-endian length, one octet of kind, and the payload. Requests are answered in order,
one reply each. The PIN travels in a `LOGIN` frame and nowhere else: not in arguments, environment or files.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import IO

OPEN = b"O"  # JSON: module, token; answered with JSON: the token's facts
LOGIN = b"L"  # the PIN, or nothing for a PIN pad; answered with JSON: the key's facts, certificates in hex
SIGN = b"S"  # scheme, digest, then digests of one size; answered with signature values
DONE = b"D"  # a good answer
FAILED = b"F"  # JSON: class of error, cause, next step, facts

_HEAD = struct.Struct(">IB")
_SIZE = struct.Struct(">H")
_MAX_FRAME_BYTES = 16 * 1024 * 1024


def write(stream: IO[bytes], kind: bytes, payload: bytes = b"") -> None:
    """Send one frame."""
    stream.write(_HEAD.pack(len(payload), kind[0]) + payload)
    stream.flush()


def read(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Receive one frame: (kind, payload), or None when the other side has gone or speaks nonsense."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, kind = _HEAD.unpack(head)
    if size > _MAX_FRAME_BYTES:
        return None
    payload = stream.read(size) if size else b""
    return (bytes((kind,)), payload) if len(payload) == size else None


def pack_json(value: Mapping[str, object]) -> bytes:
    """Encode a JSON payload."""
    return json.dumps(value).encode()


def pack_items(items: Sequence[bytes]) -> bytes:
    """Encode octet strings of up to 65,535 octets each."""
    return b"".join([part for item in items for part in (_SIZE.pack(len(item)), item)])


def unpack_items(payload: bytes) -> list[bytes]:
    """Decode what `pack_items` encoded."""
    items, position = [], 0
    while position < len(payload):
        (size,) = _SIZE.unpack_from(payload, position)
        position += _SIZE.size
        items.append(payload[position : position + size])
        position += size
    return items
