"""Rules about productions: one request, one device, one scratch card move together (PRO-3, PRO-7, PRO-8).

Asking for what is already so yields no event: the procedure repeats itself after interruptions.
"""

from __future__ import annotations

from cmsdesk.domain import device as devices
from cmsdesk.domain import production as productions
from cmsdesk.domain import request as requests
from cmsdesk.domain import scratch_card as scratch_cards
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import AlreadyThere, BadFacts, Case, NotAllowed, WrongState
from cmsdesk.domain.decisions.moves import move, within_reach
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState, enrolment_key
from cmsdesk.domain.scratch_card import ScratchCardState


def open_production(case: Case) -> list[Event]:
    """Request and device go into production, the scratch card is reserved; the operator's card signed it."""
    identifier = case.text("production")
    names = {name: case.text(name) for name in ("request", "device", "scratch_card", "operator")}
    known = case.view.get("production", identifier)
    if known is not None and known.get("body") != case.command.body:
        raise AlreadyThere(thing="production", id=identifier)
    if known is not None:
        return [] if {name: known[name] for name in names} == names else _taken(identifier, known)
    if names["operator"] != case.actor.mandate.operator:
        raise NotAllowed(action=Action.PRODUCE.value)
    request = within_reach(case, Action.PRODUCE, "request", names["request"])
    if not request_of(names["request"], request).is_as_approved():
        raise WrongState(thing="request", id=names["request"], state="changed", wanted="in_production")
    changes = {
        "body": case.command.body,
        **{name: names[name] for name in ("request", "device", "scratch_card")},
        "office": request["office"],
        "ca": request["ca"],
        "state": ProductionState.RUNNING.value,
        "mandate": case.actor.mandate.id,
        "workstation": case.actor.workstation,
        "opening": case.text("opening"),
        "opening_signature": case.text("opening_signature"),
    }
    personal = {"operator": names["operator"], "opening_certificate": case.text("opening_certificate")}
    return [
        _request_to(names["request"], request, RequestState.IN_PRODUCTION),
        _device_to(case, names["device"], DeviceState.IN_PRODUCTION),
        _scratch_to(case, names["scratch_card"], ScratchCardState.RESERVED, identifier),
        Event("production.opened", "production", identifier, changes, personal),
    ]


def record_certificates(case: Case) -> list[Event]:
    """The issued certificates, before they are written to the card (PRO-3 h)."""
    identifier, document = _production(case)
    certificates = case.command.facts.get("certificates")
    if not isinstance(certificates, dict) or set(certificates) != {slot.value for slot in Slot}:
        raise BadFacts(name="certificates")
    if not all(isinstance(certificate, str) for certificate in certificates.values()):
        raise BadFacts(name="certificates")
    if document.get("certificates") == certificates:
        return []
    _running(identifier, document)
    return [
        Event(
            "production.certificates_recorded",
            "production",
            identifier,
            personal={"certificates": certificates},
        )
    ]


def confirm_enrolment(case: Case) -> list[Event]:
    """The card holds and proves what was recorded (PRO-3 i)."""
    identifier, document = _production(case)
    if document.get("enrolment_confirmed"):
        return []
    _running(identifier, document)
    _after("certificates", identifier, document)
    return [Event("production.enrolment_confirmed", "production", identifier, {"enrolment_confirmed": True})]


def bind_scratch_card(case: Case) -> list[Event]:
    """The reserved scratch card's codes are about to leave the vault (PRO-3 j)."""
    identifier, document = _production(case)
    _running(identifier, document)
    _after("enrolment_confirmed", identifier, document)
    card = case.need("scratch_card", document["scratch_card"])
    if card["state"] == ScratchCardState.BOUND.value and card.get("production") == identifier:
        return []
    return [_scratch_to(case, document["scratch_card"], ScratchCardState.BOUND, identifier)]


def complete(case: Case) -> list[Event]:
    """The device is personalised, the scratch card used, the request produced."""
    identifier, document = _production(case)
    if document["state"] == ProductionState.ISSUED.value:
        return []
    request = case.need("request", document["request"])
    return [
        _production_to(identifier, document, ProductionState.ISSUED),
        _device_to(case, document["device"], DeviceState.PERSONALISED),
        _scratch_to(case, document["scratch_card"], ScratchCardState.USED, identifier),
        _request_to(
            document["request"],
            request,
            RequestState.PRODUCED,
            device=document["device"],
            production=identifier,
            produced_by=case.actor.mandate.id,
            produced_at=case.now.isoformat(),
        ),
    ]


