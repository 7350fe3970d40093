"""PKCS #11 return values as errors a person can mend."""

from __future__ import annotations

import pkcs11

from cmsdesk.cards.pkcs11 import native
from cmsdesk.operations.errors import CardCommunication, CardError, CardFull, CardGone, PinBlocked, WrongPin

_GONE = {
    native.CKR_DEVICE_REMOVED,
    native.CKR_TOKEN_NOT_PRESENT,
    native.CKR_TOKEN_NOT_RECOGNIZED,
}
_WRONG = {native.CKR_PIN_INCORRECT, native.CKR_PIN_INVALID, native.CKR_PIN_LEN_RANGE}
_CODES: dict[type[pkcs11.PKCS11Error], int] = {
    pkcs11.DeviceRemoved: native.CKR_DEVICE_REMOVED,
    pkcs11.TokenNotPresent: native.CKR_TOKEN_NOT_PRESENT,
    pkcs11.TokenNotRecognised: native.CKR_TOKEN_NOT_RECOGNIZED,
    pkcs11.DeviceMemory: native.CKR_DEVICE_MEMORY,
    pkcs11.PinIncorrect: native.CKR_PIN_INCORRECT,
    pkcs11.PinInvalid: native.CKR_PIN_INVALID,
    pkcs11.PinLenRange: native.CKR_PIN_LEN_RANGE,
    pkcs11.PinLocked: native.CKR_PIN_LOCKED,
}


def raised(error: pkcs11.PKCS11Error | native.NativeError, reader: str, action: str) -> CardError:
    """Return the error for a failed call on the token in ``reader`` during ``action``."""
    if isinstance(error, native.NativeError):
        result: int | None = error.result
        answer = f"CKR {error.result:#x}"
    else:
        result = _CODES.get(type(error))
        answer = type(error).__name__
    if result in _GONE:
        return CardGone(reader=reader)
    if result == native.CKR_DEVICE_MEMORY:
        return CardFull(reader=reader)
    if result in _WRONG:
        return WrongPin(tries_left=None)
    if result == native.CKR_PIN_LOCKED:
        return PinBlocked(reader=reader)
    return CardCommunication(reader=reader, answer=answer, action=action)
