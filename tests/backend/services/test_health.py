"""The jobs' figures: true when they are read, and not read at every question."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.services.health import JOBS_KEPT, Health, Waiting
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.jobs import enqueue
from cmsdesk.base.clock import FixedClock

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'service.db'}")
    create_tables(made)
    yield made
    made.dispose()


def test_jobs_are_counted_once_in_a_while(engine: Engine) -> None:
    clock, read = FixedClock(NOW), []
    health = Health(engine, lambda: None, clock)

    def see(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        read.append(text)

    with engine.begin() as connection:
        enqueue(connection, "notices", "notices/1", {}, NOW)
    event.listen(engine, "before_cursor_execute", see)
    assert health.jobs().waiting == {"notices": Waiting(1, 0)}
    with engine.begin() as connection:
        enqueue(connection, "notices", "notices/2", {}, NOW)
    read.clear()
    clock.advance(JOBS_KEPT - timedelta(microseconds=1))
    assert health.jobs().waiting == {"notices": Waiting(1, 0)}
    assert read == []
    clock.advance(timedelta(microseconds=1))
    assert health.jobs().waiting == {"notices": Waiting(2, 0)}
    clock.advance(-JOBS_KEPT)  # a clock that was put back
    read.clear()
    health.jobs()
    assert read != []
