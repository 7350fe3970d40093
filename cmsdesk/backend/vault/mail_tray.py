"""What waits for the mailer in the vault's file: e-mailed scratch cards' codes, closed to the vault itself.

The mailer is a process of its own with a token of its own. Its connection to the file never lasts
longer than one statement, so that the vault can empty its log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path


class MailTray:
    """The table ``mail`` of the vault's database, from outside the vault."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def waiting(self) -> list[str]:
        """Return the numbers of the scratch cards that wait, in their order."""
        with self._open() as database:
            return [number for (number,) in database.execute("SELECT number FROM mail ORDER BY at, number")]

    def before(self, moment: datetime) -> list[str]:
        """Return the numbers of those that were put there before ``moment``."""
        query = "SELECT number FROM mail WHERE at < ? ORDER BY number"
        with self._open() as database:
            return [number for (number,) in database.execute(query, (moment.isoformat(),))]

    def sealed(self, number: str) -> bytes | None:
        """Return a scratch card's codes, closed for the mailer; None: they are gone."""
        with self._open() as database:
            row = database.execute("SELECT sealed FROM mail WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def remove(self, number: str) -> None:
        """Delete a scratch card's codes: overwritten in the file, and dropped from its log."""
        with self._open() as database:
            database.execute("DELETE FROM mail WHERE number = ?", (number,))
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        address = f"file:{self._path}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as database:
            database.executescript("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;")
            yield database
