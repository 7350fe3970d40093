"""A table that was changed has its migration (`tests/backend/storage` looks closer, on both databases)."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.migrate import migrate
from cmsdesk.backend.storage.schema import TABLES


def test_the_migrations_end_at_the_tables_definitions(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.db'}")
    migrate(engine)
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), list(TABLES)) == []
    engine.dispose()
