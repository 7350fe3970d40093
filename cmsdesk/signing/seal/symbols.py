"""A seal cut into QR texts and put together again.

Each text is ``CDS1:`` and Base45 (RFC 9285), so that symbols use the alphanumeric mode and any reader hands
them over unharmed. Inside: index (from 0), total, four octets that name the whole, and a piece of it. QR's
own structured append is not used: few readers support it.
"""

import hashlib
from collections.abc import Iterable

from cmsdesk.signing.errors import SealError

PREFIX = "CDS1:"
MAX_SYMBOLS = 16
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_HEADER_BYTES = 6


def cut(message: bytes, count: int) -> list[str]:
    """Cut a message into `count` texts of about equal length."""
    name = hashlib.sha256(message).digest()[:4]
    bounds = [len(message) * index // count for index in range(count + 1)]
    return [
        PREFIX + to_base45(bytes((index, count)) + name + message[bounds[index] : bounds[index + 1]])
        for index in range(count)
    ]


def join(texts: Iterable[str]) -> bytes:
    """Put a message together from texts in any order, with repetitions and foreign symbols among them.

    Raises:
        SealError: no seal, two different seals, a missing symbol (its facts say which), or damage.
    """
    pieces: dict[int, bytes] = {}
    kinds: set[bytes] = set()
    for text in texts:
        if text.startswith(PREFIX):
            octets = from_base45(text[len(PREFIX) :])
            if len(octets) <= _HEADER_BYTES:
                raise _damaged()
            kinds.add(octets[1:_HEADER_BYTES])
            pieces[octets[0]] = octets[_HEADER_BYTES:]
    if not kinds:
        raise SealError("No paper seal was found.", "Scan the whole page, sharp and evenly lit.")
    if len(kinds) > 1:
        raise SealError("There are several different seals.", "Check one document at a time.")
    total, name = next(iter(kinds))[0], next(iter(kinds))[1:]
    missing = [index + 1 for index in range(total) if index not in pieces]
    if missing:
        raise SealError(
            "A part of the seal is missing.",
            "Scan the page again so that every symbol can be read.",
            total=total,
            missing=", ".join(map(str, missing)),
        )
    message = b"".join(pieces[index] for index in range(total))
    if total > MAX_SYMBOLS or len(pieces) != total or hashlib.sha256(message).digest()[:4] != name:
        raise _damaged()
    return message


def index_of(text: str) -> int:
    """Return which symbol of its seal a text is, from 0.

    Raises:
        SealError: it is none.
    """
    octets = from_base45(text.removeprefix(PREFIX))
    if not text.startswith(PREFIX) or len(octets) <= _HEADER_BYTES:
        raise _damaged()
    return octets[0]


def to_base45(octets: bytes) -> str:
    """Encode Base45 (RFC 9285 clause 4)."""
    found = []
    for start in range(0, len(octets), 2):
        pair = octets[start : start + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(3 if len(pair) == 2 else 2):
            value, digit = divmod(value, 45)
            found.append(_ALPHABET[digit])
    return "".join(found)


def from_base45(text: str) -> bytes:
    """Decode Base45.

    Raises:
        SealError: characters or values that do not occur.
    """
    found = bytearray()
    try:
        digits = [_VALUES[character] for character in text]
    except KeyError:
        raise _damaged() from None
    for start in range(0, len(digits), 3):
        group = digits[start : start + 3]
        value = sum(digit * 45**power for power, digit in enumerate(group))
        size = len(group) - 1
        if size < 1 or value >= 1 << 8 * size:
            raise _damaged()
        found += value.to_bytes(size, "big")
    return bytes(found)


def _damaged() -> SealError:
    return SealError("The seal is damaged.", "Scan it again.")
