"""Municipalities and countries: search by prefix and by date, codes with their history, ANPR's table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.lookups.places import ANPR_COLUMNS, LibraryPlaces, PlaceTable, TableWrong, load, read_anpr, save
from cmsdesk.operations.places import ANPR, Place

TODAY = date(2026, 6, 1)
TABLE = LibraryPlaces()


def names(text: str, on: date = TODAY, **narrow: bool) -> list[str]:
    return [place.name for place in TABLE.search(text, on, **narrow)]


def test_a_municipality_is_found_by_its_beginning_in_either_language() -> None:
    assert "Bolzano" in names("bolz")
    assert names("bozen") == ["Bolzano"]
    assert "San Candido" in names("innich")
    assert names("Roma")[0] == "Roma"
    assert "San Candido" in names("candido")


@pytest.mark.parametrize("text", ["forlì", "FORLI", "Forli' ", "forl"])
def test_accents_case_and_signs_do_not_count(text: str) -> None:
    assert any(name.startswith("Forl") for name in names(text))


def test_todays_municipalities_have_their_istat_code() -> None:
    rome, bolzano = TABLE.at("H501", None), TABLE.at("A952", TODAY)
    assert rome is not None
    assert bolzano is not None
    assert (rome.istat, rome.province) == ("058091", "RM")
    assert (bolzano.istat, bolzano.province, bolzano.other_name) == ("021008", "BZ", "Bozen")


def test_only_what_was_there_on_the_day_is_offered() -> None:
    fiume = TABLE.at("D620", date(1940, 5, 5))
    assert fiume is not None
    assert fiume.existed_on(date(1940, 5, 5))
    assert "Fiume" in names("fiume", date(1940, 5, 5))
    assert "Fiume" not in names("fiume")
    assert "Cecoslovacchia" in names("cecos", date(1980, 1, 1))
    assert "Cecoslovacchia" not in names("cecos")


def test_a_code_outlives_its_place() -> None:
    fiume = TABLE.nearest("D620", TODAY)
    assert fiume is not None
    assert fiume.until is not None
    assert TABLE.at("D620", TODAY) is TABLE.at("D620", None) is None
    bolzano = TABLE.nearest("A952", date(1924, 6, 1))
    assert bolzano is not None
    assert bolzano.province == "TN"
    assert TABLE.nearest("X999", TODAY) is None


def test_countries_are_told_from_municipalities() -> None:
    assert names("franc", countries=True) == ["Francia", "Polinesia Francese"]
    assert "Francia" not in names("franc", countries=False)
    assert "Germania" in names("germany")


@given(st.text(max_size=8), st.dates(date(1870, 1, 1), date(2030, 1, 1)))
def test_any_text_finds_only_what_was_there(text: str, on: date) -> None:
    found = TABLE.search(text, on, limit=5)
    assert len(found) <= 5
    assert all(place.existed_on(on) for place in found)


@given(st.sampled_from([place for place in TABLE._places if not place.is_country]), st.integers(2, 30))
def test_every_place_is_found_by_any_beginning_of_its_name(place: Place, length: int) -> None:
    on = place.until or place.since or TODAY
    found = TABLE.search(place.name[:length], on, limit=len(TABLE))
    assert place in found


def test_municipalities_of_today_by_name() -> None:
    assert [place.name for place in TABLE.starting("Rom", 2)] == ["Roma", "Romana"]
    named = TABLE.named("bozen")
    assert named is not None
    assert (named.code, named.written) == ("A952", "Bolzano/Bozen (BZ)")
    assert TABLE.named("Fiume") is TABLE.named("Francia") is TABLE.named("") is None
    assert TABLE.starting("") == []


# --- ANPR's table ------------------------------------------------------------------------------

HEAD = ",".join(ANPR_COLUMNS)
LINES = [
    HEAD,
    '"1920-10-16","1927-01-11","022800","A952","BOLZANO","BOZEN","TN"',
    '"1927-01-12","9999-12-31","021008","A952","BOLZANO","BOZEN","BZ"',
    '"1861-03-17","9999-12-31","108033","F704","SAN DONA\' DI PROVA","","MB"',
]


def test_an_imported_table_corrects_and_completes_the_built_in_one(tmp_path: Path) -> None:
    places = list(read_anpr([*LINES, LINES[1].replace("A952", "ND")]))
    assert len(places) == 3
    assert places[1] == Place("A952", "Bolzano", "Bozen", "BZ", "021008", date(1927, 1, 12), None, ANPR)
    file = tmp_path / "municipalities.json"
    assert len(load(file)) == len(TABLE)
    save(places, file)
    table = load(file)
    assert table.at("A952", TODAY) == places[1]
    assert table.search("bozen", date(1925, 1, 1)) == [places[0]]
    assert table.at("H501", TODAY) == TABLE.at("H501", TODAY), "what it does not know stays"
    assert len([place for place in table._places if place.code == "A952"]) == 2, "its history, not both"
    assert {place.source for place in table._places} == {"", ANPR}
    assert table.at("Z110", TODAY) is not None
    assert [entry.name for entry in tmp_path.iterdir()] == ["municipalities.json"]


def test_a_new_municipality_is_there_from_its_day_and_german_names_stay(tmp_path: Path) -> None:
    head = HEAD
    lines = [
        head,
        '"1927-01-12","9999-12-31","021008","A952","BOLZANO","","BZ"',
        '"2031-01-01","9999-12-31","021999","M999","NUOVO COMUNE","NEUDORF","BZ"',
    ]
    save(read_anpr(lines), tmp_path / "t.json")
    table = load(tmp_path / "t.json")
    bolzano = table.at("A952", None)
    assert bolzano is not None
    assert (bolzano.written, bolzano.source) == ("Bolzano/Bozen (BZ)", ANPR)
    assert table.at("M999", date(2030, 12, 31)) is None
    assert table.search("neud", date(2030, 12, 31)) == []
    [new] = table.search("neud", date(2031, 1, 1))
    assert (new.code, new.istat) == ("M999", "021999")


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([], 1),
        ([HEAD.replace("CODISTAT", "CODICE")], 1),
        ([HEAD, "1,2,3"], 2),
        ([*LINES, LINES[1].replace("A952", "952A")], 5),
        ([*LINES, LINES[1].replace("1920-10-16", "16/10/1920")], 5),
    ],
)
def test_a_wrong_table_is_refused_by_its_line(lines: list[str], line: int) -> None:
    with pytest.raises(TableWrong) as caught:
        list(read_anpr(lines))
    assert caught.value.facts["line"] == line


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 2, "places": []}', '{"format": 1, "places": [{}]}']
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "municipalities.json"
    file.write_text(content)
    with pytest.raises(TableWrong):
        load(file)


def test_a_table_of_nothing_finds_nothing() -> None:
    assert PlaceTable(list).search("roma", TODAY) == []
