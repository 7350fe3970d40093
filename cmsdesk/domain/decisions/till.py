"""Rules about money taken at the desk: payments, their receipts, and the till's closing (REG-11, PRO-10).

A payment is a physical fact: it is recorded whatever the records say, if need be with a problem.
Receipts are numbered per till, from 1, without gaps; a till is one series at one desk, so that
numbers are given without the service.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from cmsdesk.domain.commands import AlreadyThere, BadFacts, Case
from cmsdesk.domain.configuration import PaymentMethod
from cmsdesk.domain.decisions.moves import within_reach
from cmsdesk.domain.decisions.problems import noted
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.permissions import Action, reaches
from cmsdesk.domain.problem import (
    OTHER_AMOUNT,
    RECEIPT_REPEATED,
    RECEIPT_SKIPPED,
    REQUEST_CANCELLED,
    REQUEST_UNKNOWN,
    TILL_ELSEWHERE,
)
from cmsdesk.domain.request import RequestState

AT_THE_DESK = frozenset({PaymentMethod.CASH, PaymentMethod.POS})
_SERIES = re.compile(r"[A-Z0-9][A-Z0-9/-]{0,11}")
_MOST_CENTS = 10_000_000


def record(case: Case) -> list[Event]:
    """Money was taken.

    Facts: ``payment``, ``request``, ``till``, ``series``, ``number``, ``method``, ``amount_cents``,
    ``taken_at`` (ISO 8601 with its offset).
    """
    identifier, wanted = case.text("payment"), _payment(case)
    known = case.view.get("payment", identifier)
    if known is not None:
        own = known.get("body") == case.command.body
        if own and {name: known.get(name) for name in wanted} == wanted:
            return []
        raise AlreadyThere(thing="payment", id=identifier)
    till, mandate = case.view.get("till", wanted["till"]) or {}, case.actor.mandate
    if till.get("body", case.command.body) != case.command.body:
        raise BadFacts(name="till")
    request = case.view.get("request", wanted["request"])
    if request is not None and request.get("body") != case.command.body:
        request = None
    office = mandate.office if request is None else request["office"]
    if not reaches(mandate, Action.REQUEST_PAY, case.command.body, office):
        office, request = mandate.office, None
    recorded = {
        "body": case.command.body,
        "office": office,
        **wanted,
        "closing": till.get("closings", 0) + 1,
        "recorded_by": mandate.id,
        "recorded_at": case.now.isoformat(),
    }
    events = [
        Event("payment.recorded", "payment", identifier, recorded),
        Event("till.counted", "till", wanted["till"], _counted(case, till, wanted)),
    ]
    if request is not None:
        paid = request.get("paid_cents", 0) + wanted["amount_cents"]
        events.append(Event("request.paid", "request", wanted["request"], {"paid_cents": paid}))
    reasons = _amiss(case, request, till, wanted)
    return [*events, noted(case, ("payment", identifier), office, reasons)] if reasons else events


def close(case: Case) -> list[Event]:
    """The day's closing: what the receipts say against what was counted (``counted_cash_cents``)."""
    identifier, till_id = case.text("closing"), case.text("till")
    till = within_reach(case, Action.TILL_CLOSE, "till", till_id)
    counted = _cents(case, "counted_cash_cents", least=0)
    case.refuse_existing("till_closing", identifier)
    number = till.get("closings", 0) + 1
    closing = {
        "body": case.command.body,
        "office": till["office"],
        "till": till_id,
        "series": till["series"],
        "number": number,
        "first_number": till.get("first_number"),
        "last_number": till["last_number"],
        "count": till["count"],
        "cash_cents": till["cash_cents"],
        "pos_cents": till["pos_cents"],
        "counted_cash_cents": counted,
        "difference_cents": counted - till["cash_cents"],
        "closed_by": case.actor.mandate.id,
        "closed_at": case.now.isoformat(),
    }
    closing = {name: value for name, value in closing.items() if value is not None}
    emptied = {"closings": number, "count": 0, "cash_cents": 0, "pos_cents": 0, "first_number": None}
    return [
        Event("till_closing.recorded", "till_closing", identifier, closing),
        Event("till.closed", "till", till_id, emptied),
    ]


def _payment(case: Case) -> dict[str, Any]:
    """Return what the command says of the payment, checked in itself."""
    try:
        method = PaymentMethod(case.text("method"))
    except ValueError:
        raise BadFacts(name="method") from None
    if method not in AT_THE_DESK:
        raise BadFacts(name="method")
    series, number = case.text("series"), case.command.facts.get("number")
    if not _SERIES.fullmatch(series):
        raise BadFacts(name="series")
    if type(number) is not int or number < 1:
        raise BadFacts(name="number")
    return {
        "request": case.text("request"),
        "till": case.text("till"),
        "series": series,
        "number": number,
        "method": method.value,
        "amount_cents": _cents(case, "amount_cents", least=1),
        "taken_at": _moment(case, "taken_at"),
    }


def _counted(case: Case, till: Document, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what changes at the till: its sums since the last closing."""
    sums = {f"{method.value}_cents": till.get(f"{method.value}_cents", 0) for method in AT_THE_DESK}
    sums[f"{wanted['method']}_cents"] += wanted["amount_cents"]
    return {
        "body": case.command.body,
        "office": till.get("office", case.actor.mandate.office),
        "series": till.get("series", wanted["series"]),
        "last_number": max(till.get("last_number", 0), wanted["number"]),
        "first_number": min(till.get("first_number", wanted["number"]), wanted["number"]),
        "count": till.get("count", 0) + 1,
        **sums,
    }


def _amiss(case: Case, request: Document | None, till: Document, wanted: dict[str, Any]) -> list[str]:
    """Return what does not fit."""
    reasons = []
    if request is None:
        reasons.append(REQUEST_UNKNOWN)
    elif request["state"] == RequestState.CANCELLED.value:
        reasons.append(REQUEST_CANCELLED)
    fee = (request or {}).get("first_issue", {}).get("fee_cents")
    paid = (request or {}).get("paid_cents", 0) + wanted["amount_cents"]
    if fee is not None and paid != fee:
        reasons.append(OTHER_AMOUNT)
    last = till.get("last_number", 0)
    if wanted["number"] <= last:
        reasons.append(RECEIPT_REPEATED)
    elif wanted["number"] > last + 1:
        reasons.append(RECEIPT_SKIPPED)
    if not case.actor.mandate.is_of(till.get("office", case.actor.mandate.office)):
        reasons.append(TILL_ELSEWHERE)
    return reasons


def _cents(case: Case, name: str, *, least: int) -> int:
    value = case.command.facts.get(name)
    if type(value) is not int or not least <= value <= _MOST_CENTS:
        raise BadFacts(name=name)
    return value


def _moment(case: Case, name: str) -> str:
    text = case.text(name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadFacts(name=name) from None
    if at.tzinfo is None:
        raise BadFacts(name=name)
    return text
