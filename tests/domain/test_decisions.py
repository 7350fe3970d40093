"""The rules by command: each accepted and refused, each state of a thing tried, each right asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import (
    Actor,
    AlreadyThere,
    BadFacts,
    Command,
    MandateNotInForce,
    NotAllowed,
    Refusal,
    WrongState,
)
from cmsdesk.domain.decisions import RULES, decide
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.events import Document, Event, Overlay, evolve
from cmsdesk.domain.organisation import Mandate, Permission, Role, portal_mandate
from cmsdesk.domain.permissions import TABLE, Action
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState, enrolment_key
from tests.domain import desk_stories, organisation_stories
from tests.fixtures.people import a_request

BODY, OFFICE, OTHER_OFFICE = "sandbox", "sportello-1", "sportello-2"
OPERATOR = "RSSMRA80A01H501U"
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
KEYS = [enrolment_key("P-1", slot) for slot in Slot]
CERTIFICATES = {slot.value: "AA==" for slot in Slot}
Facts = dict[str, Any]

REGISTER: Facts = {"request": {"id": "R-1", **request_document(a_request())}}
APPROVE: Facts = {"request": "R-1", "digest": a_request().digest()}
CANCEL: Facts = {"request": "R-1", "reason": "doppia"}
CONTACT: Facts = {"request": "R-1", "contact_email": "altra@example.com"}
REQUEST: Facts = {"request": "R-1"}
PRODUCTION: Facts = {"production": "P-1"}
SUSPEND: Facts = {"request": "R-1", "reason": "smarrita"}
DEVICE: Facts = {
    "card_id": "D-1",
    "kind": "smart_card",
    "ca": "Ente di Prova",
    "lot": "L-1",
    "certified_until": "2031-12-31",
}
SCRATCH: Facts = {"number": "S-1", "lot": "L-1"}
OPEN: Facts = {
    "production": "P-1",
    "request": "R-1",
    "device": "D-1",
    "scratch_card": "S-1",
    "operator": OPERATOR,
    "opening": "AA==",
    "opening_signature": "AA==",
    "opening_certificate": "AA==",
}
RECORD: Facts = {**PRODUCTION, "certificates": CERTIFICATES}
RESET: Facts = {**PRODUCTION, "withdraw": KEYS[:1]}
WITHDRAWN: Facts = {**PRODUCTION, "key": KEYS[0]}
NEW_OFFICE: Facts = {"office": OTHER_OFFICE, "name": "Sportello 2"}
GRANT: Facts = {
    "mandate": "M-1",
    "operator": OPERATOR,
    "office": OFFICE,
    "role": "ir",
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
    "permissions": ["data_entry"],
}
MANDATE: Facts = {"mandate": "M-1"}

Line = tuple[str, Facts]
REGISTERED: list[Line] = [("request.register", REGISTER)]
APPROVED = [*REGISTERED, ("request.approve", APPROVE)]
READY: Facts = {"request": {**REGISTER["request"], "state": "ready"}, "digest": APPROVE["digest"]}
CLOSED_OFFICE: list[Line] = [("office.open", NEW_OFFICE), ("office.close", {"office": OTHER_OFFICE})]
READY_ELSEWHERE: Facts = {**READY, "request": {**READY["request"], "office": OTHER_OFFICE}}
CANCELLED = [*REGISTERED, ("request.cancel", CANCEL)]
STOCKED: list[Line] = [("device.receive", DEVICE), ("scratch_card.receive", SCRATCH)]
RUNNING: list[Line] = [
    *APPROVED,
    *STOCKED,
    ("production.open", OPEN),
]
ENROLLED = [*RUNNING, ("production.certificates", RECORD), ("production.confirm", PRODUCTION)]
BOUND = [*ENROLLED, ("production.bind", PRODUCTION)]
ISSUED = [*BOUND, ("production.complete", PRODUCTION)]
DELIVERED = [*ISSUED, ("request.deliver", REQUEST)]
ON_HOLD = [*DELIVERED, ("certificate.suspend", SUSPEND)]
RESETTING = [*RUNNING, ("production.reset", RESET)]
NOTHING_VALID = [*RESETTING, ("production.withdrawal", WITHDRAWN)]
CLEAN = [*NOTHING_VALID, ("production.clean", PRODUCTION)]
FAILED = [*NOTHING_VALID, ("production.clean", {**PRODUCTION, "failed": True})]
GRANTED: list[Line] = [("mandate.grant", GRANT)]


class World:
    """Documents in memory, of one body and one office to begin with."""

    def __init__(self, story: Sequence[Line] = ()) -> None:
        self.documents: dict[tuple[str, str], Document] = {
            ("body", BODY): {"body": BODY, "name": "Camera di Prova"},
            ("office", OFFICE): {"body": BODY, "name": "Sportello 1"},
            **organisation_stories.enrolled(BODY),
        }
        for kind, facts in story:
            assert self.apply(self.decide(kind, facts)), kind

    def get(self, thing: str, identifier: str) -> Document | None:
        return self.documents.get((thing, identifier))

    def decide(self, kind: str, facts: Mapping[str, Any], **of_mandate: Any) -> list[Event]:
        """Decide under a mandate that gives the right, unless told otherwise."""
        command = Command("C-1", kind, of_mandate.pop("command_body", BODY), facts)
        return decide(command, self, Actor(a_mandate(kind, **of_mandate), "ab" * 32), NOW)

    def apply(self, events: list[Event]) -> list[Event]:
        for event in events:
            self.documents[event.thing, event.id] = evolve(self.get(event.thing, event.id), event)
        return events


def a_mandate(kind: str, **values: Any) -> Mandate:
    """Return a mandate that gives the right for a command."""
    action = RULES[kind][0] if kind in RULES else Action.REQUEST_REGISTER
    able = next(role for role in (Role.RAO, Role.ADMINISTRATOR, Role.PORTAL) if (role, action) in TABLE)
    return Mandate(
        **{
            "id": "M-0",
            "operator": OPERATOR,
            "body": BODY,
            "office": OFFICE,
            "role": able,
            "valid_from": date(2026, 1, 1),
            "valid_until": date(2026, 12, 31),
            "permissions": frozenset({Permission.PAYMENTS, Permission.REVERSALS}),
            **values,
        }
    )


# command, what happened before, its facts, the events that follow
ACCEPTED: list[tuple[str, list[Line], Facts, str]] = [
    ("request.register", [], REGISTER, "request.registered"),
    ("request.ready", [], READY, "request.ready"),
    ("request.amend", REGISTERED, REGISTER, "request.amended"),
    ("request.approve", REGISTERED, APPROVE, "request.approved"),
    ("request.cancel", REGISTERED, CANCEL, "request.cancelled"),
    ("request.cancel", APPROVED, CANCEL, "request.cancelled"),
    ("request.contact", APPROVED, CONTACT, "request.contact_changed"),
    ("request.deliver", ISSUED, REQUEST, "request.delivered device.delivered"),
    ("request.deliver", DELIVERED, REQUEST, ""),
    ("request.retry", FAILED, REQUEST, "request.approved"),
    ("device.receive", [], DEVICE, "device.received"),
    ("scratch_card.receive", [], SCRATCH, "scratch_card.received"),
    (
        "production.open",
        RUNNING[:-1],
        OPEN,
        "request.in_production device.in_production scratch_card.reserved production.opened",
    ),
    ("production.open", RUNNING, OPEN, ""),
    ("production.certificates", RUNNING, RECORD, "production.certificates_recorded"),
    ("production.certificates", ENROLLED, RECORD, ""),
    ("production.confirm", ENROLLED[:-1], PRODUCTION, "production.enrolment_confirmed"),
    ("production.confirm", ENROLLED, PRODUCTION, ""),
    ("production.bind", ENROLLED, PRODUCTION, "scratch_card.bound"),
    ("production.bind", BOUND, PRODUCTION, ""),
    (
        "production.complete",
        BOUND,
        PRODUCTION,
        "production.issued device.personalised scratch_card.used request.produced",
    ),
    ("production.complete", ISSUED, PRODUCTION, ""),
    ("certificate.suspend", ISSUED, SUSPEND, "certificate.suspension_asked certificate.suspension_asked"),
    ("certificate.suspend", DELIVERED, SUSPEND, "certificate.suspension_asked certificate.suspension_asked"),
    ("certificate.suspend", ON_HOLD, SUSPEND, ""),
    (
        "production.reset",
        RUNNING,
        RESET,
        "production.resetting production.withdrawals_due device.resetting",
    ),
    ("production.reset", RESETTING, RESET, ""),
    ("production.withdrawal", RESETTING, WITHDRAWN, "production.withdrawal_confirmed"),
    ("production.withdrawal", NOTHING_VALID, WITHDRAWN, ""),
    (
        "production.clean",
        NOTHING_VALID,
        PRODUCTION,
        "production.reset device.in_stock request.approved scratch_card.in_stock",
    ),
    (
        "production.clean",
        [*BOUND, ("production.reset", {**RESET, "withdraw": []})],
        {**PRODUCTION, "set_aside": True},
        "production.reset device.set_aside request.approved scratch_card.void",
    ),
    (
        "production.clean",
        NOTHING_VALID,
        {**PRODUCTION, "failed": True},
        "production.reset device.in_stock request.failed scratch_card.in_stock",
    ),
    ("production.clean", CLEAN, PRODUCTION, ""),
    ("office.open", [], NEW_OFFICE, "office.opened"),
    ("mandate.grant", [], GRANT, "mandate.granted"),
    ("mandate.suspend", GRANTED, MANDATE, "mandate.suspended"),
    ("mandate.resume", [*GRANTED, ("mandate.suspend", MANDATE)], MANDATE, "mandate.resumed"),
    ("mandate.resume", GRANTED, MANDATE, ""),
]

ACCEPTED += [*organisation_stories.ACCEPTED, *desk_stories.ACCEPTED]

# command, what happened before, its facts, the refusal's code
REFUSED: list[tuple[str, list[Line], Facts, str]] = [
    ("request.register", REGISTERED, REGISTER, "RULE-EXISTS"),
    ("request.register", [], {"request": {**REGISTER["request"], "body": "altro"}}, "RULE-FACTS"),
    ("request.register", [], {"request": {**REGISTER["request"], "state": "approved"}}, "RULE-FACTS"),
    ("request.register", [], {"request": {**REGISTER["request"], "approved_digest": "0"}}, "RULE-FACTS"),
    ("request.register", [], {"request": {**REGISTER["request"], "office": ["x"]}}, "RULE-FACTS"),
    ("request.register", [], {"request": {**REGISTER["request"], "ca": 1.5}}, "RULE-FACTS"),
    ("request.register", [], {"request": {**REGISTER["request"], "holder": "x"}}, "RULE-FACTS"),
    ("request.register", [], {"request": []}, "RULE-FACTS"),
    ("request.ready", [], READY_ELSEWHERE, "RULE-UNKNOWN"),
    ("request.ready", CLOSED_OFFICE, READY_ELSEWHERE, "RULE-FACTS"),
    ("request.ready", [("request.ready", READY)], READY, "RULE-EXISTS"),
    ("request.ready", [], {**READY, "digest": "0"}, "RULE-FACTS"),
    ("request.ready", [], {**READY, **REGISTER}, "RULE-FACTS"),
    ("request.register", [], {"request": READY["request"]}, "RULE-FACTS"),
    ("request.amend", [("request.ready", READY)], REGISTER, "RULE-STATE"),
    ("request.approve", [("request.ready", READY)], APPROVE, "RULE-STATE"),
    ("mandate.grant", [], {**GRANT, "role": "portal"}, "RULE-FACTS"),
    ("request.amend", [], REGISTER, "RULE-UNKNOWN"),
    ("request.amend", REGISTERED, {"request": {**REGISTER["request"], "office": "x"}}, "RULE-FACTS"),
    ("request.approve", REGISTERED, {**APPROVE, "digest": "0"}, "RULE-STATE"),
    ("request.approve", REGISTERED, REQUEST, "RULE-FACTS"),
    ("request.cancel", REGISTERED, {**CANCEL, "reason": ""}, "RULE-FACTS"),
    ("request.contact", REGISTERED, {**CONTACT, "contact_email": "nessuno"}, "RULE-FACTS"),
    ("request.deliver", [], REQUEST, "RULE-UNKNOWN"),
    ("device.receive", [("device.receive", DEVICE)], DEVICE, "RULE-EXISTS"),
    ("device.receive", [], {**DEVICE, "kind": "stone"}, "RULE-FACTS"),
    ("device.receive", [], {**DEVICE, "certified_until": "sempre"}, "RULE-FACTS"),
    ("scratch_card.receive", [("scratch_card.receive", SCRATCH)], SCRATCH, "RULE-EXISTS"),
    ("production.open", RUNNING[:-1], {**OPEN, "operator": "TSSMRT87C54A952D"}, "RULE-NOT-ALLOWED"),
    ("production.open", RUNNING[:-1], {**OPEN, "device": "D-2"}, "RULE-UNKNOWN"),
    ("production.open", RUNNING, {**OPEN, "device": "D-2"}, "RULE-STATE"),
    ("production.open", RUNNING, {**OPEN, "production": "P-2"}, "RULE-STATE"),
    ("production.open", [*REGISTERED, *RUNNING[2:-1]], OPEN, "RULE-STATE"),
    ("production.certificates", RUNNING, PRODUCTION, "RULE-FACTS"),
    ("production.certificates", RUNNING, {**RECORD, "certificates": {"x": "AA=="}}, "RULE-FACTS"),
    (
        "production.certificates",
        RUNNING,
        {**RECORD, "certificates": dict.fromkeys(CERTIFICATES, 1)},
        "RULE-FACTS",
    ),
    ("production.confirm", [], PRODUCTION, "RULE-UNKNOWN"),
    ("production.confirm", RUNNING, PRODUCTION, "RULE-STATE"),
    ("production.bind", ENROLLED[:-1], PRODUCTION, "RULE-STATE"),
    ("production.bind", RESETTING, PRODUCTION, "RULE-STATE"),
    ("production.complete", ENROLLED, PRODUCTION, "RULE-STATE"),
    ("production.reset", RUNNING, {**RESET, "withdraw": ["P-2-qualified"]}, "RULE-FACTS"),
    ("production.reset", RUNNING, {**RESET, "withdraw": [{}]}, "RULE-FACTS"),
    ("production.reset", RUNNING, PRODUCTION, "RULE-FACTS"),
    ("production.withdrawal", RESETTING, {**WITHDRAWN, "key": KEYS[1]}, "RULE-FACTS"),
    ("production.withdrawal", RUNNING, WITHDRAWN, "RULE-FACTS"),
    ("production.clean", RESETTING, PRODUCTION, "RULE-STATE"),
    ("production.clean", RUNNING, PRODUCTION, "RULE-STATE"),
    ("certificate.suspend", [], SUSPEND, "RULE-UNKNOWN"),
    ("certificate.suspend", ENROLLED, SUSPEND, "RULE-STATE"),
    ("certificate.suspend", DELIVERED, {**SUSPEND, "reason": ""}, "RULE-FACTS"),
    ("office.open", [], {**NEW_OFFICE, "office": OFFICE}, "RULE-EXISTS"),
    ("mandate.grant", GRANTED, GRANT, "RULE-EXISTS"),
    ("mandate.grant", [], {**GRANT, "office": OTHER_OFFICE}, "RULE-UNKNOWN"),
    ("mandate.grant", [], {**GRANT, "role": "king"}, "RULE-FACTS"),
    ("mandate.grant", [], {**GRANT, "permissions": ["all"]}, "RULE-FACTS"),
    ("mandate.grant", [], {**GRANT, "permissions": None}, "RULE-FACTS"),
    ("mandate.grant", [], {**GRANT, "valid_until": "2025-01-01"}, "RULE-FACTS"),
    ("mandate.suspend", [], MANDATE, "RULE-UNKNOWN"),
    ("mandate.resume", [], MANDATE, "RULE-UNKNOWN"),
    ("request.fly", [], {}, "RULE-COMMAND"),
]
REFUSED += [*organisation_stories.REFUSED, *desk_stories.REFUSED]


def test_every_command_is_accepted_once_and_refused_once() -> None:
    assert {kind for kind, _, _, events in ACCEPTED if events} == set(RULES)
    assert {kind for kind, _, _, _ in REFUSED} == {*RULES, "request.fly"}


@pytest.mark.parametrize(("kind", "story", "facts", "events"), ACCEPTED)
def test_accepted(kind: str, story: list[Line], facts: Facts, events: str) -> None:
    world = World(story)
    before = dict(world.documents)
    decided = world.decide(kind, facts)
    assert [event.kind for event in decided] == events.split()
    assert world.documents == before
    overlay = Overlay(world)
    overlay.apply(decided)
    world.apply(decided)
    assert all(world.get(*key) == document for key, document in overlay.changed().items())


@pytest.mark.parametrize(("kind", "story", "facts", "code"), REFUSED)
def test_refused(kind: str, story: list[Line], facts: Facts, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        World(story).decide(kind, facts)
    assert caught.value.code == code


# --- rights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "story", "facts", "events"), ACCEPTED)
def test_what_is_accepted_needs_the_right_the_body_and_the_time(
    kind: str, story: list[Line], facts: Facts, events: str
) -> None:
    world = World(story)
    for role in Role:
        if (role, RULES[kind][0]) not in TABLE:
            with pytest.raises(NotAllowed):
                world.decide(kind, facts, role=role, permissions=frozenset(Permission))
    with pytest.raises(NotAllowed):
        world.decide(kind, facts, body="altro")
    with pytest.raises(NotAllowed):
        world.decide(kind, facts, command_body="altro")
    for values in ({"suspended": True}, {"valid_until": date(2026, 5, 31)}, {"valid_from": date(2026, 6, 2)}):
        with pytest.raises(MandateNotInForce):
            world.decide(kind, facts, **values)


# what has happened is recorded in the body it happened in, whatever it names
MAKES_ITS_OWN = {"payment.record", "till.open", "archive.record"}


@pytest.mark.parametrize(("kind", "story", "facts", "events"), ACCEPTED)
def test_what_is_accepted_here_is_not_there_for_another_body(
    kind: str, story: list[Line], facts: Facts, events: str
) -> None:
    if not story:
        return
    world = World(story)
    before = dict(world.documents)
    if kind in MAKES_ITS_OWN:
        with suppress(AlreadyThere, BadFacts):
            made = world.decide(kind, facts, body="altro", command_body="altro")
            assert not {(event.thing, event.id) for event in made} & before.keys()
            assert {event.changes["body"] for event in made} == {"altro"}
        return
    with pytest.raises(Refusal) as caught:
        world.decide(kind, facts, body="altro", command_body="altro")
    assert caught.value.code in {"RULE-UNKNOWN", "RULE-EXISTS", "RULE-FACTS"}
    assert world.documents == before


IR_HERE: Facts = {"role": Role.IR, "permissions": frozenset({Permission.DATA_ENTRY})}
IR_THERE: Facts = {**IR_HERE, "office": OTHER_OFFICE}
IR_WHOLE: Facts = {**IR_THERE, "permissions": frozenset({Permission.DATA_ENTRY, Permission.WHOLE_BODY})}


@pytest.mark.parametrize(
    ("kind", "story", "facts"),
    [
        ("request.amend", REGISTERED, REGISTER),
        ("request.contact", REGISTERED, CONTACT),
        ("request.deliver", ISSUED, REQUEST),
    ],
)
def test_an_ir_acts_in_its_office_and_learns_of_others_only_what_it_may_see(
    kind: str, story: list[Line], facts: Facts
) -> None:
    world = World(story)
    assert world.decide(kind, facts, **IR_HERE)
    for mandate, code in ((IR_THERE, "RULE-UNKNOWN"), (IR_WHOLE, "RULE-NOT-ALLOWED")):
        with pytest.raises(Refusal) as caught:
            world.decide(kind, facts, **mandate)
        assert caught.value.code == code


def test_an_ir_registers_in_its_own_office_and_with_the_permission_only() -> None:
    assert World().decide("request.register", REGISTER, **IR_HERE)
    for mandate in (IR_THERE, IR_WHOLE, {"role": Role.IR}):
        with pytest.raises(NotAllowed):
            World().decide("request.register", REGISTER, **mandate)


# --- states ------------------------------------------------------------------------------------

REQUEST_STATES: dict[str, tuple[Facts, str]] = {
    "request.amend": (REGISTER, "draft registered"),
    "request.approve": (APPROVE, "registered"),
    "request.cancel": (CANCEL, "draft registered ready approved failed"),
    "request.contact": (CONTACT, "draft registered ready approved in_production produced delivered failed"),
    "request.retry": (REQUEST, "failed"),
}
PRODUCTION_STATES: dict[str, tuple[Facts, str, str]] = {
    # from where it does something, and where it is done already
    "production.certificates": (RECORD, "running", ""),
    "production.confirm": (PRODUCTION, "running", ""),
    "production.bind": (PRODUCTION, "running", ""),
    "production.reset": (RESET, "running", "resetting"),
    "production.complete": (PRODUCTION, "running", "issued"),
    "production.clean": (PRODUCTION, "resetting", "reset"),
}


@pytest.mark.parametrize("state", RequestState)
@pytest.mark.parametrize("kind", REQUEST_STATES)
def test_each_state_of_a_request(kind: str, state: RequestState) -> None:
    facts, allowed = REQUEST_STATES[kind]
    world = World(REGISTERED)
    world.documents["request", "R-1"]["state"] = state.value
    if state.value in allowed.split():
        assert world.decide(kind, facts)
    else:
        with pytest.raises(Refusal) as caught:
            world.decide(kind, facts)
        assert caught.value.code == "RULE-STATE"


@pytest.mark.parametrize("state", ProductionState)
@pytest.mark.parametrize("kind", PRODUCTION_STATES)
def test_each_state_of_a_production(kind: str, state: ProductionState) -> None:
    facts, does, done = PRODUCTION_STATES[kind]
    story = {"production.complete": BOUND, "production.clean": NOTHING_VALID}.get(kind, RUNNING)
    if kind == "production.bind":
        story = ENROLLED
    if kind == "production.confirm":
        story = ENROLLED[:-1]
    world = World(story)
    world.documents["production", "P-1"]["state"] = state.value
    if state.value in (does, done):
        assert bool(world.decide(kind, facts)) == (state.value == does)
    else:
        with pytest.raises(Refusal) as caught:
            world.decide(kind, facts)
        assert caught.value.code == "RULE-STATE"


# --- what events carry -------------------------------------------------------------------------


def test_personal_data_stand_apart_in_every_event() -> None:
    for kind, story, facts, _ in ACCEPTED:
        for event in World(story).decide(kind, facts):
            public = str(dict(event.changes))
            for word in (OPERATOR, "Tessari", "@example.com", "doppia", a_request().holder.fiscal_code):
                assert word not in public, (kind, word)


def test_who_did_it_and_when_is_kept() -> None:
    request = World(DELIVERED).get("request", "R-1") or {}
    assert {request[name] for name in ("registered_by", "approved_by", "delivered_by")} == {"M-0"}
    assert request["created_at"] == request["delivered_at"] == NOW.isoformat()


def test_a_reset_leaves_everything_as_before_the_production() -> None:
    before, after = World(RUNNING[:-1]), World(CLEAN)
    for key in (("request", "R-1"), ("device", "D-1"), ("scratch_card", "S-1")):
        assert after.get(*key) == before.get(*key)
    assert World([*CLEAN, ("production.open", {**OPEN, "production": "P-2"})]).get("production", "P-2")


def test_what_the_portal_signed_is_produced_without_an_approval() -> None:
    world = World([("request.ready", READY), *STOCKED])
    world.apply(world.decide("production.open", OPEN))
    assert world.documents["request", "R-1"]["state"] == "in_production"


def test_what_was_changed_since_the_portal_signed_it_is_not_produced() -> None:
    world = World([("request.ready", READY), *STOCKED])
    world.documents["request", "R-1"]["ca"] = "Altra CA"
    with pytest.raises(WrongState):
        world.decide("production.open", OPEN)


def test_a_portal_brings_in_for_its_own_body_only() -> None:
    command = Command("C-1", "request.ready", BODY, READY)
    with pytest.raises(NotAllowed):
        decide(command, World(), Actor(portal_mandate("altro", OFFICE), "ab" * 32), NOW)
    assert decide(command, World(), Actor(portal_mandate(BODY, OFFICE), "ab" * 32), NOW)
