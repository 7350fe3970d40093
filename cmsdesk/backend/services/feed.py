"""The feed: what a desk may see of its body's journal, with hashes for the rest and a signed head."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from cmsdesk.backend.journal.heads import Signer, latest_head, sign_head
from cmsdesk.backend.journal.store import Cursor, Item, Page, ends_of, read_page
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.snapshot import ProvenPage, prove, read_snapshot
from cmsdesk.backend.storage.engine import reading
from cmsdesk.base.clock import Clock
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.journal import Entry, SignedHead
from cmsdesk.domain.visibility import offices_of, reaches_thing, scope_of


@dataclass(frozen=True)
class FeedPage:
    """A page of one mandate's feed."""

    scope: str
    """Names what the mandate may see: when it changes, a desk begins anew."""
    start: int
    items: tuple[Item, ...]
    cursor: Cursor
    size: int
    """Number of entries when the page was read."""
    head: SignedHead
    """Attests at least all entries up to the page's end."""
    proof: tuple[bytes, ...] = ()
    """That those are the beginning of the head's tree (RFC 9162 §2.1.4); empty when they are all of it."""


class Feed:
    """Reads feeds; signs a head where none covers a page yet."""

    def __init__(self, engine: Engine, signer: Signer, clock: Clock) -> None:
        self._engine = engine
        self._signer = signer
        self._clock = clock

    def snapshot(self, actor: Actor, after: tuple[str, str] | None, limit: int, known: int) -> ProvenPage:
        """Return a page of all that a mandate may see now, proven to whoever followed ``known`` entries."""
        body = actor.mandate.body
        with reading(self._engine) as connection:
            page = read_snapshot(connection, actor, after, limit)
            head = latest_head(connection, body)
            if head is not None and _covers(head, page.cursor):
                return prove(connection, page, head, known)
        with self._engine.begin() as connection:
            take_turn(connection, body)
            head = sign_head(connection, body, self._signer, self._clock.now())
        with reading(self._engine) as connection:
            return prove(connection, page, head, known)

    def ends(self, bodies: Collection[str]) -> dict[str, Cursor]:
        """Return where the journals of bodies end now."""
        with reading(self._engine) as connection:
            return ends_of(connection, bodies)

    def page(self, actor: Actor, cursor: Cursor | None, limit: int) -> FeedPage:
        """Return the next page for a mandate.

        Only the first reader after a change makes the service write (a signed head); the others,
        idle desks above all, hold off nobody.

        Raises:
            UnknownJournal, CursorLost, NotRestored: see `journal.store.read_page`.
        """
        body = actor.mandate.body
        with reading(self._engine) as connection:
            page = read_page(connection, body, cursor, limit=limit, offices=offices_of(actor))
            head = latest_head(connection, body)
            signed = head is not None and _covers(head, page.cursor)
            proof = _proof(connection, head, page) if head is not None and signed else ()
        if head is None or not signed:
            with self._engine.begin() as connection:
                take_turn(connection, body)
                head = sign_head(connection, body, self._signer, self._clock.now())
                proof = _proof(connection, head, page)
        items = tuple(_seen(actor, item) for item in page.items)
        start = 0 if cursor is None else cursor.index
        return FeedPage(scope_of(actor), start, items, page.cursor, page.size, head, proof)


def _covers(head: SignedHead, end: Cursor) -> bool:
    """Tell whether a head attests all that was read."""
    state = head.head.state
    return state.epoch == end.epoch and state.size >= end.index


def _proof(connection: Connection, head: SignedHead, page: Page) -> tuple[bytes, ...]:
    """Return the proof that the entries up to the page's end are the beginning of the head's tree."""
    state = head.head.state
    if state.size == page.cursor.index:
        return ()
    return tuple(StoredTree(connection, state.body, state.size).consistency_proof(page.cursor.index))


def _seen(actor: Actor, item: Item) -> Item:
    """Return the item, reduced to its hash where the mandate does not reach the thing."""
    if item.public is None:
        return item
    entry = Entry.decode(item.public)
    if reaches_thing(actor, entry.thing, entry.body, entry.office):
        return item
    return Item(item.index, item.leaf_hash, None, None, None)
