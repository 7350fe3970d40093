"""What happened to a thing, as the feed told it: who, when, what, from which desk.

Kept for the things whose history screens show. Of an amendment the values before and after are kept too;
they are taken away when any personal data of the thing are erased.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cmsdesk.base.errors import Bug
from cmsdesk.domain.amendments import Change, document_changes
from cmsdesk.domain.events import Document, Event
from cmsdesk.sync.local_store import Database

SHOWN = frozenset({"request", "production", "device"})
"""Kinds of things that have a history at the desk."""
_COMPARED = frozenset({"request.amended", "request.contact_changed"})
_LIFE = frozenset({"amended_by", "changed_by", "code"})
"""What an event says of itself, not of what it changed."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS history (
    leaf INTEGER NOT NULL, thing TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
    actor TEXT NOT NULL, workstation TEXT NOT NULL, state TEXT NOT NULL, changes TEXT NOT NULL,
    PRIMARY KEY (thing, id, leaf)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS productions_by_request ON things (document ->> 'request')
    WHERE thing = 'production';
CREATE INDEX IF NOT EXISTS productions_by_device ON things (document ->> 'device')
    WHERE thing = 'production';
"""


@dataclass(frozen=True)
class Happened:
    """One event of a thing's past."""

    thing: str
    id: str
    kind: str
    """As the event's: ``request.approved``."""
    at: str
    """When the service decided it, ISO 8601."""
    actor: str
    """``mandate:<id>`` or ``service:<job>``."""
    workstation: str
    """SHA-256 of the workstation's certificate, hex; empty for the service itself."""
    state: str = ""
    """The state it led to, if it changed that."""
    changes: tuple[Change, ...] = ()
    """Of an amendment: what it changed."""
    leaf: int = 0
    """Its place in the journal."""

    @property
    def mandate(self) -> str:
        """Id of the mandate under which it was done; empty for the service's own jobs."""
        kind, _, identifier = self.actor.partition(":")
        return identifier if kind == "mandate" else ""


class History:
    """The table, and what is found by it; every writing method runs in the caller's transaction."""

    def __init__(self, database: Database, reader: Database, lock: AbstractContextManager[object]) -> None:
        """``lock`` is that of ``reader``."""
        self._db, self._reader = database, reader
        self._lock = lock

    def note(
        self, event: Event, before: Document | None, after: Document, said: tuple[int, str, str, str]
    ) -> None:
        """Keep an event; ``said``: its place in the journal, its moment, its actor and workstation."""
        if event.thing not in SHOWN:
            return
        changes: list[list[object]] = []
        if event.kind in _COMPARED and before is not None:
            found = document_changes(before, after)
            changes = [[one.path, one.before, one.after] for one in found if one.path not in _LIFE]
        leaf, at, actor, workstation = said
        state = str(event.changes.get("state") or "")
        self._db.execute(
            "INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                leaf,
                event.thing,
                event.id,
                event.kind,
                at,
                actor,
                workstation,
                state,
                json.dumps(changes, ensure_ascii=False) if changes else "",
            ),
        )

    def erase(self, thing: str, identifier: str) -> None:
        """Take the values away that a thing's amendments left here."""
        self._db.execute("UPDATE history SET changes = '' WHERE thing = ? AND id = ?", (thing, identifier))

    def clear(self) -> None:
        """Forget everything: the feed tells it again."""
        self._db.execute("DELETE FROM history")

    def of(self, thing: str, identifier: str) -> list[Happened]:
        """Return what happened to a request, production or device, as the feed told it, oldest first."""
        query = (
            "SELECT kind, at, actor, workstation, state, changes, leaf FROM history"
            " WHERE thing = ? AND id = ? ORDER BY leaf"
        )
        with self._lock:
            rows = self._reader.execute(query, (thing, identifier)).fetchall()
        return [
            Happened(thing, identifier, kind, at, actor, workstation, state, _changes(changes), leaf)
            for kind, at, actor, workstation, state, changes, leaf in rows
        ]

    def productions(self, of: str, identifier: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the productions ``of`` a ``request`` or a ``device``, by id.

        Raises:
            Bug: they are of nothing else.
        """
        if of not in ("request", "device"):
            raise Bug("productions are of requests and devices")
        query = (
            "SELECT id, document FROM things"  # noqa: S608 - one of two names
            f" WHERE thing = 'production' AND document ->> '{of}' = ? ORDER BY id"
        )
        return self._documents(query, identifier)

    def all_of(self, thing: str) -> list[tuple[str, Document]]:
        """Return (id, document) of all things of a kind that has few (offices, operators), by id."""
        return self._documents("SELECT id, document FROM things WHERE thing = ? ORDER BY id", thing)

    def _documents(self, query: str, value: str) -> list[tuple[str, Document]]:
        with self._lock:
            rows = self._reader.execute(query, (value,)).fetchall()
        return [(identifier, json.loads(document)) for identifier, document in rows]


def _changes(text: str) -> tuple[Change, ...]:
    return tuple(Change(*one) for one in json.loads(text)) if text else ()
