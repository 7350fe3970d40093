"""What the exit code of `cmsdesk-sign` means."""

from cmsdesk.signing.errors import (
    PinLocked,
    PinRefused,
    SettingsError,
    SignerError,
    SigningError,
    TimestampError,
)

OK = 0
SOME_FAILED = 1  # a document was not signed, or a signature or seal is not valid
USAGE = 2
PIN = 3  # refused or locked
UNAVAILABLE = 4  # signer, time stamp service or network
INTERRUPTED = 130


def code_of(error: SigningError) -> int:
    """Return the exit code for an error that ended the command."""
    if isinstance(error, PinRefused | PinLocked):
        return PIN
    if isinstance(error, SignerError | TimestampError):
        return UNAVAILABLE
    return USAGE if isinstance(error, SettingsError) else SOME_FAILED
