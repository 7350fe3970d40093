"""Requests: what approval freezes, and how they move."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.documents import request_document, request_from_json, request_of, request_to_json
from cmsdesk.domain.first_issue import Finding, FirstIssue, Reason
from cmsdesk.domain.request import (
    LATER_OF_HOLDER,
    TRANSITIONS,
    Company,
    Entry,
    IdentityDocument,
    Origin,
    Request,
    RequestState,
    enrolment_key,
    read_request_code,
    request_code,
)
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.domain.shapes import ShapeWrong
from tests.fixtures.people import MARTA, a_request


def other(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, Enum):
        return next(member for member in type(value) if member is not value)
    if isinstance(value, date):
        return value.replace(year=value.year - 1)
    if isinstance(value, Mapping):
        return {"ca": Origin.BOOKING}
    return value + 1 if isinstance(value, int) and not isinstance(value, bool) else f"{value}x"


def variants(thing: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``thing`` with one of its values changed, for every value in it."""
    for field in fields(thing):
        value, name = getattr(thing, field.name), f"{path}{field.name}"
        if is_dataclass(value):
            for inner, changed in variants(value, f"{name}."):
                yield inner, replace(thing, **{field.name: changed})
        elif value is None or isinstance(value, bool | tuple):
            continue
        else:
            yield name, replace(thing, **{field.name: other(value)})


# What may change after approval: the contact address (REG-9), the office, and the approval itself.
FREE = {"office", "state", "approved_digest", "holder.contact_email"}
FREE |= {"entry", "origins", "booking", "notes", "created_at", "registered_by"}
FREE |= {"first_issue.tariff", "first_issue.fee_cents"}
FREE |= {"first_issue.legal_representative", "first_issue.annual_fee"}
PERMIT = IdentityDocument("permit", "I00000", "Questura di Bolzano", date(2024, 1, 1), date(2029, 1, 1))
FULL = a_request(
    holder=replace(
        MARTA,
        birth_place="Bolzano",
        birth_country="Italia",
        mobile="+390000000000",
        height_cm=170,
        residence_permit=PERMIT,
    ),
    entry=Entry.PAPER,
    company=Company(
        "BZ", "123456", "Prova", "00743110157", "00743110157", MARTA.residence, office_held="titolare"
    ),
    limits_of_use="fino a 1000 euro",
    first_issue=FirstIssue(
        first=True,
        computed=True,
        imposed=False,
        tariff="PRIMO",
        fee_cents=2500,
        legal_representative=Finding.YES,
        annual_fee=Finding.NO,
        reasons=(Reason("no", {"n": 1}),),
    ),
    origins={"holder.surname": Origin.REGISTER},
    booking="B-1",
    notes="prova",
    created_at="2026-06-01T08:00:00+00:00",
    registered_by="M-1",
)
"""A request that says everything."""
RELEASED_DIGEST = "2a7453af578dcdea08a2dd27d0aefc701cdb5cd95754d6d4b168af26a3fc135e"


