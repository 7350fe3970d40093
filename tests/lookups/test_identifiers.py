"""Identifiers of companies, and codes computed from personal data."""

from __future__ import annotations

from datetime import date

import pytest
from codicefiscale import codicefiscale
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.lookups.identifiers import (
    PROVINCES,
    IdentifierProblem,
    read_company_code,
    read_rea,
    read_vat_number,
)

CODES = LibraryFiscalCodes()
VALID = ["00743110157", "04077341008", "06363391001"]


@pytest.mark.parametrize("text", ["BZ-123456", "bz 123456", " BZ/0123456", "BZ123456"])
def test_a_rea_number_however_it_is_typed(text: str) -> None:
    assert read_rea(text) == ("BZ", "123456")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("123456", IdentifierProblem.REA_FORM),
        ("BZ", IdentifierProblem.REA_FORM),
        ("BZ-12A", IdentifierProblem.REA_FORM),
        ("BZ-" + "1" * 21, IdentifierProblem.REA_FORM),
        ("XX-1", IdentifierProblem.REA_PROVINCE),
    ],
)
def test_what_is_no_rea_number(text: str, problem: IdentifierProblem) -> None:
    assert read_rea(text) is problem


def test_there_are_107_provinces() -> None:
    assert len(PROVINCES) == 107


@pytest.mark.parametrize("number", VALID)
def test_a_partita_iva(number: str) -> None:
    assert read_vat_number(f"IT {number}") == read_vat_number(number) == read_company_code(number) == number


@given(st.sampled_from(VALID), st.integers(0, 10), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_found(number: str, place: int, digit: str) -> None:
    if number[place] != digit:
        assert read_vat_number(number[:place] + digit + number[place + 1 :]) is IdentifierProblem.VAT


def test_a_company_may_have_its_owners_code() -> None:
    assert read_company_code("tss mrt 87c54a952d") == "TSSMRT87C54A952D"
    assert read_company_code("TSSMRT87C54A952E") is IdentifierProblem.COMPANY_CODE
    assert read_company_code("1234") is IdentifierProblem.COMPANY_CODE


NAMES = st.text("ABCDEFGHILMNOPQRSTUVZàèéìòù' ", min_size=2, max_size=14).filter(
    lambda text: text.strip(" '") != ""
)


@given(NAMES, NAMES, st.sampled_from("MF"), st.dates(date(1930, 1, 1), date(2020, 1, 1)))
def test_a_computed_code_is_the_librarys(surname: str, given_name: str, sex: str, born_on: date) -> None:
    computed = CODES.compute(surname, given_name, sex, born_on, "H501")
    assert computed == codicefiscale.encode(surname, given_name, sex, born_on.isoformat(), "H501")
    assert CODES.same_person(codicefiscale.decode(computed)["omocodes"][7], computed)
    facts = CODES.read(computed)
    assert facts is not None
    assert (facts.sex, facts.birthplace_code) == (sex, "H501")


def test_an_own_example() -> None:
    assert CODES.compute("Tessari", "Marta", "F", date(1987, 3, 14), "A952") == "TSSMRT87C54A952D"
    assert not CODES.same_person("RSSMRA80A01H501U", "TSSMRT87C54A952D")


@pytest.mark.parametrize(("sex", "place"), [("X", "H501"), ("M", "Roma"), ("M", "")])
def test_what_cannot_be_computed(sex: str, place: str) -> None:
    with pytest.raises(ValueError, match="a sex is"):
        CODES.compute("Tessari", "Marta", sex, date(1987, 3, 14), place)
