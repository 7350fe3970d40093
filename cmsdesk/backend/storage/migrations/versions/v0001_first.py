"""The first schema.

What is there is left as it is: services that began before there were versions have these tables.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are not there."""
    _state()
    _access()
    _enrolment()
    _jobs()
    _journal()
    _leaves()


def _table(name: str, *columns: SchemaItem, **options: object) -> None:
    op.create_table(name, *columns, if_not_exists=True, **options)


def _index(name: str, table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(name, table, list(columns), unique=unique, if_not_exists=True)


def _state() -> None:
    _table(
        "things",
        Column("thing", String(32), primary_key=True),
        Column("id", String(64), primary_key=True),
        Column("body", String(64), nullable=False),
        Column("office", String(64)),
        Column("state", String(32)),
        Column("owner", String(64)),
        Column("document", Text, nullable=False),
    )
    _index("things_by_body", "things", "body", "thing", "state")
    _index("things_by_owner", "things", "thing", "owner")


def _access() -> None:
    _table(
        "nonces",
        Column("nonce", String(64), primary_key=True),
        Column("expires_at", String(40), nullable=False),
    )
    _table(
        "sessions",
        Column("token_digest", LargeBinary(32), primary_key=True),
        Column("operator", String(16), nullable=False),
        Column("workstation", String(64), nullable=False),
        Column("expires_at", String(40), nullable=False),
    )
    _table(
        "receipts",
        Column("body", String(64), primary_key=True),
        Column("command", String(36), primary_key=True),
        Column("digest", LargeBinary(32), nullable=False),
        Column("answer", Text, nullable=False),
        Column("at", String(40), nullable=False),
    )


def _enrolment() -> None:
    _table(
        "enrolment_codes",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("kind", String(16), nullable=False),
        Column("body", String(64)),
        Column("office", String(64)),
        Column("made_by", String(80), nullable=False),
        Column("expires_at", String(40), nullable=False),
        Column("spent_for", LargeBinary(32)),
        Column("certificate", LargeBinary),
    )
    _table(
        "own_authorities",
        Column("name", String(32), primary_key=True),
        Column("certificate", LargeBinary, nullable=False),
    )


def _jobs() -> None:
    _table(
        "jobs",
        Column("id", String(36), primary_key=True),
        Column("kind", String(40), nullable=False),
        Column("key", String(200), nullable=False),
        Column("facts", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("due_at", String(40), nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("lease_until", String(40)),
        Column("error", String(40)),
        UniqueConstraint("key"),
    )
    _index("jobs_by_due", "jobs", "state", "due_at")


def _journal() -> None:
    _table(
        "journal_bodies",
        Column("body", Text, primary_key=True),
        Column("epoch", BigInteger, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("peaks", LargeBinary, nullable=False),
        postgresql_with={"fillfactor": 50},
    )
    _table(
        "journal_personal",
        Column("body", Text, primary_key=True),
        Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
        Column("salt", LargeBinary, nullable=False),
        Column("personal", LargeBinary, nullable=False),
    )
    _table(
        "journal_nodes",
        Column("body", Text, primary_key=True),
        Column("level", Integer, primary_key=True, autoincrement=False),
        Column("node_index", BigInteger, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary, nullable=False),
    )
    _table(
        "journal_heads",
        Column("body", Text, primary_key=True),
        Column("epoch", BigInteger, primary_key=True, autoincrement=False),
        Column("size", BigInteger, primary_key=True, autoincrement=False),
        Column("signed", LargeBinary, nullable=False),
        Column("signature", LargeBinary, nullable=False),
        Column("key_id", Text, nullable=False),
        Column("timestamp_token", LargeBinary),
    )


def _leaves() -> None:
    _table(
        "journal_leaves",
        Column("body", Text, primary_key=True),
        Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
        Column("at", Text, nullable=False),
        Column("command", Text, nullable=False),
        Column("part", Integer, nullable=False),
        Column("thing", Text, nullable=False),
        Column("thing_id", Text, nullable=False),
        Column("office", Text),
        Column("public", LargeBinary, nullable=False),
        Column("leaf_hash", LargeBinary, nullable=False),
        Column("commitment", LargeBinary),
    )
    _index("journal_leaves_by_command", "journal_leaves", "body", "command", "part", unique=True)
    _index("journal_leaves_by_thing", "journal_leaves", "body", "thing", "thing_id", "leaf_index")
