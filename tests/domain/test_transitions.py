"""The transition tables, enumerated whole: what is allowed is written down here a second time."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from itertools import product
from typing import Any

import pytest

from cmsdesk.domain import (
    attachment,
    booking,
    certificate,
    device,
    notice,
    organisation,
    problem,
    production,
    request,
    scratch_card,
    workstation,
)

TABLES: dict[str, tuple[type[Enum], Iterable[tuple[Any, Any]], str]] = {
    "request": (
        request.RequestState,
        request.TRANSITIONS,
        """
        draft registered; draft ready; draft cancelled; registered approved; registered cancelled;
        ready in_production; ready cancelled; approved in_production; approved cancelled;
        in_production approved; in_production failed; failed approved; failed cancelled;
        in_production produced; produced delivered
        """,
    ),
    "device": (
        device.DeviceState,
        device.TRANSITIONS,
        """
        in_stock in_production; in_stock set_aside; set_aside in_stock; in_production personalised;
        in_production resetting; resetting in_stock; resetting set_aside; personalised delivered
        """,
    ),
    "scratch card": (
        scratch_card.ScratchCardState,
        scratch_card.TRANSITIONS,
        "in_stock reserved; reserved in_stock; reserved bound; bound used; bound void; in_stock void",
    ),
    "production": (
        production.ProductionState,
        production.TRANSITIONS,
        "running issued; running resetting; resetting reset",
    ),
    "problem": (problem.ProblemState, problem.TRANSITIONS, "open solved"),
    "booking": (booking.BookingState, booking.TRANSITIONS, "open used; open cancelled"),
    "notice": (notice.NoticeState, notice.TRANSITIONS, "published archived; archived published"),
    "attachment": (attachment.AttachmentState, attachment.TRANSITIONS, "kept withdrawn"),
    "certificate": (
        certificate.CertificateStatus,
        certificate.TRANSITIONS,
        """
        valid suspended; suspended valid; valid revoked; suspended revoked; valid expired; suspended expired
        """,
    ),
    "site or office": (organisation.PlaceState, organisation.PLACE_TRANSITIONS, "open closed; closed open"),
    "mandate": (
        organisation.MandateState,
        organisation.MANDATE_TRANSITIONS,
        "active suspended; suspended active; active ended; suspended ended",
    ),
    "workstation": (
        workstation.WorkstationState,
        workstation.TRANSITIONS,
        "enabled blocked; blocked enabled; enabled revoked; blocked revoked",
    ),
}
LAST: dict[str, set[str]] = {
    "request": {"delivered", "cancelled"},
    "device": {"delivered"},
    "scratch card": {"used", "void"},
    "production": {"issued", "reset"},
    "problem": {"solved"},
    "booking": {"used", "cancelled"},
    "notice": set(),
    "attachment": {"withdrawn"},
    "certificate": {"revoked", "expired", "unknown"},
    "site or office": set(),
    "mandate": {"ended"},
    "workstation": {"revoked"},
}


@pytest.mark.parametrize("name", TABLES)
def test_every_pair_of_states_is_allowed_or_refused_as_written(name: str) -> None:
    states, table, written = TABLES[name]
    expected = {tuple(pair.split()) for pair in written.split(";")}
    for now, to in product(states, repeat=2):
        assert ((now, to) in table) == ((now.value, to.value) in expected), (now, to)


@pytest.mark.parametrize("name", TABLES)
def test_nothing_follows_a_last_state_and_something_follows_every_other(name: str) -> None:
    states, table, _ = TABLES[name]
    left = {now.value for now, _ in table}
    assert {state.value for state in states} - left == LAST[name]


@pytest.mark.parametrize("name", TABLES)
def test_no_state_follows_itself(name: str) -> None:
    _, table, _ = TABLES[name]
    assert not [now for now, to in table if now is to]


def test_the_steps_are_a_to_j_in_order() -> None:
    assert [step.value for step in production.STEPS] == list("abcdefghij")
    assert production.RESET not in [step.value for step in production.STEPS]
