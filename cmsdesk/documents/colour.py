"""The sRGB colour profile that a PDF/A file names as its output intent (ICC.1:2001-04, version 2.1)."""

from __future__ import annotations

import struct

_DESCRIPTION = b"sRGB"
_RIGHTS = b"No rights reserved"
# Media white and the primaries of IEC 61966-2-1, adapted to D50 as ICC asks
_WHITE = (0.9505, 1.0, 1.0891)
_RED = (0.4361, 0.2225, 0.0139)
_GREEN = (0.3851, 0.7169, 0.0971)
_BLUE = (0.1431, 0.0606, 0.7141)
_CURVE_POINTS = 1024
_HEADER_BYTES = 128


def srgb_profile() -> bytes:
    """Return the profile: monitor class, RGB to XYZ, one curve for the three channels."""
    curve = _curve()
    tags = {
        b"desc": _description(),
        b"cprt": b"text" + bytes(4) + _RIGHTS + b"\0",
        b"wtpt": _xyz(_WHITE),
        b"rXYZ": _xyz(_RED),
        b"gXYZ": _xyz(_GREEN),
        b"bXYZ": _xyz(_BLUE),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, data, places = b"", b"", dict[bytes, int]()
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    for name, value in tags.items():
        if value not in places:
            places[value] = start + len(data)
            data += value + bytes(-len(value) % 4)
        table += struct.pack(">4sII", name, places[value], len(value))
    body = struct.pack(">I", len(tags)) + table + data
    return _header(_HEADER_BYTES + len(body)) + body


def _header(size: int) -> bytes:
    made = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    illuminant = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return (head + made + b"acsp" + bytes(28) + illuminant).ljust(_HEADER_BYTES, b"\0")


def _description() -> bytes:
    text = _DESCRIPTION + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve() -> bytes:
    points = (_linear(step / (_CURVE_POINTS - 1)) for step in range(_CURVE_POINTS))
    values = struct.pack(f">{_CURVE_POINTS}H", *(round(point * 65535) for point in points))
    return b"curv" + bytes(4) + struct.pack(">I", _CURVE_POINTS) + values


def _linear(value: float) -> float:
    """Return the light that an sRGB value stands for (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
