"""A snapshot on its way into the desk's file: put aside page by page, then taken over in one transaction.

Until then screens show what was there before; a snapshot that is cut is fetched anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from cmsdesk.domain.events import Document, Event, evolve
from cmsdesk.domain.journal import Entry
from cmsdesk.sync.history import History
from cmsdesk.sync.list_rows import ListWriter
from cmsdesk.sync.local_store import Database
from cmsdesk.sync.on_top import Key

SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshot (
    thing TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (thing, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshot_personal (
    leaf INTEGER PRIMARY KEY, thing TEXT NOT NULL, id TEXT NOT NULL, names TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True)
class Pictured:
    """One thing of a snapshot."""

    thing: str
    id: str
    entries: Sequence[tuple[Entry, Event]]
    """What made it what it is, in order."""

    @classmethod
    def of(cls, item: Mapping[str, Any], body: str) -> Pictured:
        """Return the thing that an item of the interface describes.

        Raises:
            KeyError, TypeError, ValueError: it describes none of ``body``.
        """
        entries: list[tuple[Entry, Event]] = []
        for found in item["entries"]:
            entry = Entry.decode(found["public"].encode())
            if (entry.body, entry.thing, entry.id) != (body, item["thing"], item["id"]):
                raise ValueError("an entry about another thing")
            if entries and entries[-1][0].index >= entry.index:
                raise ValueError("entries out of order")
            entries.append((entry, entry.event(found["personal"])))
        return cls(str(item["thing"]), str(item["id"]), entries)


class Snapshot:
    """What was put aside so far, in the desk's encrypted file."""

    def __init__(
        self,
        database: Database,
        transaction: Callable[[], AbstractContextManager[None]],
        lists: ListWriter,
        past: History,
    ) -> None:
        """``transaction`` begins one, or joins the one that is open."""
        self._db = database
        self._transaction = transaction
        self._lists = lists
        self._past = past

    def begin(self) -> None:
        """Put away what an earlier one left."""
        with self._transaction():
            for table in ("snapshot", "snapshot_personal"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module

    def add(self, items: Sequence[Pictured]) -> None:
        """Put a page aside; what happened to its things is noted at once, and shown with them."""
        with self._transaction():
            for item in items:
                self._add(item)

    def _add(self, item: Pictured) -> None:
        document: Document | None = None
        personal = []
        for entry, event in item.entries:
            before, document = document, evolve(document, event)
            said = (entry.index, entry.act.at.isoformat(), entry.act.actor, entry.act.workstation or "")
            self._past.note(event, before, document, said)
            if event.personal:
                names = json.dumps(sorted(event.personal))
                personal.append((entry.index, item.thing, item.id, names))
        if document is None:
            return
        first = item.entries[0][0].act.at.isoformat()
        self._db.execute(
            "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)",
            (item.thing, item.id, as_text(document), first),
        )
        self._db.executemany("INSERT OR REPLACE INTO snapshot_personal VALUES (?, ?, ?, ?)", personal)

    def take_over(self) -> frozenset[Key]:
        """Make it the base; return what changed. Inside the caller's transaction."""
        gone = self._db.execute(
            "SELECT thing, id FROM things EXCEPT SELECT thing, id FROM snapshot"
        ).fetchall()
        changed = self._db.execute(
            "SELECT s.thing, s.id, s.document, s.at FROM snapshot AS s LEFT JOIN things AS t"
            " ON t.thing = s.thing AND t.id = s.id WHERE t.document IS NOT s.document"
        ).fetchall()
        self.forget(gone)
        for thing, identifier, text, at in changed:
            document = json.loads(text)
            self._db.execute(
                "INSERT OR REPLACE INTO things VALUES (?, ?, ?, ?)",
                (thing, identifier, document.get("state"), text),
            )
            self._lists.put(thing, identifier, document, at)
        self._db.execute("DELETE FROM personal")
        self._db.execute("INSERT INTO personal SELECT * FROM snapshot_personal")
        self.begin()
        return frozenset((*gone, *((thing, identifier) for thing, identifier, _, _ in changed)))

    def forget(self, keys: Sequence[Key]) -> None:
        """Forget things of the base, in lists too. Inside the caller's transaction."""
        self._db.executemany("DELETE FROM things WHERE thing = ? AND id = ?", keys)
        self._db.executemany("DELETE FROM personal WHERE thing = ? AND id = ?", keys)
        self._db.executemany("DELETE FROM history WHERE thing = ? AND id = ?", keys)
        for thing, identifier in keys:
            self._lists.remove(thing, identifier)


def as_text(document: Document) -> str:
    """Return a document as the file holds it."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
