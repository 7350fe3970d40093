"""What the desk knows of a person or a device, gathered from its records; to be run in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.people import workstation_of
from cmsdesk.desk.session import DeskSession
from cmsdesk.domain.amendments import Change
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.events import Document
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState, enrolment_key, request_code
from cmsdesk.operations.ports import CertificateAuthority
from cmsdesk.sync.certificate_facts import CertificateFacts, facts_of
from cmsdesk.sync.history import Happened
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.work_lists import ListQuery

MOST = 50
"""Requests of one person that a page gathers."""
_REQUEST: Mapping[str, tuple[str, str]] = {
    "request.registered": (N_("Registered"), "user-plus"),
    "request.ready": (N_("Signed and paid on the portal"), "user-plus"),
    "request.amended": (N_("Data amended"), "pen-line"),
    "request.contact_changed": (N_("Contact address changed"), "pen-line"),
    "request.approved": (N_("Approved"), "check"),
    "request.in_production": (N_("Production begun"), "credit-card"),
    "request.produced": (N_("Produced"), "circle-check"),
    "request.delivered": (N_("Handed over"), "hand"),
    "request.cancelled": (N_("Cancelled"), "x"),
    "request.failed": (N_("Production given up"), "circle-alert"),
    "request.paid": (N_("Paid"), "banknote"),
    "request.repaid": (N_("Payment given back"), "undo-2"),
}
_GIVEN_BACK = (N_("Given back for another production"), "rotate-ccw")
_PRODUCTION: Mapping[str, tuple[str, str]] = {
    "production.certificates_recorded": (N_("Certificates issued by the authority"), "badge-check"),
    "production.enrolment_confirmed": (N_("Certificates written to the device and proved"), "shield-check"),
    "production.resetting": (N_("Reset begun"), "rotate-ccw"),
    "production.withdrawal_confirmed": (N_("Certificate withdrawn by the authority"), "shield-check"),
    "production.reset": (N_("Reset done"), "rotate-ccw"),
}
_DEVICE: Mapping[str, tuple[str, str]] = {
    "device.received": (N_("Taken into stock"), "package"),
    "device.moved": (N_("Moved to another office"), "truck"),
    f"device.{DeviceState.IN_PRODUCTION.value}": (N_("Production begun"), "credit-card"),
    f"device.{DeviceState.PERSONALISED.value}": (N_("Personalised"), "circle-check"),
    f"device.{DeviceState.DELIVERED.value}": (N_("Handed over"), "hand"),
    f"device.{DeviceState.IN_STOCK.value}": (N_("Back in stock"), "package"),
    f"device.{DeviceState.SET_ASIDE.value}": (N_("Set aside"), "circle-alert"),
}
_CERTIFICATE: Mapping[str, tuple[str, str]] = {
    "certificate.suspension_asked": (N_("Suspension asked"), "clock"),
    "certificate.suspended": (N_("Suspended by the authority"), "circle-alert"),
    "certificate.change_refused": (N_("Change of status refused by the authority"), "circle-alert"),
}
_TOLD_OF_REQUESTS = frozenset(
    f"device.{state.value}"
    for state in (DeviceState.IN_PRODUCTION, DeviceState.PERSONALISED, DeviceState.DELIVERED)
)
_WORDS = {**_REQUEST, **_PRODUCTION, **_DEVICE, **_CERTIFICATE}
_PENDING: Mapping[str, str] = {
    "request.register": "request.registered",
    "request.amend": "request.amended",
    "request.contact": "request.contact_changed",
    "request.approve": "request.approved",
    "request.cancel": "request.cancelled",
    "request.deliver": "request.delivered",
    "request.retry": "request.approved",
    "certificate.suspend": "certificate.suspension_asked",
}


@dataclass(frozen=True)
class Told:
    """One line of the past."""

    what: str
    """A message of the catalogue."""
    icon: str
    at: str
    """ISO 8601."""
    about: str
    """The request's number, the device's serial."""
    mandate: str
    """Under which it was done; empty for the service itself."""
    desk: str = ""
    changes: tuple[Change, ...] = ()
    pending: bool = False
    """Done at this desk, and not yet known to the service."""
    leaf: int = 0
    """Its place in the journal: what was decided at one moment stays in its order."""


@dataclass(frozen=True)
class Held:
    """One certificate of an issued production."""

    slot: Slot
    facts: CertificateFacts
    ca: str
    device: str


@dataclass(frozen=True)
class Known:
    """All that a page shows."""

    requests: tuple[tuple[str, Document], ...]
    told: tuple[Told, ...]
    """The newest first."""
    held: tuple[Held, ...]


def of_person(session: DeskSession, fiscal_code: str) -> Known:
    """Gather what is known of a person: all requests, their productions and certificates."""
    lists = session.lists
    query = ListQuery(WorkList.REQUESTS, contains=fiscal_code)
    rows = lists.rows(WorkList.REQUESTS, lists.keys(query, MOST))
    found = [row.id for row in rows if row is not None and row.fiscal_code == fiscal_code]
    return _gathered(session, found, productions_of=("request", found))


def of_device(session: DeskSession, card_id: str) -> Known:
    """Gather what is known of a device: its stock life, its productions, the requests it was made for."""
    productions = session.store.past.productions("device", card_id)
    requests = list(dict.fromkeys(str(document["request"]) for _, document in productions))
    known = _gathered(session, requests, productions_of=("device", [card_id]))
    device = [
        _told(session, one, card_id)
        for one in _worth_telling(session, "device", card_id)
        if not known.requests or one.kind not in _TOLD_OF_REQUESTS
    ]
    return Known(known.requests, _newest_first([*known.told, *device]), known.held)


def of_request(session: DeskSession, identifier: str) -> tuple[Told, ...]:
    """Gather a request's past."""
    return _gathered(session, [identifier], productions_of=("request", [identifier])).told


