"""Pending commands re-decided on top of the base: what screens show, kept in tables and brought up to date.

Each command is decided once when it is given, and again only when something it looked at or changed
has changed in the base, at the moment it was given at: the same again, whoever reads it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cmsdesk.base.errors import Facts
from cmsdesk.domain.commands import Actor, Command, Refusal
from cmsdesk.domain.decisions import decide
from cmsdesk.domain.events import Document, Overlay, View
from cmsdesk.sync.list_rows import ListWriter
from cmsdesk.sync.local_store import Database

Key = tuple[str, str]
"""Kind and id of a thing."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS overlay (
    thing TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (thing, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looked_at (
    thing TEXT NOT NULL, id TEXT NOT NULL, command TEXT NOT NULL, PRIMARY KEY (thing, id, command)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doubts (
    command TEXT PRIMARY KEY, code TEXT NOT NULL, facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Given:
    """A command as it was given."""

    command: Command
    at: datetime


class _Watched:
    """A view that remembers what was looked at."""

    def __init__(self, base: View) -> None:
        self._base = base
        self.seen: set[Key] = set()

    def get(self, thing: str, identifier: str) -> Document | None:
        self.seen.add((thing, identifier))
        return self._base.get(thing, identifier)


class OnTop:
    """The overlay of one mandate's pending commands; every method runs in the caller's transaction."""

    def __init__(self, database: Database, base: View, lists: ListWriter) -> None:
        self._db = database
        self._base = base
        self._lists = lists

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document as it is shown: with the pending commands' effects."""
        query = "SELECT document FROM overlay WHERE thing = ? AND id = ?"
        row = self._db.execute(query, (thing, identifier)).fetchone()
        return self._base.get(thing, identifier) if row is None else json.loads(row[0])

    def add(self, given: Given, actor: Actor) -> None:
        """Put one command on top of all that is there.

        Raises:
            Refusal: the rules, as the desk knows them, say no; nothing is changed.
        """
        watched = _Watched(self)
        overlay = Overlay(watched)
        overlay.apply(decide(given.command, watched, actor, given.at))
        self._note(given, watched.seen | overlay.changed().keys())
        self._store(overlay, given)

    def rebuild(self, given: Sequence[Given], actor: Actor) -> None:
        """Decide all pending commands anew on the base."""
        shown = set(self._db.execute("SELECT thing, id FROM overlay").fetchall())
        for table in ("overlay", "looked_at", "doubts"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module
        overlay = Overlay(self._base)
        last: dict[Key, Given] = {}
        for one in given:
            watched = _Watched(overlay)
            try:
                events = decide(one.command, watched, actor, one.at)
            except Refusal as refusal:
                self._doubt(one, refusal)
                self._note(one, watched.seen)
                continue
            overlay.apply(events)
            keys = {(event.thing, event.id) for event in events}
            last.update(dict.fromkeys(keys, one))
            self._note(one, watched.seen | keys)
        for key, document in overlay.changed().items():
            self._put(key, document, last[key].at)
        for thing, identifier in shown - overlay.changed().keys():
            self._show_base(thing, identifier)

    def concerns(self, changed: Collection[Key], finished: Collection[str]) -> bool:
        """Tell whether a pending command looked at one of the changed things, or is finished."""
        if self._db.execute("SELECT 1 FROM looked_at LIMIT 1").fetchone() is None:
            return False
        query = "SELECT 1 FROM looked_at WHERE thing = ? AND id = ? LIMIT 1"
        if any(self._db.execute(query, key).fetchone() for key in changed):
            return True
        held = {command for (command,) in self._db.execute("SELECT DISTINCT command FROM looked_at")}
        return not held.isdisjoint(finished)

    def doubts(self) -> list[tuple[str, str, Facts]]:
        """Return (command, code, facts) of the pending commands that the rules would refuse now."""
        found = self._db.execute("SELECT command, code, facts FROM doubts").fetchall()
        return [(command, code, json.loads(facts)) for command, code, facts in found]

    # --- inside --------------------------------------------------------------------------------

    def _store(self, overlay: Overlay, given: Given) -> None:
        for key, document in overlay.changed().items():
            self._put(key, document, given.at)

    def _put(self, key: Key, document: Document, at: datetime) -> None:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False)
        self._db.execute("INSERT OR REPLACE INTO overlay VALUES (?, ?, ?)", (*key, text))
        self._lists.put(*key, document, at.isoformat(), pending=True)

    def _show_base(self, thing: str, identifier: str) -> None:
        document = self._base.get(thing, identifier)
        if document is None:
            self._lists.remove(thing, identifier)
        else:
            self._lists.put(thing, identifier, document)

    def _note(self, given: Given, keys: Collection[Key]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO looked_at VALUES (?, ?, ?)",
            [(thing, identifier, given.command.id) for thing, identifier in keys],
        )

    def _doubt(self, given: Given, refusal: Refusal) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO doubts VALUES (?, ?, ?)",
            (given.command.id, refusal.code, json.dumps(refusal.facts)),
        )


def shown(database: Database, thing: str, identifier: str) -> Document | None:
    """Return a thing's document as it is shown, by whatever connection."""
    row = database.execute(
        "SELECT document FROM overlay WHERE thing = ?1 AND id = ?2 UNION ALL"
        " SELECT document FROM things WHERE thing = ?1 AND id = ?2 LIMIT 1",
        (thing, identifier),
    ).fetchone()
    return None if row is None else json.loads(row[0])
