"""A journal as a checker reads it, from the database itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, func, select, type_coerce
from sqlalchemy.types import NullType

from cmsdesk.backend.journal.errors import UnknownJournal
from cmsdesk.backend.journal.export import BodyRecord, LeafRecord
from cmsdesk.backend.journal.tables import BODIES, HEADS, LEAVES, NODES, PERSONAL
from cmsdesk.domain.journal import SignedHead

_PAGE_ROWS = 1000
_Within = Callable[[Column[Any]], ColumnElement[bool]]
"""Makes the condition of a page from a table's index column."""


class DatabaseSource:
    """One body's journal in the database.

    On a service that runs, ``connection`` must be in one snapshot (PostgreSQL: REPEATABLE READ;
    SQLite: a transaction that has begun), or entries appended meanwhile look like damage.
    """

    def __init__(self, connection: Connection, body: str) -> None:
        self._connection = connection
        self._name = body

    @property
    def with_personal(self) -> bool:
        """Personal data are in the database until they are erased."""
        return True

    def body(self) -> BodyRecord:
        """Return the body's row.

        Raises:
            UnknownJournal: there is none.
        """
        columns = (BODIES.c.body, BODIES.c.epoch, BODIES.c.size, _raw(BODIES.c.peaks))
        row = self._connection.execute(select(*columns).where(BODIES.c.body == self._name)).one_or_none()
        if row is None:
            raise UnknownJournal(body=self._name)
        body, epoch, size, peaks = row
        return BodyRecord(body, epoch, size, _bytes(peaks) or b"")

    def leaves(self) -> Iterator[LeafRecord]:
        """Yield the entries by index."""
        start = self._next_index(LEAVES.c.leaf_index.is_not(None))
        while isinstance(start, int):
            # bounds on both sides: whatever the planner believes of the table, a page costs a page
            end = start + _PAGE_ROWS
            yield from self._page(partial(_between, start, end))
            start = self._next_index(LEAVES.c.leaf_index >= end)
        if start is not None:  # SQLite: text where a number belongs
            yield from self._page(lambda index: index >= start)

    def nodes(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield the kept inner nodes."""
        query = select(NODES.c.level, NODES.c.node_index, _raw(NODES.c.hash)).where(
            NODES.c.body == self._name
        )
        for level, index, found in self._connection.execute(query):
            yield level, index, _bytes(found) or b""

    def heads(self) -> Iterator[SignedHead]:
        """Yield the heads in ``journal_heads``."""
        kept = (HEADS.c.signed, HEADS.c.signature, HEADS.c.key_id, HEADS.c.timestamp_token)
        query = select(*map(_raw, kept)).where(HEADS.c.body == self._name)
        for signed, signature, key, token in self._connection.execute(query):
            yield SignedHead(_bytes(signed) or b"", _bytes(signature) or b"", str(key), _bytes(token))

    def strays(self) -> Iterator[tuple[str, int]]:
        """Yield personal data without an entry, and entries whose index is there twice."""
        orphans = (
            select(PERSONAL.c.leaf_index)
            .outerjoin_from(PERSONAL, LEAVES, _SAME_LEAF)
            .where(PERSONAL.c.body == self._name, LEAVES.c.leaf_index.is_(None))
        )
        for index in self._connection.execute(orphans).scalars():
            yield PERSONAL.name, index
        twice = (
            select(LEAVES.c.leaf_index)
            .where(LEAVES.c.body == self._name)
            .group_by(LEAVES.c.leaf_index)
            .having(func.count() > 1)
        )
        for index in self._connection.execute(twice).scalars():
            yield LEAVES.name, index

    def _next_index(self, condition: ColumnElement[bool]) -> object:
        query = select(func.min(LEAVES.c.leaf_index)).where(LEAVES.c.body == self._name, condition)
        return self._connection.execute(query).scalar_one()

    def _page(self, within: _Within) -> Iterator[LeafRecord]:
        query = _PERSONAL.where(PERSONAL.c.body == self._name, within(PERSONAL.c.leaf_index))
        secrets = {index: pair for index, *pair in self._connection.execute(query)}
        query = _LEAVES.where(LEAVES.c.body == self._name, within(LEAVES.c.leaf_index))
        for row in self._connection.execute(query):
            index, at, command, part, thing, identifier, office, *raw = row
            public, hashed, commitment = map(_bytes, raw)
            salt, personal = map(_bytes, secrets.get(index, (None, None)))
            yield LeafRecord(
                index,
                at,
                command,
                part,
                thing,
                identifier,
                office,
                public or b"",
                hashed or b"",
                commitment,
                salt,
                personal,
            )


def _between(start: int, end: int, index: Column[Any]) -> ColumnElement[bool]:
    return and_(index >= start, index < end)


def _raw(column: Column[Any]) -> Any:
    # whoever edits a SQLite database may leave text where bytes belong: that is for the checker to say
    return type_coerce(column, NullType())


def _bytes(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return bytes(value) if isinstance(value, memoryview | bytearray) else str(value).encode()


_SAME_LEAF = and_(PERSONAL.c.body == LEAVES.c.body, PERSONAL.c.leaf_index == LEAVES.c.leaf_index)
_PERSONAL = select(PERSONAL.c.leaf_index, _raw(PERSONAL.c.salt), _raw(PERSONAL.c.personal))
_LEAVES = select(
    LEAVES.c.leaf_index,
    LEAVES.c.at,
    LEAVES.c.command,
    LEAVES.c.part,
    LEAVES.c.thing,
    LEAVES.c.thing_id,
    LEAVES.c.office,
    _raw(LEAVES.c.public),
    _raw(LEAVES.c.leaf_hash),
    _raw(LEAVES.c.commitment),
).order_by(LEAVES.c.leaf_index)
