"""What a desk may do without the service, and how it shows when it did more (architecture.md, Trust)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cmsdesk.domain import problem
from cmsdesk.domain.commands import Command
from cmsdesk.domain.decisions import RULES
from cmsdesk.domain.organisation import Mandate, Permission, Role
from cmsdesk.domain.voucher import (
    COMMANDS,
    SKEW,
    BeyondVoucher,
    ClockSetBack,
    Kept,
    Link,
    NeedsService,
    Neighbours,
    OfflineRight,
    SignedVoucher,
    Voucher,
    VoucherOver,
    VoucherSpent,
    check_give,
    rights_of,
    troubles,
)

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
MANDATE = Mandate(
    "M-1",
    "RSSMRA80A01H501U",
    "uno",
    "uno-1",
    Role.IR,
    date(2020, 1, 1),
    date(2040, 1, 1),
    frozenset({Permission.DATA_ENTRY}),
)
VOUCHER = Voucher(
    "V-1", "service", "ab" * 32, MANDATE, "s", NOW, NOW + timedelta(hours=24), 3, rights_of(MANDATE)
)
SIGNED = SignedVoucher(VOUCHER.encode(), b"s", "k")
SECOND = timedelta(seconds=1)


def command(number: int = 1, kind: str = "request.register") -> Command:
    return Command(f"C-{number}", kind, "uno", {"request": {"id": f"R-{number}", "name": "Perù"}})


def chain(length: int) -> list[tuple[Command, Link]]:
    """Return commands in their places, a minute apart."""
    made, before = [], SIGNED.start
    for number in range(1, length + 1):
        link = Link(SIGNED, number, before, NOW + number * timedelta(minutes=1))
        made.append((command(number), link))
        before = link.digest(made[-1][0])
    return made


def kept(pair: tuple[Command, Link]) -> Kept:
    given, link = pair
    return Kept(link.digest(given), link.previous, link.at)


def test_a_voucher_and_a_link_read_back_as_they_were() -> None:
    assert Voucher.decode(VOUCHER.encode()) == VOUCHER
    assert SignedVoucher.of(SIGNED.document()) == SIGNED
    _, link = chain(1)[0]
    assert Link.of(link.document()) == link


@pytest.mark.parametrize(
    "signed",
    [
        b"{}",
        b"[]",
        VOUCHER.encode().replace(b"cmsdesk voucher", b"cmsdesk other!!"),
        VOUCHER.encode().replace(b'"most":3', b'"most":null'),
    ],
)
def test_what_is_no_voucher_is_not_read_as_one(signed: bytes) -> None:
    with pytest.raises(ValueError, match="voucher"):
        Voucher.decode(signed)


@pytest.mark.parametrize("spoilt", [{}, {"number": "1"}, {"at": "2026-06-01T08:00:00"}, {"voucher": {}}])
def test_what_is_no_link_is_not_read_as_one(spoilt: dict[str, object]) -> None:
    document = chain(1)[0][1].document()
    with pytest.raises(ValueError, match="not a"):
        Link.of({**document, **spoilt} if spoilt else {})


# --- what is covered ---------------------------------------------------------------------------


def test_registering_printing_delivering_and_a_suspension_need_no_service_issuing_does() -> None:
    assert {OfflineRight.REGISTER, OfflineRight.PRINT, OfflineRight.DELIVER} <= VOUCHER.rights
    suspending = {role for role in Role if OfflineRight.SUSPEND in rights_of(replace(MANDATE, role=role))}
    assert suspending == {Role.RAO, Role.HELP_DESK}
    assert OfflineRight.TAKE_PAYMENT not in VOUCHER.rights, "the mandate has no till"
    needing = {kind for kind in RULES if kind not in COMMANDS}
    assert {kind for kind in RULES if kind.startswith("production.")} <= needing
    assert {"request.approve", "mandate.grant", "stock.receive", "configuration.change"} <= needing


@pytest.mark.parametrize("kind", sorted(set(RULES) - set(COMMANDS)))
def test_every_other_command_is_refused_without_the_service(kind: str) -> None:
    with pytest.raises(NeedsService):
        check_give(VOUCHER, 1, kind, NOW, NOW)


def test_an_administrator_of_the_body_has_nothing_to_do_without_it() -> None:
    assert rights_of(replace(MANDATE, role=Role.ADMINISTRATOR, permissions=frozenset())) == frozenset()


# --- at the desk -------------------------------------------------------------------------------


def test_time_and_count_are_bounds() -> None:
    last = VOUCHER.valid_until
    check_give(VOUCHER, 3, "request.register", NOW, last)
    with pytest.raises(VoucherSpent):
        check_give(VOUCHER, 4, "request.register", NOW, NOW)
    with pytest.raises(VoucherOver):
        check_give(VOUCHER, 1, "request.register", NOW, last + SECOND)


def test_a_clock_set_back_is_seen_against_all_that_the_desk_saw() -> None:
    seen = NOW + timedelta(hours=5)
    check_give(VOUCHER, 1, "request.register", seen, seen - SKEW)
    with pytest.raises(ClockSetBack):
        check_give(VOUCHER, 1, "request.register", seen, seen - SKEW - SECOND)
    with pytest.raises(ClockSetBack):
        check_give(VOUCHER, 1, "request.register", NOW - timedelta(days=1), NOW - SKEW - SECOND)


# --- at the service ----------------------------------------------------------------------------


def test_a_chain_in_order_out_of_order_and_with_a_gap_is_no_trouble() -> None:
    one, two, three = chain(3)
    late = NOW + timedelta(days=2)
    assert troubles(one[1], one[0], Neighbours(), late) == []
    assert troubles(two[1], two[0], Neighbours(before=kept(one)), late) == []
    assert troubles(three[1], three[0], Neighbours(), late) == []
    assert troubles(two[1], two[0], Neighbours(kept(one), kept(two), kept(three)), late) == []


def test_an_overrun_shows() -> None:
    four = chain(4)[3]
    assert troubles(four[1], four[0], Neighbours(), NOW + timedelta(hours=1)) == [problem.VOUCHER_OVERRUN]


def test_what_was_given_after_the_time_shows() -> None:
    given, link = chain(1)[0]
    late = replace(link, at=VOUCHER.valid_until + SECOND)
    found = troubles(late, given, Neighbours(), NOW + timedelta(days=2))
    assert found == [problem.VOUCHER_EXPIRED]


def test_a_clock_that_went_back_shows() -> None:
    one, two = chain(2)
    back = replace(two[1], at=one[1].at - SKEW - SECOND)
    found = troubles(back, two[0], Neighbours(before=kept(one)), NOW + timedelta(hours=1))
    assert found == [problem.VOUCHER_CLOCK]
    ahead = replace(one[1], at=NOW + timedelta(hours=2))
    assert troubles(ahead, one[0], Neighbours(), NOW) == [problem.VOUCHER_CLOCK]


def test_what_is_not_covered_shows() -> None:
    _, link = chain(1)[0]
    found = troubles(link, command(1, "request.approve"), Neighbours(), NOW + timedelta(hours=1))
    assert found == [problem.VOUCHER_NOT_COVERED]


def test_a_second_chain_of_one_voucher_shows_wherever_it_meets_the_first() -> None:
    one, two, three = chain(3)
    late = NOW + timedelta(hours=1)
    other = Command("C-9", "request.register", "uno", {"request": {"id": "R-9"}})
    at_the_same_place = Neighbours(before=kept(one), same=kept(two))
    assert troubles(two[1], other, at_the_same_place, late) == [problem.VOUCHER_COPIED]
    assert troubles(two[1], other, Neighbours(after=kept(three)), late) == [problem.VOUCHER_COPIED]
    after_another = Kept("0" * 64, one[1].previous, one[1].at)
    assert troubles(two[1], two[0], Neighbours(before=after_another), late) == [problem.VOUCHER_COPIED]
    begun_elsewhere = replace(one[1], previous="0" * 64)
    assert troubles(begun_elsewhere, one[0], Neighbours(), late) == [problem.VOUCHER_COPIED]


def test_the_refusal_says_why_in_words() -> None:
    cause, _ = BeyondVoucher(reason=problem.VOUCHER_COPIED).sentences(str)
    assert problem.REASONS[problem.VOUCHER_COPIED] in cause
