"""Append to a body's journal and read it: everything on the caller's connection and transaction.

`append` takes the body's counter row first, which orders all writers of that body until they
commit: a leaf index is never skipped, and a reader who sees entry *n* sees all before it. Call it
last in a transaction, so that others wait briefly; with several bodies in one transaction, take
them in the order of their ids. On SQLite the transaction must have begun as a writer
(``BEGIN IMMEDIATE``).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from cmsdesk.backend.journal.errors import CursorLost, JournalDamaged, NotRestored, UnknownJournal
from cmsdesk.backend.journal.tables import BODIES, LEAVES, NODES, PERSONAL
from cmsdesk.base.texts import N_
from cmsdesk.domain.canonical import canonical
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import (
    NEW_EPOCH,
    SALT_BYTES,
    THING,
    Act,
    Entry,
    TreeState,
    check_body,
    commitment_of,
    new_epoch,
    time_text,
)
from cmsdesk.domain.merkle import CompactRange, leaf_hash

TILE_LEVELS = 8
"""Every eighth level of the tree is kept in ``journal_nodes``."""
FIRST_EPOCH = 1
_MINE = BODIES.c.body == bindparam("of")
# Built once: every command appends.
_TAKE = (
    update(BODIES)
    .where(_MINE)
    .values(size=BODIES.c.size + bindparam("count"))
    .returning(BODIES.c.epoch, BODIES.c.size, BODIES.c.peaks)
)
_ADD_LEAVES, _ADD_PERSONAL, _ADD_NODES = insert(LEAVES), insert(PERSONAL), insert(NODES)
_PEAKS = update(BODIES).where(_MINE).values(peaks=bindparam("peaks"))


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that has no place yet."""

    act: Act
    event: Event
    office: str | None = None
    """The office whose mandates may see it; None: every mandate of the body."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has followed a journal."""

    epoch: int
    index: int
    """Index of the next entry, which is the number of entries known."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the feed; of what the reader may not see, only the leaf hash."""

    index: int
    leaf_hash: bytes
    public: bytes | None
    salt: bytes | None
    personal: bytes | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed."""

    items: tuple[Item, ...]
    cursor: Cursor
    """Where to go on."""
    size: int
    """Number of entries when the page was read."""


def open_body(connection: Connection, body: str) -> None:
    """Begin the journal of a new body."""
    connection.execute(insert(BODIES).values(body=check_body(body), epoch=FIRST_EPOCH, size=0, peaks=b""))


def append(connection: Connection, body: str, drafts: Sequence[Draft]) -> list[Entry]:
    """Give events their places, in order, and store them; the caller commits.

    Raises:
        UnknownJournal: the body has none.
        Bug: personal data in an event's public part.
        sqlalchemy.exc.IntegrityError: a command was journalled before.
    """
    if not drafts:
        return []
    row = _take(connection, body, len(drafts))
    return _store(connection, body, row.epoch, CompactRange(row.size - len(drafts), row.peaks), drafts)


def declare_epoch(connection: Connection, body: str, act: Act) -> Entry:
    """Begin a new epoch: the service was restored, and entries known elsewhere may be gone.

    Raises:
        UnknownJournal: the body has no journal.
    """
    row = _take(connection, body, 1)
    epoch, event = new_epoch(body, row.epoch, act.at)
    connection.execute(update(BODIES).where(BODIES.c.body == body).values(epoch=epoch))
    [entry] = _store(connection, body, epoch, CompactRange(row.size - 1, row.peaks), [Draft(act, event)])
    return entry


def tree_state(connection: Connection, body: str) -> TreeState:
    """Return the size and root of a body's tree, by its kept peaks.

    Raises:
        UnknownJournal: the body has none.
    """
    row = _body(connection, body)
    return TreeState(body, row.epoch, row.size, CompactRange(row.size, row.peaks).root())


def read_page(
    connection: Connection,
    body: str,
    cursor: Cursor | None = None,
    *,
    limit: int = 500,
    offices: Collection[str] | None = None,
) -> Page:
    """Return the entries from ``cursor`` on (None: from the beginning), at most ``limit``.

    ``offices`` limits what is read at all to entries of those offices and of the whole body; of
    the others only the leaf hash is returned, so that the reader can still compute the tree.

    Raises:
        UnknownJournal: the body has none.
        CursorLost: the reader must go back to where an epoch began.
        NotRestored: the reader knows more than the service.
        JournalDamaged: an entry is missing.
    """
    row = _body(connection, body)
    start = 0 if cursor is None else _resume(connection, row, cursor)
    end = min(row.size, start + limit)
    place: dict[str, object] = {"of_body": body, "start": start, "end": end}
    if offices is not None:
        place["offices"] = list(offices)
    items = tuple(Item(*found) for found in connection.execute(_page(offices is not None), place))
    if [item.index for item in items] != list(range(start, end)):
        raise JournalDamaged(
            body=body, what=N_("entries between {start} and {end} are missing"), start=start, end=end
        )
    return Page(items, Cursor(row.epoch, end), row.size)


def ends_of(connection: Connection, bodies: Collection[str]) -> dict[str, Cursor]:
    """Return where the journals of bodies end."""
    query = select(BODIES.c.body, BODIES.c.epoch, BODIES.c.size).where(BODIES.c.body.in_(bodies))
    return {body: Cursor(epoch, size) for body, epoch, size in connection.execute(query)}


def history(
    connection: Connection, body: str, thing: str, identifier: str, *, size: int | None = None
) -> Iterator[Item]:
    """Yield everything about one thing, in order (PRO-8); ``size``: of the first so many entries only."""
    query = _items().where(LEAVES.c.body == body, LEAVES.c.thing == thing, LEAVES.c.thing_id == identifier)
    if size is not None:
        query = query.where(LEAVES.c.leaf_index < size)
    for row in connection.execute(query):
        yield Item(*row)


def changed_at(connection: Connection, body: str, thing: str, identifier: str) -> datetime | None:
    """Return when a thing last changed; None: nothing is journalled about it."""
    query = select(func.max(LEAVES.c.at)).where(
        LEAVES.c.body == body, LEAVES.c.thing == thing, LEAVES.c.thing_id == identifier
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else datetime.fromisoformat(found)


def of_command(connection: Connection, body: str, command: str) -> list[Entry]:
    """Return the entries of a command, in order."""
    query = select(LEAVES.c.public).where(LEAVES.c.body == body, LEAVES.c.command == command)
    return [Entry.decode(public) for public in connection.execute(query.order_by(LEAVES.c.part)).scalars()]


@dataclass(frozen=True)
class Origin:
    """Where a thing's values come from: one entry about it."""

    public: bytes
    salt: bytes | None
    personal: bytes | None


