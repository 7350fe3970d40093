"""The registration form without Qt: deriving, sources and their order, undo, drafts."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.checks import missing, request_of, wrongs
from cmsdesk.desk.screens.registration.form import Editor, Form, derived, form_of, values_of
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.request import Origin
from cmsdesk.operations.register import FiscalCodeFacts
from tests.desk.registration.people import CODES, MARTA, PLACES, TODAY, filled
from tests.fixtures import people


def from_code(code: str) -> Form:
    return derived(Form().typed(paths.FISCAL_CODE, code), CODES, PLACES, TODAY)


def test_the_codice_fiscale_fills_in_birth_and_sex() -> None:
    form = from_code("TSSMRT87C54A952D")
    assert (form[paths.SEX], form[paths.BORN_ON], form[paths.BIRTH_CODE]) == ("F", "14/03/1987", "A952")
    assert form[paths.BIRTH_PLACE] == "Bolzano/Bozen (BZ)"
    for path in (paths.SEX, paths.BORN_ON, paths.BIRTH_CODE, paths.BIRTH_PLACE):
        assert form.origins[path] is Origin.FISCAL_CODE


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("RSSMRA80A01Z600P", "Argentina"),
        ("NVKJNA70A41Z105C", "Cecoslovacchia"),  # a country that is no more
        ("RSSMRA80A01H501U", "Roma (RM)"),
    ],
)
def test_the_place_is_that_of_the_day_of_birth(code: str, place: str) -> None:
    from codicefiscale import codicefiscale

    letters = code[:15]
    valid = letters + codicefiscale.encode_cin(letters)
    assert from_code(valid)[paths.BIRTH_PLACE] == place


def test_omocodia_says_the_same() -> None:
    from codicefiscale import codicefiscale

    letters = "TSSMRT87C54A95" + "N"
    variant = letters + codicefiscale.encode_cin(letters)
    form = from_code(variant)
    assert form[paths.BIRTH_CODE] == "A952"
    assert wrongs(form, CODES, PLACES, TODAY) == {}


def test_another_code_takes_back_what_the_first_one_said_and_no_typed_value() -> None:
    form = from_code("TSSMRT87C54A952D").typed(paths.SEX, "M")
    form = derived(form.typed(paths.FISCAL_CODE, "TSSMRT87C54A952"), CODES, PLACES, TODAY)
    assert form[paths.BORN_ON] == ""
    assert form[paths.SEX] == "M"


@pytest.mark.parametrize(
    ("said", "today", "expected"),
    [
        (date(1987, 3, 14), date(2026, 5, 28), date(1987, 3, 14)),
        (date(2010, 3, 14), date(2026, 5, 28), date(2010, 3, 14)),
        (date(2026, 6, 1), date(2026, 5, 28), date(1926, 6, 1)),
        (date(1900, 2, 28), date(2026, 5, 28), date(2000, 2, 28)),
        (date(2000, 2, 29), date(2026, 5, 28), date(2000, 2, 29)),
    ],
)
def test_the_century_is_the_latest_possible(said: date, today: date, expected: date) -> None:
    assert paths.born_on(FiscalCodeFacts("AAA", "BBB", "F", said, "A952"), today) == expected


def test_the_province_follows_the_municipality_until_one_is_typed() -> None:
    form = derived(Form().typed(paths.MUNICIPALITY, "meran"), CODES, PLACES, TODAY)
    assert form[paths.PROVINCE] == "BZ"
    form = derived(form.typed(paths.MUNICIPALITY, "Roma"), CODES, PLACES, TODAY)
    assert form[paths.PROVINCE] == "RM"
    form = derived(form.typed(paths.PROVINCE, "BZ"), CODES, PLACES, TODAY)
    assert form[paths.PROVINCE] == "BZ"


# --- sources -------------------------------------------------------------------------------------

_SOURCES = (Origin.CERTIFICATE, Origin.BOOKING, Origin.REGISTER)


@given(order=st.permutations(_SOURCES))
def test_the_register_comes_before_the_booking_and_the_booking_before_the_certificate(
    order: list[Origin],
) -> None:
    form = Form()
    for origin in order:
        form = form.offered({paths.STREET: origin.value}, origin)
    assert form[paths.STREET] == Origin.REGISTER.value
    assert form.origins[paths.STREET] is Origin.REGISTER


@given(order=st.permutations(_SOURCES), when=st.integers(0, 3))
def test_no_source_replaces_what_was_typed(order: list[Origin], when: int) -> None:
    form = Form()
    for place in range(4):
        if place == when:
            form = form.typed(paths.STREET, "Via Roma 1")
        if place < 3:
            form = form.offered({paths.STREET: "altro"}, order[place])
    assert form[paths.STREET] == "Via Roma 1"
    assert form.origins[paths.STREET] is Origin.TYPED


def test_an_emptied_field_can_be_filled_by_a_source_again() -> None:
    form = Form().typed(paths.STREET, "Via").typed(paths.STREET, "")
    assert form.offered({paths.STREET: "Via Roma 1"}, Origin.BOOKING)[paths.STREET] == "Via Roma 1"


def test_an_earlier_request_offers_all_but_the_identity_document() -> None:
    found = values_of(people.MARTA, PLACES.at("A952", people.MARTA.born_on))
    assert found[paths.STREET] == "Via dei Portici 7"
    assert not any("document" in path for path in found)


# --- the whole -----------------------------------------------------------------------------------


def test_what_marta_needs_to_have_typed_is_enough() -> None:
    form = filled()
    assert missing(form) == []
    assert wrongs(form, CODES, PLACES, TODAY) == {}


@pytest.mark.parametrize("path", [path for path in paths.REQUIRED if path in MARTA])
def test_each_of_it_is_needed(path: str) -> None:
    form = derived(filled().typed(path, "  "), CODES, PLACES, TODAY)
    assert path in missing(form)


def test_a_company_is_whole_or_not_there() -> None:
    assert missing(filled(POSITION="Titolare")) == list(paths.COMPANY)
    assert missing(filled(REA_OFFICE="BZ", REA_NUMBER="123456")) == [paths.COMPANY_NAME]


def test_the_request_is_what_was_typed(configuration: Configuration) -> None:
    form = filled(REA_OFFICE="BZ", REA_NUMBER="123456", COMPANY_NAME="Tessari  S.r.l.", POSITION="Titolare")
    request = request_of(form, "R-1", "body", "office", configuration, PLACES, TODAY)
    assert request.holder.residence.municipality_code == "A952"
    assert request.holder.residence.province == "BZ"
    assert request.holder.birth_place == "Bolzano"
    assert request.company is not None
    assert (request.company.rea, request.company.name) == ("BZ-123456", "Tessari S.r.l.")
    assert request.origins[paths.BORN_ON] is Origin.FISCAL_CODE
    assert paths.SURNAME not in request.origins
    again = form_of(request, PLACES.at("A952", request.holder.born_on))
    assert request_of(again, "R-1", "body", "office", configuration, PLACES, TODAY) == request


@given(
    typed=st.lists(
        st.tuples(st.sampled_from([*paths.REQUIRED, *paths.COMPANY]), st.text(max_size=20)), max_size=12
    )
)
def test_whatever_is_typed_a_draft_keeps_it_and_nothing_breaks(typed: list[tuple[str, str]]) -> None:
    form = Form()
    for path, text in typed:
        if path in (paths.DEVICE_KIND,):
            continue
        form = derived(form.typed(path, text), CODES, PLACES, TODAY)
        wrongs(form, CODES, PLACES, TODAY)
        missing(form)
    assert Form.of(json.loads(json.dumps(form.content()))) == form


# --- undo ----------------------------------------------------------------------------------------


def editor() -> tuple[Editor, list[Form]]:
    kept: list[Form] = []
    return Editor(Form(), lambda form: derived(form, CODES, PLACES, TODAY), kept.append), kept


def test_every_change_is_kept_at_once() -> None:
    made, kept = editor()
    made.type(paths.SURNAME, "T")
    made.type(paths.SURNAME, "Te")
    made.type(paths.SURNAME, "Te")
    assert [form[paths.SURNAME] for form in kept] == ["T", "Te"]
    assert kept[-1] is made.form


def test_undo_goes_back_a_field_at_a_time_and_redo_forward() -> None:
    made, kept = editor()
    for text in ("T", "Te", "Tes"):
        made.type(paths.SURNAME, text)
    made.type(paths.FISCAL_CODE, "TSSMRT87C54A952D")
    made.undo()
    assert made.form[paths.SURNAME] == "Tes"
    assert made.form[paths.BORN_ON] == ""
    made.undo()
    assert made.form.is_empty
    made.undo()
    made.redo()
    made.redo()
    assert made.form[paths.BORN_ON] == "14/03/1987"
    assert kept[-1] == made.form


def test_typing_after_an_undo_forgets_what_was_undone() -> None:
    made, _ = editor()
    made.type(paths.SURNAME, "Tessari")
    made.undo()
    made.type(paths.SURNAME, "Rossi")
    made.redo()
    assert made.form[paths.SURNAME] == "Rossi"


def test_what_a_source_gave_can_be_undone() -> None:
    made, _ = editor()
    made.offer({paths.STREET: "Via Roma 1"}, Origin.BOOKING)
    assert made.form[paths.STREET] == "Via Roma 1"
    made.undo()
    assert made.form[paths.STREET] == ""
