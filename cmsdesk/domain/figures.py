"""Figures per office: registrations, approvals, productions, deliveries in a period (ORG-6, S0-033).

Pure functions over the documents of requests. Days are those of Europe/Rome; what earlier releases
did not note the time of is not counted.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.domain.events import Document


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
"""What is counted, and where a request's document holds its moment."""


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


def figures(
    requests: Iterable[Document], first: date, last: date, grain: Grain = Grain.WHOLE
) -> list[OfficeFigures]:
    """Return what happened from day ``first`` to day ``last``, by office and part, empty parts left out."""
    counts: dict[tuple[str, date], Counter[str]] = {}
    for request in requests:
        for what, name in MOMENTS.items():
            moment = request.get(name)
            if moment is None:
                continue
            day = datetime.fromisoformat(moment).astimezone(ROME).date()
            if first <= day <= last:
                part = (request["office"], max(first, _part(day, first, grain)))
                counts.setdefault(part, Counter())[what] += 1
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
