"""Bringing a database to this program's schema: Alembic's migrations, forward only.

Every start does it, in one transaction: all of it or nothing. Of replicas that start together one
migrates and the others wait. A schema that this program does not know is left alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, text

from cmsdesk.base.errors import Bug, Mendable
from cmsdesk.base.logs import Log
from cmsdesk.base.texts import N_

_FOLDER = Path(__file__).parent / "migrations"
_TURN = 0x636D73_6D6967  # «cmsmig»: the advisory lock's name


class SchemaNewer(Mendable):
    """A newer version has migrated the database."""

    code = "SCHEMA-NEWER"
    cause = N_(
        "The database belongs to a newer version of cmsdesk (schema {found}; this program knows {known})."
    )
    next_step = N_("Install that version; or restore a backup of this one into an empty place.")


def migrate(engine: Engine) -> None:
    """Bring a database, empty or of an older version, to this version's schema.

    Raises:
        SchemaNewer: nothing was changed.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite's transactions begin by taking turns
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        found = revision_of(connection)
        if found == latest():
            return
        _check_known(found)
        _upgrade(connection)
    Log("storage").info("migrated", version=latest())


def latest() -> str:
    """Return the version of the schema that this program has."""
    head = _scripts().get_current_head()
    if head is None:
        raise Bug("there are no migrations")
    return head


def revision_of(connection: Connection) -> str | None:
    """Return the version of a database's schema; None: it is empty, or older than versions."""
    return MigrationContext.configure(connection).get_current_revision()


def _check_known(found: str | None) -> None:
    if found is None:
        return
    try:
        known = _scripts().get_revision(found)
    except CommandError:
        known = None
    if known is None:
        raise SchemaNewer(found=found, known=latest())


def _upgrade(connection: Connection) -> None:
    def steps(revision: Any, context: MigrationContext) -> list[Any]:
        return list(_scripts()._upgrade_revs("head", revision))

    with EnvironmentContext(Config(), _scripts(), fn=steps) as environment:
        # SQLite's statements of this kind are transactional too, when the driver does not interfere
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))
