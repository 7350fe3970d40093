"""Other requests of the same person, and what an amendment changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from codicefiscale import codicefiscale
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.amendments import Change, changes_between
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.duplicates import SENTENCES, Likeness, requests_alike
from cmsdesk.domain.fiscal_code import check_letter, undo_omocodia
from cmsdesk.domain.request import PENDING, Company, Origin, RequestState
from tests.fixtures.people import MARTA, a_request

FORMS = codicefiscale.decode(MARTA.fiscal_code)["omocodes"]


@pytest.mark.parametrize("state", RequestState)
@pytest.mark.parametrize("kind", DeviceKind)
def test_every_state_and_kind(state: RequestState, kind: DeviceKind) -> None:
    others = [("R-2", request_document(a_request("R-2", state)))]
    found = requests_alike(MARTA.fiscal_code, kind, others)
    if state in PENDING:
        same = kind is DeviceKind.SMART_CARD
        expected = [Likeness.PENDING_SAME_KIND if same else Likeness.PENDING]
    else:
        expected = [Likeness.HOLDS] if state is RequestState.DELIVERED else []
    assert [alike.likeness for alike in found] == expected


@given(st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_omocodia_makes_no_other_person(typed: str, stored: str) -> None:
    other = a_request("R-2", holder=replace(MARTA, fiscal_code=stored))
    assert requests_alike(typed, DeviceKind.SMART_CARD, [("R-2", request_document(other))])


def test_another_person_and_the_request_itself_do_not_count() -> None:
    others = [("R-2", request_document(a_request("R-2")))]
    assert requests_alike("RSSMRA80A01H501U", DeviceKind.SMART_CARD, others) == []
    assert requests_alike(MARTA.fiscal_code, DeviceKind.SMART_CARD, others, own="R-2") == []


def test_the_likeliest_duplicate_comes_first() -> None:
    others = [
        ("R-1", request_document(a_request(state=RequestState.DELIVERED))),
        ("R-2", request_document(a_request(device_kind=DeviceKind.USB_TOKEN))),
        ("R-3", request_document(a_request())),
    ]
    found = requests_alike(MARTA.fiscal_code, DeviceKind.SMART_CARD, others)
    assert [alike.request for alike in found] == ["R-3", "R-2", "R-1"]
    assert set(SENTENCES) == set(Likeness)


@given(st.sampled_from(FORMS))
def test_check_letters_are_the_librarys(code: str) -> None:
    assert check_letter(code[:15]) == code[15]
    assert undo_omocodia(code.lower()) == MARTA.fiscal_code
    assert check_letter(code[:14]) == ""


# --- what an amendment changed -----------------------------------------------------------------


def test_nothing_changed() -> None:
    assert changes_between(a_request(), a_request()) == []
    assert changes_between(a_request(), a_request().approved()) == []


def test_every_changed_value_is_named() -> None:
    company = Company("BZ", "123456", "Prova")
    after = a_request(
        holder=replace(MARTA, surname="Rossi", residence=replace(MARTA.residence, street="Via Roma 1")),
        company=company,
        origins={"holder.surname": Origin.REGISTER},
    )
    changes = changes_between(a_request(), after)
    assert Change("holder.residence.street", "Via dei Portici 7", "Via Roma 1") in changes
    assert Change("holder.surname", "Tessari", "Rossi") in changes
    assert Change("company.rea_number", None, "123456") in changes
    assert Change("origins.holder.surname", None, "registro_imprese") in changes
    labels = {change.path: change.label for change in changes}
    assert labels["holder.residence.street"] == "street of residence"
    assert labels["company.rea_number"] == "REA number"
    back = changes_between(after, a_request())
    assert {(change.path, change.after, change.before) for change in back} == {
        (change.path, change.before, change.after) for change in changes
    }
