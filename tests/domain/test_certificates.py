"""The status of certificates: asked for, brought about by the CA, or refused by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.commands import WrongState
from cmsdesk.domain.decisions.certificates import changed, refused
from cmsdesk.domain.events import Document, evolve
from cmsdesk.domain.organisation import Role
from tests.domain.test_decisions import BODY, DELIVERED, KEYS, NOW, OFFICE, ON_HOLD, SUSPEND, World

LATER = NOW + timedelta(seconds=2)
SUSPENDED = CertificateStatus.SUSPENDED.value


def certificate(world: World, key: str) -> Document:
    found = world.get("certificate", key)
    assert found is not None
    return found


def with_states(*states: str) -> World:
    """Return a world whose certificates have these states."""
    world = World(ON_HOLD)
    for key, state in zip(KEYS, states, strict=True):
        document = {**certificate(world, key), "state": state}
        del document["wanted"]
        world.documents["certificate", key] = document
    return world


def test_asking_changes_no_status_and_says_what_is_asked_by_whom_and_when() -> None:
    world = World(ON_HOLD)
    for key, slot in zip(KEYS, ("cns", "qualified"), strict=True):
        found = certificate(world, key)
        assert (found["state"], found["wanted"]) == ("valid", SUSPENDED)
        assert (found["slot"], found["production"], found["device"]) == (slot, "P-1", "D-1")
        assert (found["body"], found["office"]) == (BODY, OFFICE)
        assert (found["asked_by"], found["asked_at"]) == ("M-0", NOW.isoformat())


def test_the_reason_can_be_erased() -> None:
    events = World(DELIVERED).decide("certificate.suspend", SUSPEND)
    assert [dict(event.personal) for event in events] == [{"reason": "smarrita"}] * 2
    assert not any("reason" in event.changes for event in events)


def test_the_help_desk_suspends_too() -> None:
    """As support of the holder; a desk of its that sees no production decides the same (S0-093)."""
    world = World(DELIVERED)
    del world.documents["production", "P-1"], world.documents["device", "D-1"]
    assert len(world.decide("certificate.suspend", SUSPEND, role=Role.HELP_DESK)) == 2


def test_what_the_ca_confirms_is_so_from_then_on() -> None:
    world = World(ON_HOLD)
    for key in KEYS:
        world.apply(changed(key, certificate(world, key), LATER))
        found = certificate(world, key)
        assert (found["state"], found["effective_at"]) == (SUSPENDED, LATER.isoformat())
        assert "wanted" not in found
        assert changed(key, found, LATER) == [], "once"
    assert world.decide("certificate.suspend", SUSPEND) == []


def test_what_the_ca_refuses_stays_as_it_was_and_is_a_problem() -> None:
    world = World(ON_HOLD)
    known = certificate(world, KEYS[0])
    events = refused(KEYS[0], known, "C-1", "CA-REFUSED-CHANGE", LATER)
    after = evolve(known, events[0])
    assert (after["state"], after["refused"], "wanted" in after) == ("valid", "CA-REFUSED-CHANGE", False)
    problem = events[1]
    assert (problem.thing, problem.id) == ("problem", "C-1-cns")
    assert (problem.changes["about"], problem.changes["reasons"]) == (KEYS[0], ["change_refused"])
    assert refused(KEYS[0], after, "C-1", "CA-REFUSED-CHANGE", LATER) == [], "once"
    world.apply(events)
    assert [event.id for event in world.decide("certificate.suspend", SUSPEND)] == [KEYS[0]], "asked again"


@pytest.mark.parametrize("last", ["revoked", "expired"])
def test_what_has_ended_is_suspended_no_more(last: str) -> None:
    with pytest.raises(WrongState):
        with_states(last, last).decide("certificate.suspend", SUSPEND)
    [event] = with_states(last, "valid").decide("certificate.suspend", SUSPEND)
    assert event.id == KEYS[1], "the other one still"
