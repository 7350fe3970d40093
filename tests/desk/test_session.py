"""What a screen's acts become: shown at once, sent when there is a network, a problem when refused."""

from __future__ import annotations

from typing import Any

import pytest

from cmsdesk.desk.session import DeskSession, Link
from cmsdesk.domain.commands import Refusal, WrongState
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.permissions import Action
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.desk_store import OutboxState
from tests.desk.bench import Desk, approve, register, wait_for
from tests.sync.bench import OFFICE, SECOND_OFFICE


def synchronise(session: DeskSession, until: Any) -> None:
    session.sync_now()
    wait_for(until)


def test_what_others_registered_appears_and_is_told(session: DeskSession, desk: Desk) -> None:
    told: list[frozenset[tuple[str, str]]] = []
    session.changed.connect(told.append)
    made = register(desk.central, desk.mandate)
    synchronise(session, lambda: session.get("request", made.id) is not None)
    wait_for(lambda: any(("request", made.id) in things for things in told))
    assert [found for found, _ in session.in_state("request", "registered")] == [made.id]


def test_an_act_is_shown_before_it_is_sent_and_survives_the_network_being_down(
    session: DeskSession, desk: Desk
) -> None:
    made = register(desk.central, desk.mandate)
    synchronise(session, lambda: session.get("request", made.id) is not None)
    desk.line.faults.extend(["request"] * 2)
    session.submit("request.approve", request=made.id, digest=made.request.digest())
    assert (session.get("request", made.id) or {})["state"] == "approved"
    assert session.in_state("request", "registered") == []
    wait_for(lambda: session.sync_state.link is Link.DOWN)
    assert isinstance(session.sync_state.error, ServiceUnreachable)
    assert session.sync_state.waiting == 1
    desk.line.faults.clear()
    synchronise(session, lambda: session.sync_state.link is Link.UP)
    assert session.sync_state.waiting == 0
    assert desk.central.things("uno")["request", made.id]["state"] == "approved"


def test_what_the_rules_forbid_is_refused_at_once_and_leaves_nothing(
    session: DeskSession, desk: Desk
) -> None:
    made = register(desk.central, desk.mandate)
    approve(desk.central, desk.mandate, made)
    synchronise(session, lambda: (session.get("request", made.id) or {}).get("state") == "approved")
    with pytest.raises(WrongState):
        session.submit("request.approve", request=made.id, digest=made.request.digest())
    assert desk.files.store.queued() == []


def test_what_the_service_refuses_becomes_a_problem_until_somebody_deals_with_it(
    session: DeskSession, desk: Desk
) -> None:
    made = register(desk.central, desk.mandate)
    synchronise(session, lambda: session.get("request", made.id) is not None)
    # another desk is quicker, and this one has not heard of it
    desk.central.do(desk.mandate, "request.cancel", request=made.id, reason="Ritirata")
    session.submit("request.approve", request=made.id, digest=made.request.digest())
    wait_for(lambda: len(session.problems) == 1)
    [problem] = session.problems
    assert isinstance(problem.error, Refusal)
    cause, next_step, code = session.texts.failure(problem.error)
    assert (bool(cause), bool(next_step), code) == (True, True, "RULE-STATE")
    session.dismiss(problem)
    assert session.problems == ()
    assert desk.files.store.queued(OutboxState.REFUSED) == []


def test_the_mandate_says_what_is_allowed(session: DeskSession, desk: Desk, tmp_path: Any) -> None:
    assert session.allowed(Action.REQUEST_APPROVE, SECOND_OFFICE)
    (tmp_path / "ir").mkdir()
    other = Desk(desk.central, tmp_path / "ir", Role.IR)
    clerk = DeskSession(other.parts(), session.texts, desk.clock)
    assert clerk.allowed(Action.REQUEST_DELIVER, OFFICE)
    assert not clerk.allowed(Action.REQUEST_DELIVER, SECOND_OFFICE)
    assert not clerk.allowed(Action.REQUEST_APPROVE)
    clerk.end()
