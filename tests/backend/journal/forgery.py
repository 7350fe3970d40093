"""Adversaries: a journal in memory to tamper with, and the administrator who rewrites all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.export import BodyRecord, LeafRecord
from cmsdesk.domain.journal import Entry, SignedHead, time_text
from cmsdesk.domain.merkle import CompactRange, leaf_hash


@dataclass
class Copy:
    """A journal copied from a database; every list may be changed."""

    record: BodyRecord
    entries: list[LeafRecord]
    tree: list[tuple[int, int, bytes]] = field(default_factory=list)
    signed: list[SignedHead] = field(default_factory=list)
    with_personal: bool = True

    @classmethod
    def of(cls, connection: Connection, body: str) -> Copy:
        source = DatabaseSource(connection, body)
        return cls(source.body(), list(source.leaves()), list(source.nodes()), list(source.heads()))

    def fresh(self) -> Copy:
        """Return a copy of the copy."""
        return Copy(self.record, list(self.entries), list(self.tree), list(self.signed), self.with_personal)

    def body(self) -> BodyRecord:
        return self.record

    def leaves(self) -> Iterator[LeafRecord]:
        return iter(self.entries)

    def nodes(self) -> Iterator[tuple[int, int, bytes]]:
        return iter(self.tree)

    def heads(self) -> Iterator[SignedHead]:
        return iter(self.signed)

    def strays(self) -> Iterator[tuple[str, int]]:
        return iter(())


def rewritten(journal: Copy, entries: Sequence[LeafRecord]) -> Copy:
    """Return the journal as an administrator leaves it who makes everything fit ``entries`` again.

    Indexes, columns, hashes, tree and counter; heads that no longer fit are thrown away, since
    the key that signs them is out of reach.
    """
    tree, nodes, renewed, roots = CompactRange(), [], [], {}
    signed_at = {head.head.state.size for head in journal.signed}
    for index, record in enumerate(entries):
        if record.index != index or leaf_hash(record.public) != record.leaf_hash:
            record = _row(replace(Entry.decode(record.public), index=index), record)  # noqa: PLW2901
        completed = tree.append(record.leaf_hash)
        renewed.append(record)
        if tree.size in signed_at:
            roots[tree.size] = tree.root()
        nodes += [(8, (tree.size >> 8) - 1, completed[8])] if len(completed) > 8 else []
    kept = [head for head in journal.signed if roots.get(head.head.state.size) == head.head.state.root]
    return Copy(replace(journal.record, size=tree.size, peaks=tree.peaks), renewed, nodes, kept)


def with_changes(record: LeafRecord, **changes: object) -> LeafRecord:
    """Return the record with other values in its entry, its index and columns as they were."""
    entry = Entry.decode(record.public)
    changed = replace(entry, changes={**entry.changes, **changes})
    return replace(record, public=changed.encode())


def _row(entry: Entry, record: LeafRecord) -> LeafRecord:
    public = entry.encode()
    return LeafRecord(
        index=entry.index,
        at=time_text(entry.act.at),
        command=entry.act.command,
        part=entry.part,
        thing=entry.thing,
        id=entry.id,
        office=entry.office,
        public=public,
        leaf_hash=leaf_hash(public),
        commitment=entry.commitment,
        salt=record.salt,
        personal=record.personal,
    )
