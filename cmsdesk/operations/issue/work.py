"""What the steps of one production work on."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Bug
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.production import Production
from cmsdesk.domain.request import Request
from cmsdesk.operations.issue.codes import Codes
from cmsdesk.operations.issue.notes import Notes
from cmsdesk.operations.ports import (
    CardReaders,
    CardSession,
    CertificateAuthority,
    Records,
    Vault,
    WriteAheadLog,
)


@dataclass(frozen=True)
class IssueSettings:
    """What bodies and CAs configure; see domain.md for what is not known in general."""

    issuer_code: str
    """Issuer code in EF.Dati_personali."""
    administration: str
    """OU of the CNS certificate: the issuing administration (domain.md §1.1)."""
    operator_anchors: tuple[bytes, ...]
    """CNS issuers, DER, whose cards open a production (in Italy: those of the trusted list)."""
    validity: timedelta = timedelta(days=3 * 365 + 1)
    """Longest life of the certificates; the chip must be certified beyond it."""
    pin_digits: int = 8
    puk_digits: int = 8
    collect_wait_s: float = 60.0
    """How long step g asks a CA that has not decided before it stops, to be resumed."""


@dataclass(frozen=True)
class Parts:
    """The adapters a production stands on."""

    readers: CardReaders
    records: Records
    log: WriteAheadLog
    vault: Vault
    authorities: Mapping[str, CertificateAuthority]
    clock: Clock
    settings: IssueSettings


@dataclass
class Work:
    """One production at work on one card."""

    parts: Parts
    session: CardSession
    production: Production
    request: Request
    authority: CertificateAuthority
    notes: Notes
    codes: Codes

    @property
    def card_id(self) -> str:
        """The device's serial."""
        return self.production.device

    def need(self, name: str) -> Any:
        """Return a fact that an earlier step must have noted."""
        value = self.notes.fact(name)
        if value is None:
            raise Bug(f"the log lacks {name!r}")
        return value

    def noted_bytes(self, name: str) -> bytes | None:
        """Return bytes noted in the log by `as_text`, or None."""
        text = self.notes.fact(name)
        return None if text is None else base64.b64decode(text)

    def need_bytes(self, name: str) -> bytes:
        """Return bytes that an earlier step must have noted."""
        return base64.b64decode(self.need(name))


def as_text(value: bytes) -> str:
    """Return bytes as the log keeps them."""
    return base64.b64encode(value).decode()


def key_fact(slot: Slot) -> str:
    """Name of the noted public key of ``slot``."""
    return f"key_{slot.value}"


def csr_fact(slot: Slot) -> str:
    """Name of the noted CSR of ``slot``."""
    return f"csr_{slot.value}"


def certificate_fact(slot: Slot) -> str:
    """Name of the noted certificate of ``slot``."""
    return f"certificate_{slot.value}"


def chain_fact(slot: Slot) -> str:
    """Name of the noted chain of ``slot``."""
    return f"chain_{slot.value}"
