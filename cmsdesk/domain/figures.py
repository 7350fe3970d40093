"""Figures per office: registrations, approvals, productions, deliveries in a period (ORG-6, S0-033).

Days are those of Europe/Rome; what earlier releases did not note the time of is not counted.
Rome's clock differs from UTC by whole hours, so that what is counted by hours of UTC, as databases
can, adds up to its days.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_


class Grain(Enum):
    """How a period is divided."""

    WHOLE = "whole"
    MONTH = "month"
    DAY = "day"


MOMENTS: Mapping[str, str] = {
    "registered": "created_at",
    "approved": "approved_at",
    "produced": "produced_at",
    "delivered": "delivered_at",
}
"""What is counted, and where a request's document holds its moment (ISO 8601, UTC)."""
HOUR_LETTERS = 13
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9999, 12, 30)
"""Nothing was before and nothing is after; beyond them there is no UTC to reckon with."""
_WHAT = {name: what for what, name in MOMENTS.items()}


@dataclass(frozen=True, order=True)
class OfficeFigures:
    """One line: an office in one part of the period."""

    office: str
    begins: date
    """First day of the part."""
    registered: int = 0
    approved: int = 0
    produced: int = 0
    delivered: int = 0


@dataclass(frozen=True)
class Counted:
    """How often something happened at an office within one hour."""

    office: str
    name: str
    """Where a request's document holds the moment: a value of `MOMENTS`."""
    hour: str
    """Of UTC: the beginning of the moments' ISO 8601 text, ``2026-03-01T23``."""
    number: int


def hours(first: date, last: date) -> tuple[str, str]:
    """Return the first hour of day ``first`` and the one after day ``last``, as `Counted.hour`."""
    days = (first, min(last, _LAST_DAY) + timedelta(days=1))
    begin, end = (
        datetime.combine(max(day, _FIRST_DAY), time(), ROME).astimezone(UTC).isoformat() for day in days
    )
    return begin[:HOUR_LETTERS], end[:HOUR_LETTERS]


def figures(
    counted: Iterable[Counted], first: date, last: date, grain: Grain = Grain.WHOLE
) -> list[OfficeFigures]:
    """Return what happened from day ``first`` to day ``last``, by office and part, empty parts left out."""
    counts: dict[tuple[str, date], Counter[str]] = {}
    begin, end = hours(first, last)
    for one in counted:
        if begin <= one.hour < end:
            day = datetime.fromisoformat(f"{one.hour}:00+00:00").astimezone(ROME).date()
            part = (one.office, max(first, _part(day, first, grain)))
            counts.setdefault(part, Counter())[_WHAT[one.name]] += one.number
    return sorted(OfficeFigures(office, begins, **found) for (office, begins), found in counts.items())


def figures_csv(
    lines: Sequence[OfficeFigures], offices: Mapping[str, str], say: Callable[[str], str] = str
) -> str:
    """Return figures as CSV with a total; ``offices``: names by id, ``say`` translates the heading."""
    heading = [
        *(N_("Office"), N_("From"), N_("Registrations")),
        *(N_("Approvals"), N_("Productions"), N_("Deliveries")),
    ]
    rows = [
        [offices.get(line.office, line.office), line.begins.isoformat(), *map(str, _numbers(line))]
        for line in lines
    ]
    totals = [sum(column) for column in zip(*map(_numbers, lines), strict=True)] or [0] * len(MOMENTS)
    rows.append([say(N_("Total")), "", *map(str, totals)])
    return csv_text([say(name) for name in heading], rows)


def csv_text(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return CSV (RFC 4180) parted by semicolons, as Italian spreadsheets expect it.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell


def _numbers(line: OfficeFigures) -> tuple[int, int, int, int]:
    return line.registered, line.approved, line.produced, line.delivered


def _part(day: date, first: date, grain: Grain) -> date:
    if grain is Grain.WHOLE:
        return first
    return day if grain is Grain.DAY else day.replace(day=1)
