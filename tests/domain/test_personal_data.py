"""EF.Dati_personali and the CNS common name."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.cns import (
    FILE_BYTES,
    CommonName,
    PersonalData,
    PersonalDataError,
    cns_date,
    content,
    personal_data_digest,
    transliterate,
)
from tests.fixtures.orders import holder

LATIN1 = st.text(st.characters(max_codepoint=0xFF, exclude_categories=("Cc",)), max_size=20)
SAMPLE = PersonalData(
    issuer_code="7430",
    issued_on="01112026",
    expires_on="01112029",
    surname="ROSSI",
    given_name="NICOLÒ",
    born_on="01011980",
    sex="M",
    fiscal_code="RSSNCL80A01H501D",
    citizenship="IT",
    birth_municipality_code="H501",
    residence_municipality_code="H501",
    residence_address="VIA DEI MILLE 1",
)


def test_the_file_is_as_the_format_says() -> None:
    """Written out by hand from domain.md §1.3: size in six hexadecimal digits, then length and value."""
    body = (
        "047430" "0801112026" "0801112029" "05ROSSI" "06NICOLÒ" "0801011980" "01M" "00"
        "10RSSNCL80A01H501D" "02IT" "04H501" "00" "00" "04H501" "0FVIA DEI MILLE 1" "00"
    ).encode("latin-1")  # fmt: skip
    assert SAMPLE.encode() == b"%06X" % len(body) + body


def test_opensc_would_read_the_name() -> None:
    """Its parser (pkcs15-itacns.c) takes the size of what follows, then skips fields up to the name."""
    data = SAMPLE.encode() + bytes(20)
    size, rest = int(data[:6], 16), data[6:]
    assert len(data) >= size + 6
    values = []
    for _ in range(5):
        length = int(rest[:2], 16)
        values.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    assert values[3:] == [b"ROSSI", "NICOLÒ".encode("latin-1")]


@given(
    st.builds(PersonalData, **{field.name: LATIN1 for field in fields(PersonalData)}), st.binary(max_size=9)
)
def test_what_is_written_is_read(data: PersonalData, padding: bytes) -> None:
    try:
        encoded = data.encode()
    except PersonalDataError as error:
        assert "too long" in error.problem  # noqa: PT017 - either outcome is right
        return
    assert len(encoded) <= FILE_BYTES
    assert content(encoded + padding) == encoded
    read = PersonalData.decode(encoded + padding)
    assert read == PersonalData(
        **{field.name: transliterate(getattr(data, field.name)) for field in fields(data)}
    )


@pytest.mark.parametrize("field", [field.name for field in fields(PersonalData)])
def test_a_field_that_is_too_long_is_named(field: str) -> None:
    with pytest.raises(PersonalDataError, match="256 characters long, and 255 fit") as refused:
        replace(SAMPLE, **{field: "x" * 256}).encode()
    assert refused.value.field == field
    assert "xx" not in str(refused.value)


@pytest.mark.parametrize("field", [field.name for field in fields(PersonalData)])
def test_when_all_together_are_too_long_the_longest_is_named(field: str) -> None:
    with pytest.raises(PersonalDataError, match="characters too long") as refused:
        replace(SAMPLE, **{"notes": "n" * 200, "height": "h" * 200, field: "x" * 255}).encode()
    assert refused.value.field == field


def test_the_last_byte_of_the_file_is_used_and_none_beyond() -> None:
    room = FILE_BYTES - len(SAMPLE.encode())
    filled = replace(SAMPLE, notes="n" * 200, birth_record="b" * (room - 200))
    assert len(filled.encode()) == FILE_BYTES
    with pytest.raises(PersonalDataError, match="together are 1 characters too long"):
        replace(filled, notes="n" * 201).encode()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("D’Angelo", "D'Angelo"),
        ("Šimůnek", "Simunek"),
        ("Łukasiewicz", "Lukasiewicz"),
        ("Đorđević", "Dordevic"),
        ("Müller-Straße", "Müller-Straße"),
        ("Nicolo\u0300", "Nicolò"),
        ("Œuvre", "OEuvre"),
        ("Anne–Marie", "Anne-Marie"),
        ("İpek ığdır", "Ipek igdir"),
        ("fiﬀ", "fiff"),
    ],
)
def test_names_are_written_in_latin1(text: str, plain: str) -> None:
    assert transliterate(text) == plain
    assert plain.encode("latin-1") in replace(SAMPLE, surname=text).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [("Иванов", "Latin letters"), ("王", "Latin letters"), ("a\nb", "control"), ("a\0b", "control")],
)
def test_what_has_no_latin1_form_is_refused_and_named(text: str, words: str) -> None:
    with pytest.raises(PersonalDataError, match=re.escape(words)) as refused:
        replace(SAMPLE, given_name=text).encode()
    assert refused.value.field == "given_name"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut short"),
        (b"00002", "cut short"),
        (b"00002Z", "hexadecimal"),
        (b"000002" + b"0", "1 of 2 bytes"),
        (b"000003" + b"05A", "1 of 5 bytes"),
        (b"000002" + b"G0", "hexadecimal"),
        (b"000022" + b"00" * 17, "2 bytes after the last field"),
    ],
)
def test_a_broken_file_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(PersonalDataError, match=words):
        PersonalData.decode(data)


@pytest.mark.parametrize("blank", [b"", bytes(400), b"\xff" * 400])
def test_a_file_that_was_never_written_is_empty(blank: bytes) -> None:
    assert content(blank) == b""


def test_content_needs_all_of_the_file() -> None:
    with pytest.raises(PersonalDataError, match="cut short"):
        content(SAMPLE.encode()[:-1])


def test_a_holder_s_data() -> None:
    made = PersonalData.of(
        holder(), issuer_code="X", issued_on=date(2026, 11, 1), expires_on=date(2029, 11, 1)
    )
    assert (made.born_on, made.issued_on, made.expires_on) == ("01011980", "01112026", "01112029")
    assert (made.birth_municipality_code, made.foreign_birth_country) == ("H501", "")
    assert made.residence_address == "Via dei Mille 1, 00185 Roma RM"
    abroad = PersonalData.of(
        holder(birth_municipality_code="Z404"),
        issuer_code="X",
        issued_on=date(2026, 1, 1),
        expires_on=date(2029, 1, 1),
    )
    assert (abroad.birth_municipality_code, abroad.foreign_birth_country) == ("", "Z404")


def test_a_date_of_the_first_millennium_keeps_its_zeros() -> None:
    assert cns_date(date(980, 2, 3)) == "03020980"


def test_the_common_name_binds_card_and_data() -> None:
    file = SAMPLE.encode()
    name = CommonName("RSSNCL80A01H501D", "7430010024925855", personal_data_digest(file))
    assert len(str(name)) == 62
    assert CommonName.parse(str(name)) == name
    assert name.binds(file)
    assert not name.binds(file + b" ")


def test_the_common_name_of_the_published_example() -> None:
    """domain.md §1.1; the digest holds a «/» as base64 may."""
    name = CommonName.parse("RSSMRA80A01H501U/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE=")
    assert name.card_id == "7430010024925855"
    assert len(name.digest) == 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mario Rossi",
        "RSSMRA80A01H501/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE=",
        "RSSMRA80A01H501U/743001002492585.lsKV/lNtBAmc8x5lzSb+cxx2UzE=",
        "RSSMRA80A01H501U/7430010024925855/lsKV/lNtBAmc8x5lzSb+cxx2UzE=",
        "RSSMRA80A01H501U/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE",
        "RSSMRA80A01H501U/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE=\n",
        "rssmra80a01h501u/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE=",
    ],
)
def test_another_common_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CNS"):
        CommonName.parse(text)
