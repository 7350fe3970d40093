"""Identifiers: UUIDv7 (RFC 9562 §5.7), ordered by time, made where the thing is born."""

from __future__ import annotations

import os
import time
import uuid
from datetime import datetime


def uuid7(unix_ms: int | None = None, entropy: bytes | None = None) -> uuid.UUID:
    """Return a new UUIDv7; ``unix_ms`` (milliseconds since 1970) and ``entropy`` (10 bytes) are for tests."""
    stamp = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    value = int.from_bytes(entropy or os.urandom(10), "big") | (stamp & (1 << 48) - 1) << 80
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_id() -> str:
    """Return a new UUIDv7 in its usual text form."""
    return str(uuid7())


def first_id_of(moment: datetime) -> str:
    """Return the least id that can have been made at a moment: what was made before sorts below it."""
    return str(uuid7(int(moment.timestamp() * 1000), bytes(10)))
