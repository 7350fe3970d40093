"""Rules about requests (REG, PRO-2, PRO-11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cmsdesk.domain import device as devices
from cmsdesk.domain.commands import BadFacts, Case, NotAllowed, WrongState
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.decisions.bookings import used
from cmsdesk.domain.decisions.moves import move, within_reach
from cmsdesk.domain.decisions.problems import noted
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.documents import request_document, request_of
from cmsdesk.domain.events import Event
from cmsdesk.domain.organisation import Office, PlaceState
from cmsdesk.domain.permissions import Action, reaches
from cmsdesk.domain.problem import DELIVERED_AS_IT_WAS
from cmsdesk.domain.request import TRANSITIONS, Request, RequestState
from cmsdesk.domain.shapes import ShapeWrong

_AMENDABLE = frozenset({RequestState.DRAFT, RequestState.REGISTERED})
_PERSONAL = ("holder", "company", "first_issue", "limits_of_use", "notes")
"""What names a person or a company, or may: free text too. It must be erasable."""
_OPTIONAL = ("entry", "origins", "booking", *_PERSONAL)
HANDED_OVER_WITH = ("identity_checked", "envelope_given", "receipt_signed")
"""What whoever hands over says of it: the holder was identified, got the envelope, signed the receipt."""
_CONTACT_FIXED = frozenset({RequestState.CANCELLED})


def register(case: Case) -> list[Event]:
    """A new registration, of the mandate's own office or of any the right reaches."""
    request = _request(case)
    case.refuse_existing("request", request.id)
    if not reaches(case.actor.mandate, Action.REQUEST_REGISTER, request.body, request.office):
        raise NotAllowed(action=Action.REQUEST_REGISTER.value)
    _codes_can_go(case, request)
    stored = _stored("request.registered", request, case, registered_by=case.actor.mandate.id)
    return [stored, *used(case, request)]


def ready(case: Case) -> list[Event]:
    """A request from the portal, frozen as the holder signed it: nobody has to approve it (POR-5).

    The facts hold the request and its ``digest``, SHA-256, hex, of what was signed.
    """
    request = _request(case, RequestState.READY)
    case.refuse_existing("request", request.id)
    office = case.need("office", request.office)
    if Office.of(request.office, office).state is not PlaceState.OPEN:
        raise BadFacts(name="office")
    _codes_can_go(case, request)
    digest = request.digest()
    if case.text("digest") != digest:
        raise BadFacts(name="digest")
    by = case.actor.mandate.id
    stored = _stored("request.ready", request, case, registered_by=by, approved_digest=digest)
    return [stored, *used(case, request)]


def amend(case: Case) -> list[Event]:
    """Other data before approval; afterwards nothing reaches production (REG-13)."""
    request = _request(case)
    document = within_reach(case, Action.REQUEST_AMEND, "request", request.id)
    state = RequestState(document["state"])
    if state not in _AMENDABLE:
        raise WrongState(thing="request", id=request.id, state=state.value, wanted="registered")
    # the desks of the old office would keep it and those of the new one lack its history
    if request.office != document["office"]:
        raise BadFacts(name="office")
    if request.scratch_delivery.value != document["scratch_delivery"]:
        _codes_can_go(case, request)
    return [_stored("request.amended", request, case, amended_by=case.actor.mandate.id)]


def approve(case: Case) -> list[Event]:
    """Approve what is registered: the data are frozen by their digest (REG-13).

    The way back from production to «approved» is the reset's alone.
    """
    identifier = case.text("request")
    document = within_reach(case, Action.REQUEST_APPROVE, "request", identifier)
    if document["state"] != RequestState.REGISTERED.value:
        raise WrongState(thing="request", id=identifier, state=document["state"], wanted="approved")
    digest = request_of(identifier, document).digest()
    if case.text("digest") != digest:
        raise WrongState(thing="request", id=identifier, state="amended", wanted="approved")
    return [
        move(
            "request",
            identifier,
            document,
            RequestState.APPROVED,
            TRANSITIONS,
            approved_digest=digest,
            approved_by=case.actor.mandate.id,
            approved_at=case.now.isoformat(),
        )
    ]


def cancel(case: Case) -> list[Event]:
    """Cancel, with the reason (PRO-2)."""
    identifier = case.text("request")
    document = within_reach(case, Action.REQUEST_CANCEL, "request", identifier)
    # free text may name a person: it must be erasable
    personal = {"reason": case.text("reason")}
    moved = move("request", identifier, document, RequestState.CANCELLED, TRANSITIONS, **_by(case))
    return [replace(moved, personal=personal)]


