"""Money and hand-overs over HTTPS: recorded whatever the records say, if need be as a problem."""

from __future__ import annotations

import pytest

from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command, Unknown
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.organisation import Permission
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import BODY, OFFICE
from cmsdesk.sync.far import FarLine
from tests.fixtures.people import a_request


def push(desk: Desk, kind: str, /, **facts: object) -> tuple[str, dict[str, object]]:
    """Push one command; return its id and the service's answer."""
    command = Command(new_id(), kind, BODY, facts)
    (answer,) = FarLine(desk.connection).push([command])
    return command.id, answer


def registered(desk: Desk) -> str:
    """Register a request; return its id."""
    request = a_request(new_id(), body=BODY, office=OFFICE)
    values = {"id": request.id, **request_document(request)}
    _, answer = push(desk, "request.register", request=values)
    assert answer["accepted"], answer
    return request.id


def document(desk: Desk, thing: str, identifier: str) -> dict[str, object]:
    """Return a document as the desk may see it."""
    found: dict[str, object] = desk.connection.call("GET", f"/things/{thing}/{identifier}")["document"]
    return found


def test_a_hand_over_too_early_is_a_problem_that_somebody_solves(desk: Desk) -> None:
    request = registered(desk)
    command, answer = push(desk, "request.deliver", request=request)
    assert answer["accepted"]
    assert document(desk, "request", request)["state"] == "registered"
    problem = document(desk, "problem", command)
    assert (problem["about"], problem["reasons"]) == (request, ["delivered_as_it_was"])
    _, answer = push(desk, "problem.solve", problem=command, solution="Riportato allo sportello")
    assert answer["accepted"]
    assert document(desk, "problem", command)["state"] == "solved"


def test_scans_belong_to_their_request(desk: Desk) -> None:
    request, attachment = registered(desk), new_id()
    facts = {"attachment": attachment, "request": request, "kind": "signed_form", "sha256": "ab" * 32}
    for _ in range(2):
        _, answer = push(desk, "attachment.add", **facts, size=1000, media_type="application/pdf")
        assert answer["accepted"], answer
    assert document(desk, "attachment", attachment)["request"] == request


def test_money_that_the_mandate_may_not_take_is_not_lost(desk: Desk) -> None:
    assert Permission.PAYMENTS not in desk.actor.mandate.permissions
    facts = {"payment": new_id(), "request": registered(desk), "till": new_id(), "series": "A", "number": 1}
    more = {"method": "cash", "amount_cents": 2500, "taken_at": "2026-06-01T10:00:00+02:00"}
    command, answer = push(desk, "payment.record", **facts, **more)
    assert answer["accepted"]
    assert document(desk, "problem", command)["command"] == "payment.record"
    with pytest.raises(Unknown):
        document(desk, "payment", str(facts["payment"]))


def test_the_archive_is_asked_and_not_handed_out(desk: Desk) -> None:
    with pytest.raises(Unknown):
        document(desk, "earlier_issue", "0" * 40)
