"""Registration and approval on real records and the real library of codici fiscali."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.errors import Mendable
from cmsdesk.domain.commands import WrongState
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.request import Holder, RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.errors import (
    FiscalCodeMismatch,
    FiscalCodeWrong,
    RegistrationIncomplete,
    StaleState,
    UnknownRequest,
)
from cmsdesk.operations.register import Registration, approve, register
from cmsdesk.sync.records import CommandRecords
from tests.fixtures.people import MARTA, a_request
from tests.fixtures.service import Near

CLOCK = FixedClock(datetime(2026, 6, 1, 10, tzinfo=UTC))


def registration(**values: Any) -> Registration:
    return Registration(
        body="sandbox",
        office="sportello-1",
        holder=replace(MARTA, **values),
        device_kind=DeviceKind.USB_TOKEN,
        key_algorithm=KeyAlgorithm.EC_P256,
        ca="Ente di Prova",
        scratch_delivery=ScratchDelivery.EMAIL,
    )


def registered(records: CommandRecords, **values: Any) -> str:
    return register(registration(**values), records, LibraryFiscalCodes(), CLOCK).id


def test_a_good_registration_is_stored_as_entered(records: CommandRecords) -> None:
    request = register(registration(), records, LibraryFiscalCodes(), CLOCK)
    stored = records.request(request.id)
    assert replace(stored, created_at=None, registered_by=None) == request
    assert stored.created_at
    assert stored.registered_by
    assert request.state is RequestState.REGISTERED
    assert request.holder == MARTA
    assert (request.device_kind, request.key_algorithm) == (DeviceKind.USB_TOKEN, KeyAlgorithm.EC_P256)
    assert request.scratch_delivery is ScratchDelivery.EMAIL
    assert request.approved_digest is None


@pytest.mark.parametrize(
    ("values", "field", "problem"),
    [
        ({"surname": " "}, "surname", "is missing"),
        ({"given_name": ""}, "given_name", "is missing"),
        ({"contact_email": ""}, "contact_email", "is missing"),
        ({"contact_email": "marta"}, "contact_email", "is not an address"),
        ({"contact_email": "@example.com"}, "contact_email", "is not an address"),
        ({"contact_email": "a@b"}, "contact_email", "is not an address"),
        ({"contact_email": "a b@example.com"}, "contact_email", "is not an address"),
        ({"contact_email": "a@b@example.com"}, "contact_email", "is not an address"),
        ({"certificate_email": ""}, "certificate_email", "is not an address"),
        ({"certificate_email": "marta@"}, "certificate_email", "is not an address"),
        ({"document": replace(MARTA.document, number="")}, "document.number", "is missing"),
        (
            {"document": replace(MARTA.document, expires_on=date(2026, 5, 31))},
            "document.expires_on",
            "is past",
        ),
        ({"residence": replace(MARTA.residence, street="")}, "residence.street", "is missing"),
        ({"residence": replace(MARTA.residence, municipality="")}, "residence.municipality", "is missing"),
    ],
)
def test_what_is_missing_is_named_and_nothing_stored(
    near: Near, records: CommandRecords, values: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(RegistrationIncomplete) as caught:
        registered(records, **values)
    assert caught.value.facts["field"] == field
    assert caught.value.sentences(str)[0].endswith(f"{problem}.")
    assert near.gateway().in_state("request", "registered") == []


def test_a_document_is_good_on_its_last_day_by_roman_time(records: CommandRecords) -> None:
    last = replace(MARTA.document, expires_on=date(2026, 6, 1))
    assert registered(records, document=last)
    midnight = FixedClock(datetime(2026, 6, 1, 22, 30, tzinfo=UTC))  # the second of June in Rome
    with pytest.raises(RegistrationIncomplete):
        register(registration(document=last), records, LibraryFiscalCodes(), midnight)


def test_without_a_mail_in_the_certificate(records: CommandRecords) -> None:
    assert registered(records, certificate_email=None)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"surname": "Rossi"}, "surname"),
        ({"given_name": "Elena"}, "given_name"),
        ({"sex": "M"}, "sex"),
        ({"born_on": date(1987, 3, 15)}, "born_on"),
        ({"born_on": date(1986, 3, 14)}, "born_on"),
        ({"born_on": date(1987, 4, 14)}, "born_on"),
        ({"birth_municipality_code": "L378"}, "birth_municipality_code"),
    ],
)
def test_a_code_of_other_data_names_what_differs(
    records: CommandRecords, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(FiscalCodeMismatch) as caught:
        registered(records, **values)
    assert caught.value.facts["field"] == field


@pytest.mark.parametrize(
    "code",
    ["", "TSSMRT87C54A952E", "TSSMRT87C54A952", "tssmrt87c54a952d", "TSSMRT87C54A952D ", "12345678901"],
)
def test_a_wrong_code_is_told_apart_from_a_mismatch(records: CommandRecords, code: str) -> None:
    with pytest.raises(FiscalCodeWrong):
        registered(records, fiscal_code=code)


OTHERS: list[dict[str, Any]] = [
    # A centenarian: the code's two digits of the year are also those of a child.
    {"fiscal_code": "BNCGPP24A01F205X", "surname": "Bianchi", "given_name": "Giuseppe", "sex": "M",
     "born_on": date(1924, 1, 1), "birth_municipality_code": "F205"},
    # Born abroad.
    {"fiscal_code": "MLLHNS80A01Z112Z", "surname": "Müller", "given_name": "Hans", "sex": "M",
     "born_on": date(1980, 1, 1), "birth_municipality_code": "Z112"},
    # Omocodia: the last digit replaced by a letter.
    {"fiscal_code": "TSSMRT87C54A95NS", "surname": "Tessari", "given_name": "Marta", "sex": "F",
     "born_on": date(1987, 3, 14), "birth_municipality_code": "A952"},
    # Two surnames, an apostrophe, an accent.
    {"fiscal_code": "DNGNCL80A01H501A", "surname": "D'Angelo", "given_name": "Nicolò", "sex": "M",
     "born_on": date(1980, 1, 1), "birth_municipality_code": "H501"},
]  # fmt: skip


@pytest.mark.parametrize("person", OTHERS, ids=lambda person: str(person["surname"]))
def test_people_whose_codes_are_less_plain(records: CommandRecords, person: dict[str, Any]) -> None:
    assert records.request(registered(records, **person)).holder.surname == person["surname"]


# --- approval ----------------------------------------------------------------------------------


def test_approval_freezes(records: CommandRecords) -> None:
    identifier = registered(records)
    approved = approve(identifier, records)
    assert approved == records.request(identifier)
    assert approved.state is RequestState.APPROVED
    assert approved.is_as_approved()


def test_what_is_approved_is_not_approved_or_amended_again(records: CommandRecords) -> None:
    approved = approve(registered(records), records)
    with pytest.raises(StaleState):
        approve(approved.id, records)
    other = replace(approved, state=RequestState.REGISTERED, approved_digest=None)
    with pytest.raises(WrongState):
        records.save_request(replace(other, holder=replace(other.holder, citizenship="AT")))
    assert records.request(approved.id) == approved


def test_another_digest_than_that_of_the_stored_data_is_refused(records: CommandRecords) -> None:
    identifier = registered(records)
    seen = records.request(identifier)
    records.save_request(replace(seen, holder=replace(seen.holder, citizenship="AT")))
    with pytest.raises(WrongState):
        records.save_request(seen.approved())
    assert records.request(identifier).state is RequestState.REGISTERED


def test_approving_what_does_not_exist(records: CommandRecords) -> None:
    with pytest.raises(UnknownRequest):
        approve("R-none", records)


class OneRequest:
    """Records that hold one request; saving is a failure."""

    def __init__(self, state: RequestState) -> None:
        self._request = a_request(state=state)

    def request(self, identifier: str) -> Any:
        return self._request

    def save_request(self, request: Any) -> None:
        raise AssertionError("nothing is saved")


@pytest.mark.parametrize(
    "state",
    [state for state in RequestState if state not in (RequestState.REGISTERED, RequestState.APPROVED)],
)
def test_nothing_else_is_approved(state: RequestState) -> None:
    with pytest.raises(StaleState):
        approve("R-1", OneRequest(state))  # type: ignore[arg-type]  # the part of Records that approve touches


def test_no_error_of_registration_quotes_the_holder(records: CommandRecords) -> None:
    people: list[Holder] = [replace(MARTA, surname="Zanzotto"), replace(MARTA, contact_email="zanzotto")]
    for holder in people:
        with pytest.raises(Mendable) as caught:
            register(replace(registration(), holder=holder), records, LibraryFiscalCodes(), CLOCK)
        said = f"{caught.value} {caught.value.facts} {caught.value.sentences(str)}".lower()
        assert "zanzotto" not in said
        assert MARTA.fiscal_code.lower() not in said
