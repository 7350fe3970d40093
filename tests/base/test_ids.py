"""UUIDv7 as RFC 9562 §5.7 has it."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.base.ids import first_id_of, new_id, uuid7

MOMENTS = st.integers(0, (1 << 48) - 1)


@given(MOMENTS)
def test_version_variant_and_time_stand_where_the_standard_puts_them(unix_ms: int) -> None:
    made = uuid7(unix_ms)
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == unix_ms


@given(MOMENTS, MOMENTS)
def test_text_order_is_time_order(one: int, other: int) -> None:
    if one != other:
        assert (str(uuid7(one)) < str(uuid7(other))) == (one < other)


def test_the_example_of_the_standard_has_our_layout() -> None:
    # RFC 9562 appendix A.6: 2022-02-22 14:22:22 -05:00
    example = uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert str(uuid7(example.int >> 80))[:15] == str(example)[:15]


def test_ids_are_of_now_and_differ() -> None:
    before = time.time_ns() // 1_000_000
    made = {new_id() for _ in range(2000)}
    after = time.time_ns() // 1_000_000
    assert len(made) == 2000
    assert all(before <= uuid.UUID(text).int >> 80 <= after for text in made)


def test_every_random_bit_is_used() -> None:
    fixed = (0xF << 76) | (0x3 << 62)
    random_bits = ((1 << 80) - 1) & ~fixed
    ones, zeros = 0, random_bits
    for _ in range(200):
        ones |= uuid7(0).int & random_bits
        zeros &= uuid7(0).int & random_bits
    assert ones == random_bits
    assert zeros == 0


def test_what_was_made_before_a_moment_sorts_below_its_first_id() -> None:
    moment = datetime(2026, 6, 1, 8, tzinfo=UTC)
    unix_ms = int(moment.timestamp() * 1000)
    assert str(uuid7(unix_ms - 1)) < first_id_of(moment) <= str(uuid7(unix_ms))
