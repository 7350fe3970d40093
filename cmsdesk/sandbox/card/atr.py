"""Answers to reset of the sandbox's cards: two shapes (smart card, USB token), two faces (MyEID, CNS).

All offer T=1 only (ISO/IEC 7816-3 §8.2). The MyEID ones end their historical bytes with "MyEID", as OpenSC's
driver asks; the CNS ones hold "CNS" at historical bytes 9–11 and version 1.1 (0x11) at byte 12.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

SHAPE_CARD = "card"
SHAPE_TOKEN = "token"  # noqa: S105 — a shape of device, no secret
_INTERFACE = bytes.fromhex("18 00 00 81 31 FE 45")


def _atr(historical: bytes) -> bytes:
    head = bytes((0xF0 | len(historical),)) + _INTERFACE + historical
    return b"\x3b" + head + bytes((reduce(xor, head),))


def _cns(firmware: int) -> bytes:
    return _atr(bytes.fromhex("00 6B 00 00 01") + bytes((firmware,)) + b"\x01\x01\x01CNS\x11\x31\x80")


ATRS: dict[tuple[str, str], bytes] = {
    (SHAPE_CARD, "myeid"): _atr(b"MyEID"),
    (SHAPE_TOKEN, "myeid"): _atr(b"USBMyEID"),
    (SHAPE_CARD, "cns"): _cns(0x01),
    (SHAPE_TOKEN, "cns"): _cns(0x02),
}
