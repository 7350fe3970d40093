"""PC/SC result codes (PC/SC part 5; winscard.h) as errors a person can mend."""

from __future__ import annotations

from smartcard import scard

from cmsdesk.operations.errors import (
    CardCommunication,
    CardError,
    CardGone,
    NoReader,
    ReaderBusy,
    ReaderGone,
    SmartCardServiceDown,
)

_MASK = 0xFFFFFFFF
"""pyscard hands out results signed on Windows and unsigned elsewhere."""

OK = scard.SCARD_S_SUCCESS & _MASK
TIMEOUT = scard.SCARD_E_TIMEOUT & _MASK
CANCELLED = scard.SCARD_E_CANCELLED & _MASK
CARD_RESET = scard.SCARD_W_RESET_CARD & _MASK
UNKNOWN_READER = scard.SCARD_E_UNKNOWN_READER & _MASK
NO_READERS = scard.SCARD_E_NO_READERS_AVAILABLE & _MASK

SERVICE_DOWN = {
    scard.SCARD_E_NO_SERVICE & _MASK,
    scard.SCARD_E_SERVICE_STOPPED & _MASK,
    scard.SCARD_E_INVALID_HANDLE & _MASK,
    scard.SCARD_F_COMM_ERROR & _MASK,
    # Windows: the service went away under an open handle (winerror.h).
    0x00000006,  # ERROR_INVALID_HANDLE
    0x000006BA,  # RPC_S_SERVER_UNAVAILABLE
}
_CARD_GONE = {
    scard.SCARD_W_REMOVED_CARD & _MASK,
    scard.SCARD_E_NO_SMARTCARD & _MASK,
    scard.SCARD_W_UNPOWERED_CARD & _MASK,
    # It no longer answers: pulled and not yet noticed, or without contact, which pulling mends.
    scard.SCARD_W_UNRESPONSIVE_CARD & _MASK,
    scard.SCARD_E_NOT_TRANSACTED & _MASK,
    scard.SCARD_E_COMM_DATA_LOST & _MASK,
}
_READER_GONE = {UNKNOWN_READER, scard.SCARD_E_READER_UNAVAILABLE & _MASK}


def code(result: int) -> int:
    """Return ``result`` as an unsigned 32-bit value."""
    return result & _MASK


def error(result: int, reader: str, action: str) -> CardError:
    """Return the error for a failed call on ``reader`` during ``action``."""
    value = result & _MASK
    if value in SERVICE_DOWN:
        return SmartCardServiceDown()
    if value in _CARD_GONE:
        return CardGone(reader=reader)
    if value in _READER_GONE:
        return ReaderGone(reader=reader)
    if value == scard.SCARD_E_SHARING_VIOLATION & _MASK:
        return ReaderBusy(reader=reader)
    if value == NO_READERS:
        return NoReader()
    return CardCommunication(reader=reader, answer=f"{value:08X}", action=action)
