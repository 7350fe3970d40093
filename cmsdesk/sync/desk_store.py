"""The desk's copy of its body's things, and its outbox (architecture.md, mechanism 3).

The feed alone writes the base tables; the outbox is the only thing a user's action writes. What a
screen shows is the base with the pending commands re-decided on top (`sync.on_top`), in lists that
the same transactions keep (`sync.list_rows`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cmsdesk.base.errors import Bug
from cmsdesk.domain.commands import Actor, Command, Refusal
from cmsdesk.domain.decisions import decide
from cmsdesk.domain.decisions.problems import FACTS
from cmsdesk.domain.events import Document, Event, Overlay, evolve
from cmsdesk.domain.journal import ERASED, THING
from cmsdesk.domain.organisation import Mandate
from cmsdesk.domain.visibility import may_see
from cmsdesk.sync import drafts, history, on_top, outbox, snapshot, vouchers
from cmsdesk.sync.drafts import erase_drafts
from cmsdesk.sync.history import History
from cmsdesk.sync.list_rows import ListWriter
from cmsdesk.sync.local_store import LOG_SCHEMA, VERSION, Database, erase_log
from cmsdesk.sync.on_top import Given, Key, OnTop
from cmsdesk.sync.outbox import Outbox, OutboxState, Queued
from cmsdesk.sync.snapshot import Snapshot, as_text
from cmsdesk.sync.vouchers import Vouchers
from cmsdesk.sync.work_lists import create_lists

__all__ = ["Applied", "DeskStore", "Doubt", "Followed", "OutboxState", "Queued", "shown"]

_REFILLED = 5
"""The first version of the file whose lists and history are as they are now: older ones are filled again."""
_INDEXED = 6
"""The first version whose search index is as it is now: in older ones it is made again from the lists."""
_CHECKPOINTS = 1000
"""So many of the last sizes of a journal are remembered with their peaks."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS things (
    thing TEXT NOT NULL, id TEXT NOT NULL, state TEXT, document TEXT NOT NULL, PRIMARY KEY (thing, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS things_by_state ON things (thing, state);
CREATE TABLE IF NOT EXISTS feed (
    one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, head TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS witnessed (
    body TEXT PRIMARY KEY, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, head TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checkpoints (
    body TEXT NOT NULL, era INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL,
    PRIMARY KEY (body, era, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS personal (
    leaf INTEGER PRIMARY KEY, thing TEXT NOT NULL, id TEXT NOT NULL, names TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS personal_by_thing ON personal (thing, id, leaf);
"""
_SINCE_2 = (
    "ALTER TABLE feed ADD COLUMN era INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE witnessed ADD COLUMN era INTEGER NOT NULL DEFAULT 1",
    *outbox.SINCE_2,
)
_TAKE_OUT = "DELETE FROM personal WHERE leaf = ? RETURNING thing, id, names"
_FOLLOWED = "body, scope, epoch, size, peaks, head, era"


@dataclass(frozen=True)
class Followed:
    """How far the desk has followed the feed."""

    body: str
    scope: str
    epoch: int
    size: int
    peaks: bytes
    head: str | None = None
    """The last signed head, JSON (`domain.journal.SignedHead.document`)."""
    era: int = 1
    """The epoch that the entries followed so far had reached."""


@dataclass(frozen=True)
class Applied:
    """One entry of the feed that this desk may see."""

    command: str
    event: Event
    at: str = ""
    """When the service decided it, ISO 8601."""
    index: int = 0
    """Its place in the journal."""
    epoch: int = 1
    actor: str = ""
    """``mandate:<id>`` or ``service:<job>``."""
    workstation: str = ""
    """SHA-256 of the workstation's certificate, hex; empty for the service itself."""


class DeskStore(Outbox):
    """Base tables, outbox and feed position in the desk's encrypted file."""

    def __init__(self, database: Database, reader: Database | None = None) -> None:
        """``database`` comes from `local_store.connect`, ``reader`` from `connect_to_read`.

        With a reader what screens show waits for no page of the feed that is being applied.
        """
        super().__init__(database)
        self._reader = reader or database
        self._reading = self._lock if reader is None else threading.RLock()
        self._actor: Actor | None = None
        self.applied: Callable[[frozenset[Key]], object] | None = None
        """Told the things that a page of the feed changed, in the synchroniser's thread."""
        self.alone = False
        """Whether commands are given without the service: under a voucher, and chained."""
        self.vouchers = Vouchers(database, self._transaction)
        self._lists = ListWriter(database)
        self.past = History(database, self._reader, self._reading)
        self.snapshot = Snapshot(database, self._transaction, self._lists, self.past)
        self._top = OnTop(database, self, self._lists)
        self._create()

    # --- base ----------------------------------------------------------------------------------

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document as the feed last said, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT document FROM things WHERE thing = ? AND id = ?", (thing, identifier)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def in_state(self, thing: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state, by id."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, document FROM things WHERE thing = ? AND state = ? ORDER BY id", (thing, state)
            ).fetchall()
        return [(identifier, json.loads(document)) for identifier, document in rows]

    def followed(self) -> Followed | None:
        """Return how far the feed was followed; None before the first page."""
        with self._lock:
            row = self._db.execute(f"SELECT {_FOLLOWED} FROM feed").fetchone()  # noqa: S608
        return None if row is None else Followed(*row)

    def witnessed(self, body: str) -> Followed | None:
        """Return how far a body's journal was followed before the desk began anew, if it did."""
        with self._lock:
            row = self._db.execute(
                f"SELECT {_FOLLOWED} FROM witnessed WHERE body = ?",  # noqa: S608
                (body,),
            ).fetchone()
        return None if row is None else Followed(*row)

    def checkpoints(self, body: str, beyond: int) -> dict[int, tuple[int, bytes]]:
        """Return (era, peaks) by size of what was seen of a body's journal beyond a size."""
        with self._lock:
            rows = self._db.execute(
                "SELECT size, era, peaks FROM checkpoints WHERE body = ? AND size > ? ORDER BY era",
                (body, beyond),
            ).fetchall()
        return {size: (era, peaks) for size, era, peaks in rows}

    def apply(self, entries: Sequence[Applied], now: Followed) -> None:
        """Apply a page of the feed: things, lists, position and finished commands, in one transaction."""
        changed: dict[Key, Document] = {}
        moments: dict[Key, str] = {}
        finished: dict[str, int] = {}
        with self._transaction():
            for entry in entries:
                event, key = entry.event, (entry.event.thing, entry.event.id)
                if event.thing == THING:
                    if event.kind == ERASED:
                        self._erase(event.changes["entries"], changed, moments)
                    continue
                if event.personal:
                    self._note_personal(entry)
                before = changed.get(key) or self.get(*key)
                changed[key] = evolve(before, event)
                said = (entry.index, entry.at, entry.actor, entry.workstation)
                self.past.note(event, before, changed[key], said)
                moments.setdefault(key, entry.at)
                finished.setdefault(entry.command, entry.index)
            self._put(changed, moments)
            concerned = self._top.concerns(changed.keys(), finished.keys())
            for command, leaf in finished.items():
                self._done(command, leaf)
            if concerned:
                self._decide_again()
            self._follow(now)
        if self.applied is not None and changed:
            self.applied(frozenset(changed))

    def begin_anew(self) -> None:
        """Forget the base tables and the position; the outbox stays.

        For a mandate of another body, or one that may see more or less than before. What the body's
        journal was stays too (`witnessed`, `checkpoints`): beginning anew must not let it be rewritten.
        """
        with self._transaction():
            self._db.execute(
                f"INSERT INTO witnessed ({_FOLLOWED}) SELECT {_FOLLOWED} FROM feed WHERE true"  # noqa: S608
                " ON CONFLICT (body) DO UPDATE SET scope = excluded.scope, epoch = excluded.epoch,"
                " size = excluded.size, peaks = excluded.peaks, head = excluded.head, era = excluded.era"
                " WHERE (excluded.epoch, excluded.size) >= (witnessed.epoch, witnessed.size)"
            )
            for table in ("things", "feed", "personal"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this module
            self._lists.clear()
            self.past.clear()
            self._decide_again()

    def forget_unseen(self, mandate: Mandate) -> None:
        """Forget at once what a mandate may not see, before anybody looks at it."""
        known = self.followed()
        if known is None:
            return
        actor = Actor(mandate, "")
        with self._transaction():
            if known.body != mandate.body:
                self.begin_anew()
                return
            rows = self._db.execute("SELECT thing, id, document FROM things").fetchall()
            unseen = [(t, i) for t, i, text in rows if not may_see(actor, t, json.loads(text))]
            if unseen:
                self.snapshot.forget(unseen)
                # whatever is seen from now on, what was forgotten must be fetched
                self._follow(replace(known, scope=""))
                self._decide_again()

    def take_snapshot(self, scope: str) -> None:
        """Take over what was put aside, all that the mandate sees; the feed goes on where it was."""
        known = self.followed()
        if known is None:
            raise Bug("no feed was followed")
        with self._transaction():
            changed = self.snapshot.take_over()
            self._follow(replace(known, scope=scope))
            self._decide_again()
        if self.applied is not None and changed:
            self.applied(changed)

    def hand_back(self, body: str) -> None:
        """The service was restored: begin anew, and send again all that it had taken in ninety days."""
        with self._transaction():
            self._hand_back(body)
            self.begin_anew()

    # --- shown ---------------------------------------------------------------------------------

    def work_as(self, actor: Actor) -> None:
        """Show this mandate's pending commands on top of the base from now on.

        Only the actor's own mandate's: others were given under other rights, perhaps for another body.
        """
        with self._transaction():
            self._actor = actor
            self._decide_again()

    def submit(self, command: Command, at: datetime) -> None:
        """Decide a command as the desk knows the rules, queue it and show its effect; all or nothing.

        What has happened in the room (`domain.decisions.problems.FACTS`) needs no voucher's leave.

        Raises:
            Refusal: the rules say no; nothing was queued.
        """
        if self._actor is None:
            raise Bug("nobody works at this store")
        mandate = self._actor.mandate.id
        with self._transaction():
            self._top.add(Given(command, at), self._actor)
            if self.alone:
                command = self.vouchers.chain(command, mandate, at, happened=command.kind in FACTS)
            self.queue(command, mandate, at.isoformat())

    def record(self, command: Command, at: datetime) -> None:
        """Queue a command that reports what has happened, whatever the rules say."""
        if self._actor is None:
            raise Bug("nobody works at this store")
        mandate = self._actor.mandate.id
        with self._transaction():
            if self.alone:
                command = self.vouchers.chain(command, mandate, at, happened=True)
            self.queue(command, mandate, at.isoformat())

    def shown(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document as screens show it: with the pending commands' effects."""
        with self._reading:
            return on_top.shown(self._reader, thing, identifier)

    def shown_in_state(self, thing: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state as screens show them, by id."""
        with self._reading:
            rows = self._reader.execute(
                "SELECT id, document FROM overlay WHERE thing = ?1 AND document ->> 'state' = ?2"
                " UNION ALL SELECT id, document FROM things AS t WHERE thing = ?1 AND state = ?2"
                " AND NOT EXISTS (SELECT 1 FROM overlay AS o WHERE o.thing = t.thing AND o.id = t.id)"
                " ORDER BY id",
                (thing, state),
            ).fetchall()
        return [(identifier, json.loads(document)) for identifier, document in rows]

    def doubts(self) -> list[Queued]:
        """Return the pending commands that the rules, as the desk knows them, would refuse, and why."""
        with self._lock:
            doubted = {command: (code, facts) for command, code, facts in self._top.doubts()}
        found = self.queued(OutboxState.PENDING, OutboxState.ACCEPTED, limit=-1)
        return [
            replace(queued, code=doubted[queued.command.id][0], facts=doubted[queued.command.id][1])
            for queued in found
            if queued.command.id in doubted
        ]

    # --- inside --------------------------------------------------------------------------------

    def _create(self) -> None:
        """Make the tables, or bring those of an earlier version up to date; its outbox is kept."""
        self._db.executescript(drafts.SCHEMA + LOG_SCHEMA)
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if version >= VERSION:
            return
        schema = (_SCHEMA, outbox.SCHEMA, on_top.SCHEMA, vouchers.SCHEMA, history.SCHEMA, snapshot.SCHEMA)
        self._db.executescript("".join(schema))
        create_lists(self._db)
        with self._transaction():
            _add_columns(self._db)
            if version < _REFILLED and self.followed() is not None:
                self.begin_anew()  # lists and history are filled from the feed
            elif version < _INDEXED:
                self._lists.index_again()
            self._db.execute(f"PRAGMA user_version = {VERSION}")

    def _no_longer_pending(self, command: str) -> None:
        if self._top.concerns((), {command}):
            self._decide_again()

    def _pending_changed(self) -> None:
        self._decide_again()

    def _decide_again(self) -> None:
        if self._actor is None:
            return
        mandate = self._actor.mandate.id
        pending = self.queued(OutboxState.PENDING, OutboxState.ACCEPTED, mandate=mandate, limit=-1)
        given = [Given(queued.command, datetime.fromisoformat(queued.at)) for queued in pending]
        self._top.rebuild(given, self._actor)

    def _put(self, changed: Mapping[Key, Document], moments: Mapping[Key, str]) -> None:
        self._db.executemany(
            "INSERT INTO things VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET state = excluded.state, document = excluded.document",
            [(*key, document.get("state"), as_text(document)) for key, document in changed.items()],
        )
        for key, document in changed.items():
            self._lists.put(*key, document, moments[key])

    def _note_personal(self, entry: Applied) -> None:
        """Remember which names of a thing an entry's personal data gave: for their erasure."""
        event = entry.event
        self._db.execute(
            "INSERT OR REPLACE INTO personal VALUES (?, ?, ?, ?)",
            (entry.index, event.thing, event.id, json.dumps(sorted(event.personal))),
        )

    def _erase(self, leaves: Sequence[int], changed: dict[Key, Document], moments: dict[Key, str]) -> None:
        """Take the personal data of entries out of the things that have them from there."""
        for leaf in leaves:
            row = self._db.execute(_TAKE_OUT, (leaf,)).fetchone()
            if row is None:
                continue
            key = (row[0], row[1])
            self.past.erase(*key)
            _erase_beside(self._db, key[1])
            later = self._db.execute(
                "SELECT names FROM personal WHERE thing = ? AND id = ? AND leaf > ?", (*key, leaf)
            ).fetchall()
            gone = set(json.loads(row[2])).difference(*(json.loads(names) for (names,) in later))
            document = changed.get(key) or self.get(*key) or {}
            changed[key] = {name: value for name, value in document.items() if name not in gone}
            moments.setdefault(key, "")

    def _follow(self, now: Followed) -> None:
        values = (now.body, now.scope, now.epoch, now.size, now.peaks, now.head, now.era)
        self._db.execute(
            f"INSERT OR REPLACE INTO feed (one, {_FOLLOWED}) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            values,
        )
        self._db.execute(
            "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)", (now.body, now.era, now.size, now.peaks)
        )
        self._db.execute(
            "DELETE FROM checkpoints WHERE body = ? AND era = ? AND size <= (SELECT size FROM checkpoints"
            " WHERE body = ? AND era = ? ORDER BY size DESC LIMIT 1 OFFSET ?)",
            (now.body, now.era, now.body, now.era, _CHECKPOINTS),
        )


def _add_columns(database: Database) -> None:
    """Add the columns that a file of an earlier version has not."""
    for statement in (*_SINCE_2, *outbox.SINCE_3):
        table, column = statement.split()[2], statement.split()[5]
        known = database.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
        if (column,) not in known:
            database.execute(statement)


@dataclass(frozen=True)
class Doubt:
    """A pending command that the rules, as the desk knows them, would refuse."""

    command: Command
    refusal: Refusal


def _erase_beside(database: Database, identifier: str) -> None:
    """Erase what the desk keeps of a request or production beside the feed's tables."""
    erase_drafts(database, identifier)
    erase_log(database, identifier)


def shown(store: DeskStore, actor: Actor, now: datetime) -> tuple[Overlay, list[Doubt]]:
    """Return what a screen shows: base and pending commands re-decided on top; and the doubtful ones.

    Only the actor's own mandate's commands: others were given under other rights, perhaps for
    another body. Everything is decided anew: `DeskStore.shown` is what screens read.
    """
    overlay, doubts = Overlay(store), []
    for queued in store.queued(OutboxState.PENDING, OutboxState.ACCEPTED, mandate=actor.mandate.id):
        try:
            overlay.apply(decide(queued.command, overlay, actor, now))
        except Refusal as refusal:
            doubts.append(Doubt(queued.command, refusal))
    return overlay, doubts
