"""Lists of operators: written for a spreadsheet, read back in any language, mistakes told by line."""

from __future__ import annotations

from datetime import date

import pytest

from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.desk.dates import read_date
from cmsdesk.domain.organisation import Mandate, Office, Operator, Permission, PlaceState, Role, Way
from cmsdesk.operations.staff_lists import (
    Staff,
    StaffList,
    StaffListWrong,
    is_fiscal_code,
    read_staff_list,
    write_staff_list,
)

TODAY = date(2026, 6, 1)
LUKAS, NEW = "PRTLKS79S09F132H", "VRDLGU75C10L219R"
MANDATE = Mandate(
    "M-1",
    LUKAS,
    "uno",
    "uno-1",
    Role.IR,
    date(2024, 1, 1),
    date(2028, 12, 31),
    frozenset({Permission.DATA_ENTRY, Permission.PAYMENTS}),
    payments=Way.PAPER,
)
STAFF = Staff(
    {LUKAS: Operator("O-1", "uno", LUKAS, "Perathoner", "Lukas", "lukas@example.com")},
    [MANDATE],
    {
        "uno-1": Office("uno-1", "uno", "Sportello Bolzano"),
        "uno-2": Office("uno-2", "uno", "Chiuso", state=PlaceState.CLOSED),
    },
)
EMPTY = Staff({}, [], STAFF.offices)
HEAD = "fiscal_code;surname;given_name;office;role;valid_until"


def read(text: str, staff: Staff = STAFF) -> StaffList:
    return read_staff_list(text, "x.csv", staff, lambda one: read_date(one, TODAY), TODAY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_written_in_any_language_is_read_back_whole(language: str) -> None:
    written = write_staff_list(STAFF, texts(language))
    assert read(written) == StaffList((), (), (), known=1)
    found = read(written, EMPTY)
    assert not found.problems
    [person], [mandate] = found.operators, found.mandates
    assert (person["fiscal_code"], person["surname"], person["email"]) == (
        LUKAS,
        "Perathoner",
        "lukas@example.com",
    )
    assert (mandate["office"], mandate["role"]) == ("uno-1", "ir")
    assert mandate["permissions"] == ["data_entry", "payments"]
    assert (mandate["data_entry"], mandate["payments"]) == ("telematic", "paper")
    assert (mandate["valid_from"], mandate["valid_until"]) == ("2024-01-01", "2028-12-31")


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (f"{NEW};Verdi;Luigi;uno-1;rao;31/12/2028", 0),
        (f"{NEW[:-1]}X;Verdi;Luigi;uno-1;rao;31/12/2028", 1),
        (f"{NEW};;;uno-1;rao;31/12/2028", 2),
        (f"{NEW};Verdi;Luigi;Altrove;rao;31/12/2028", 1),
        (f"{NEW};Verdi;Luigi;uno-2;rao;31/12/2028", 1),
        (f"{NEW};Verdi;Luigi;uno-1;capo;mai", 2),
        (f"{NEW};Verdi;Luigi;uno-1;rao;31/12/2025", 1),
        (f"{NEW};Verdi;Luigi;;;", 0),
    ],
)
def test_mistakes_are_told_with_their_line(line: str, count: int) -> None:
    found = read(f"{HEAD}\n{line}")
    assert [problem.line for problem in found.problems] == [2] * count
    assert len(found.operators) == (count == 0)


def test_a_mandate_that_stands_twice_is_a_mistake_of_the_second_line() -> None:
    line = f"{NEW};Verdi;Luigi;uno-1;rao;31/12/2028"
    found = read(f"{HEAD}\n{line}\n\n{line}")
    assert [problem.line for problem in found.problems] == [4]


@pytest.mark.parametrize("text", ["", "a;b\n1;2", 'fiscal_code;surname;given_name\n"x'])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(StaffListWrong):
        read(text)


def test_a_list_is_bounded() -> None:
    lines = [f"{code};A;B;uno-1;help_desk;31/12/2028" for code in codes(251)]
    with pytest.raises(StaffListWrong):
        read("\n".join([HEAD, *lines]))
    assert len(read("\n".join([HEAD, *lines[:250]])).mandates) == 250


def codes(many: int) -> list[str]:
    from cmsdesk.domain.fiscal_code import check_letter

    found = []
    for number in range(many):
        first = f"RSSMRA{60 + number // 28 % 40}A{number % 28 + 1:02d}H{501 + number // 1120:03d}"
        found.append(first + check_letter(first))
    return found


def test_the_check_letter_counts() -> None:
    assert is_fiscal_code(NEW)
    assert not is_fiscal_code(f"{NEW[:-1]}X")
    assert not is_fiscal_code("")
