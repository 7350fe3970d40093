"""The archive's table: what a line says, and what is wrong with one."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.archive import COLUMNS, EarlierIssue, LineWrong, read_archive
from cmsdesk.domain.device import DeviceKind

HEAD = ",".join(COLUMNS)
GOOD = "TSSMRT87C54A952D,Tessari,Marta,BZ-123456,,smart_card,2019-05-31,Altro,7430010024925855"
ISSUE = EarlierIssue(
    device_kind=DeviceKind.SMART_CARD,
    issued_on=date(2019, 5, 31),
    supplier="Altro",
    fiscal_code="TSSMRT87C54A952D",
    surname="Tessari",
    given_name="Marta",
    rea="BZ-123456",
    serial="7430010024925855",
)


def read(*lines: str, head: str = HEAD) -> list[tuple[int, EarlierIssue] | LineWrong]:
    return list(read_archive([f"{line}\n" for line in (head, *lines)]))


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_good_line(delimiter: str) -> None:
    head, line = HEAD.replace(",", delimiter), GOOD.replace(",", delimiter)
    assert read(line, "", line, head="\ufeff" + head.upper()) == [(2, ISSUE), (4, ISSUE)]


def test_columns_in_another_order_and_fewer() -> None:
    head = "supplier;issued_on;device_kind;company_fiscal_code"
    found = read("Altro;31/05/2019;Token USB;00743110157", head=head)
    assert found == [
        (
            2,
            EarlierIssue(DeviceKind.USB_TOKEN, date(2019, 5, 31), "Altro", company_fiscal_code="00743110157"),
        )
    ]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (GOOD.replace("TSSMRT87C54A952D", "TSSMRT87C54A952"), "fiscal_code"),
        (GOOD.replace("BZ-123456", "BZ123456"), "rea"),
        (GOOD.replace(",,", ",123,"), "company_fiscal_code"),
        (GOOD.replace("smart_card", "disco"), "device_kind"),
        (GOOD.replace("2019-05-31", "31.5.19"), "issued_on"),
        (GOOD.replace("2019-05-31", "2019-02-30"), "issued_on"),
        (GOOD.replace("Altro", ""), "supplier"),
        (GOOD + ",x", ""),
        (",,,,,smart_card,2019-05-31,Altro,", ""),
    ],
)
def test_a_wrong_line_is_named_and_stops_no_other(line: str, column: str) -> None:
    wrong, good = read(line, GOOD)
    assert isinstance(wrong, LineWrong)
    assert (wrong.line, wrong.column) == (2, column)
    assert good == (3, ISSUE)


def test_a_table_without_a_needed_column() -> None:
    assert read(GOOD, head="fiscal_code,supplier") == [
        LineWrong(1, "the column «{column}» is missing", "device_kind")
    ]
    assert [type(found) for found in read_archive([])] == [LineWrong]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_text_is_read_or_told(lines: list[str]) -> None:
    for found in read(*lines):
        assert isinstance(found, LineWrong | tuple)


def test_the_same_line_is_the_same_issue_within_a_body() -> None:
    ((_, first), (_, again)) = [found for found in read(GOOD, GOOD) if isinstance(found, tuple)]
    assert first.id("uno") == again.id("uno") != first.id("due")
    (other,) = [found[1] for found in read(GOOD.replace("123456", "123457")) if isinstance(found, tuple)]
    assert other.id("uno") != first.id("uno")
