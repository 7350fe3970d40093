"""The rules, enumerated: every command in every state, and for every role; written down a second time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest

from cmsdesk.domain.commands import (
    Actor,
    AlreadyThere,
    BadFacts,
    Command,
    MandateNotInForce,
    NotAllowed,
    Refusal,
    Unknown,
    UnknownCommand,
    WrongState,
)
from cmsdesk.domain.decisions import RULES, decide
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.events import Document, Event, Overlay
from cmsdesk.domain.organisation import Mandate, Permission, Role
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.scratch_card import ScratchCardState
from tests.fixtures.people import a_request

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
BODY, OFFICE, OPERATOR = "sandbox", "sportello-1", "RSSMRA80A01H501U"
CERTIFICATES = {"cns": "AA==", "qualified": "AA=="}
KEYS = ["P-1-cns", "P-1-qualified"]


class Documents:
    """`domain.events.View` on a dictionary."""

    def __init__(self, *things: tuple[str, str, Document]) -> None:
        self._things = {(thing, identifier): document for thing, identifier, document in things}

    def get(self, thing: str, identifier: str) -> Document | None:
        return self._things.get((thing, identifier))


def actor(
    role: Role = Role.RAO,
    *permissions: Permission,
    office: str = OFFICE,
    body: str = BODY,
    **values: Any,
) -> Actor:
    mandate = Mandate(
        "M-1", OPERATOR, body, office, role, date(2026, 1, 1), date(2026, 12, 31), frozenset(permissions)
    )
    return Actor(replace(mandate, **values), "ab" * 32)


def ask(view: Documents, kind: str, by: Actor | None = None, **facts: Any) -> list[Event]:
    return decide(Command("C-1", kind, BODY, facts), view, by or actor(), NOW)


def request_thing(state: RequestState, **values: Any) -> tuple[str, str, Document]:
    approved = a_request().approved()
    document = request_document(replace(approved, state=state))
    if state is RequestState.REGISTERED:
        del document["approved_digest"]
    return "request", "R-1", {**document, **values}


# --- productions -------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """The four things that a production moves, each in a state."""

    production: ProductionState
    request: RequestState
    device: DeviceState
    card: ScratchCardState
    owner: str | None = "P-1"
    extra: tuple[tuple[str, Any], ...] = ()

    def view(self, *, opened: bool = True) -> Documents:
        production = {
            "body": BODY,
            "request": "R-1",
            "device": "D-1",
            "scratch_card": "S-1",
            "operator": OPERATOR,
            "office": OFFICE,
            "ca": "CA",
            "state": self.production.value,
            **dict(self.extra),
        }
        card = {"body": BODY, "lot": "L", "state": self.card.value, "production": self.owner}
        things = [
            request_thing(self.request),
            ("device", "D-1", {"body": BODY, "state": self.device.value}),
            ("scratch_card", "S-1", {name: value for name, value in card.items() if value is not None}),
        ]
        return Documents(*things, *([("production", "P-1", production)] if opened else []))


WORLDS = [
    World(*states, owner)
    for *states, owner in product(
        ProductionState, RequestState, DeviceState, ScratchCardState, ("P-1", "P-2", None)
    )
]
RUNNING = World(
    ProductionState.RUNNING, RequestState.IN_PRODUCTION, DeviceState.IN_PRODUCTION, ScratchCardState.RESERVED
)
P, R, D, S = ProductionState, RequestState, DeviceState, ScratchCardState
Outcome = dict[str, str] | None
"""The states after a command by thing; empty when nothing is left to do; None when it is refused."""


def after(view: Documents, events: list[Event]) -> dict[str, str]:
    overlay = Overlay(view)
    overlay.apply(events)
    return {thing: str(document["state"]) for (thing, _), document in overlay.changed().items()}


def outcome(world: World, kind: str, *, opened: bool = True, **facts: Any) -> Outcome:
    view = world.view(opened=opened)
    try:
        return after(view, ask(view, kind, **facts))
    except WrongState:
        return None


def expect_open(world: World) -> Outcome:
    if world.request not in (R.APPROVED, R.READY):
        return None
    if (world.device, world.card) != (D.IN_STOCK, S.IN_STOCK):
        return None
    return {
        "request": "in_production",
        "device": "in_production",
        "scratch_card": "reserved",
        "production": "running",
    }


def expect_bind(world: World) -> Outcome:
    if world.production is not P.RUNNING:
        return None
    if world.card is S.BOUND and world.owner == "P-1":
        return {}
    return {"scratch_card": "bound"} if world.card is S.RESERVED else None


def expect_complete(world: World) -> Outcome:
    if world.production is P.ISSUED:
        return {}
    ready = (P.RUNNING, R.IN_PRODUCTION, D.IN_PRODUCTION, S.BOUND)
    if (world.production, world.request, world.device, world.card) != ready:
        return None
    return {"production": "issued", "request": "produced", "device": "personalised", "scratch_card": "used"}


def expect_reset(world: World) -> Outcome:
    if world.production is P.RESETTING:
        return {}
    if (world.production, world.device) != (P.RUNNING, D.IN_PRODUCTION):
        return None
    return {"production": "resetting", "device": "resetting"}


def expect_clean(world: World) -> Outcome:
    if world.production is P.RESET:
        return {}
    # What cannot meet a production that is being reset, the tables of the things alone would let pass.
    requests, devices = (R.IN_PRODUCTION, R.REGISTERED, R.FAILED), (D.RESETTING, D.SET_ASIDE)
    if world.production is not P.RESETTING or world.device not in devices or world.request not in requests:
        return None
    card = {S.RESERVED: "in_stock", S.BOUND: "void"}.get(world.card)
    if card is None:
        return None
    return {"production": "reset", "request": "approved", "device": "in_stock", "scratch_card": card}


def expect_running(world: World) -> Outcome:
    return {"production": "running"} if world.production is P.RUNNING else None


OPENING = {
    "request": "R-1",
    "device": "D-1",
    "scratch_card": "S-1",
    "operator": OPERATOR,
    "opening": "AA==",
    "opening_signature": "AA==",
    "opening_certificate": "AA==",
}
COMMANDS: dict[str, tuple[Callable[[World], Outcome], dict[str, Any]]] = {
    "production.certificates": (expect_running, {"certificates": CERTIFICATES}),
    "production.confirm": (expect_running, {}),
    "production.bind": (expect_bind, {}),
    "production.complete": (expect_complete, {}),
    "production.reset": (expect_reset, {"reason": "operator", "withdraw": KEYS}),
    "production.clean": (expect_clean, {}),
}


# what the step before must have left
EARLIER: dict[str, tuple[tuple[str, Any], ...]] = {
    "production.confirm": (("certificates", CERTIFICATES),),
    "production.bind": (("enrolment_confirmed", True),),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_change_of_a_production_in_every_state_of_its_things(kind: str) -> None:
    expected, facts = COMMANDS[kind]
    for world in WORLDS:
        ready = replace(world, extra=EARLIER.get(kind, ()))
        assert outcome(ready, kind, production="P-1", **facts) == expected(world), world


def test_opening_in_every_state_of_its_things() -> None:
    for world in WORLDS:
        found = outcome(world, "production.open", opened=False, production="P-1", **OPENING)
        assert found == expect_open(world), world


def test_opening_again_is_harmless_and_with_other_things_refused() -> None:
    for world in WORLDS:
        assert outcome(world, "production.open", production="P-1", **OPENING) == {}
    for other in ("request", "device", "scratch_card", "operator"):
        facts = {**OPENING, other: "X"}
        assert outcome(RUNNING, "production.open", production="P-1", **facts) is None


def test_what_is_already_so_yields_no_event() -> None:
    known = replace(RUNNING, extra=(("certificates", CERTIFICATES), ("enrolment_confirmed", True)))
    for state in P:
        world = replace(known, production=state)
        assert outcome(world, "production.certificates", production="P-1", certificates=CERTIFICATES) == {}
        assert outcome(world, "production.confirm", production="P-1") == {}


def test_a_reset_waits_for_every_withdrawal() -> None:
    resetting = World(P.RESETTING, R.IN_PRODUCTION, D.RESETTING, S.RESERVED)
    for first, second in product((True, False), repeat=2):
        world = replace(resetting, extra=(("withdrawals", {KEYS[0]: first, KEYS[1]: second}),))
        found = outcome(world, "production.clean", production="P-1")
        assert (found is not None) == (first and second)


def test_a_device_that_cannot_be_cleaned_is_set_aside() -> None:
    resetting = World(P.RESETTING, R.IN_PRODUCTION, D.RESETTING, S.BOUND)
    found = outcome(resetting, "production.clean", production="P-1", set_aside=True)
    assert found == {
        "production": "reset",
        "request": "approved",
        "device": "set_aside",
        "scratch_card": "void",
    }


def test_a_withdrawal_is_confirmed_once_and_only_where_it_was_asked() -> None:
    view = replace(RUNNING, extra=(("withdrawals", {KEYS[0]: False}),)).view()
    (event,) = ask(view, "production.withdrawal", production="P-1", key=KEYS[0])
    assert event.changes == {"withdrawals": {KEYS[0]: True}}
    done = replace(RUNNING, extra=(("withdrawals", {KEYS[0]: True}),)).view()
    assert ask(done, "production.withdrawal", production="P-1", key=KEYS[0]) == []
    with pytest.raises(BadFacts):
        ask(view, "production.withdrawal", production="P-1", key=KEYS[1])


@pytest.mark.parametrize("withdraw", [None, "P-1-cns", ["P-2-cns"], [*KEYS, "P-1-x"]])
def test_only_the_productions_own_orders_are_withdrawn(withdraw: object) -> None:
    with pytest.raises(BadFacts):
        ask(RUNNING.view(), "production.reset", production="P-1", reason="x", withdraw=withdraw)


@pytest.mark.parametrize("certificates", [None, {}, {"cns": "AA=="}, {**CERTIFICATES, "other": "AA=="}])
def test_both_certificates_are_recorded_together(certificates: object) -> None:
    with pytest.raises(BadFacts):
        ask(RUNNING.view(), "production.certificates", production="P-1", certificates=certificates)


def test_data_changed_behind_the_rules_do_not_reach_production() -> None:
    world = World(P.RUNNING, R.APPROVED, D.IN_STOCK, S.IN_STOCK)
    things = world.view(opened=False)
    document = things.get("request", "R-1")
    assert document is not None
    document["holder"]["surname"] = "Altri"
    with pytest.raises(WrongState) as caught:
        ask(things, "production.open", production="P-1", **OPENING)
    assert caught.value.facts["state"] == "changed"


def test_only_the_mandates_own_operator_opens() -> None:
    world = World(P.RUNNING, R.APPROVED, D.IN_STOCK, S.IN_STOCK)
    with pytest.raises(NotAllowed):
        ask(world.view(opened=False), "production.open", production="P-1", **{**OPENING, "operator": "X"})


# --- requests ----------------------------------------------------------------------------------


CANCELLABLE = {R.DRAFT, R.REGISTERED, R.READY, R.APPROVED, R.FAILED}


@pytest.mark.parametrize("state", R)
def test_every_change_of_a_request_in_every_state(state: RequestState) -> None:
    view = Documents(request_thing(state))
    amended = {"id": "R-1", **request_document(a_request())}
    asked: dict[str, tuple[set[RequestState], dict[str, Any]]] = {
        "request.amend": ({R.DRAFT, R.REGISTERED}, {"request": amended}),
        "request.approve": ({R.REGISTERED}, {"request": "R-1", "digest": a_request().digest()}),
        "request.cancel": (CANCELLABLE, {"request": "R-1", "reason": "x"}),
        "request.contact": (set(R) - {R.CANCELLED}, {"request": "R-1", "contact_email": "a@b.it"}),
        "request.retry": ({R.FAILED}, {"request": "R-1"}),
    }
    for kind, (allowed, facts) in asked.items():
        try:
            events = ask(view, kind, **facts)
        except WrongState:
            assert state not in allowed, kind
        else:
            assert state in allowed, kind
            assert len(events) == 1


def test_approval_names_the_data_that_were_seen() -> None:
    view = Documents(request_thing(R.REGISTERED))
    with pytest.raises(WrongState) as caught:
        ask(view, "request.approve", request="R-1", digest="of other data")
    assert caught.value.facts["state"] == "amended"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "approved"},
        {"state": "draft"},
        {"approved_digest": "x"},
        {"body": "other"},
        {"holder": None},
        {"device_kind": "none"},
        {"id": None},
    ],
)
def test_a_registration_is_whole_and_merely_registered(change: dict[str, Any]) -> None:
    document = {"id": "R-2", **request_document(a_request("R-2")), **change}
    with pytest.raises(BadFacts):
        ask(Documents(), "request.register", request={k: v for k, v in document.items() if v is not None})


def test_a_registration_does_not_replace_another() -> None:
    document = {"id": "R-1", **request_document(a_request())}
    with pytest.raises(AlreadyThere):
        ask(Documents(request_thing(R.REGISTERED)), "request.register", request=document)


# --- who ---------------------------------------------------------------------------------------

# ir: i, ir with data entry: e, rao: r (with a till, t, does more; giving back, b, more still), help desk: h,
# administrator: a
MAY: dict[str, str] = {
    "request.register": "er",
    "request.ready": "p",
    "request.amend": "er",
    "request.approve": "r",
    "request.cancel": "r",
    "request.contact": "ierh",
    "request.deliver": "ier",
    "request.retry": "r",
    "payment.record": "t",
    "payment.reverse": "b",
    "till.open": "t",
    "till.close": "t",
    "booking.record": "er",
    "booking.cancel": "er",
    "archive.record": "a",
    "attachment.add": "ier",
    "attachment.withdraw": "ier",
    "attachment.view": "ier",
    "notice.publish": "a",
    "notice.archive": "a",
    "notice.restore": "a",
    "problem.solve": "er",
    "device.receive": "a",
    "scratch_card.receive": "a",
    "production.open": "r",
    "production.certificates": "r",
    "production.confirm": "r",
    "production.bind": "r",
    "production.complete": "r",
    "production.reset": "r",
    "production.withdrawal": "r",
    "production.clean": "r",
    "certificate.suspend": "rh",
    "stock.receive": "a",
    "stock.move": "ra",
    "device.set_aside": "ra",
    "device.put_back": "ra",
    "scratch_card.void": "ra",
    "body.amend": "a",
    "configuration.change": "a",
    "site.open": "a",
    "site.amend": "a",
    "site.close": "a",
    "office.open": "a",
    "office.amend": "a",
    "office.close": "a",
    "office.move_operators": "a",
    "operator.record": "a",
    "operator.take_in": "a",
    "operator.amend": "a",
    "mandate.grant": "a",
    "mandate.suspend": "a",
    "mandate.resume": "a",
    "mandate.end": "a",
    "mandate.extend": "a",
    "mandate.change": "a",
    "workstation.block": "a",
    "workstation.unblock": "a",
    "workstation.revoke": "a",
}
WHO = {
    "i": actor(Role.IR),
    "e": actor(Role.IR, Permission.DATA_ENTRY),
    "p": actor(Role.PORTAL),
    "r": actor(Role.RAO),
    "t": actor(Role.RAO, Permission.PAYMENTS),
    "b": actor(Role.RAO, Permission.PAYMENTS, Permission.REVERSALS),
    "h": actor(Role.HELP_DESK),
    "a": actor(Role.ADMINISTRATOR),
}


@pytest.mark.parametrize("kind", RULES)
@pytest.mark.parametrize("who", WHO)
def test_every_role_and_command(kind: str, who: str) -> None:
    refused_for_the_role = False
    try:
        ask(Documents(), kind, WHO[who])
    except NotAllowed:
        refused_for_the_role = True
    except Refusal:
        pass  # the command itself is empty: the rule was reached
    assert refused_for_the_role == (who not in MAY[kind].replace("r", "rt").replace("t", "tb"))


def test_every_command_is_in_the_table_above() -> None:
    assert set(MAY) == set(RULES)


@pytest.mark.parametrize("kind", RULES)
def test_a_mandate_that_is_not_in_force_does_nothing(kind: str) -> None:
    for values in (
        {"suspended": True},
        {"valid_until": date(2026, 5, 31)},
        {"valid_from": date(2026, 6, 2)},
    ):
        with pytest.raises(MandateNotInForce):
            ask(Documents(), kind, actor(Role.RAO, **values))


@pytest.mark.parametrize("kind", RULES)
def test_another_bodys_mandate_does_nothing(kind: str) -> None:
    for role in Role:
        with pytest.raises(NotAllowed):
            ask(Documents(), kind, actor(role, Permission.DATA_ENTRY, body="other"))


def test_another_bodys_things_are_unknown() -> None:
    theirs = Documents(request_thing(R.REGISTERED, body="other"))
    with pytest.raises(Unknown):
        ask(theirs, "request.cancel", request="R-1", reason="x")


@pytest.mark.parametrize(("office", "reached"), [(OFFICE, True), ("sportello-2", False)])
def test_an_ir_reaches_the_own_office(office: str, reached: bool) -> None:
    view = Documents(request_thing(R.PRODUCED))
    if reached:
        assert ask(view, "request.deliver", actor(Role.IR, office=office), request="R-1")
    else:
        with pytest.raises(Unknown):
            ask(view, "request.deliver", actor(Role.IR, office=office), request="R-1")
        with pytest.raises(NotAllowed):
            ask(view, "request.deliver", actor(Role.IR, Permission.WHOLE_BODY, office=office), request="R-1")


def test_a_rao_reaches_the_whole_body() -> None:
    view = Documents(request_thing(R.PRODUCED))
    assert ask(view, "request.deliver", actor(Role.RAO, office="sportello-2"), request="R-1")


def test_a_command_of_another_version_is_said_to_be_so() -> None:
    with pytest.raises(UnknownCommand):
        ask(Documents(), "request.forget")


@pytest.mark.parametrize("kind", [kind for kind in RULES if kind.startswith("production.")])
@pytest.mark.parametrize("value", [None, "", 3, ["P-1"]])
def test_a_command_without_its_thing_is_malformed(kind: str, value: object) -> None:
    with pytest.raises(BadFacts):
        ask(RUNNING.view(), kind, production=value, certificates=CERTIFICATES)
