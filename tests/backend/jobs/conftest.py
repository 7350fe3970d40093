"""Both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.storage.engine import open_engine
from tests.fixtures.postgres import *  # noqa: F403


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path / 'service.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = open_engine(url)
    create_tables(made)
    yield made
    made.dispose()
