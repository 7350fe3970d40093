"""The service's database: SQLite embedded, PostgreSQL beyond one machine; the same tables and code."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

_BUSY_TIMEOUT_MS = 10_000
_CONNECTIONS = 48
"""At most: one for each thread that answers calls (40), and the jobs'. Whoever waits for a connection is
overtaken by who asks later, and may wait half a minute on a busy day; so nobody waits."""
_READING = "cmsdesk_reading"
_WRITING = "cmsdesk_writing"


def open_engine(url: str) -> Engine:
    """Open ``sqlite:///path`` or ``postgresql+psycopg://…``.

    Every transaction of SQLite begins ``IMMEDIATE``: one writer at a time, and none that fails
    half-way because another wrote; those of `reading` wait for no writer. On PostgreSQL the commands
    of one body take turns (`backend.journal.turn`). Errors never quote what was stored.
    """
    # A file does not go away: only connections to a server are tried before use.
    ping = not url.startswith("sqlite")
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_pre_ping=ping,
        hide_parameters=True,
    )
    if engine.dialect.name == "sqlite":
        turns = _Turns()
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", turns.begin)
        event.listen(engine.pool, "checkin", turns.end)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that only reads, all of it from one moment; it holds off no writer."""
    isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**{_READING: True}, **isolation) as connection:
        yield connection


def _prepare_sqlite(connection: Any, entry: ConnectionPoolEntry) -> None:
    # SQLAlchemy's documented recipe: the driver begins no transactions of its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.close()


class _Turns:
    """Writers of this process take turns here: SQLite's own way is to sleep and try again.

    A turn lasts until its connection goes back to the pool. Whoever waits in vain goes on to SQLite,
    which decides: nothing depends on the turn but how long one waits.
    """

    def __init__(self) -> None:
        self._turn = _Queue()

    def begin(self, connection: Connection) -> None:
        """Begin a transaction, one that writes in its turn."""
        if connection.get_execution_options().get(_READING):
            connection.exec_driver_sql("BEGIN")
            return
        if not connection.info.get(_WRITING):
            connection.info[_WRITING] = self._turn.enter(_BUSY_TIMEOUT_MS / 1000)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def end(self, connection: Any, entry: ConnectionPoolEntry) -> None:
        """Let the next one write."""
        if entry.info.pop(_WRITING, False):
            self._turn.leave()


class _Queue:
    """A lock that is given in the order in which it was asked for: a plain one lets some wait for long."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    def enter(self, timeout_s: float) -> bool:
        """Wait for one's turn; False: it did not come in time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(timeout_s):
            return True
        with self._guard:
            if mine.is_set():
                return True
            self._waiting.remove(mine)
            return False

    def leave(self) -> None:
        """Give the turn to who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
