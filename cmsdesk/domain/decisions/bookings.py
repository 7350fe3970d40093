"""Rules about bookings (REG-7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cmsdesk.domain.booking import TRANSITIONS, Booking, BookingState
from cmsdesk.domain.commands import BadFacts, Case, NotAllowed
from cmsdesk.domain.decisions.moves import move, within_reach
from cmsdesk.domain.events import Event
from cmsdesk.domain.permissions import Action, reaches
from cmsdesk.domain.request import Request
from cmsdesk.domain.shapes import ShapeWrong


def record(case: Case) -> list[Event]:
    """A booking comes in, from the portal or by telephone."""
    facts: Any = case.command.facts.get("booking")
    if not isinstance(facts, dict) or not isinstance(facts.get("id"), str):
        raise BadFacts(name="booking")
    try:
        booking = Booking.of(facts["id"], {**facts, "body": case.command.body})
    except ShapeWrong as wrong:
        raise BadFacts(name=wrong.where or "booking") from None
    if booking.state is not BookingState.OPEN or booking.request is not None:
        raise BadFacts(name="state")
    if booking.appointment is not None and not _is_moment(booking.appointment):
        raise BadFacts(name="appointment")
    case.refuse_existing("booking", booking.id)
    if booking.office is not None:
        case.need("office", booking.office)
    if not reaches(case.actor.mandate, Action.REQUEST_REGISTER, booking.body, booking.office):
        raise NotAllowed(action=Action.REQUEST_REGISTER.value)
    changes = {
        "body": booking.body,
        "office": booking.office,
        "device_kind": None if booking.device_kind is None else booking.device_kind.value,
        "appointment": booking.appointment,
        "state": booking.state.value,
        "recorded_at": case.now.isoformat(),
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    return [Event("booking.recorded", "booking", booking.id, changes, {"values": dict(booking.values)})]


def cancel(case: Case) -> list[Event]:
    """The applicant will not come."""
    identifier = case.text("booking")
    document = within_reach(case, Action.REQUEST_REGISTER, "booking", identifier)
    return [move("booking", identifier, document, BookingState.CANCELLED, TRANSITIONS)]


def used(case: Case, request: Request) -> list[Event]:
    """A request was made from its booking; one that is gone or used already stops nobody."""
    document = None if request.booking is None else case.view.get("booking", request.booking)
    if request.booking is None or document is None or document.get("body") != request.body:
        return []
    if document["state"] != BookingState.OPEN.value:
        return []
    return [move("booking", request.booking, document, BookingState.USED, TRANSITIONS, request=request.id)]


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