def origins(
    connection: Connection, body: str, things: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[Origin]]:
    """Return the entries about things, by (kind, id), in order."""
    if not things:
        return {}
    same_leaf = and_(PERSONAL.c.body == LEAVES.c.body, PERSONAL.c.leaf_index == LEAVES.c.leaf_index)
    kinds, ids = ({one[place] for one in things} for place in (0, 1))
    query = (
        select(LEAVES.c.thing, LEAVES.c.thing_id, LEAVES.c.public, PERSONAL.c.salt, PERSONAL.c.personal)
        .outerjoin_from(LEAVES, PERSONAL, same_leaf)
        # for pairs in one list, or in another order, SQLite reads the body's whole journal
        .where(LEAVES.c.body == body, LEAVES.c.thing.in_(kinds), LEAVES.c.thing_id.in_(ids))
        .order_by(LEAVES.c.thing, LEAVES.c.thing_id, LEAVES.c.leaf_index)
    )
    found: dict[tuple[str, str], list[Origin]] = {thing: [] for thing in things}
    for thing, identifier, *values in connection.execute(query):
        if (thing, identifier) in found:
            found[thing, identifier].append(Origin(*values))
    return {thing: entries for thing, entries in found.items() if entries}


def cursor_now(connection: Connection, body: str) -> Cursor:
    """Return the end of a body's journal.

    Raises:
        UnknownJournal: it has none.
    """
    row = _body(connection, body)
    return Cursor(row.epoch, row.size)


def epochs(connection: Connection, body: str) -> list[tuple[int, int]]:
    """Return (epoch, index of its first entry) in order."""
    found = [(FIRST_EPOCH, 0)]
    for item in history(connection, body, THING, body):
        entry = Entry.decode(item.public or b"")
        if entry.kind == NEW_EPOCH:
            found.append((entry.epoch, entry.index))
    return found


# --- appending ---------------------------------------------------------------------------------


def _take(connection: Connection, body: str, count: int) -> Row[Any]:
    """Increment the counter, which locks it until the transaction ends; the peaks are still the old ones."""
    row = connection.execute(_TAKE, {"of": body, "count": count}).one_or_none()
    if row is None:
        raise UnknownJournal(body=body)
    return row


