"""Canonical JSON against the examples of RFC 8785."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.canonical import MAX_INTEGER, canonical, read_canonical

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_strings_as_in_section_3_2_4() -> None:
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    expected = "22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22"
    assert canonical(text) == bytes.fromhex(expected)


def test_order_of_names_as_in_section_3_2_3() -> None:
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical(value)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_literals_and_spaces() -> None:
    assert canonical({"b": [None, True, False], "a": {"z": -1, "a": 0}}) == (
        b'{"a":{"a":0,"z":-1},"b":[null,true,false]}'
    )


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert read_canonical(canonical(value)) == value


@given(st.dictionaries(st.text(), st.integers(0, 9), min_size=2))
def test_the_order_of_insertion_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("value", [1.0, float("nan"), b"bytes", {1: "one"}, {"a": {2}}, [object()]])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [MAX_INTEGER + 1, -MAX_INTEGER - 1, ["\ud800"]])
def test_what_readers_would_change_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":9007199254740992}',
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u000F"',
        b"NaN",
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b"",
        b"[" * 100_000,
        '{"\ufb33":1,"\U0001f600":2}'.encode(),
    ],
)
def test_other_writings_of_a_value_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_canonical(data)
