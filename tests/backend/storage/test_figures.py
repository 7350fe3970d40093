"""Figures are counted in the database, and are what one counts by hand; both databases."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cmsdesk.backend.storage.engine import open_engine, reading
from cmsdesk.backend.storage.figures import office_figures
from cmsdesk.backend.storage.things import StoredThings, metadata
from cmsdesk.base.clock import ROME
from cmsdesk.domain.events import Document
from cmsdesk.domain.figures import MOMENTS, Grain
from tests.fixtures.postgres import *  # noqa: F403 - fixtures are found by name

BODY, OTHER = "uno", "due"
BEGINNING = datetime(2025, 12, 30, tzinfo=UTC)
PERIODS = [
    (date(2026, 1, 1), date(2026, 12, 31)),
    (date(2026, 3, 29), date(2026, 3, 29)),  # 23 hours
    (date(2026, 10, 25), date(2026, 10, 25)),  # 25 hours
    (date(2026, 2, 10), date(2026, 5, 3)),
    (date(2027, 1, 2), date(2027, 1, 1)),
    (date.min, date.max),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    made = open_engine(url)
    metadata.create_all(made)
    yield made
    made.dispose()


def requests() -> dict[tuple[str, str], Document]:
    """Return requests of two bodies in all hours of a year, midnight and the clocks' change too."""
    chance, made = random.Random(5), {}
    for number in range(3000):
        at, document = BEGINNING + timedelta(minutes=chance.randrange(370 * 24 * 60)), {}
        for name in list(MOMENTS.values())[: chance.randint(0, 4)]:
            document[name] = at.replace(microsecond=chance.choice((0, 7))).isoformat()
            at += timedelta(minutes=chance.randrange(40_000))
        place = {"body": OTHER if number % 7 == 0 else BODY, "office": f"o-{number % 3}"}
        holder = {"created_at": "2026-03-01T10:00:00+00:00"}  # a value of the same name further in
        made["request", f"r-{number}"] = {**place, **document, "state": "registered", "holder": holder}
    made["device", "d"] = {"body": BODY, "office": "o-1", "created_at": "2026-03-01T10:00:00+00:00"}
    return made


@pytest.mark.parametrize("grain", Grain)
def test_the_database_counts_as_one_does_by_hand(engine: Engine, grain: Grain) -> None:
    stored = requests()
    with engine.begin() as connection:
        StoredThings(connection).put(stored)
    for first, last in PERIODS:
        by_hand: Counter[tuple[str, date, str]] = Counter()
        for (thing, _), document in stored.items():
            if thing != "request" or document["body"] != BODY:
                continue
            for what, name in MOMENTS.items():
                if name in document:
                    day = datetime.fromisoformat(document[name]).astimezone(ROME).date()
                    begins = {Grain.WHOLE: first, Grain.MONTH: day.replace(day=1), Grain.DAY: day}[grain]
                    if first <= day <= last:
                        by_hand[document["office"], max(first, begins), what] += 1
        with reading(engine) as connection:
            lines = office_figures(connection, BODY, first, last, grain)
        assert by_hand or first > last
        assert {
            (line.office, line.begins, what): getattr(line, what)
            for line in lines
            for what in MOMENTS
            if getattr(line, what)
        } == dict(by_hand)
        assert lines == sorted(lines)
