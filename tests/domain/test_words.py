"""Every state and kind that a sentence may name has its word."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from cmsdesk.domain import words
from cmsdesk.domain.attachment import AttachmentKind, AttachmentState
from cmsdesk.domain.booking import BookingState
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.domain.cns import PersonalData
from cmsdesk.domain.commands import BadFacts, NotAllowed, Unknown, WrongState
from cmsdesk.domain.configuration import PaymentMethod
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.first_issue import Finding
from cmsdesk.domain.notice import NoticeState
from cmsdesk.domain.organisation import BodyKind, MandateState, Permission, PlaceState, Role, Way
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.problem import ProblemState
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import Entry, Origin, RequestState, request_code
from cmsdesk.domain.scratch_card import ScratchCardState
from cmsdesk.domain.workstation import WorkstationKind, WorkstationState

KINDS: list[type[Enum]] = [
    BodyKind,
    MandateState,
    Permission,
    PlaceState,
    Role,
    Way,
    CertificateStatus,
    AttachmentKind,
    AttachmentState,
    BookingState,
    DeviceKind,
    DeviceState,
    Entry,
    NoticeState,
    PaymentMethod,
    ProblemState,
    Finding,
    Origin,
    ProductionState,
    RequestState,
    ScratchCardState,
    Slot,
    WorkstationKind,
    WorkstationState,
]


@pytest.mark.parametrize("member", [member for kind in KINDS for member in kind], ids=str)
def test_every_member_has_a_word_that_is_no_code(member: Enum) -> None:
    word = words.word(member)
    assert word
    assert "_" not in word


@pytest.mark.parametrize("kind", KINDS)
def test_two_states_of_one_thing_have_different_words(kind: type[Enum]) -> None:
    assert len({words.word(member) for member in kind}) == len(kind)


def test_every_field_of_the_personal_data_has_a_name() -> None:
    assert {field.name for field in fields(PersonalData)} <= set(words.FIELDS)


def test_a_refusal_speaks_words_and_keeps_codes() -> None:
    refusal = WrongState(thing="scratch_card", id="S-1", state="in_stock", wanted="used")
    assert (
        refusal.sentences(str)[0] == "The scratch card S-1 is in state «in stock» and cannot become «used»."
    )
    assert refusal.facts == {"thing": "scratch_card", "id": "S-1", "state": "in_stock", "wanted": "used"}
    assert Unknown(thing="device", id="D-1").sentences(str)[0] == "The device D-1 is not known."
    told = Unknown(thing="request", id="R-1").sentences(str)[0]
    assert told == f"The request {request_code('R-1')} is not known.", "people know a request by its number"
    assert NotAllowed(action="production.produce").sentences(str)[0].endswith("producing devices.")
    assert (
        BadFacts(name="contact_email").sentences(str)[0] == "The value «contact e-mail» is missing or wrong."
    )


@pytest.mark.parametrize("action", Action)
def test_every_action_has_words(action: Action) -> None:
    assert words.spoken({"action": action.value})["action"] not in (None, action.value)


def codes_in(rules: Path) -> Iterator[tuple[str, str]]:
    """Yield (keyword, value) of the literal codes that rules give to their refusals."""
    for call in (node for node in ast.walk(ast.parse(rules.read_text())) if isinstance(node, ast.Call)):
        for given in call.keywords:
            if given.arg in ("thing", "state", "wanted") and isinstance(given.value, ast.Constant):
                yield given.arg, str(given.value.value)


def test_every_code_that_a_rule_names_has_words() -> None:
    folder = Path(words.__file__).parent
    given = {
        pair for path in [*folder.glob("decisions/*.py"), folder / "commands.py"] for pair in codes_in(path)
    }
    assert len(given) > 5
    states = {state.value for kind in words._STATES.values() for state in kind} | set(words._MORE_STATES)
    for keyword, code in given:
        assert code in (words.THINGS if keyword == "thing" else states), (keyword, code)
