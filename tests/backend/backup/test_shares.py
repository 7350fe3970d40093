"""Two of three shares give the key back, one alone does not; slips in typing are found."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.backend.backup.shares import ShareWrong, _inverse, _times, join, split
from cmsdesk.base.secret import Secret

KEY = bytes(range(32))


@given(st.binary(min_size=1, max_size=48))
def test_any_two_in_any_order_give_the_key(key: bytes) -> None:
    texts = [share.reveal_text() for share in split(Secret(key))]
    for pair in permutations(texts, 2):
        assert join([Secret(text) for text in pair]).reveal() == key


def test_the_field() -> None:
    # FIPS 197 §4.2: {57} • {83} = {c1}
    assert _times(0x57, 0x83) == 0xC1
    assert all(_times(value, _inverse(value)) == 1 for value in range(1, 256))


def test_one_share_says_nothing_of_the_key() -> None:
    # every byte of a share is as likely under any key: over many splits all values of a byte appear
    seen = {split(Secret(b"\x00"))[0].reveal_text() for _ in range(400)}
    assert len(seen) > 250


def test_small_letters_and_other_groups_are_read() -> None:
    first, second, _ = (share.reveal_text() for share in split(Secret(KEY)))
    assert join([Secret(first.lower()), Secret(second.replace("-", " "))]).reveal() == KEY


def test_a_slip_in_typing_is_found() -> None:
    first, second, _ = (share.reveal_text() for share in split(Secret(KEY)))
    for at, letter in enumerate(first):
        if letter == "-":
            continue
        typed = first[:at] + ("A" if letter != "A" else "B") + first[at + 1 :]
        with pytest.raises(ShareWrong):
            join([Secret(typed), Secret(second)])
    for typed in ("", "1", first[:-1], first + "A"):
        with pytest.raises(ShareWrong):
            join([Secret(typed or "-"), Secret(second)])


def test_the_same_share_twice_and_shares_of_two_keys_are_refused() -> None:
    mine, others = split(Secret(KEY)), split(Secret(KEY))
    for pair in ([mine[0], mine[0]], [mine[0], others[1]], [mine[0]], mine):
        with pytest.raises(ShareWrong):
            join(pair)
