"""Snapshots: all that a mandate may see now, page by page; for a desk that may see other things than before.

A desk goes on from where it had followed the feed: entries that a page counts in already change
nothing when they are applied once more, since each says the values that things have after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from cmsdesk.backend.journal.store import Cursor, Origin, cursor_now, origins
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.events import Document
from cmsdesk.domain.visibility import may_see, scope_of

Key = tuple[str, str]


@dataclass(frozen=True)
class SnapshotItem:
    """One thing: the entries that made it what it is, in order."""

    thing: str
    id: str
    entries: tuple[Origin, ...]


@dataclass(frozen=True)
class SnapshotPage:
    """A page, in the order of kinds and ids."""

    scope: str
    mandate: Document
    cursor: Cursor
    """The journal's end when the page was read."""
    items: tuple[SnapshotItem, ...]
    after: Key | None
    """Where the next page begins; None: this is the last one."""


def snapshot_page(engine: Engine, actor: Actor, after: Key | None, limit: int) -> SnapshotPage:
    """Return the page behind ``after`` (None: the first); at most ``limit`` things are looked at."""
    body = actor.mandate.body
    with reading(engine) as connection:
        found = StoredThings(connection).after(body, after or ("", ""), limit)
        seen = [key for key, document in found if may_see(actor, key[0], document)]
        known = origins(connection, body, seen)
        items = tuple(SnapshotItem(*key, tuple(known.get(key, ()))) for key in seen)
        cursor = cursor_now(connection, body)
    following = found[-1][0] if len(found) == limit else None
    return SnapshotPage(scope_of(actor), actor.mandate.document(), cursor, items, following)
