"""Tables of the attachments' contents: per body, by hash, in sealed chunks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.backend.storage.things import metadata

_blobs = Table(
    "blobs",
    metadata,
    Column("body", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    # a key of its own for each content, sealed by the HSM
    Column("sealed_key", LargeBinary, nullable=False),
    Column("complete", Boolean, nullable=False),
)
_chunks = Table(
    "blob_chunks",
    metadata,
    Column("body", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class StoredBlob:
    """A content's row."""

    sealed_key: bytes
    complete: bool


def open_blob(connection: Connection, body: str, sha256: str, sealed_key: bytes) -> StoredBlob:
    """Return a content's row, locked; make it unless it is there: the first one's key stays."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"body": body, "sha256": sha256, "sealed_key": sealed_key, "complete": False}
    connection.execute(make(_blobs).values(row).on_conflict_do_nothing())
    found = find_blob(connection, body, sha256, lock=True)
    if found is None:
        raise LookupError(sha256)
    return found


def find_blob(connection: Connection, body: str, sha256: str, *, lock: bool = False) -> StoredBlob | None:
    """Return a content's row."""
    query = select(_blobs.c.sealed_key, _blobs.c.complete).where(
        _blobs.c.body == body, _blobs.c.sha256 == sha256
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else StoredBlob(bytes(row.sealed_key), row.complete)


def add_chunk(connection: Connection, body: str, sha256: str, number: int, sealed: bytes) -> None:
    """Store a chunk; one that is there stays."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"body": body, "sha256": sha256, "number": number, "sealed": sealed}
    connection.execute(make(_chunks).values(row).on_conflict_do_nothing())


def numbers(connection: Connection, body: str, sha256: str) -> list[int]:
    """Return which chunks are there, in order."""
    query = select(_chunks.c.number).where(_chunks.c.body == body, _chunks.c.sha256 == sha256)
    return list(connection.execute(query.order_by(_chunks.c.number)).scalars())


def chunk(connection: Connection, body: str, sha256: str, number: int) -> bytes | None:
    """Return a sealed chunk."""
    query = select(_chunks.c.sealed).where(
        _chunks.c.body == body, _chunks.c.sha256 == sha256, _chunks.c.number == number
    )
    found: bytes | None = connection.execute(query).scalar_one_or_none()
    return None if found is None else bytes(found)


def complete(connection: Connection, body: str, sha256: str) -> None:
    """Note that a content is whole and was checked."""
    connection.execute(
        update(_blobs).where(_blobs.c.body == body, _blobs.c.sha256 == sha256).values(complete=True)
    )


def forget_blob(connection: Connection, body: str, sha256: str) -> None:
    """Delete a content."""
    for table in (_chunks, _blobs):
        connection.execute(delete(table).where(table.c.body == body, table.c.sha256 == sha256))
