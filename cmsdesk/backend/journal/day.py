"""What a day left in a body's journal, for the closing sheet (OPS-6)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from cmsdesk.backend.journal.heads import head_of
from cmsdesk.backend.journal.tables import HEADS, LEAVES
from cmsdesk.domain.journal import time_text


def recorded_since(connection: Connection, body: str, since: datetime) -> list[tuple[str, int]]:
    """Return (thing, number of entries) recorded from ``since`` (aware) on, most frequent first.

    Read from the last head on that was signed before: the journal is long, a day of it is not.
    """
    counted = func.count()
    query = (
        select(LEAVES.c.thing, counted)
        .where(
            LEAVES.c.body == body,
            LEAVES.c.leaf_index >= _size_before(connection, body, since),
            LEAVES.c.at >= time_text(since),
        )
        .group_by(LEAVES.c.thing)
        .order_by(counted.desc(), LEAVES.c.thing)
    )
    return [(thing, count) for thing, count in connection.execute(query)]


def _size_before(connection: Connection, body: str, since: datetime) -> int:
    query = select(HEADS).where(HEADS.c.body == body).order_by(HEADS.c.epoch.desc(), HEADS.c.size.desc())
    for row in connection.execute(query):
        head = head_of(row).head
        if head.at < since:
            return head.state.size
    return 0