@pytest.mark.parametrize(
    ("name", "changed"), list(variants(FULL)), ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_value_is_frozen_or_known_to_be_free(name: str, changed: Request) -> None:
    assert (changed.digest() == FULL.digest()) == (name in FREE)


@pytest.mark.parametrize(
    ("name", "changed"), list(variants(FULL.approved())), ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_change_after_approval_shows(name: str, changed: Request) -> None:
    assert changed.is_as_approved() == (name in FREE - {"approved_digest"})


def test_what_a_released_version_approved_is_still_as_approved() -> None:
    """The digest of this request as the release before these values computed it."""
    assert a_request().digest() == RELEASED_DIGEST
    assert "height_cm" not in request_document(a_request())["holder"]


NEW_VALUES = [
    replace(FULL, company=None),
    replace(FULL, limits_of_use=None),
    *(replace(FULL, holder=replace(FULL.holder, **{name: None})) for name in LATER_OF_HOLDER),
]


@pytest.mark.parametrize("changed", NEW_VALUES)
def test_taking_a_value_away_shows_too(changed: Request) -> None:
    assert changed.digest() != FULL.digest()


@pytest.mark.parametrize(
    "values",
    [
        {"holder": {**request_document(FULL)["holder"], "height_cm": "170"}},
        {"holder": {**request_document(FULL)["holder"], "height_cm": True}},
        {"holder": {**request_document(FULL)["holder"], "shoe_size": 43}},
        {"company": {"rea_office": "BZ"}},
        {"company": "Prova"},
        {"entry": "by pigeon"},
        {"origins": {"ca": "rumour"}},
        {"origins": ["ca"]},
        {"first_issue": {**request_document(FULL)["first_issue"], "fee_cents": 25.0}},
        {"first_issue": {**request_document(FULL)["first_issue"], "reasons": [{"text": 1}]}},
        {"office": None},
    ],
)
def test_a_value_of_another_type_is_no_requests(values: dict[str, Any]) -> None:
    with pytest.raises(ShapeWrong):
        request_of("R-1", {**request_document(FULL), **values})


# --- numbers for people ------------------------------------------------------------------------


@given(st.uuids().map(str))
def test_a_number_is_read_back_however_it_is_typed(identifier: str) -> None:
    code = request_code(identifier)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert code == request_code(identifier)
    typed = f" {code.lower().replace('-', ' ').replace('1', 'l').replace('0', 'o')} "
    assert read_request_code(typed) == read_request_code(code.replace("-", "")) == code


@given(st.uuids().map(str), st.integers(0, 11), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_character_is_always_found(identifier: str, place: int, wrong: str) -> None:
    digits = list(request_code(identifier).replace("-", ""))
    if digits[place] != wrong:
        digits[place] = wrong
        assert read_request_code("".join(digits)) is None


@given(st.uuids().map(str), st.integers(0, 10))
def test_two_neighbours_swapped_are_always_found(identifier: str, place: int) -> None:
    digits = list(request_code(identifier).replace("-", ""))
    if digits[place] != digits[place + 1]:
        digits[place], digits[place + 1] = digits[place + 1], digits[place]
        assert read_request_code("".join(digits)) is None


@pytest.mark.parametrize("text", ["", "R-1", "AAAA-AAAA-AAA", "UUUU-UUUU-UUUU", "ÀAAA-AAAA-AAAA"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_request_code(text) is None


def test_numbers_of_many_requests_differ() -> None:
    assert len({request_code(f"R-{number}") for number in range(50_000)}) == 50_000


def test_what_is_frozen_is_canonical_json() -> None:
    frozen = a_request(holder=replace(MARTA, surname="Tessàri")).frozen_part()
    values = json.loads(frozen)
    again = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert again == frozen
    assert values["holder"]["surname"] == "Tessàri"
    assert values["holder"]["born_on"] == "1987-03-14"


def test_the_digest_is_sha256_of_the_frozen_part() -> None:
    approved = a_request().approved()
    assert approved.approved_digest == hashlib.sha256(approved.frozen_part()).hexdigest()


def test_not_approved_means_not_as_approved() -> None:
    assert not a_request().is_as_approved()
    assert not a_request(approved_digest="").is_as_approved()


@pytest.mark.parametrize(("now", "to"), list(product(RequestState, repeat=2)))
def test_moves_follow_the_table(now: RequestState, to: RequestState) -> None:
    request = a_request(state=now)
    if (now, to) in TRANSITIONS:
        assert request.moved(to) == replace(request, state=to)
    else:
        with pytest.raises(ValueError, match="cannot go"):
            request.moved(to)


@pytest.mark.parametrize("state", RequestState)
def test_only_what_is_registered_is_approved(state: RequestState) -> None:
    request = a_request(state=state, approved_digest="of other data")
    if state is RequestState.REGISTERED:
        approved = request.approved()
        assert approved.state is RequestState.APPROVED
        assert approved.is_as_approved()
    else:
        with pytest.raises(ValueError, match="cannot be approved"):
            request.approved()


@pytest.mark.parametrize(
    "request_", [r for _, r in variants(FULL)] + [a_request(), a_request().approved(), FULL.approved()]
)
def test_json_gives_back_the_same_request(request_: Request) -> None:
    assert request_from_json(request_to_json(request_)) == request_


def test_a_document_that_lacks_a_value_is_no_request() -> None:
    values = json.loads(request_to_json(a_request()))
    del values["holder"]
    with pytest.raises(ShapeWrong, match="holder"):
        request_of("R-1", values)


def test_enrolment_keys_differ_by_production_and_slot() -> None:
    keys = {enrolment_key(production, slot) for production in ("P-1", "P-2") for slot in Slot}
    assert len(keys) == 4
    assert enrolment_key("P-1", Slot.SIGNATURE) == "P-1-qualified"


def test_kinds_have_the_values_that_are_stored() -> None:
    assert {kind.value for kind in DeviceKind} == {"smart_card", "usb_token"}
    assert {way.value for way in ScratchDelivery} == {"paper", "email"}
