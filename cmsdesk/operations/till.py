"""The till of a desk: its receipt series, its next number, and what is due for a request (REG-11, PRO-10).

A till is one series at one desk, so that numbers are given without the service: the series that the body
chose for the office, and three characters of the workstation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cmsdesk.domain.commands import Command
from cmsdesk.domain.configuration import Configuration, PaymentMethod
from cmsdesk.domain.decisions.till import AT_THE_DESK
from cmsdesk.domain.events import Document

_NUMBERED = frozenset({"payment.record", "payment.reverse"})
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_OFFICE_PART, _DESK_PART = 8, 3
_ID_PART = 16
_DIGITS = 6


@dataclass(frozen=True)
class Till:
    """One series at one desk."""

    id: str
    series: str
    methods: tuple[PaymentMethod, ...]
    """How it is paid at the desk."""


def till_at(configuration: Configuration | None, office: str, workstation: str) -> Till | None:
    """Return the till of a workstation in an office; None: the body takes no money there.

    Args:
        configuration: the body's.
        office: the mandate's.
        workstation: SHA-256 of its certificate, hex.
    """
    if configuration is None:
        return None
    payments = configuration.payments
    series = payments.series.get(office)
    methods = tuple(method for method in payments.methods if method in AT_THE_DESK)
    if not series or not methods:
        return None
    digest = hashlib.sha256(f"{office} {workstation}".encode()).digest()
    desk = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_DESK_PART])
    return Till(f"till-{digest.hex()[:_ID_PART]}", f"{series.upper()[:_OFFICE_PART]}-{desk}", methods)


def next_number(till: Till, document: Document | None, queued: Iterable[Command]) -> int:
    """Return the number of the next receipt.

    Args:
        till: the till.
        document: its state as the desk shows it.
        queued: commands of every mandate that the service has not taken: another operator at this desk
            may have given numbers that this one does not see yet.
    """
    given = [
        int(command.facts["number"])
        for command in queued
        if command.kind in _NUMBERED and command.facts.get("till") == till.id
    ]
    return max([0 if document is None else int(document.get("last_number", 0)), *given]) + 1


def receipt_number(series: str, number: int) -> str:
    """Return a receipt's number as it is written: ``BZ1-7K2/000123``."""
    return f"{series}/{number:0{_DIGITS}d}"


def due_cents(request: Mapping[str, Any]) -> int:
    """Return what is still to be paid for a request's document; 0 where no fee was decided."""
    fee = (request.get("first_issue") or {}).get("fee_cents", 0)
    return max(int(fee) - int(request.get("paid_cents", 0)), 0)
