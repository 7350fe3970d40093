"""Both databases, a signer, and journals to work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.store import open_body
from cmsdesk.backend.journal.tables import METADATA
from tests.backend.journal.world import BODY, SoftwareSigner, postgres_engine, sqlite_engine
from tests.fixtures.postgres import *  # noqa: F403 - fixtures are found by name
from tests.fixtures.postgres import PostgresCluster


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database with the journal's tables and one body, of either kind."""
    if request.param == "sqlite":
        made = sqlite_engine(tmp_path / "journal.db")
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        made = postgres_engine(cluster.create_database())
    METADATA.create_all(made)
    with made.begin() as connection:
        open_body(connection, BODY)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with engine.connect() as open_connection:
        yield open_connection


@pytest.fixture
def signer() -> SoftwareSigner:
    """The journal's key."""
    return SoftwareSigner()


@pytest.fixture
def keys(signer: SoftwareSigner) -> Keys:
    """What a checker knows of it."""
    return Keys(signer.public_key)