def change_contact(case: Case) -> list[Event]:
    """Another contact address, at any time (REG-9)."""
    identifier = case.text("request")
    document = within_reach(case, Action.REQUEST_CONTACT, "request", identifier)
    state = RequestState(document["state"])
    if state in _CONTACT_FIXED:
        raise WrongState(thing="request", id=identifier, state=state.value, wanted="contact")
    address = case.text("contact_email")
    if "@" not in address:
        raise BadFacts(name="contact_email")
    holder = {**document["holder"], "contact_email": address}
    return [Event("request.contact_changed", "request", identifier, _by(case), {"holder": holder})]


def deliver(case: Case) -> list[Event]:
    """The device was handed over to its holder: a physical fact (PRO-11).

    Where the states do not fit it is recorded as a problem, never refused.
    """
    identifier = case.text("request")
    document = within_reach(case, Action.REQUEST_DELIVER, "request", identifier)
    if document["state"] == RequestState.DELIVERED.value:
        return []
    if (RequestState(document["state"]), RequestState.DELIVERED) not in TRANSITIONS:
        return [noted(case, ("request", identifier), document.get("office"), [DELIVERED_AS_IT_WAS])]
    checked = {name: True for name in HANDED_OVER_WITH if case.command.facts.get(name) is True}
    facts = {"delivered_by": case.actor.mandate.id, "delivered_at": case.now.isoformat(), **checked}
    handed = move("request", identifier, document, RequestState.DELIVERED, TRANSITIONS, **facts)
    card_id = document.get("device")
    device = None if card_id is None else case.view.get("device", card_id)
    if card_id is None or device is None:
        # a desk whose mandate does not see the stock; the service does
        return [handed]
    if (DeviceState(device["state"]), DeviceState.DELIVERED) not in devices.TRANSITIONS:
        return [handed, noted(case, ("device", card_id), document.get("office"), [DELIVERED_AS_IT_WAS])]
    return [handed, move("device", card_id, device, DeviceState.DELIVERED, devices.TRANSITIONS)]


def retry(case: Case) -> list[Event]:
    """Produce after all what had failed: with the same data, frozen as they were."""
    identifier = case.text("request")
    document = within_reach(case, Action.REQUEST_APPROVE, "request", identifier)
    if document["state"] != RequestState.FAILED.value:
        raise WrongState(thing="request", id=identifier, state=document["state"], wanted="approved")
    return [move("request", identifier, document, RequestState.APPROVED, TRANSITIONS, **_by(case))]


def _request(case: Case, state: RequestState = RequestState.REGISTERED) -> Request:
    """Return the request in the command's facts, in that state and of the command's body."""
    facts: Any = case.command.facts.get("request")
    if not isinstance(facts, dict) or not isinstance(facts.get("id"), str):
        raise BadFacts(name="request")
    try:
        request = request_of(facts["id"], facts)
    except ShapeWrong as wrong:
        raise BadFacts(name=wrong.where.removeprefix("holder.") or "request") from None
    if request.body != case.command.body or request.approved_digest is not None:
        raise BadFacts(name="request")
    if request.state is not state:
        raise BadFacts(name="state")
    # who registered it and when is the service's to say
    return replace(request, created_at=None, registered_by=None)


def _stored(kind: str, request: Request, case: Case, **changes: str) -> Event:
    """Return the event of a registration or amendment; what an amendment leaves out is taken away."""
    document = request_document(request)
    before = case.view.get("request", request.id)
    gone = [name for name in _OPTIONAL if before is not None and name in before and name not in document]
    values: dict[str, Any] = {**document, **dict.fromkeys(gone)}
    personal = {name: values.pop(name) for name in _PERSONAL if name in values}
    created = {"created_at": case.now.isoformat()} if before is None else {}
    return Event(kind, "request", request.id, {**values, **created, **changes}, personal)


def _by(case: Case) -> dict[str, str]:
    return {"changed_by": case.actor.mandate.id}


def _codes_can_go(case: Case, request: Request) -> None:
    """Refuse a way of giving the holder the codes that the body does not offer."""
    document = case.view.get("configuration", request.body)
    if document is not None and request.scratch_delivery not in Configuration.of(document).scratch_delivery:
        raise BadFacts(name="scratch_delivery")