def statuses(
    held: Sequence[Held], authorities: Mapping[str, CertificateAuthority]
) -> tuple[dict[bytes, CertificateStatus], Mendable | None]:
    """Ask each certificate's CA how it stands now; return what was learned, and why not more. Blocks."""
    found: dict[bytes, CertificateStatus] = {}
    for one in held:
        authority = authorities.get(one.ca)
        if authority is None:
            continue
        try:
            found[one.facts.der] = authority.status(one.facts.der)
        except Mendable as error:
            return found, error
    return found, None


# --- inside ------------------------------------------------------------------------------------


def _gathered(
    session: DeskSession, requests: Sequence[str], productions_of: tuple[str, Sequence[str]]
) -> Known:
    past = session.store.past
    of, identifiers = productions_of
    productions = [one for identifier in identifiers for one in past.productions(of, identifier)]
    documents = [(identifier, session.get("request", identifier) or {}) for identifier in requests]
    told: list[Told] = []
    for identifier in requests:
        code = request_code(identifier)
        told += [_told(session, one, code) for one in _worth_telling(session, "request", identifier)]
    for identifier, document in productions:
        device = str(document["device"])
        told += [_told(session, one, device) for one in _worth_telling(session, "production", identifier)]
    for _, document in documents:
        told += _told_of_certificates(session, str(document.get("production", "")), document)
    told += _pending(session, set(requests))
    held = [one for _, document in productions for one in _held(document)]
    return Known(tuple(documents), _newest_first(told), tuple(held))


def _told_of_certificates(session: DeskSession, production: str, request: Document) -> list[Told]:
    """Return what happened to a device's certificates; what happened to both is told once."""
    device = str(request.get("device", ""))
    found = {
        (told.what, told.at): told
        for slot in Slot
        for one in _worth_telling(session, "certificate", enrolment_key(production, slot))
        for told in [_told(session, one, device)]
    }
    return list(found.values())


def _worth_telling(session: DeskSession, thing: str, identifier: str) -> Iterable[Happened]:
    """Yield the events that have words, each that gives a request back told apart from its approval."""
    before = ""
    for one in session.store.past.of(thing, identifier):
        given_back = one.kind == "request.approved" and before != RequestState.REGISTERED.value
        before = one.state or before
        if given_back:
            yield replace(one, kind="")
        elif one.kind in _WORDS:
            yield one


def _told(session: DeskSession, one: Happened, about: str) -> Told:
    what, icon = _WORDS.get(one.kind, _GIVEN_BACK)
    desk = workstation_of(session, one.workstation) if one.workstation else ""
    return Told(what, icon, one.at, about, one.mandate, desk, one.changes, leaf=one.leaf)


def _pending(session: DeskSession, requests: set[str]) -> list[Told]:
    found = []
    for queued in session.pending():
        wanted: Any = queued.command.facts.get("request")
        identifier = wanted.get("id") if isinstance(wanted, dict) else wanted
        kind = _PENDING.get(queued.command.kind)
        if kind is None or identifier not in requests:
            continue
        what, icon = _WORDS[kind]
        found.append(Told(what, icon, queued.at, request_code(str(identifier)), queued.mandate, pending=True))
    return found


def _held(production: Document) -> list[Held]:
    if production.get("state") != ProductionState.ISSUED.value:
        return []
    certificates = production.get("certificates") or {}
    found = []
    for slot in Slot:
        facts = facts_of(str(certificates.get(slot.value, "")))
        if facts is not None:
            found.append(Held(slot, facts, str(production.get("ca", "")), str(production.get("device", ""))))
    return found


def _newest_first(told: Sequence[Told]) -> tuple[Told, ...]:
    return tuple(sorted(told, key=lambda one: (one.pending, one.at, one.leaf), reverse=True))
