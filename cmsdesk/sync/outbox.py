"""The outbox: the only table that a person's action writes, and what became of each command.

A command that the service took is kept for ninety days after its events came: should the service be
restored from a backup that knows nothing of it, it is handed back (OPS-2).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Facts
from cmsdesk.domain.commands import Command
from cmsdesk.sync.local_store import Database

KEPT = timedelta(days=90)
"""How long accepted commands are kept; the service keeps its backups as long (OPS-2: three months)."""
ATTEMPTS = 3
"""After so many failures of its own a command is set aside, so that it is seen."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY, command TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,
    facts TEXT NOT NULL, mandate TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    code TEXT, refusal TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_by_state ON outbox (state, seq);
"""
SINCE_2 = (
    "ALTER TABLE outbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN again INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE outbox ADD COLUMN leaf INTEGER",
)
"""What version 2 of the file added."""
SINCE_3 = ("ALTER TABLE outbox ADD COLUMN link TEXT",)
"""What version 3 added: a command's place in a voucher's chain, JSON."""


class OutboxState(Enum):
    """What became of a command so far."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    """The service took it; its events have not come by the feed yet."""
    REFUSED = "refused"
    """A problem for a person: see its code and facts."""
    QUARANTINED = "quarantined"
    """The service cannot take it, for an error in a program; a person sees it, and it can be sent again."""
    DONE = "done"
    """Its events have come, if it has any; kept for a restored service."""


OPEN = tuple(state for state in OutboxState if state is not OutboxState.DONE)


@dataclass(frozen=True)
class Queued:
    """A command in the outbox."""

    command: Command
    mandate: str
    state: OutboxState
    code: str = ""
    """Why it was refused, or is still waiting though it was sent."""
    facts: Facts | None = None
    at: str = ""
    """When it was given, ISO 8601."""
    seq: int = 0


class Outbox:
    """The outbox in the desk's encrypted file; `desk_store.DeskStore` adds the rest of the file."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.RLock()

    def queue(self, command: Command, mandate: str, at: str) -> None:
        """Put a command into the outbox, durably; the same command again changes nothing."""
        self._insert(command, mandate, at, OutboxState.PENDING)

    def keeper(self, mandate: str, clock: Clock) -> Callable[[Command], None]:
        """Return what keeps the commands that the service takes at once under a mandate."""
        return lambda command: self.keep(command, mandate, clock.now().isoformat())

    def keep(self, command: Command, mandate: str, at: str) -> None:
        """Keep a command that the service took at once, outside the outbox, for a restored service."""
        self._insert(command, mandate, at, OutboxState.DONE)

    def queued(
        self, *states: OutboxState, mandate: str | None = None, limit: int = 10_000, after: int = 0
    ) -> list[Queued]:
        """Return commands in their order, of the given states (all open ones when none is given).

        Args:
            mandate: of this one only.
            limit: at most so many; -1: all.
            after: only those behind this ``seq``.
        """
        wanted = [state.value for state in states or OPEN]
        marks = ", ".join("?" for _ in wanted)  # the only thing put into the statement's text
        with self._lock:
            rows = self._db.execute(
                "SELECT command, kind, body, facts, again, link, mandate, state, code, refusal, at, seq"  # noqa: S608
                f" FROM outbox WHERE state IN ({marks}) AND mandate = coalesce(?, mandate) AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (*wanted, mandate, after, limit),
            ).fetchall()
        return [_queued(row) for row in rows]

    def accepted(self, command: str) -> None:
        """Note that the service took a command; its events come by the feed."""
        self._set(command, OutboxState.ACCEPTED)

    def refused(self, command: str, code: str, facts: Facts) -> None:
        """Note a refusal: a visible problem until a person deals with it."""
        self._set(command, OutboxState.REFUSED, code, facts)

    def held(self, command: str, code: str, facts: Facts) -> None:
        """Note why a command is still waiting though it was sent: it is sent again."""
        self._set(command, OutboxState.PENDING, code, facts)

    def failed(self, command: str, code: str, facts: Facts) -> None:
        """Note that a command could not be taken; after `ATTEMPTS` of its own it is set aside."""
        with self._transaction():
            found = self._db.execute(
                "UPDATE outbox SET attempts = attempts + 1 WHERE command = ? RETURNING attempts", (command,)
            ).fetchone()
            enough = found is not None and found[0] >= ATTEMPTS
            self._set(command, OutboxState.QUARANTINED if enough else OutboxState.PENDING, code, facts)

    def send_again(self, command: str | None = None, mandate: str | None = None) -> None:
        """Give a command that was set aside (or all of a mandate) one more try."""
        with self._transaction():
            self._db.execute(
                "UPDATE outbox SET state = 'pending', attempts = ? WHERE state = 'quarantined'"
                " AND command = coalesce(?, command) AND mandate = coalesce(?, mandate)",
                (ATTEMPTS - 1, command, mandate),
            )
            self._pending_changed()

    def finish(self, command: str) -> None:
        """A command that was taken and whose events, if any, have come."""
        with self._transaction():
            self._db.execute(
                "UPDATE outbox SET state = 'done' WHERE command = ? AND state = 'accepted'", (command,)
            )
            self._no_longer_pending(command)

    def dismiss(self, command: str) -> None:
        """A person dealt with a problem: a command refused, set aside, or handed back in vain."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM outbox WHERE command = ? AND (state IN ('refused', 'quarantined')"
                " OR state = 'pending' AND again = 1 AND code IS NOT NULL)",
                (command,),
            )
            self._no_longer_pending(command)

    def forget_before(self, at: str) -> None:
        """Forget finished commands that were given before ``at``, ISO 8601."""
        with self._lock:
            self._db.execute("DELETE FROM outbox WHERE state = 'done' AND at < ?", (at,))

    # --- inside --------------------------------------------------------------------------------

    def _done(self, command: str, leaf: int) -> None:
        self._db.execute("UPDATE outbox SET state = 'done', leaf = ? WHERE command = ?", (leaf, command))

    def _hand_back(self, body: str) -> None:
        """Make everything pending again that the service took before it was restored."""
        self._db.execute(
            "UPDATE outbox SET state = 'pending', again = 1, attempts = 0, code = NULL, refusal = NULL"
            " WHERE body = ? AND state IN ('accepted', 'done')",
            (body,),
        )

    def _insert(self, command: Command, mandate: str, at: str, state: OutboxState) -> None:
        with self._lock:
            self._db.execute(
                "INSERT INTO outbox (command, kind, body, facts, again, link, mandate, at, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    command.id,
                    command.kind,
                    command.body,
                    json.dumps(dict(command.facts)),
                    int(command.again),
                    None if command.link is None else json.dumps(dict(command.link)),
                    mandate,
                    at,
                    state.value,
                ),
            )

    def _set(
        self, command: str, state: OutboxState, code: str | None = None, facts: Facts | None = None
    ) -> None:
        with self._transaction():
            self._db.execute(
                "UPDATE outbox SET state = ?, code = ?, refusal = ? WHERE command = ?",
                (state.value, code, None if facts is None else json.dumps(facts), command),
            )
            if state in (OutboxState.REFUSED, OutboxState.QUARANTINED):
                self._no_longer_pending(command)

    def _no_longer_pending(self, command: str) -> None:
        """Told, inside the transaction, that a command no longer counts."""

    def _pending_changed(self) -> None:
        """Told, inside the transaction, that other commands count than before."""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; durable when the outermost block is left."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                # also after a COMMIT that failed, unless the failure has ended the transaction itself
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def _queued(row: tuple[Any, ...]) -> Queued:
    identifier, kind, body, facts, again, link, mandate, state, code, refusal, at, seq = row
    chained = None if link is None else json.loads(link)
    return Queued(
        Command(identifier, kind, body, json.loads(facts), again=bool(again), link=chained),
        mandate,
        OutboxState(state),
        code or "",
        json.loads(refusal) if refusal else None,
        at,
        seq,
    )
