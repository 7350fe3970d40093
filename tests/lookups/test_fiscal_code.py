"""Codici fiscali by the library: what is read, what is refused."""

from __future__ import annotations

from datetime import date

import pytest
from codicefiscale import codicefiscale
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.fiscal_code import undo_omocodia
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.register import FiscalCodeFacts

CODES = LibraryFiscalCodes()
MARTA = FiscalCodeFacts("TSS", "MRT", "F", date(1987, 3, 14), "A952")


def test_a_code_tells_its_owners_data() -> None:
    assert CODES.read("TSSMRT87C54A952D") == MARTA
    assert CODES.read("MLLHNS80A01Z112Z") == FiscalCodeFacts("MLL", "HNS", "M", date(1980, 1, 1), "Z112")


def test_every_form_of_omocodia_tells_the_same() -> None:
    forms = codicefiscale.decode("TSSMRT87C54A952D")["omocodes"]
    assert len(set(forms)) == 128
    for form in forms:
        assert CODES.read(form) == MARTA
        assert undo_omocodia(form) == "TSSMRT87C54A952D"


def test_a_place_that_no_longer_exists_is_known_by_the_date_of_birth() -> None:
    # Fiume (D620) left Italy in 1947.
    code = codicefiscale.encode("Rossi", "Mario", "M", "1940-05-05", "D620")
    facts = CODES.read(code)
    assert facts is not None
    assert facts.birthplace_code == "D620"


@pytest.mark.parametrize("place", range(16))
def test_no_single_character_may_be_another(place: int) -> None:
    code = "TSSMRT87C54A952D"
    others = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") - {code[place]}
    read = [other for other in others if CODES.read(code[:place] + other + code[place + 1 :]) is not None]
    # The check letter finds every single error, as its design promises within letters or digits.
    kind = str.isdigit if code[place].isdigit() else str.isalpha
    assert not [other for other in read if kind(other)]


@pytest.mark.parametrize(
    "code",
    [
        "",
        "tssmrt87c54a952d",
        " TSSMRT87C54A952D",
        "TSSMRT87C54A952D\n",
        "TSS-MRT87C54A952D",
        "TSSMRT 87C54A952D",
        "TSSMRT87C54A952DD",
        "TSSMRT87C54A952",
        "TSSMRT87C72A952D",
        "12345678903",
        "ＴSSMRT87C54A952D",
    ],
)
def test_only_the_canonical_form_is_read(code: str) -> None:
    assert CODES.read(code) is None


@given(st.text(max_size=20) | st.text("ABCDEHLMPRST0123456789", min_size=16, max_size=16))
def test_any_text_is_read_or_refused_never_worse(code: str) -> None:
    facts = CODES.read(code)
    if facts is not None:
        assert codicefiscale.is_valid(code)
        assert facts.sex in ("M", "F")


@pytest.mark.parametrize(
    ("surname", "given_name", "codes"),
    [
        ("Tessari", "Marta", ("TSS", "MRT")),
        ("Fo", "Ya", ("FOX", "YAX")),
        ("D'Angelo", "Gianfranco", ("DNG", "GFR")),
        ("De La Cruz", "Anna Maria", ("DLC", "NMR")),
        ("Ioa", "Aia", ("IOA", "AIA")),
        ("Müller", "Jürgen", ("MLL", "JGN")),
    ],
)
def test_the_letters_of_names(surname: str, given_name: str, codes: tuple[str, str]) -> None:
    assert CODES.name_codes(surname, given_name) == codes
