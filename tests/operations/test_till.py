"""The series of a desk's till, and its next number whoever gave the last."""

from __future__ import annotations

import pytest

from cmsdesk.domain.commands import Command
from cmsdesk.domain.configuration import Configuration, PaymentMethod
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.operations.till import Till, due_cents, next_number, receipt_number, till_at

ONE, OTHER = "ab" * 32, "cd" * 32


def configured(series: str = "BZ1", methods: tuple[str, ...] = ("cash", "pos", "online")) -> Configuration:
    values = default_configuration("CA").sections()
    return Configuration.of({**values, "payments": {"methods": list(methods), "series": {"O": series}}})


def test_every_desk_has_a_series_of_its_own() -> None:
    one, other = till_at(configured(), "O", ONE), till_at(configured(), "O", OTHER)
    assert one is not None
    assert other is not None
    assert one.id != other.id
    assert one.series != other.series
    assert one.series.startswith("BZ1-")
    assert one == till_at(configured(), "O", ONE)
    assert one.methods == (PaymentMethod.CASH, PaymentMethod.POS)


def test_a_long_series_fits_the_rule() -> None:
    till = till_at(configured("bolzano-centro"), "O", ONE)
    assert till is not None
    assert len(till.series) <= 12
    assert till.series.isupper() or till.series[:8] == "BOLZANO-"


@pytest.mark.parametrize(
    "configuration",
    [None, configured(methods=()), configured(methods=("online",))],
    ids=["0", "1", "2"],
)
def test_no_till_where_no_money_is_taken(configuration: Configuration | None) -> None:
    assert till_at(configuration, "O", ONE) is None
    assert till_at(configured(), "elsewhere", ONE) is None


def test_the_next_number_counts_what_others_gave_at_this_desk() -> None:
    till = Till("t", "B-1", (PaymentMethod.CASH,))

    def taken(number: int, at: str = "t") -> Command:
        return Command("c", "payment.record", "b", {"till": at, "number": number})

    assert next_number(till, None, []) == 1
    assert next_number(till, {"last_number": 7}, []) == 8
    assert next_number(till, {"last_number": 7}, [taken(9), taken(40, "other")]) == 10
    assert next_number(till, {"last_number": 7}, [taken(3)]) == 8
    back = Command("c", "payment.reverse", "b", {"till": "t", "number": 11})
    assert next_number(till, {"last_number": 7}, [taken(9), back]) == 12


def test_numbers_and_what_is_due() -> None:
    assert receipt_number("BZ1-7K2", 123) == "BZ1-7K2/000123"
    assert due_cents({"first_issue": {"fee_cents": 2500}, "paid_cents": 500}) == 2000
    assert due_cents({"first_issue": {"fee_cents": 2500}, "paid_cents": 3000}) == 0
    assert due_cents({}) == 0
