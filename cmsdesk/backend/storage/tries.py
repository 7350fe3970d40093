"""Table of the tries of a minute, of all replicas together; who tries is kept as a hash."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, String, Table, delete
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.backend.storage.things import metadata

_tries = Table(
    "tries",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("caller", LargeBinary(32), primary_key=True),
    # since 1970
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
)


def count_try(connection: Connection, kind: str, caller: bytes, minute: int) -> int:
    """Count one more try; return how many there are in this minute."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"kind": kind, "caller": caller, "minute": minute, "count": 1}
    counted = make(_tries).values(row)
    counted = counted.on_conflict_do_update(
        index_elements=["kind", "caller", "minute"], set_={"count": _tries.c.count + 1}
    )
    return int(connection.execute(counted.returning(_tries.c.count)).scalar_one())


def forget_tries(connection: Connection, before_minute: int) -> None:
    """Delete what was counted before a minute."""
    connection.execute(delete(_tries).where(_tries.c.minute < before_minute))
