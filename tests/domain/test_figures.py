"""Figures per office, by days of Rome, and their CSV."""

from __future__ import annotations

import csv
import io
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.figures import (
    HOUR_LETTERS,
    Counted,
    Grain,
    OfficeFigures,
    csv_text,
    figures,
    figures_csv,
)

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


def request(office: str = "a", **moments: str) -> list[Counted]:
    return [Counted(office, name, moment[:HOUR_LETTERS], 1) for name, moment in moments.items()]


def counted(*requests: list[Counted]) -> list[Counted]:
    return [one for request in requests for one in request]


def test_each_moment_counts_where_and_when_it_was() -> None:
    requests = counted(
        request(created_at="2026-02-27T10:00:00+00:00", approved_at="2026-03-02T10:00:00+00:00"),
        request(
            created_at="2026-03-02T10:00:00+00:00",
            approved_at="2026-03-02T11:00:00+00:00",
            produced_at="2026-03-05T11:00:00+00:00",
            delivered_at="2026-04-05T11:00:00+00:00",
        ),
        request("b", created_at="2026-03-30T10:00:00+00:00"),
    )
    assert figures(requests, FIRST, LAST) == [
        OfficeFigures("a", FIRST, registered=1, approved=2, produced=1),
        OfficeFigures("b", FIRST, registered=1),
    ]


def test_a_day_is_a_day_of_rome() -> None:
    late = request(created_at="2026-02-28T23:30:00+00:00")
    assert figures(late, FIRST, LAST)[0].registered == 1
    assert figures(request(created_at="2026-03-31T22:30:00+00:00"), FIRST, LAST) == []


def test_a_period_is_divided_by_month_or_day() -> None:
    requests = counted(*(request(created_at=f"2026-0{month}-15T10:00:00+00:00") for month in (1, 3, 3, 5)))
    first, last = date(2026, 1, 10), date(2026, 5, 31)
    assert [(line.begins, line.registered) for line in figures(requests, first, last, Grain.MONTH)] == [
        (date(2026, 1, 10), 1),
        (date(2026, 3, 1), 2),
        (date(2026, 5, 1), 1),
    ]
    assert [line.begins.day for line in figures(requests, first, last, Grain.DAY)] == [15, 15, 15]


def test_any_period_is_a_period() -> None:
    assert figures(request(created_at="2026-03-15T10:00:00+00:00"), date.min, date.max) == [
        OfficeFigures("a", date.min, registered=1)
    ]
    assert figures([], date.max, date.max) == figures([], date.min, date.min) == []


def test_the_csv_has_names_and_a_total() -> None:
    lines = [OfficeFigures("a", FIRST, 1, 2, 3, 4), OfficeFigures("b", FIRST, 10, 20, 30, 40)]
    rows = list(csv.reader(io.StringIO(figures_csv(lines, {"a": "Sportello; uno"})), delimiter=";"))
    assert rows[1] == ["Sportello; uno", "2026-03-01", "1", "2", "3", "4"]
    assert rows[2][0] == "b"
    assert rows[3] == ["Total", "", "11", "22", "33", "44"]
    assert figures_csv([], {}).splitlines()[1] == "Total;;0;0;0;0"


@given(st.lists(st.text(min_size=1), min_size=1))
def test_no_cell_is_a_formula_and_every_cell_comes_back(cells: list[str]) -> None:
    text = csv_text(["x"] * len(cells), [cells])
    [_, row] = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    for cell, found in zip(cells, row, strict=True):
        assert found[0] not in "=+-@\t"
        assert found in (cell, f"'{cell}")
