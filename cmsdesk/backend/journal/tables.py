"""The journal's tables (SQLAlchemy Core; SQLite and PostgreSQL).

``journal_leaves`` is only ever inserted into. What a checker recomputes (hashes, peaks, nodes) is
kept for speed and never believed. Hash columns are 32 raw bytes; times are texts that sort.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

BODIES = Table(
    "journal_bodies",
    METADATA,
    Column("body", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    # The counter every appender increments in its own transaction: the row lock orders the leaves.
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    # room on the page for the versions a busy counter leaves behind
    postgresql_with={"fillfactor": 50},
)

LEAVES = Table(
    "journal_leaves",
    METADATA,
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
    Index("journal_leaves_by_command", "body", "command", "part", unique=True),
    Index("journal_leaves_by_thing", "body", "thing", "thing_id", "leaf_index"),
)

PERSONAL = Table(
    "journal_personal",
    METADATA,
    Column("body", Text, primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("personal", LargeBinary, nullable=False),
)

NODES = Table(
    "journal_nodes",
    METADATA,
    Column("body", Text, primary_key=True),
    # 8, 16, 24 …: every 256th hash of the tree, so that a proof reads hundreds of rows, not millions
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("node_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

HEADS = Table(
    "journal_heads",
    METADATA,
    Column("body", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("signed", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("timestamp_token", LargeBinary),
)