def begin_reset(case: Case) -> list[Event]:
    """The production will not be completed: one durable withdrawal per enrolment key asked for."""
    identifier, document = _production(case)
    if document["state"] == ProductionState.RESETTING.value:
        return []
    orders = {enrolment_key(identifier, slot) for slot in Slot}
    withdraw = case.command.facts.get("withdraw")
    if not isinstance(withdraw, list) or not all(key in orders for key in map(str, withdraw)):
        raise BadFacts(name="withdraw")
    moved = _production_to(identifier, document, ProductionState.RESETTING)
    waiting = Event(
        "production.withdrawals_due",
        "production",
        identifier,
        {"withdrawals": dict.fromkeys(withdraw, False)},
    )
    return [moved, waiting, _device_to(case, document["device"], DeviceState.RESETTING)]


def note_withdrawal(case: Case) -> list[Event]:
    """The CA confirmed that nothing under one enrolment key is valid."""
    identifier, document = _production(case)
    key, withdrawals = case.text("key"), document.get("withdrawals", {})
    if key not in withdrawals:
        raise BadFacts(name="key")
    return withdrawal_confirmed(identifier, document, key)


def withdrawal_confirmed(identifier: str, document: Document, key: str) -> list[Event]:
    """Return what notes that nothing under one enrolment key is valid; nothing when it is noted."""
    withdrawals = document.get("withdrawals", {})
    if withdrawals.get(key, True):
        return []
    changes = {"withdrawals": {**withdrawals, key: True}}
    return [Event("production.withdrawal_confirmed", "production", identifier, changes)]


def finish_reset(case: Case) -> list[Event]:
    """Nothing valid: device clean in stock or set aside, request approved, scratch card free or void.

    With ``failed`` the request is given up for now: it waits as failed for a retry or its cancelling.
    """
    identifier, document = _production(case)
    if document["state"] == ProductionState.RESET.value:
        return []
    if not all(document.get("withdrawals", {}).values()):
        raise WrongState(thing="production", id=identifier, state="resetting", wanted="reset")
    request = case.need("request", document["request"])
    card = case.need("scratch_card", document["scratch_card"])
    bound = card["state"] == ScratchCardState.BOUND.value
    to = ScratchCardState.VOID if bound else ScratchCardState.IN_STOCK
    failed = case.command.facts.get("failed") is True
    after = RequestState.FAILED if failed else RequestState.APPROVED
    return [
        _production_to(identifier, document, ProductionState.RESET),
        _device_to(case, document["device"], _device_after_reset(case)),
        _request_to(document["request"], request, after),
        _scratch_to(case, document["scratch_card"], to, identifier if bound else None),
    ]


def _device_after_reset(case: Case) -> DeviceState:
    return DeviceState.SET_ASIDE if case.command.facts.get("set_aside") is True else DeviceState.IN_STOCK


def _production(case: Case) -> tuple[str, Document]:
    identifier = case.text("production")
    return identifier, within_reach(case, Action.PRODUCE, "production", identifier)


def _running(identifier: str, document: Document) -> None:
    if document["state"] != ProductionState.RUNNING.value:
        _taken(identifier, document)


def _after(earlier: str, identifier: str, document: Document) -> None:
    """Refuse a step whose earlier one left no trace: a card without certificates is never completed."""
    if not document.get(earlier):
        wanted = ProductionState.ISSUED.value
        raise WrongState(thing="production", id=identifier, state=document["state"], wanted=wanted)


def _taken(identifier: str, document: Document) -> list[Event]:
    raise WrongState(thing="production", id=identifier, state=document["state"], wanted="running")


def _production_to(identifier: str, document: Document, to: ProductionState) -> Event:
    return move("production", identifier, document, to, productions.TRANSITIONS)


def _request_to(identifier: str, document: Document, to: RequestState, **changes: str) -> Event:
    return move("request", identifier, document, to, requests.TRANSITIONS, **changes)


def _device_to(case: Case, card_id: str, to: DeviceState) -> Event:
    return move("device", card_id, case.need("device", card_id), to, devices.TRANSITIONS)


def _scratch_to(case: Case, number: str, to: ScratchCardState, production: str | None) -> Event:
    card = case.need("scratch_card", number)
    return move("scratch_card", number, card, to, scratch_cards.TRANSITIONS, production=production)
