"""Splitting a key so that any two of three persons have it back, and one alone knows nothing.

Shamir's scheme ("How to share a secret", 1979) with a threshold of two over GF(2^8), the field of AES
(FIPS 197 §4.2): each byte of the key is the value at 0 of a line of its own through random points.
Of the libraries at hand none fits: SLIP-39 ones make word lists of wallets, the others are not kept.
A share is text: group, number, value and a checksum, in letters that are not mistaken for others.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence

from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_

SHARES = 3
_GROUP_BYTES, _CHECK_BYTES = 4, 4
_POLYNOMIAL = 0x11B
_LETTERS = 6


class ShareWrong(Mendable):
    """A share cannot be used."""

    code = "SHARE"
    cause = N_("The share of the key cannot be used ({reason}).")
    next_step = N_("Type two different shares of the same backup, as they are printed.")


def split(key: Secret) -> list[Secret]:
    """Return three shares of a key; any two give it back."""
    group = secrets.token_bytes(_GROUP_BYTES)
    value = key.reveal()
    slopes = secrets.token_bytes(len(value))
    shares = []
    for number in range(1, SHARES + 1):
        points = bytes(byte ^ _times(slope, number) for byte, slope in zip(value, slopes, strict=True))
        shares.append(Secret(_written(group + bytes([number]) + points)))
    return shares


def join(shares: Sequence[Secret]) -> Secret:
    """Return the key that two shares hold.

    Raises:
        ShareWrong: mistyped, of different keys, or twice the same.
    """
    if len(shares) != 2:
        raise ShareWrong(reason=N_("two are needed"))
    (group, x1, first), (other, x2, second) = map(_read, shares)
    if group != other or len(first) != len(second):
        raise ShareWrong(reason=N_("they are of different keys"))
    if x1 == x2:
        raise ShareWrong(reason=N_("they are the same"))
    # the value at 0 of the line through both points; in this field minus is plus
    over = _inverse(x1 ^ x2)
    at_first, at_second = _times(x2, over), _times(x1, over)
    pairs = zip(first, second, strict=True)
    return Secret(bytes(_times(a, at_first) ^ _times(b, at_second) for a, b in pairs))


def _letters(content: bytes) -> str:
    return base64.b32encode(content + _check(content)).decode().rstrip("=")


def _written(content: bytes) -> str:
    text = _letters(content)
    return "-".join(text[at : at + _LETTERS] for at in range(0, len(text), _LETTERS))


def _read(share: Secret) -> tuple[bytes, int, bytes]:
    letters = "".join(letter for letter in share.reveal_text().upper() if letter.isalnum())
    try:
        content = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise ShareWrong(reason=N_("it is mistyped")) from None
    content, check = content[:-_CHECK_BYTES], content[-_CHECK_BYTES:]
    # the last letter has spare bits: only one way of writing counts
    if len(content) <= _GROUP_BYTES + 1 or _check(content) != check or _letters(content) != letters:
        raise ShareWrong(reason=N_("it is mistyped"))
    return content[:_GROUP_BYTES], content[_GROUP_BYTES], content[_GROUP_BYTES + 1 :]


def _check(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_CHECK_BYTES]


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= _POLYNOMIAL
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """Return 1/a: a to the power of 254."""
    result = 1
    for _ in range(254):
        result = _times(result, a)
    return result