def _store(
    connection: Connection, body: str, epoch: int, tree: CompactRange, drafts: Sequence[Draft]
) -> list[Entry]:
    entries, leaves, personals, nodes = [], [], [], []
    parts: dict[str, int] = {}
    for draft in drafts:
        part = parts[draft.act.command] = parts.get(draft.act.command, -1) + 1
        entry, secret = _place(draft, body, epoch, tree.size, part)
        public = entry.encode()
        completed = tree.append(leaf_hash(public))
        entries.append(entry)
        leaves.append(_leaf_row(entry, public, completed[0]))
        if secret is not None:
            personals.append({"body": body, "leaf_index": entry.index, **secret})
        nodes += _node_rows(body, tree.size, completed)
    connection.execute(_ADD_LEAVES, leaves)
    if personals:
        connection.execute(_ADD_PERSONAL, personals)
    if nodes:
        connection.execute(_ADD_NODES, nodes)
    connection.execute(_PEAKS, {"of": body, "peaks": tree.peaks})
    return entries


def _place(
    draft: Draft, body: str, epoch: int, index: int, part: int
) -> tuple[Entry, dict[str, bytes] | None]:
    event, secret, commitment = draft.event, None, None
    if event.personal:
        secret = {"salt": secrets.token_bytes(SALT_BYTES), "personal": canonical(dict(event.personal))}
        commitment = commitment_of(secret["salt"], secret["personal"])
    entry = Entry(
        body=body,
        epoch=epoch,
        index=index,
        part=part,
        act=draft.act,
        kind=event.kind,
        thing=event.thing,
        id=event.id,
        office=draft.office,
        changes=event.changes,
        commitment=commitment,
    )
    return entry, secret


def _leaf_row(entry: Entry, public: bytes, hashed: bytes) -> dict[str, Any]:
    return {
        "body": entry.body,
        "leaf_index": entry.index,
        "at": time_text(entry.act.at),
        "command": entry.act.command,
        "part": entry.part,
        "thing": entry.thing,
        "thing_id": entry.id,
        "office": entry.office,
        "public": public,
        "leaf_hash": hashed,
        "commitment": entry.commitment,
    }


def _node_rows(body: str, size: int, completed: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {"body": body, "level": level, "node_index": (size >> level) - 1, "hash": completed[level]}
        for level in range(TILE_LEVELS, len(completed), TILE_LEVELS)
    ]


# --- reading -----------------------------------------------------------------------------------


# Built once: for look-ups like these, building the statement costs as much as carrying it out.
_BODY = select(BODIES).where(BODIES.c.body == bindparam("of_body"))


@cache
def _page(of_offices: bool) -> Select[Any]:
    """Return the statement for entries ``start`` to ``end`` of ``of_body``, as ``offices`` may see them."""
    return _items(of_offices).where(
        LEAVES.c.body == bindparam("of_body"),
        LEAVES.c.leaf_index >= bindparam("start"),
        LEAVES.c.leaf_index < bindparam("end"),
    )


def _body(connection: Connection, body: str) -> Row[Any]:
    row = connection.execute(_BODY, {"of_body": body}).one_or_none()
    if row is None:
        raise UnknownJournal(body=body)
    return row


def _resume(connection: Connection, row: Row[Any], cursor: Cursor) -> int:
    """Return the index to go on from, when the reader's history is a beginning of this one."""
    if cursor.epoch == row.epoch and cursor.index <= row.size:
        return cursor.index
    if cursor.epoch >= row.epoch:
        raise NotRestored(body=row.body, size=row.size, known=cursor.index)
    fork = next(start for epoch, start in epochs(connection, row.body) if epoch > cursor.epoch)
    if cursor.index > fork:
        raise CursorLost(epoch=row.epoch, fork=fork)
    return cursor.index


def _items(of_offices: bool = False) -> Select[Any]:
    columns: Sequence[ColumnElement[Any]] = (LEAVES.c.public, PERSONAL.c.salt, PERSONAL.c.personal)
    if of_offices:
        offices: BindParameter[Any] = bindparam("offices", expanding=True)
        seen = or_(LEAVES.c.office.is_(None), LEAVES.c.office.in_(offices))
        columns = [case((seen, column), else_=null()) for column in columns]
    same_leaf = and_(PERSONAL.c.body == LEAVES.c.body, PERSONAL.c.leaf_index == LEAVES.c.leaf_index)
    return (
        select(LEAVES.c.leaf_index, LEAVES.c.leaf_hash, *columns)
        .outerjoin_from(LEAVES, PERSONAL, same_leaf)
        .order_by(LEAVES.c.leaf_index)
    )
