"""Snapshots: all that a mandate may see now, page by page; for a desk that may see other things than before.

A desk goes on from where it had followed the feed: entries that a page counts in already change
nothing when they are applied once more, since each says the values that things have after it. Each entry
is proven to be in the tree that the desk follows; that none is left out cannot be proven by this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from cmsdesk.backend.journal.store import Cursor, Origin, cursor_now, origins
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.events import Document
from cmsdesk.domain.journal import Entry, SignedHead
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


@dataclass(frozen=True)
class ProvenPage:
    """A page, with what proves that its entries are of the tree that a signed head attests."""

    page: SnapshotPage
    head: SignedHead
    proof: tuple[bytes, ...]
    """That the head's tree continues what the desk had followed (RFC 9162 §2.1.4)."""
    hashes: tuple[bytes, ...]
    """The steps of all paths, each once."""
    paths: Mapping[bytes, tuple[int, ...]]
    """By an entry's public part, the steps from it to the head's root, as places in ``hashes``."""


def read_snapshot(connection: Connection, actor: Actor, after: Key | None, limit: int) -> SnapshotPage:
    """Return the page behind ``after`` (None: the first); at most ``limit`` things are looked at."""
    body = actor.mandate.body
    found = StoredThings(connection).after(body, after or ("", ""), limit)
    seen = [key for key, document in found if may_see(actor, key[0], document)]
    known = origins(connection, body, seen)
    items = tuple(SnapshotItem(*key, tuple(known.get(key, ()))) for key in seen)
    following = found[-1][0] if len(found) == limit else None
    return SnapshotPage(
        scope_of(actor), actor.mandate.document(), cursor_now(connection, body), items, following
    )


def prove(connection: Connection, page: SnapshotPage, head: SignedHead, known: int) -> ProvenPage:
    """Return a page proven by a head that attests all of it; ``known``: the size that the desk followed."""
    state = head.head.state
    tree = StoredTree(connection, state.body, state.size)
    places: dict[bytes, int] = {}
    paths = {}
    for public in (entry.public for item in page.items for entry in item.entries):
        path = tree.inclusion_proof(Entry.decode(public).index)
        paths[public] = tuple(places.setdefault(step, len(places)) for step in path)
    # a desk that knows more than there is finds that nothing is proven to it
    proof = tree.consistency_proof(known) if known <= state.size else []
    return ProvenPage(page, head, tuple(proof), tuple(places), paths)
