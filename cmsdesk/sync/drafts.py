"""Local drafts: what a person has typed so far, kept in the desk's encrypted file at every change.

A draft is the desk's own: it is no command, leaves no trace at the service, and survives the end of
the process at any moment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cmsdesk.base.clock import Clock
from cmsdesk.sync.local_store import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS drafts (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, mandate TEXT NOT NULL, title TEXT NOT NULL,
    content TEXT NOT NULL, created_at TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS drafts_by_mandate ON drafts (mandate, kind, changed_at);
"""


@dataclass(frozen=True)
class Draft:
    """Something that was begun."""

    id: str
    """UUIDv7: becomes the id of the thing when it is sent."""
    kind: str
    """What it will be: «request» …"""
    mandate: str
    """Under which it was begun: another mandate does not see it."""
    title: str
    """What a list calls it: a name, or empty."""
    content: Mapping[str, Any]
    """JSON values, as the screen has them."""
    created_at: str
    changed_at: str
    """ISO 8601, UTC."""


class Drafts:
    """The drafts of one desk."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """``database`` comes from `local_store.connect`."""
        self._db = database
        self._clock = clock
        self._db.executescript(SCHEMA)

    def save(self, identifier: str, kind: str, mandate: str, title: str, content: Mapping[str, Any]) -> None:
        """Keep a draft as it is now, durably. Another mandate's draft of that id is left alone."""
        now = self._clock.now().isoformat()
        text = json.dumps(dict(content), ensure_ascii=False)
        self._db.execute(
            "INSERT INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " title = excluded.title, content = excluded.content, changed_at = excluded.changed_at"
            " WHERE drafts.mandate = excluded.mandate",
            (identifier, kind, mandate, title, text, now, now),
        )

    def get(self, identifier: str, mandate: str) -> Draft | None:
        """Return a draft of a mandate, or None."""
        row = self._db.execute(
            "SELECT * FROM drafts WHERE id = ? AND mandate = ?", (identifier, mandate)
        ).fetchone()
        return None if row is None else _draft(row)

    def all_of(self, mandate: str, kind: str | None = None) -> list[Draft]:
        """Return a mandate's drafts, the latest first."""
        rows = self._db.execute(
            "SELECT * FROM drafts WHERE mandate = ? AND kind = coalesce(?, kind)"
            " ORDER BY changed_at DESC, id DESC",
            (mandate, kind),
        ).fetchall()
        return [_draft(row) for row in rows]

    def delete(self, identifier: str, mandate: str) -> None:
        """Delete a draft: it was sent, or thrown away. The file keeps nothing of it (secure_delete)."""
        self._db.execute("DELETE FROM drafts WHERE id = ? AND mandate = ?", (identifier, mandate))


def erase_drafts(database: Database, identifier: str) -> None:
    """Delete what anybody had begun on a thing that is erased; in the caller's transaction."""
    database.execute("DELETE FROM drafts WHERE id = ?", (identifier,))


def _draft(row: tuple[str, ...]) -> Draft:
    identifier, kind, mandate, title, content, created_at, changed_at = row
    return Draft(identifier, kind, mandate, title, json.loads(content), created_at, changed_at)
