"""What has happened at the desk is recorded whatever the records say, and what does not fit is a problem."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.commands import BadFacts, NotAllowed, Refusal
from cmsdesk.domain.decisions import RULES
from cmsdesk.domain.events import Event
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.domain.problem import REASONS
from cmsdesk.domain.request import RequestState
from cmsdesk.operations.body_defaults import default_configuration
from tests.domain import desk_stories as told
from tests.domain.test_decisions import DELIVERED, GRANT, ISSUED, REGISTER, World


def problems(events: list[Event]) -> set[str]:
    """Return the reasons of the problem among events."""
    return {reason for event in events if event.thing == "problem" for reason in event.changes["reasons"]}


@pytest.mark.parametrize("state", RequestState)
def test_a_hand_over_is_never_refused_for_the_state(state: RequestState) -> None:
    world = World(ISSUED)
    world.documents["request", "R-1"]["state"] = state.value
    events = world.decide("request.deliver", {"request": "R-1"})
    kinds = [event.kind for event in events]
    if state is RequestState.PRODUCED:
        assert kinds == ["request.delivered", "device.delivered"]
    elif state is RequestState.DELIVERED:
        assert kinds == []
    else:
        assert kinds == ["problem.noted"]
        assert problems(events) == {"delivered_as_it_was"}


@pytest.mark.parametrize("state", ["in_stock", "in_production", "set_aside", "delivered"])
def test_a_device_in_another_state_does_not_keep_the_hand_over_back(state: str) -> None:
    world = World(ISSUED)
    world.documents["device", "D-1"]["state"] = state
    events = world.decide("request.deliver", {"request": "R-1"})
    assert [event.kind for event in events] == ["request.delivered", "problem.noted"]


def test_the_device_goes_with_the_request() -> None:
    world = World(DELIVERED)
    assert world.documents["device", "D-1"]["state"] == "delivered"


PAYMENTS = [
    (told.REGISTERED, {}, set()),
    (told.REGISTERED, {"amount_cents": 2499}, {"other_amount"}),
    (told.REGISTERED, {"number": 3}, {"receipt_skipped"}),
    (told.CANCELLED, {}, {"request_cancelled"}),
    ([], {}, {"request_unknown"}),
    (told.PAID, {"payment": "Y-2"}, {"receipt_repeated", "other_amount"}),
    (told.PAID, {"payment": "Y-2", "number": 2, "request": "R-9"}, {"request_unknown"}),
]


@pytest.mark.parametrize(("story", "change", "reasons"), PAYMENTS)
def test_a_payment_is_recorded_and_what_does_not_fit_is_told(
    story: list[told.Line], change: dict[str, Any], reasons: set[str]
) -> None:
    events = World(story).decide("payment.record", {**told.PAY, **change})
    assert events[0].kind == "payment.recorded"
    assert problems(events) == reasons <= set(REASONS)


def test_money_of_a_till_of_another_office_is_a_problem() -> None:
    world = World([*told.PAID, ("office.open", {"office": "sportello-2", "name": "2"})])
    facts = {**told.PAY, "payment": "Y-2", "number": 2, "request": "R-9"}
    found = world.decide("payment.record", facts, office="sportello-2")
    assert problems(found) == {"request_unknown", "till_elsewhere"}


def test_an_ir_takes_no_money_for_another_offices_request_without_a_problem() -> None:
    world = World(told.REGISTERED)
    ir = {"role": Role.IR, "office": "sportello-2", "permissions": frozenset({Permission.PAYMENTS})}
    events = world.decide("payment.record", told.PAY, **ir)
    assert problems(events) == {"request_unknown"}
    assert {event.changes["office"] for event in events} == {"sportello-2"}


@given(
    st.lists(st.tuples(st.sampled_from(["cash", "pos"]), st.integers(1, 10_000)), min_size=1, max_size=8),
    st.integers(0, 100_000),
)
def test_a_closing_says_what_the_receipts_say(taken: list[tuple[str, int]], counted: int) -> None:
    world = World(told.REGISTERED)
    for number, (method, cents) in enumerate(taken, 1):
        facts = {"payment": f"Y-{number}", "number": number, "method": method, "amount_cents": cents}
        world.apply(world.decide("payment.record", {**told.PAY, **facts}))
    closed = world.apply(world.decide("till.close", {**told.CLOSE, "counted_cash_cents": counted}))
    closing = dict(closed[0].changes)
    cash = sum(cents for method, cents in taken if method == "cash")
    assert closing["cash_cents"] == cash
    assert closing["cash_cents"] + closing["pos_cents"] == sum(cents for _, cents in taken)
    assert closing["difference_cents"] == counted - cash
    assert (closing["first_number"], closing["last_number"]) == (1, len(taken)) == (1, closing["count"])
    assert world.documents["request", "R-1"]["paid_cents"] == sum(cents for _, cents in taken)
    again = world.apply(world.decide("till.close", {**told.CLOSE, "closing": "K-2"}))[0].changes
    assert (again["number"], again["count"], again["cash_cents"], again["pos_cents"]) == (2, 0, 0, 0)
    following = {**told.PAY, "payment": "Y-99", "number": len(taken) + 1}
    assert "receipt_skipped" not in problems(world.decide("payment.record", following))
    assert "receipt_repeated" not in problems(world.decide("payment.record", following))


@pytest.mark.parametrize("method", ["cash", "pos"])
def test_a_closing_counts_from_the_opening_and_tells_what_was_given_back(method: str) -> None:
    world = World([*told.OPENED, *told.REGISTERED])
    story = (
        ("payment.record", {**told.PAY, "method": method}),
        ("payment.record", {**told.PAY, "payment": "Y-2", "number": 2, "amount_cents": 4000}),
        ("payment.reverse", {**told.REVERSE, "number": 3}),
    )
    for kind, facts in story:
        world.apply(world.decide(kind, facts))
    assert world.documents["request", "R-1"]["paid_cents"] == 4000
    assert world.documents["payment", "Y-1"]["reversed_by"] == "Y-9"
    given_back = world.documents["payment", "Y-9"]
    assert (given_back["amount_cents"], given_back["method"], given_back["number"]) == (-2500, method, 3)
    closed = world.apply(world.decide("till.close", {**told.CLOSE, "counted_cash_cents": 14000}))
    closing = dict(closed[0].changes)
    assert (closing["opening_cash_cents"], closing["cash_cents"], closing["pos_cents"]) == (10000, 4000, 0)
    assert (closing["difference_cents"], closing["count"]) == (0, 3)
    assert (closing["reversals"], closing["reversed_cents"]) == (1, 2500)
    assert closing["opened_at"]
    again = world.decide("till.close", {**told.CLOSE, "closing": "K-2", "counted_cash_cents": 0})[0].changes
    assert (again["opening_cash_cents"], again["reversals"], again["difference_cents"]) == (0, 0, 0)
    assert "opened_at" not in again


def test_what_was_given_back_twice_is_a_problem() -> None:
    world = World(told.REVERSED)
    again = world.decide("payment.reverse", {**told.REVERSE, "payment": "Y-8", "number": 2})
    assert problems(again) == {"reversed_twice", "receipt_repeated"} <= set(REASONS)


def test_giving_back_needs_its_permission_beside_that_of_payments_and_the_office() -> None:
    world = World([*told.PAID, ("office.open", {"office": "sportello-2", "name": "2"})])
    both = frozenset({Permission.PAYMENTS, Permission.REVERSALS})
    ir = {"role": Role.IR, "permissions": both}
    assert world.decide("payment.reverse", told.REVERSE, **ir)
    for one in both:
        with pytest.raises(NotAllowed):
            world.decide("payment.reverse", told.REVERSE, role=Role.IR, permissions=both - {one})
    with pytest.raises(NotAllowed):
        world.decide("payment.reverse", told.REVERSE, **ir, office="sportello-2")


def test_what_an_amendment_leaves_out_is_taken_away() -> None:
    world = World([*told.BOOKED, *told.REGISTERED])
    assert world.documents["request", "R-1"]["first_issue"]["fee_cents"] == 2500
    world.apply(world.decide("request.amend", REGISTER))
    assert "first_issue" not in world.documents["request", "R-1"]
    assert world.documents["request", "R-1"]["registered_by"] == "M-0"


@pytest.mark.parametrize(("kind", "story", "facts", "events"), told.ACCEPTED)
def test_the_journals_public_part_names_nobody(
    kind: str, story: list[told.Line], facts: dict[str, Any], events: str
) -> None:
    for event in World(story).decide(kind, facts):
        public = str(dict(event.changes))
        for word in ("Tessari", "TSSMRT", "@", "BZ-12345", "altra persona"):
            assert word not in public


def test_who_registers_may_not_say_who_registered() -> None:
    request = {**REGISTER["request"], "registered_by": "M-9", "created_at": "2020-01-01T00:00:00+00:00"}
    world = World()
    world.apply(world.decide("request.register", {"request": request}))
    document = world.documents["request", "R-1"]
    assert (document["registered_by"], document["created_at"][:4]) == ("M-0", "2026")


@pytest.mark.parametrize("offered", [["paper"], ["email"], ["paper", "email"], ["email", "paper"]])
@pytest.mark.parametrize("wanted", ["paper", "email"])
def test_codes_go_only_the_way_the_body_offers(offered: list[str], wanted: str) -> None:
    sections = {**default_configuration("CA").sections(), "scratch_delivery": offered}
    world = World()
    world.apply(world.decide("configuration.change", {"revision": 0, "configuration": sections}))
    request = {**REGISTER["request"], "scratch_delivery": wanted}
    if wanted not in offered:
        with pytest.raises(BadFacts) as caught:
            world.decide("request.register", {"request": request})
        assert caught.value.facts == {"name": "scratch_delivery"}
        return
    world.apply(world.decide("request.register", {"request": request}))
    other = {**request, "scratch_delivery": "email" if wanted == "paper" else "paper"}
    if len(offered) == 2:
        assert world.decide("request.amend", {"request": other})
    else:
        with pytest.raises(BadFacts):
            world.decide("request.amend", {"request": other})
    # what was registered stays possible when the body offers it no more
    world.documents["configuration", "sandbox"]["scratch_delivery"] = [other["scratch_delivery"]]
    assert world.decide("request.amend", {"request": {**request, "notes": "altra nota"}})


@pytest.mark.parametrize("offered", [[], ["paper", "paper"], ["fax"], "paper"])
def test_ways_of_giving_the_codes_that_are_none(offered: object) -> None:
    sections = {**default_configuration("CA").sections(), "scratch_delivery": offered}
    with pytest.raises(BadFacts):
        World().decide("configuration.change", {"revision": 0, "configuration": sections})


def test_every_command_of_the_desk_is_refused_when_empty() -> None:
    for kind in RULES:
        with pytest.raises(Refusal):
            World().decide(kind, {}, office="sportello-1")


def test_who_may_create_bodies_may_let_others_create_them() -> None:
    world = World()
    grant = {**GRANT, "role": "administrator", "permissions": ["bodies"]}
    founder = {"role": Role.ADMINISTRATOR, "permissions": frozenset({Permission.BODIES})}
    world.apply(world.decide("mandate.grant", grant, **founder))
    # who has not got it may leave it and take it away
    assert world.decide("mandate.change", {"mandate": "M-1", "permissions": ["bodies", "whole_body"]})
    assert world.decide("mandate.change", {"mandate": "M-1", "permissions": []})
