"""What lists and papers say of a certificate that a production's document holds."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date

from cryptography import x509

from cmsdesk.base.clock import ROME


@dataclass(frozen=True)
class CertificateFacts:
    """A certificate as people know it."""

    der: bytes
    serial: str
    """Hexadecimal, as CAs write it."""
    until: str
    """Last day, ISO 8601."""

    @property
    def expires_on(self) -> date:
        """The last day."""
        return date.fromisoformat(self.until)


def facts_of(text: str) -> CertificateFacts | None:
    """Return the facts of a certificate, DER in base 64; None for an empty or unreadable one."""
    try:
        der = base64.b64decode(text, validate=True)
        found = x509.load_der_x509_certificate(der)
    except ValueError:
        return None
    until = found.not_valid_after_utc.astimezone(ROME).date().isoformat()
    return CertificateFacts(der, f"{found.serial_number:X}", until)
