"""What two registers say together, and its way over the wire."""

from __future__ import annotations

import json
from itertools import product

import pytest

from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.first_issue import Earlier, Finding
from cmsdesk.operations.company_check import CompanyCheck, answer_document, companies_of, finding_of
from cmsdesk.operations.lookups import (
    Answered,
    Companies,
    CompanyFound,
    Contradictory,
    OfficeHeld,
    Offices,
    Unavailable,
    YesNo,
)

DOWN, ODD = (
    Unavailable("no answer in time"),
    Contradictory("its list of companies and its single answer differ"),
)
COMPANY = CompanyFound("00743110157", "Prova S.r.l.", "BZ-123456")
SOLE = OfficeHeld("AU", "Amministratore unico", represents=True)
PROXY = OfficeHeld("PROC", "Procuratore", represents=False)
REPRESENTS: dict[str, YesNo] = {"yes": Answered(True), "no": Answered(False), "down": DOWN, "odd": ODD}
OFFICES: dict[str, Offices] = {
    "yes": Answered((SOLE, PROXY)),
    "no": Answered((PROXY,)),
    "none": Answered(()),
    "down": DOWN,
    "odd": ODD,
}
# Registro Imprese, REA registry: what they say together
TOGETHER = {
    ("yes", "yes"): Finding.YES,
    ("yes", "down"): Finding.YES,
    ("down", "yes"): Finding.YES,
    ("no", "no"): Finding.NO,
    ("no", "none"): Finding.NO,
    ("no", "down"): Finding.NO,
    ("down", "no"): Finding.NO,
    ("down", "none"): Finding.NO,
    ("down", "down"): Finding.UNAVAILABLE,
}


@pytest.mark.parametrize(("represents", "offices"), list(product(REPRESENTS, OFFICES)))
def test_two_registers_together(represents: str, offices: str) -> None:
    check = CompanyCheck(Answered(COMPANY), REPRESENTS[represents], OFFICES[offices], Answered(True), ())
    found = check.found("BZ-123456", Finding.NO)
    assert found.legal_representative is TOGETHER.get((represents, offices), Finding.CONTRADICTORY)
    assert found.annual_fee is Finding.YES
    assert found.holder_has_device is Finding.NO
    assert found.cariche == {"yes": ("AU", "PROC"), "no": ("PROC",)}.get(offices, ())


@pytest.mark.parametrize(("represents", "offices"), list(product(REPRESENTS, OFFICES)))
@pytest.mark.parametrize("company", [Answered(COMPANY), Answered(None), DOWN, ODD])
def test_it_comes_over_the_wire_unchanged(company: object, represents: str, offices: str) -> None:
    earlier = (Earlier(DeviceKind.USB_TOKEN, to_applicant=True), Earlier(DeviceKind.SMART_CARD))
    check = CompanyCheck(company, REPRESENTS[represents], OFFICES[offices], DOWN, earlier)  # type: ignore[arg-type]
    assert CompanyCheck.of(json.loads(json.dumps(check.document()))) == check


@pytest.mark.parametrize("companies", [Answered((COMPANY,)), Answered(()), DOWN, ODD])
def test_companies_come_over_the_wire_unchanged(companies: Companies) -> None:
    assert companies_of(json.loads(json.dumps(answer_document(companies)))) == companies


def test_an_answer_of_no_known_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="outcome"):
        companies_of({"outcome": "maybe", "reason": ""})


def test_findings() -> None:
    assert [finding_of(answer) for answer in REPRESENTS.values()] == [
        Finding.YES,
        Finding.NO,
        Finding.UNAVAILABLE,
        Finding.CONTRADICTORY,
    ]
