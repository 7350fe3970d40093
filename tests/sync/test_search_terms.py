"""The terms that find a row: beginnings of words, ends of numbers, values that are filtered by."""

from __future__ import annotations

import pytest

from cmsdesk.sync.search_terms import match, terms


def of(text: str) -> set[str]:
    return set(terms([text], {}).split())


def test_every_beginning_of_a_word_is_a_term() -> None:
    assert of("Pöder Jörg") == {"p", "po", "pod", "pode", "poder", "j", "jo", "jor", "jorg"}


def test_what_follows_a_mark_begins_too_and_the_mark_itself_is_nothing() -> None:
    assert {"damico", "amico", "am"} <= of("D'Amico")
    assert {"r20260000", "20260000", "0000123", "123", "00123"} <= of("R-2026-0000123")
    assert "amic" in of("D’Amico")
    assert "mico" not in of("D'Amico")


def test_the_last_digits_of_a_number_are_terms() -> None:
    found = of("7430020000004711")
    assert {"711", "4711", "00004711"} <= found
    assert not {"11", "000004711"} & found
    assert "711" not in of("7711x")


def test_long_words_are_found_by_what_is_indexed_of_them() -> None:
    word = "a" * 30
    assert match(word, {}) == f'"{"a" * 20}"'
    assert "a" * 20 in of(word)
    assert "a" * 21 not in of(word)


def test_values_are_terms_that_nobody_can_type() -> None:
    [term] = terms([], {"state": "approved", "office": ""}).split()
    assert match("", {"state": ["approved"], "office": []}) == f'("{term}")'
    assert match("=state", {}) == '"state"'


@pytest.mark.parametrize("typed", ['"', "ross - rossi", "*", "_"])
def test_a_word_of_marks_alone_finds_nothing(typed: str) -> None:
    assert match(typed, {}) is None


def test_all_that_was_typed_and_one_of_each_choice() -> None:
    found = match("Ross d'a", {"office": ["b", "a"], "kind": []})
    assert found == '"ross" AND "da" AND ("=office=62" OR "=office=61")'
