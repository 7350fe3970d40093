"""Pages of the feed and of snapshots as the interface gives them."""

from __future__ import annotations

import json

from cmsdesk.backend.api import models as m
from cmsdesk.backend.journal.store import Item
from cmsdesk.backend.services.feed import FeedPage
from cmsdesk.backend.services.snapshot import ProvenPage


def feed_answer(page: FeedPage) -> m.FeedAnswer:
    """Return a page of the feed as it travels."""
    return m.FeedAnswer(
        scope=page.scope,
        items=[_item(item) for item in page.items],
        cursor=m.CursorModel(epoch=page.cursor.epoch, index=page.cursor.index),
        size=page.size,
        head=page.head.document(),
        proof=[step.hex() for step in page.proof],
    )


def snapshot_answer(proven: ProvenPage) -> m.SnapshotAnswer:
    """Return a page of a snapshot as it travels."""
    page = proven.page
    return m.SnapshotAnswer(
        scope=page.scope,
        mandate=page.mandate,
        cursor=m.CursorModel(epoch=page.cursor.epoch, index=page.cursor.index),
        head=proven.head.document(),
        proof=[step.hex() for step in proven.proof],
        hashes=[step.hex() for step in proven.hashes],
        items=[
            m.SnapshotItemModel(
                thing=item.thing,
                id=item.id,
                entries=[
                    m.SnapshotEntryModel(
                        public=entry.public.decode(),
                        salt=entry.salt,
                        personal=None if entry.personal is None else json.loads(entry.personal),
                        proof=list(proven.paths[entry.public]),
                    )
                    for entry in item.entries
                ],
            )
            for item in page.items
        ],
        after=page.after,
    )


def _item(item: Item) -> m.ItemModel:
    return m.ItemModel(
        index=item.index,
        leaf_hash=item.leaf_hash.hex(),
        public=None if item.public is None else item.public.decode(),
        salt=item.salt,
        personal=None if item.personal is None else json.loads(item.personal),
    )
