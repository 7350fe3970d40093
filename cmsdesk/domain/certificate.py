"""Certificates: the two slots of a device, their status and its transitions (LCM-1…3; RFC 5280)."""

from __future__ import annotations

from enum import Enum, IntEnum


class Slot(Enum):
    """The two places of a device; they are produced and handled together (PRO-5)."""

    AUTHENTICATION = "cns"
    SIGNATURE = "qualified"


class RevocationReason(IntEnum):
    """CRL reason codes (RFC 5280 §5.3.1)."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10


class CertificateStatus(Enum):
    """What the CA says of a certificate now."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


# (from, to): what may follow what (domain.md §2.4; eIDAS 28(4) and (5))
TRANSITIONS: frozenset[tuple[CertificateStatus, CertificateStatus]] = frozenset(
    {
        (CertificateStatus.VALID, CertificateStatus.SUSPENDED),
        (CertificateStatus.SUSPENDED, CertificateStatus.VALID),
        (CertificateStatus.VALID, CertificateStatus.REVOKED),
        (CertificateStatus.SUSPENDED, CertificateStatus.REVOKED),
        (CertificateStatus.VALID, CertificateStatus.EXPIRED),
        (CertificateStatus.SUSPENDED, CertificateStatus.EXPIRED),
    }
)
