"""Remembers, for the life of this process, which PINs a token has refused, so that none is sent twice.

A card locks after three wrong tries, also when a program repeats the same mistake. What is kept is a keyed
hash under a random key of this process; it is never written anywhere.
"""

import hashlib
import hmac
import os
import threading

from cmsdesk.signing.pin import Pin

_KEY = os.urandom(32)
_LOCK = threading.Lock()
_REFUSED: set[bytes] = set()


def _mark(token: str, pin: Pin) -> bytes:
    return hmac.digest(_KEY, token.encode() + b"\0" + pin.reveal(), hashlib.sha256)


def remember(token: str, pin: Pin) -> None:
    """Note that `token` (its serial number) refused `pin`."""
    with _LOCK:
        _REFUSED.add(_mark(token, pin))


def is_refused(token: str, pin: Pin) -> bool:
    """Say whether `token` has refused `pin` before."""
    with _LOCK:
        return _mark(token, pin) in _REFUSED


def forget_refused_pins() -> None:
    """Forget every refusal: for programs that have just changed or unblocked a PIN."""
    with _LOCK:
        _REFUSED.clear()
