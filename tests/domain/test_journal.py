"""Entries, commitments, heads and the legal time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.base.errors import Bug
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import (
    Act,
    Entry,
    SignedHead,
    TreeHead,
    TreeState,
    Validity,
    check_body,
    commitment_of,
    erasure,
    new_epoch,
    time_text,
)

AT = datetime(2026, 3, 12, 9, 30, 0, 125, tzinfo=UTC)
ACT = Act(
    "01958a4c-0000-7000-8000-000000000001", "mandate:01958a4c-0000-7000-8000-0000000000aa", AT, "ab" * 32
)
ENTRY = Entry(
    body="BZ",
    epoch=1,
    index=17,
    part=0,
    act=ACT,
    kind="request.approved",
    thing="request",
    id="01958a4c-0000-7000-8000-000000000002",
    office="BZ-1",
    changes={"state": "approved", "fee_cents": 4500, "slots": ["cns", "qualified"]},
    commitment=bytes(range(32)),
)
STATE = TreeState("BZ", 1, 18, sha256(b"root").digest())


def test_entry_as_released_in_format_1() -> None:
    assert ENTRY.encode().decode() == (
        '{"actor":"mandate:01958a4c-0000-7000-8000-0000000000aa","at":"2026-03-12T09:30:00.000125Z",'
        '"body":"BZ","changes":{"fee_cents":4500,"slots":["cns","qualified"],"state":"approved"},'
        '"command":"01958a4c-0000-7000-8000-000000000001",'
        '"commitment":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
        '"epoch":1,"id":"01958a4c-0000-7000-8000-000000000002","index":17,"kind":"request.approved",'
        '"office":"BZ-1","part":0,"thing":"request","v":1,"workstation":"' + "ab" * 32 + '"}'
    )


def test_entry_is_read_back() -> None:
    assert Entry.decode(ENTRY.encode()) == ENTRY
    bare = replace(ENTRY, office=None, commitment=None, act=replace(ACT, workstation=None), changes={})
    assert Entry.decode(bare.encode()) == bare


def test_entry_gives_the_event_with_its_personal_data() -> None:
    event = ENTRY.event({"surname": "Rossi"})
    assert event == Event(ENTRY.kind, "request", ENTRY.id, ENTRY.changes, {"surname": "Rossi"})
    assert ENTRY.event().personal == {}


@pytest.mark.parametrize("name", sorted(json.loads(ENTRY.encode())))
def test_entry_needs_every_name_with_its_type(name: str) -> None:
    value = json.loads(ENTRY.encode())
    wrongs: list[Any] = [None, True, 1.5, [], "x", 2]
    for wrong in wrongs:
        broken = json.dumps({**value, name: wrong}, sort_keys=True, separators=(",", ":")).encode()
        try:
            decoded = Entry.decode(broken)
        except ValueError:
            continue
        assert json.loads(decoded.encode())[name] == wrong, "read back as something else"
    del value[name]
    with pytest.raises(ValueError, match="format"):
        Entry.decode(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def test_an_entry_of_a_later_format_is_not_guessed_at() -> None:
    later = ENTRY.encode().replace(b'"v":1', b'"v":2')
    with pytest.raises(ValueError, match="format"):
        Entry.decode(later)


@pytest.mark.parametrize(
    "leak",
    [
        {"operator": "RSSMRA80A01H501U"},
        {"holder": {"fiscal_code": "RSSMRAULALMHRLMD"}},
        {"reason": "asked by RSSMRA80A01H501U, in person"},
        {"contact": "mario.rossi@posta.example.it"},
        {"RSSMRA80A01H501U": 1},
    ],
)
def test_personal_data_in_the_public_part_are_a_bug(leak: dict[str, Any]) -> None:
    with pytest.raises(Bug, match=r"request\.approved") as caught:
        replace(ENTRY, changes=leak).encode()
    assert "RSSMRA" not in str(caught.value)
    assert "rossi" not in str(caught.value)


@pytest.mark.parametrize("value", ["6090010000000017", "RSSMRA80A01H501UX", "a@b", "C" * 16, "ab" * 32])
def test_other_values_are_not_taken_for_personal_data(value: str) -> None:
    assert Entry.decode(replace(ENTRY, changes={"value": value}).encode()).changes == {"value": value}


def test_times_are_utc_and_sort_as_text() -> None:
    rome = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert time_text(rome) == "2026-06-30T22:30:00.000000Z"
    with pytest.raises(ValueError, match="aware"):
        time_text(datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused


# --- commitments -------------------------------------------------------------------------------


def test_commitment_as_released_in_format_1() -> None:
    salt, personal = bytes(range(32)), b'{"surname":"Rossi"}'
    by_hand = sha256(b"cmsdesk journal personal data 1\x00" + salt + personal)
    assert commitment_of(salt, personal) == by_hand.digest()


@given(st.binary(min_size=32, max_size=32), st.binary(), st.binary(min_size=32, max_size=32), st.binary())
def test_a_commitment_opens_to_one_value_only(salt: bytes, data: bytes, other: bytes, changed: bytes) -> None:
    same = (salt, data) == (other, changed)
    assert (commitment_of(salt, data) == commitment_of(other, changed)) is same


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_salt_has_256_bits(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        commitment_of(bytes(length), b"{}")


# --- heads -------------------------------------------------------------------------------------


def test_head_as_released_in_format_1() -> None:
    assert TreeHead(STATE, AT).encode().decode() == (
        '{"at":"2026-03-12T09:30:00.000125Z","body":"BZ","epoch":1,"purpose":"cmsdesk journal head",'
        '"root":"' + STATE.root.hex() + '","size":18,"v":1}'
    )
    assert TreeHead.decode(TreeHead(STATE, AT).encode()) == TreeHead(STATE, AT)


@pytest.mark.parametrize(
    ("name", "value"), [("purpose", "sign in"), ("v", 2), ("size", "18"), ("root", 1), ("at", "2026-03-12")]
)
def test_something_else_signed_is_no_head(name: str, value: object) -> None:
    broken = {**json.loads(TreeHead(STATE, AT).encode()), name: value}
    with pytest.raises(ValueError):
        TreeHead.decode(json.dumps(broken, sort_keys=True, separators=(",", ":")).encode())


def test_signed_head_travels_as_json() -> None:
    head = SignedHead(TreeHead(STATE, AT).encode(), b"signature", "cd" * 32)
    for kept in (head, replace(head, timestamp=b"token")):
        assert SignedHead.from_document(json.loads(json.dumps(kept.document()))) == kept
        assert kept.head.state == STATE


@pytest.mark.parametrize("document", [{}, {"signed": 1}, {"signed": "", "signature": "zz"}])
def test_what_is_no_signed_head_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        SignedHead.from_document({"key_id": "", "timestamp": None, **document})


def test_paper_line_is_typed_back_however_spaced() -> None:
    line = STATE.paper()
    body, rest = line.split(" ", 1)
    assert len(line) < 110, "one line of an A4 sheet"
    assert TreeState.from_paper(line) == STATE
    assert TreeState.from_paper(f"  {body}\n {rest.upper().replace(' ', '   ')}\n") == STATE


def test_every_slip_of_one_character_shows() -> None:
    line = STATE.paper()
    for at, character in enumerate(line):
        if character == " ":
            continue
        slip = line[:at] + ("0" if character != "0" else "1") + line[at + 1 :]
        with pytest.raises(ValueError):
            TreeState.from_paper(slip)


# --- the legal time ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issued", "expires", "until"),
    [
        (
            datetime(2026, 5, 10, tzinfo=UTC),
            datetime(2029, 5, 10, tzinfo=UTC),
            datetime(2049, 5, 10, tzinfo=UTC),
        ),
        (
            datetime(2026, 5, 10, tzinfo=UTC),
            datetime(2026, 5, 1, tzinfo=UTC),
            datetime(2046, 5, 10, tzinfo=UTC),
        ),
        (
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(2028, 2, 29, tzinfo=UTC),
            datetime(2048, 2, 29, tzinfo=UTC),
        ),
        (
            datetime(2077, 1, 1, tzinfo=UTC),
            datetime(2080, 2, 29, tzinfo=UTC),
            datetime(2100, 3, 1, tzinfo=UTC),
        ),
    ],
)
def test_kept_for_twenty_years_from_the_later_of_issue_and_expiry(
    issued: datetime, expires: datetime, until: datetime
) -> None:
    assert Validity(issued, expires).keep_until() == until


def test_erasure_names_its_entries() -> None:
    event = erasure("BZ", [9, 3, 3], AT)
    assert (event.kind, event.thing, event.id) == ("journal.erased", "journal", "BZ")
    assert event.changes == {"entries": [3, 9], "kept_until": "2026-03-12T09:30:00.000125Z"}


def test_epochs_are_dated_so_that_none_is_used_twice() -> None:
    first, event = new_epoch("BZ", 1, AT)
    second, _ = new_epoch("BZ", 1, AT + timedelta(seconds=1))
    assert first == int(AT.timestamp())
    assert second == first + 1
    assert new_epoch("BZ", first, AT)[0] == first + 1
    assert event.changes == {"previous": 1}


@pytest.mark.parametrize("body", ["", "a b", "x" * 65, "ò", "BZ\n"])
def test_a_body_that_no_line_of_paper_could_carry_is_refused(body: str) -> None:
    with pytest.raises(Bug):
        check_body(body)
