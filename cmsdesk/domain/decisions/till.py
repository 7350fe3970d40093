"""Rules about money at the desk: payments, what is given back, opening and closing the till (REG-11, PRO-10).

A payment is a physical fact: it is recorded whatever the records say, if need be with a problem.
Receipts are numbered per till, from 1, without gaps; a till is one series at one desk, so that
numbers are given without the service. A reversal is a receipt of the same series, below zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cmsdesk.domain.commands import AlreadyThere, BadFacts, Case, NotAllowed, WrongState
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
    REVERSED_TWICE,
    TILL_ELSEWHERE,
)
from cmsdesk.domain.request import RequestState

_SUMS = ("cash_cents", "pos_cents", "reversals", "reversed_cents")
_OF_ONE_DAY = ("first_number", "opening_cash_cents", "opened_by", "opened_at")
AT_THE_DESK = frozenset({PaymentMethod.CASH, PaymentMethod.POS})
_SERIES = re.compile(r"[A-Z0-9][A-Z0-9/-]{0,11}")
_MOST_CENTS = 10_000_000


def record(case: Case) -> list[Event]:
    """Money was taken.

    Facts: ``payment``, ``request``, ``till``, ``series``, ``number``, ``method``, ``amount_cents``,
    ``taken_at`` (ISO 8601 with its offset).
    """
    identifier, wanted = case.text("payment"), _payment(case)
    if _is_there(case, identifier, wanted):
        return []
    till, mandate = _till(case), case.actor.mandate
    request = case.view.get("request", wanted["request"])
    if request is not None and request.get("body") != case.command.body:
        request = None
    office = mandate.office if request is None else request["office"]
    if not reaches(mandate, Action.REQUEST_PAY, case.command.body, office):
        office, request = mandate.office, None
    events = _booked(case, identifier, office, till, wanted)
    if request is not None:
        paid = request.get("paid_cents", 0) + wanted["amount_cents"]
        events.append(Event("request.paid", "request", wanted["request"], {"paid_cents": paid}))
    reasons = [*_amiss(request, wanted), *_out_of_series(case, till, wanted)]
    return [*events, noted(case, ("payment", identifier), office, reasons)] if reasons else events


def reverse(case: Case) -> list[Event]:
    """Money that was taken is given back, whole and in the way it was paid (storno).

    Facts: ``payment`` (id of the reversal), ``reverses`` (id of what was paid), ``till``, ``series``,
    ``number``, ``taken_at`` (when it was given back), ``reason``.
    """
    identifier, original_id, reason = case.text("payment"), case.text("reverses"), case.text("reason")
    original = within_reach(case, Action.PAYMENT_REVERSE, "payment", original_id)
    if "reverses" in original:
        raise BadFacts(name="reverses")
    wanted = {
        **_receipt(case),
        "request": original["request"],
        "method": original["method"],
        "amount_cents": -original["amount_cents"],
        "reverses": original_id,
    }
    if _is_there(case, identifier, wanted):
        return []
    till, office = _till(case), original["office"]
    # free text may name a person: it must be erasable
    events = _booked(case, identifier, office, till, wanted, personal={"reason": reason})
    if not original.get("reversed_by"):
        events.append(Event("payment.reversed", "payment", original_id, {"reversed_by": identifier}))
    request = case.view.get("request", original["request"])
    if request is not None and request.get("body") == case.command.body:
        paid = request.get("paid_cents", 0) + wanted["amount_cents"]
        events.append(Event("request.repaid", "request", original["request"], {"paid_cents": paid}))
    reasons = [REVERSED_TWICE] if original.get("reversed_by") else []
    reasons += _out_of_series(case, till, wanted)
    return [*events, noted(case, ("payment", identifier), office, reasons)] if reasons else events


def open_till(case: Case) -> list[Event]:
    """The cash that is in the till before the day's first receipt (fondo cassa).

    Facts: ``till``, ``series``, ``opening_cash_cents``. It may be put right until money is taken.
    """
    known, mandate = _till(case), case.actor.mandate
    till, cents = case.text("till"), _cents(case, "opening_cash_cents", least=0)
    office = known.get("office", mandate.office)
    if not reaches(mandate, Action.REQUEST_PAY, case.command.body, office):
        raise NotAllowed(action=Action.REQUEST_PAY.value)
    if known.get("opening_cash_cents") == cents:
        return []
    if known.get("count", 0):
        raise WrongState(thing="till", id=_series(case), state="counted", wanted="opened")
    opened = {
        "body": case.command.body,
        "office": office,
        "series": known.get("series", _series(case)),
        "opening_cash_cents": cents,
        "opened_by": mandate.id,
        "opened_at": case.now.isoformat(),
    }
    return [Event("till.opened", "till", till, opened)]


def close(case: Case) -> list[Event]:
    """The day's closing: what the receipts say against what was counted (``counted_cash_cents``)."""
    identifier, till_id = case.text("closing"), case.text("till")
    till = within_reach(case, Action.TILL_CLOSE, "till", till_id)
    counted = _cents(case, "counted_cash_cents", least=0)
    case.refuse_existing("till_closing", identifier)
    number = till.get("closings", 0) + 1
    opening = till.get("opening_cash_cents", 0)
    closing = {
        "body": case.command.body,
        "office": till["office"],
        "till": till_id,
        "series": till["series"],
        "number": number,
        "first_number": till.get("first_number"),
        "last_number": till.get("last_number", 0),
        "count": till.get("count", 0),
        "opened_at": till.get("opened_at"),
        "opening_cash_cents": opening,
        **{name: till.get(name, 0) for name in _SUMS},
        "counted_cash_cents": counted,
        "difference_cents": counted - opening - till.get("cash_cents", 0),
        "closed_by": case.actor.mandate.id,
        "closed_at": case.now.isoformat(),
    }
    closing = {name: value for name, value in closing.items() if value is not None}
    emptied = {"closings": number, "count": 0, **dict.fromkeys(_SUMS, 0), **dict.fromkeys(_OF_ONE_DAY)}
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
    return {
        "request": case.text("request"),
        **_receipt(case),
        "method": method.value,
        "amount_cents": _cents(case, "amount_cents", least=1),
    }


