"""Every database comes to the schema that the tables' definitions say, with its rows; never back."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, inspect, make_url, select, text

from cmsdesk.backend.journal.store import read_page
from cmsdesk.backend.services.service import Service
from cmsdesk.backend.storage import migrate as module
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.migrate import SchemaNewer, latest, migrate, revision_of
from cmsdesk.backend.storage.schema import TABLES
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.organisation import Mandate
from cmsdesk.operations.ports import Vault
from tests.fixtures.postgres import *  # noqa: F403 - fixtures are found by name
from tests.fixtures.service import ADMINISTRATOR, BODY, LOT, MORNING

FOLDER = Path(__file__).parent / "released"
RELEASED = sorted({path.name.partition(".")[0] for path in FOLDER.glob("*.sql")})
DEVICE = "7430010000000000"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgres_url")
        return found
    return f"sqlite:///{tmp_path / 'service.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = open_engine(url)
    yield made
    made.dispose()


def differences(engine: Engine) -> list[Any]:
    """Return what Alembic would have to change to come to the tables' definitions."""
    with engine.begin() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), list(TABLES)))


def rows(
    engine: Engine, only: Mapping[str, Collection[str]] | None = None
) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows by table; ``only``: of these tables and columns."""
    seen = MetaData()
    seen.reflect(engine)
    wanted = columns(engine) if only is None else only
    with engine.begin() as connection:
        found = {
            name: connection.execute(select(*(seen.tables[name].c[column] for column in of))).all()
            for name, of in wanted.items()
        }
    return {name: sorted(map(tuple, some), key=str) for name, some in found.items()}


def columns(engine: Engine) -> dict[str, list[str]]:
    """Return the columns' names by table."""
    seen = MetaData()
    seen.reflect(engine)
    return {name: list(table.c.keys()) for name, table in seen.tables.items()}


def load(url: str, release: str) -> None:
    """Make the database of a former release."""
    address = make_url(url)
    name = f"{release}.{address.get_backend_name()}.sql"
    statements = (FOLDER / name).read_text(encoding="utf-8")
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(address.database))) as database:
            database.executescript(statements)
        return
    target = address.set(drivername="postgresql").render_as_string()
    with psycopg.connect(target) as connection:
        connection.execute(statements.encode())


def test_an_empty_database_gets_what_the_definitions_say(engine: Engine) -> None:
    migrate(engine)
    assert differences(engine) == []
    defined = {name for tables in TABLES for name in tables.tables}
    assert set(inspect(engine).get_table_names()) == {*defined, "alembic_version"}


def test_what_the_comparison_does_not_see(engine: Engine) -> None:
    """A busy counter's page keeps room on PostgreSQL."""
    migrate(engine)
    if engine.dialect.name == "postgresql":
        query = text("SELECT reloptions FROM pg_class WHERE relname = 'journal_bodies'")
        with engine.begin() as connection:
            assert connection.execute(query).scalar_one() == ["fillfactor=50"]
    else:
        assert "journal_leaves_by_command" in {
            found["name"] for found in inspect(engine).get_indexes("journal_leaves") if found["unique"]
        }


def test_the_comparison_would_find_a_difference(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX things_by_owner"))
        connection.execute(text("ALTER TABLE nonces ADD COLUMN more INTEGER"))
    assert {found[0] for found in differences(engine)} == {"add_index", "remove_column"}


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    before = rows(engine)
    migrate(engine)
    assert rows(engine) == before


@pytest.mark.parametrize("release", RELEASED)
def test_a_former_releases_database_is_carried_over(engine: Engine, url: str, release: str) -> None:
    load(url, release)
    had = {name: of for name, of in columns(engine).items() if name != "alembic_version"}
    before = rows(engine, had)
    assert len(before["things"]) > 5
    migrate(engine)
    assert rows(engine, had) == before
    assert differences(engine) == []
    with engine.begin() as connection:
        assert revision_of(connection) == latest()


@pytest.mark.parametrize("release", RELEASED)
def test_the_service_works_on_what_was_carried_over(engine: Engine, url: str, release: str) -> None:
    load(url, release)
    migrate(engine)
    with engine.begin() as connection:
        [(mandate, document)] = StoredThings(connection).of_owner("mandate", ADMINISTRATOR)
        entries = len(read_page(connection, BODY).items)
    service = Service(
        engine, cast(Vault, None), {}, FixedClock(MORNING + timedelta(days=1))
    )  # touches no code
    actor = Actor(Mandate.of(mandate, document), "ab" * 32)
    assert (service.get("device", DEVICE, actor) or {})["lot"] == LOT
    command = Command(new_id(), "scratch_card.receive", BODY, {"number": "SC-99", "lot": LOT})
    [answer] = service.execute([command], actor)
    assert answer.accepted
    with engine.begin() as connection:
        assert len(read_page(connection, BODY).items) == entries + 1


def test_a_newer_schema_is_refused_and_left_alone(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DROP TABLE nonces"))
    before = rows(engine)
    with pytest.raises(SchemaNewer) as caught:
        migrate(engine)
    assert caught.value.facts == {"found": "9999", "known": latest()}
    assert rows(engine) == before


def test_a_migration_that_fails_leaves_nothing_behind(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for path in (Path(module.__file__).parent / "migrations" / "versions").glob("v*.py"):
        (folder / "versions" / path.name).write_text(path.read_text())
    last = latest()
    broken = (
        "from alembic import op\nfrom sqlalchemy import Column, Integer\n"
        f"revision = '9000'\ndown_revision = '{last}'\n"
        "def upgrade():\n"
        "    op.create_table('half', Column('id', Integer))\n"
        "    op.drop_table('nowhere')\n"
    )
    (folder / "versions" / "v9000_broken.py").write_text(broken)
    monkeypatch.setattr(module, "_scripts", lambda: ScriptDirectory(str(folder)))
    with pytest.raises(Exception, match="nowhere"):
        migrate(engine)
    assert inspect(engine).get_table_names() == []


def test_replicas_that_start_together_migrate_once(url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        engine = open_engine(url)
        try:
            migrate(engine)
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    engine = open_engine(url)
    assert differences(engine) == []
    engine.dispose()


def test_versions_go_forward_in_one_line() -> None:
    scripts = module._scripts()
    revisions = list(scripts.walk_revisions())
    assert len(scripts.get_heads()) == 1
    assert [found.revision for found in reversed(revisions)] == [
        f"{number:04d}" for number in range(1, len(revisions) + 1)
    ]
    assert not [found for found in revisions if hasattr(found.module, "downgrade")]


def test_what_belongs_to_a_request_is_found_on_what_was_carried_over(engine: Engine, url: str) -> None:
    load(url, "v1")
    documents = {
        ("production", "p"): {"request": "r"},
        ("attachment", "a"): {"request": "r"},
        ("problem", "1"): {"about": "r"},
        ("problem", "2"): {"facts": {"request": "r"}},
        ("problem", "3"): {"facts": {"request": {}}},
        ("office", "o"): {"name": "r"},
    }
    fill = text("INSERT INTO things (thing, id, body, document) VALUES (:thing, :id, 'x', :document)")
    with engine.begin() as connection:
        for (thing, name), document in documents.items():
            connection.execute(fill, {"thing": thing, "id": name, "document": json.dumps(document)})
    migrate(engine)
    with engine.begin() as connection:
        found = {key for key, _ in StoredThings(connection).about("r")}
    assert found == set(documents) - {("problem", "3"), ("office", "o")}
