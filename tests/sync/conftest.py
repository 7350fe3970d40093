"""The service in this process and a store, empty, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmsdesk.base.clock import FixedClock
from tests.sync.bench import MORNING, CentralService, CrashingStore, open_store


@pytest.fixture
def central(tmp_path: Path) -> Iterator[CentralService]:
    """The central service on SQLite."""
    made = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(MORNING))
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CrashingStore]:
    """A desk's encrypted store."""
    made = open_store(tmp_path / "desk.db")
    yield made
    made._db.close()
