"""Erasing personal data after the legal time: salt and data go together, the leaves stay valid.

What databases keep on their own is theirs: SQLite needs ``PRAGMA secure_delete``, PostgreSQL's dead
rows go with the next vacuum, write-ahead logs and backups with their retention (OPS-2).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete

from cmsdesk.backend.journal.errors import StillKept
from cmsdesk.backend.journal.store import Draft, append
from cmsdesk.backend.journal.tables import PERSONAL
from cmsdesk.domain.journal import Act, Entry, erasure


def erase(
    connection: Connection, body: str, indexes: Collection[int], keep_until: datetime, act: Act
) -> Entry | None:
    """Erase the personal data of entries, and record that; None: there were none any more.

    ``keep_until`` is what `cmsdesk.domain.retention` says of them.

    Raises:
        StillKept: within that time.
    """
    if act.at <= keep_until:
        raise StillKept(until=keep_until.date().isoformat())
    gone = connection.execute(
        delete(PERSONAL)
        .where(PERSONAL.c.body == body, PERSONAL.c.leaf_index.in_(sorted(indexes)))
        .returning(PERSONAL.c.leaf_index)
    ).scalars()
    erased = sorted(gone)
    if not erased:
        return None
    [entry] = append(connection, body, [Draft(act, erasure(body, erased, keep_until))])
    return entry
