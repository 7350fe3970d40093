"""Rules about bodies, sites, offices, operators and mandates (ORG-1…4, ORG-7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from cmsdesk.base.clock import ROME
from cmsdesk.domain.commands import BadFacts, Case, NotAllowed, OwnMandate, WrongState
from cmsdesk.domain.decisions.moves import move
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.organisation import (
    GRANTED,
    MANDATE_TRANSITIONS,
    PLACE_TRANSITIONS,
    Mandate,
    MandateState,
    Office,
    Permission,
    PlaceState,
    Role,
    Way,
    are_sigle,
    names,
)
from cmsdesk.domain.permissions import Action

_OTHER_LANGUAGES = frozenset({"de"})
MOST_MOVED = 500
"""Operators in one move; a body has hundreds (S0-031)."""


# --- the body ----------------------------------------------------------------------------------


def amend_body(case: Case) -> list[Event]:
    """Another name, or other sigle after a merger (ORG-1).

    Facts: ``name``, ``sigle``, and ``names`` by language («de») where papers are in two.
    """
    case.need("body", case.command.body)
    sigle = case.command.facts.get("sigle", [])
    if not are_sigle(sigle):
        raise BadFacts(name="sigle")
    changes = {**_named(case), "sigle": sigle}
    return [Event("body.amended", "body", case.command.body, changes)]


def _named(case: Case) -> dict[str, Any]:
    """Return the name, and those in other languages where the command says them.

    Raises:
        BadFacts: no name, an empty one, or a language that papers are not written in.
    """
    name, said = case.text("name"), case.command.facts.get("names")
    if said is None:
        return {"name": name}
    if not isinstance(said, dict) or not all(
        language in _OTHER_LANGUAGES and isinstance(other, str) and other.strip()
        for language, other in said.items()
    ):
        raise BadFacts(name="names")
    return {"name": name, "names": said}


# --- sites and offices -------------------------------------------------------------------------


def open_site(case: Case) -> list[Event]:
    """A new site (sede) of the body; or a closed one opens again."""
    site = case.text("site")
    reopened = _opened_again(case, "site", site)
    if reopened is not None:
        return [reopened]
    case.refuse_existing("site", site)
    changes = {"body": case.command.body, "state": PlaceState.OPEN.value}
    return [Event("site.opened", "site", site, {**changes, **_named(case), **_address(case)})]


def amend_site(case: Case) -> list[Event]:
    """Another name or address of a site."""
    site = case.text("site")
    case.need("site", site)
    return [Event("site.amended", "site", site, {**_named(case), **_address(case)})]


def close_site(case: Case) -> list[Event]:
    """A site closes: no office opens in it until it opens again."""
    site = case.text("site")
    return [_place_to("site", site, case.need("site", site), PlaceState.CLOSED)]


def open_office(case: Case) -> list[Event]:
    """A new office of the body, in one of its sites; or a closed one opens again."""
    office = case.text("office")
    reopened = _opened_again(case, "office", office, moved_to=None)
    if reopened is not None:
        return [reopened]
    case.refuse_existing("office", office)
    changes = {"body": case.command.body, "state": PlaceState.OPEN.value}
    return [Event("office.opened", "office", office, {**changes, **_named(case), **_site(case)})]


def amend_office(case: Case) -> list[Event]:
    """Another name of an office, or another site."""
    office = case.text("office")
    case.need("office", office)
    return [Event("office.amended", "office", office, {**_named(case), **_site(case)})]


def close_office(case: Case) -> list[Event]:
    """An office closes: mandates in it stop working; its registrations stay attributed to it."""
    office = case.text("office")
    document = case.need("office", office)
    if office == case.actor.mandate.office:
        raise OwnMandate()
    return [_place_to("office", office, document, PlaceState.CLOSED)]


def move_operators(case: Case) -> list[Event]:
    """An office's operators go on in another one: all in one step (ORG-7, S0-039…041).

    Each mandate ends and another begins in the new office, of the same role, period and permissions,
    which also carries on the old office: open registrations and history stay where they are
    attributed, and those who worked on them still reach them.
    """
    office, to = case.text("office"), case.text("to")
    case.need("office", office)
    if office == to or Office.of(to, case.need("office", to)).state is not PlaceState.OPEN:
        raise BadFacts(name="to")
    moves = case.command.facts.get("mandates")
    if not isinstance(moves, dict) or not 0 < len(moves) <= MOST_MOVED:
        raise BadFacts(name="mandates")
    if len(set(map(str, moves.values()))) != len(moves) or not all(
        isinstance(n, str) and n for n in moves.values()
    ):
        raise BadFacts(name="mandates")
    events = [Event("office.operators_moved", "office", office, {"moved_to": to})]
    for old, new in moves.items():
        events += _moved(case, old, new, office, to)
    return events


def _moved(case: Case, old: str, new: str, office: str, to: str) -> list[Event]:
    mandate = Mandate.of(old, case.need("mandate", old))
    if mandate.office != office:
        raise BadFacts(name="mandates")
    ended = _mandate_to(case, old, MandateState.ENDED)
    case.refuse_existing("mandate", new)
    carries_on = mandate.carries_on | {office}
    continued = replace(mandate, id=new, office=to, carries_on=carries_on, moved_from=old)
    return [*ended, _granted(continued)]


def _address(case: Case) -> dict[str, str]:
    address = case.command.facts.get("address", "")
    if not isinstance(address, str):
        raise BadFacts(name="address")
    return {"address": address}


def _site(case: Case) -> dict[str, str]:
    if "site" not in case.command.facts:
        return {}
    site = case.text("site")
    if case.need("site", site)["state"] != PlaceState.OPEN.value:
        raise BadFacts(name="site")
    return {"site": site}


def _opened_again(case: Case, thing: str, identifier: str, **changes: Any) -> Event | None:
    """Return the event that opens a closed site or office of the body again; None: it is not closed.

    Raises:
        BadFacts: an office whose site is closed: that opens first.
    """
    known = case.view.get(thing, identifier)
    if known is None or known.get("body") != case.command.body or known.get("state") != "closed":
        return None
    site = case.view.get("site", str(known.get("site", ""))) or {}
    if site.get("state") == PlaceState.CLOSED.value:
        raise BadFacts(name="site")
    reopened = _place_to(thing, identifier, known, PlaceState.OPEN, **changes)
    return replace(reopened, kind=f"{thing}.reopened")


def _place_to(thing: str, identifier: str, document: Document, to: PlaceState, **changes: Any) -> Event:
    # an office of an earlier release has no state: it is open
    known = {"state": PlaceState.OPEN.value, **document}
    return move(thing, identifier, known, to, PLACE_TRANSITIONS, **changes)


# --- operators ---------------------------------------------------------------------------------


def record_operator(case: Case) -> list[Event]:
    """A person who is to have mandates of the body (S0-009)."""
    identifier = case.text("operator")
    case.refuse_existing("operator", identifier)
    return [Event("operator.recorded", "operator", identifier, {"body": case.command.body}, _person(case))]


def amend_operator(case: Case) -> list[Event]:
    """Other personal data of an operator; the codice fiscale is who they are, and stays."""
    identifier = case.text("operator")
    known = case.need("operator", identifier)
    person = _person(case)
    if person["fiscal_code"] != known["fiscal_code"]:
        raise BadFacts(name="fiscal_code")
    return [Event("operator.amended", "operator", identifier, personal=person)]


def _person(case: Case) -> dict[str, str]:
    person = {name: case.text(name) for name in ("fiscal_code", "surname", "given_name")}
    email = case.command.facts.get("email", "")
    if not isinstance(email, str) or (email and "@" not in email):
        raise BadFacts(name="email")
    return {**person, "email": email}


# --- mandates ----------------------------------------------------------------------------------


def grant_mandate(case: Case) -> list[Event]:
    """A mandate for an operator in an office of the body (ORG-2)."""
    identifier = case.text("mandate")
    case.refuse_existing("mandate", identifier)
    office = case.text("office")
    if Office.of(office, case.need("office", office)).state is not PlaceState.OPEN:
        raise BadFacts(name="office")
    mandate = Mandate(
        id=identifier,
        operator=case.text("operator"),
        body=case.command.body,
        office=office,
        role=_role(case),
        valid_from=_day(case, "valid_from"),
        valid_until=_day(case, "valid_until"),
        permissions=_permissions(case.command.facts),
        data_entry=_way(case, "data_entry", Way.TELEMATIC),
        payments=_way(case, "payments", Way.TELEMATIC),
    )
    if mandate.valid_until < mandate.valid_from:
        raise BadFacts(name="valid_until")
    _may_give(case, mandate.permissions)
    return [_granted(mandate)]


def suspend_mandate(case: Case) -> list[Event]:
    """A mandate stops working at once (ORG-4)."""
    return _mandate_to(case, case.text("mandate"), MandateState.SUSPENDED)


def resume_mandate(case: Case) -> list[Event]:
    """A suspended mandate works again."""
    return _mandate_to(case, case.text("mandate"), MandateState.ACTIVE)


def end_mandate(case: Case) -> list[Event]:
    """A mandate stops working at once, for ever."""
    return _mandate_to(case, case.text("mandate"), MandateState.ENDED)


def extend_mandate(case: Case) -> list[Event]:
    """Another last day of a mandate: later, or earlier but not past."""
    identifier = case.text("mandate")
    mandate = _living(case, identifier)
    until = _day(case, "valid_until")
    if until < max(mandate.valid_from, case.now.astimezone(ROME).date()):
        raise BadFacts(name="valid_until")
    if until == mandate.valid_until:
        return []
    return [Event("mandate.extended", "mandate", identifier, {"valid_until": until.isoformat()})]


def change_mandate(case: Case) -> list[Event]:
    """Other permissions of a mandate, and how an IR works (ORG-3, ORG-4)."""
    identifier = case.text("mandate")
    mandate = _living(case, identifier)
    wanted = _permissions(case.command.facts)
    _may_give(case, wanted - mandate.permissions)
    changes = {
        "permissions": names(wanted),
        "data_entry": _way(case, "data_entry", mandate.data_entry).value,
        "payments": _way(case, "payments", mandate.payments).value,
    }
    return [Event("mandate.changed", "mandate", identifier, changes)]


def _may_give(case: Case, permissions: frozenset[Permission]) -> None:
    """Refuse to give what reaches beyond the body to who has not got it: nobody widens their own reach.

    Raises:
        NotAllowed.
    """
    if Permission.BODIES in permissions and not case.actor.mandate.allows(Permission.BODIES):
        raise NotAllowed(action=Action.BODY_CREATE.value)


def _granted(mandate: Mandate) -> Event:
    document = mandate.document()
    operator = document.pop("operator")
    return Event("mandate.granted", "mandate", mandate.id, document, {"operator": operator})


_MANDATE_EVENTS: Mapping[MandateState, tuple[str, dict[str, Any]]] = {
    MandateState.SUSPENDED: ("mandate.suspended", {"suspended": True}),
    MandateState.ACTIVE: ("mandate.resumed", {"suspended": False}),
    MandateState.ENDED: ("mandate.ended", {"ended": True}),
}


def _mandate_to(case: Case, identifier: str, to: MandateState) -> list[Event]:
    """Return the event that brings a mandate to state ``to``; none when it is there.

    Raises:
        OwnMandate: nobody locks themselves out, so that an administrator is always left.
        WrongState.
    """
    mandate = Mandate.of(identifier, case.need("mandate", identifier))
    if mandate.state is to:
        return []
    if (mandate.state, to) not in MANDATE_TRANSITIONS:
        raise WrongState(thing="mandate", id=identifier, state=mandate.state.value, wanted=to.value)
    if identifier == case.actor.mandate.id:
        raise OwnMandate()
    kind, changes = _MANDATE_EVENTS[to]
    return [Event(kind, "mandate", identifier, changes)]


def _living(case: Case, identifier: str) -> Mandate:
    mandate = Mandate.of(identifier, case.need("mandate", identifier))
    if mandate.state is MandateState.ENDED:
        raise WrongState(thing="mandate", id=identifier, state="ended", wanted="changed")
    return mandate


def _role(case: Case) -> Role:
    try:
        role = Role(case.text("role"))
    except ValueError:
        raise BadFacts(name="role") from None
    if role not in GRANTED:
        raise BadFacts(name="role")
    return role


def _permissions(facts: Mapping[str, Any]) -> frozenset[Permission]:
    try:
        return frozenset(map(Permission, facts.get("permissions", [])))
    except (TypeError, ValueError):
        raise BadFacts(name="permissions") from None


def _way(case: Case, name: str, otherwise: Way) -> Way:
    try:
        return Way(case.command.facts.get(name, otherwise.value))
    except ValueError:
        raise BadFacts(name=name) from None


def _day(case: Case, name: str) -> date:
    try:
        return date.fromisoformat(case.text(name))
    except ValueError:
        raise BadFacts(name=name) from None
