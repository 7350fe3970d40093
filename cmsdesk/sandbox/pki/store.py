"""The CA's memory: end entities, approvals, certificates and list numbers, in SQLite.

Every change is committed before it is answered, in WAL mode without a sync to disk: it outlives
the death of the process, which is what the tests do to it, not the loss of power.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
    username TEXT PRIMARY KEY, password TEXT NOT NULL, ca TEXT NOT NULL, subject TEXT NOT NULL,
    alt_name TEXT NOT NULL, certificate_profile TEXT NOT NULL, entity_profile TEXT NOT NULL,
    email TEXT NOT NULL, status INTEGER NOT NULL, polls_left INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS certificates (
    ca TEXT NOT NULL, serial TEXT NOT NULL, username TEXT NOT NULL, key_digest TEXT NOT NULL,
    der BLOB NOT NULL, reason INTEGER NOT NULL, revoked_at TEXT, PRIMARY KEY (ca, serial));
CREATE INDEX IF NOT EXISTS certificates_username ON certificates (username);
CREATE INDEX IF NOT EXISTS certificates_key ON certificates (ca, key_digest);
CREATE INDEX IF NOT EXISTS certificates_revoked ON certificates (ca) WHERE reason >= 0;
CREATE TABLE IF NOT EXISTS lists (
    ca TEXT PRIMARY KEY, number INTEGER NOT NULL, der BLOB NOT NULL, until TEXT NOT NULL,
    stale INTEGER NOT NULL);
"""

NOT_REVOKED = -1


class Refusal(Exception):
    """An answer other than success, as the REST interface words it."""

    def __init__(self, status: int, message: str) -> None:
        """``status`` is the HTTP status, ``message`` the text of ``error_message``."""
        super().__init__(message)
        self.status = status
        self.message = message


class EntityStatus(IntEnum):
    """End entity states, with EJBCA's numbers (``EndEntityConstants``)."""

    NEW = 10
    FAILED = 11
    GENERATED = 40
    REVOKED = 50
    WAITING = 90
    """Waiting for an approval: the protocol does not show it."""


@dataclass(frozen=True)
class Entity:
    """An end entity: whoever a certificate is for, known by its user name."""

    username: str
    password: str
    """SHA-256 of the enrolment code, hex."""
    ca: str
    subject: str
    alt_name: str
    certificate_profile: str
    entity_profile: str
    email: str
    status: EntityStatus
    polls_left: int = 0
    """For a waiting one: how many more questions until it is approved."""


@dataclass(frozen=True)
class Issued:
    """A certificate in the store."""

    ca: str
    serial: int
    username: str
    key_digest: str
    der: bytes
    reason: int = NOT_REVOKED
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class StoredList:
    """The latest revocation list of a CA."""

    number: int
    der: bytes
    until: datetime
    stale: bool


class Store:
    """One connection, guarded by the caller's single-threaded use within `transaction`."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; commit at the end and on a `Refusal` (a question counts), undo on an error."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except Refusal:
                self._db.execute("COMMIT")
                raise
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def entity(self, username: str) -> Entity | None:
        """Return an end entity."""
        row = self._db.execute("SELECT * FROM entities WHERE username = ?", (username,)).fetchone()
        return None if row is None else replace(Entity(*row), status=EntityStatus(row[8]))

    def put_entity(self, entity: Entity) -> None:
        """Store an end entity, new or changed."""
        self._db.execute(
            "INSERT OR REPLACE INTO entities VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                entity.username,
                entity.password,
                entity.ca,
                entity.subject,
                entity.alt_name,
                entity.certificate_profile,
                entity.entity_profile,
                entity.email,
                int(entity.status),
                entity.polls_left,
            ),
        )

    def set_status(self, username: str, status: EntityStatus, polls_left: int = 0) -> None:
        """Change an end entity's state."""
        self._db.execute(
            "UPDATE entities SET status = ?, polls_left = ? WHERE username = ?",
            (int(status), polls_left, username),
        )

    def add_certificate(self, issued: Issued) -> None:
        """Store a new certificate."""
        self._db.execute(
            "INSERT INTO certificates VALUES (?,?,?,?,?,?,NULL)",
            (issued.ca, f"{issued.serial:X}", issued.username, issued.key_digest, issued.der, issued.reason),
        )

    def certificate(self, ca: str, serial: int) -> Issued | None:
        """Return one certificate."""
        row = self._db.execute(
            "SELECT * FROM certificates WHERE ca = ? AND serial = ?", (ca, f"{serial:X}")
        ).fetchone()
        return row and _issued(row)

    def certificates_of(self, username: str) -> list[Issued]:
        """Return an end entity's certificates."""
        rows = self._db.execute("SELECT * FROM certificates WHERE username = ?", (username,))
        return [_issued(row) for row in rows]

    def users_of_key(self, ca: str, key_digest: str) -> set[str]:
        """Return who has a certificate of ``ca`` for a public key."""
        rows = self._db.execute(
            "SELECT username FROM certificates WHERE ca = ? AND key_digest = ?", (ca, key_digest)
        )
        return {row[0] for row in rows}

    def revoked(self, ca: str) -> list[Issued]:
        """Return the certificates on the list, holds too."""
        rows = self._db.execute("SELECT * FROM certificates WHERE ca = ? AND reason >= 0", (ca,))
        return [_issued(row) for row in rows]

    def count(self) -> int:
        """Return how many certificates were ever issued."""
        return int(self._db.execute("SELECT count(*) FROM certificates").fetchone()[0])

    def set_reason(self, ca: str, serial: int, reason: int, at: datetime | None) -> None:
        """Revoke, hold or (with `NOT_REVOKED`) reactivate; the CA's list becomes stale."""
        self._db.execute(
            "UPDATE certificates SET reason = ?, revoked_at = ? WHERE ca = ? AND serial = ?",
            (reason, at and at.isoformat(), ca, f"{serial:X}"),
        )
        self._db.execute("UPDATE lists SET stale = 1 WHERE ca = ?", (ca,))

    def crl(self, ca: str) -> StoredList | None:
        """Return the latest list."""
        row = self._db.execute("SELECT number, der, until, stale FROM lists WHERE ca = ?", (ca,)).fetchone()
        return row and StoredList(row[0], row[1], _moment(row[2]), bool(row[3]))

    def put_crl(self, ca: str, new: StoredList) -> None:
        """Store the latest list."""
        self._db.execute(
            "INSERT OR REPLACE INTO lists VALUES (?,?,?,?,?)",
            (ca, new.number, new.der, new.until.isoformat(), int(new.stale)),
        )


def _issued(row: tuple[str, str, str, str, bytes, int, str | None]) -> Issued:
    ca, serial, username, key_digest, der, reason, at = row
    return Issued(ca, int(serial, 16), username, key_digest, der, reason, _moment(at) if at else None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
