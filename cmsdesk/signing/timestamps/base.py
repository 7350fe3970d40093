"""What the library asks of a time stamp source."""

from typing import Protocol

from cmsdesk.signing.signers.base import Digest


class TimeStamper(Protocol):
    """A source of RFC 3161 time stamp tokens. Safe to call from several threads at once."""

    def token(self, digest: bytes, algorithm: Digest) -> bytes:
        """Return a TimeStampToken (DER ContentInfo, RFC 3161 clause 2.4.2) over `digest`.

        The implementation has already checked that the token answers the request: status granted, same
        message imprint, same nonce, and a signature that verifies with the certificate inside.

        Args:
            digest: hash of the data to stamp.
            algorithm: the hash function used.

        Raises:
            TimestampError: refused, unreachable, or a wrong answer, after the implementation's own retries.
        """
        ...