def _receipt(case: Case) -> dict[str, Any]:
    """Return what the command says of the receipt, checked in itself."""
    number = case.command.facts.get("number")
    if type(number) is not int or number < 1:
        raise BadFacts(name="number")
    return {
        "till": case.text("till"),
        "series": _series(case),
        "number": number,
        "taken_at": _moment(case, "taken_at"),
    }


def _series(case: Case) -> str:
    series = case.text("series")
    if not _SERIES.fullmatch(series):
        raise BadFacts(name="series")
    return series


def _till(case: Case) -> Document:
    """Return the till's document, empty for one that begins."""
    till = case.view.get("till", case.text("till")) or {}
    if till.get("body", case.command.body) != case.command.body:
        raise BadFacts(name="till")
    return till


def _is_there(case: Case, identifier: str, wanted: dict[str, Any]) -> bool:
    """Tell whether this very receipt is on record.

    Raises:
        AlreadyThere: another one is, under its id.
    """
    known = case.view.get("payment", identifier)
    if known is None:
        return False
    own = known.get("body") == case.command.body
    if own and {name: known.get(name) for name in wanted} == wanted:
        return True
    raise AlreadyThere(thing="payment", id=identifier)


def _booked(
    case: Case,
    identifier: str,
    office: str,
    till: Document,
    wanted: dict[str, Any],
    personal: Mapping[str, Any] = MappingProxyType({}),
) -> list[Event]:
    """Return the events of a receipt: itself, and the till that counts it."""
    recorded = {
        "body": case.command.body,
        "office": office,
        **wanted,
        "closing": till.get("closings", 0) + 1,
        "recorded_by": case.actor.mandate.id,
        "recorded_at": case.now.isoformat(),
    }
    return [
        Event("payment.recorded", "payment", identifier, recorded, personal),
        Event("till.counted", "till", wanted["till"], _counted(case, till, wanted)),
    ]


def _counted(case: Case, till: Document, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what changes at the till: its sums since the last closing."""
    sums = {name: till.get(name, 0) for name in _SUMS}
    sums[f"{wanted['method']}_cents"] += wanted["amount_cents"]
    if "reverses" in wanted:
        sums["reversals"] += 1
        sums["reversed_cents"] -= wanted["amount_cents"]
    return {
        "body": case.command.body,
        "office": till.get("office", case.actor.mandate.office),
        "series": till.get("series", wanted["series"]),
        "last_number": max(till.get("last_number", 0), wanted["number"]),
        "first_number": min(till.get("first_number", wanted["number"]), wanted["number"]),
        "count": till.get("count", 0) + 1,
        **sums,
    }


def _amiss(request: Document | None, wanted: dict[str, Any]) -> list[str]:
    """Return what does not fit the request."""
    reasons = []
    if request is None:
        reasons.append(REQUEST_UNKNOWN)
    elif request["state"] == RequestState.CANCELLED.value:
        reasons.append(REQUEST_CANCELLED)
    fee = (request or {}).get("first_issue", {}).get("fee_cents")
    paid = (request or {}).get("paid_cents", 0) + wanted["amount_cents"]
    if fee is not None and paid != fee:
        reasons.append(OTHER_AMOUNT)
    return reasons


def _out_of_series(case: Case, till: Document, wanted: dict[str, Any]) -> list[str]:
    """Return what does not fit the till and its series."""
    reasons = []
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
