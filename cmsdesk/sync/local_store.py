"""The desk's local store: one SQLCipher file, never opened without its key (architecture.md, Processes)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import sqlcipher3

from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.operations.errors import StoreNewer, StoreUnreadable
from cmsdesk.operations.ports import LogEntry, LogLine

KEY_BYTES = 32
VERSION = 6
"""Of the file's tables (``user_version``); `desk_store` brings older ones up to date."""
Database: TypeAlias = sqlcipher3.Connection
"""A connection to the desk's encrypted file."""

LOG_SCHEMA = """
CREATE TABLE IF NOT EXISTS productions (
    id     TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    closed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_production_per_device ON productions (device) WHERE closed = 0;
CREATE TABLE IF NOT EXISTS log (
    seq        INTEGER PRIMARY KEY,
    production TEXT NOT NULL,
    step       TEXT NOT NULL,
    phase      TEXT NOT NULL,
    facts      TEXT NOT NULL,
    at         TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS log_by_production ON log (production, seq);
"""


def connect(path: Path, key: Secret) -> sqlcipher3.Connection:
    """Open or create an encrypted database; every commit is durable.

    Args:
        path: the file; its folder exists.
        key: 32 random bytes.

    Raises:
        StoreUnreadable: the key is not this file's, or the file is damaged.
        StoreNewer: a newer program's tables are in it.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key is {KEY_BYTES} bytes")
    database = sqlcipher3.connect(str(path), isolation_level=None, check_same_thread=False)
    try:
        # The key is hexadecimal and PRAGMA takes no parameters.
        database.execute(f"PRAGMA key = \"x'{key.reveal().hex()}'\"")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA foreign_keys = ON")
        [version] = database.execute("PRAGMA user_version").fetchone()
    except sqlcipher3.DatabaseError as error:
        database.close()
        raise StoreUnreadable(file=path.name) from error
    if version > VERSION:
        database.close()
        raise StoreNewer(file=path.name)
    return database


def connect_to_read(path: Path, key: Secret) -> sqlcipher3.Connection:
    """Open the database a second time, only to read: it waits for no writer.

    Raises:
        StoreUnreadable, StoreNewer: see `connect`.
    """
    database = connect(path, key)
    database.execute("PRAGMA query_only = ON")
    return database


def erase_log(database: Database, production: str) -> None:
    """Delete the lines of a production that is closed and erased; in the caller's transaction."""
    closed = database.execute(
        "DELETE FROM productions WHERE id = ? AND closed = 1 RETURNING id", (production,)
    ).fetchall()
    if closed:
        database.execute("DELETE FROM log WHERE production = ?", (production,))


class LocalLog:
    """`ports.WriteAheadLog` in the local store."""

    def __init__(self, database: sqlcipher3.Connection, clock: Clock) -> None:
        self._db = database
        self._clock = clock
        self._lock = threading.Lock()
        with self._lock:
            self._db.executescript(LOG_SCHEMA)

    def append(self, production: str, *lines: LogLine) -> Sequence[LogEntry]:
        """Write lines durably, all or none, then return them."""
        with self._transaction():
            return self._insert(production, lines)

    def entries(self, production: str) -> Sequence[LogEntry]:
        """Return a production's lines in order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT step, phase, facts, at FROM log WHERE production = ? ORDER BY seq", (production,)
            ).fetchall()
        return [
            LogEntry(step, phase, json.loads(facts), datetime.fromisoformat(at))
            for step, phase, facts, at in rows
        ]

    def open(self, production: str, device: str, *lines: LogLine) -> Sequence[LogEntry]:
        """Note that ``production`` is under way on ``device``; a device has one at a time."""
        with self._transaction():
            self._db.execute("INSERT INTO productions (id, device) VALUES (?, ?)", (production, device))
            return self._insert(production, lines)

    def close(self, production: str, *lines: LogLine) -> Sequence[LogEntry]:
        """Note that nothing is left to do for ``production``."""
        with self._transaction():
            self._db.execute("UPDATE productions SET closed = 1 WHERE id = ?", (production,))
            return self._insert(production, lines)

    def unfinished(self, device: str) -> str | None:
        """Return the production under way on ``device``, if any."""
        with self._lock:
            row = self._db.execute(
                "SELECT id FROM productions WHERE device = ? AND closed = 0", (device,)
            ).fetchone()
        return None if row is None else str(row[0])

    def all_unfinished(self) -> dict[str, str]:
        """Return every production that was begun here and not finished, by device, in their order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT device, id FROM productions WHERE closed = 0 ORDER BY rowid"
            ).fetchall()
        return {str(device): str(production) for device, production in rows}

    def _insert(self, production: str, lines: Sequence[LogLine]) -> Sequence[LogEntry]:
        at = self._clock.now()
        entries = [LogEntry(line.step, line.phase, line.facts, at) for line in lines]
        self._db.executemany(
            "INSERT INTO log (production, step, phase, facts, at) VALUES (?, ?, ?, ?, ?)",
            [
                (production, entry.step, entry.phase, json.dumps(entry.facts), at.isoformat())
                for entry in entries
            ],
        )
        return entries

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; durable when the block is left."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                # Also after a COMMIT that failed, unless the failure has ended the transaction itself.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
