"""Proofs from the stored tree: leaf hashes and every eighth level, read by tiles of 256."""

from __future__ import annotations

from sqlalchemy import Connection, select

from cmsdesk.backend.journal.errors import JournalDamaged
from cmsdesk.backend.journal.store import TILE_LEVELS
from cmsdesk.backend.journal.tables import LEAVES, NODES
from cmsdesk.base.texts import N_
from cmsdesk.domain.merkle import CompactRange, consistency_proof, inclusion_proof, node_hash

_TILE = 1 << TILE_LEVELS


class StoredTree:
    """The first ``size`` entries of one body's tree, as stored; a tile is read once."""

    def __init__(self, connection: Connection, body: str, size: int) -> None:
        self._connection = connection
        self._body = body
        self._size = size
        self._subtrees: dict[tuple[int, int], bytes] = {}
        self._tiles: dict[tuple[int, int], dict[int, bytes]] = {}

    def root(self) -> bytes:
        """Return the root, computed from the stored hashes.

        Raises:
            JournalDamaged: a hash is missing; as in all that follows.
        """
        return self._root_of(0, self._size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return the path from entry ``index`` to `root` (RFC 9162 §2.1.3.1)."""
        return inclusion_proof(index, self._size, self._root_of)

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """Return the proof that this tree continues that of ``old_size`` (RFC 9162 §2.1.4.1)."""
        return consistency_proof(old_size, self._size, self._root_of)

    def _root_of(self, first: int, end: int) -> bytes:
        size = end - first
        if size and size & (size - 1) == 0 and first % size == 0:
            level = size.bit_length() - 1
            return self._subtree(level, first >> level)
        tree, at = CompactRange(), first
        highest = max(0, (end - first).bit_length() - 1) // TILE_LEVELS * TILE_LEVELS
        for level in range(highest, -1, -TILE_LEVELS):
            while at + (1 << level) <= end:
                tree.append(self._node(level, at >> level), level)
                at += 1 << level
        return tree.root()

    def _subtree(self, level: int, index: int) -> bytes:
        """Return the root of a complete subtree; computed once, for the proofs of many entries share them."""
        if level % TILE_LEVELS == 0:
            return self._node(level, index)
        place = (level, index)
        if place not in self._subtrees:
            left, right = (self._subtree(level - 1, 2 * index + side) for side in (0, 1))
            self._subtrees[place] = node_hash(left, right)
        return self._subtrees[place]

    def _node(self, level: int, index: int) -> bytes:
        place = (level, index // _TILE)
        if place not in self._tiles:
            self._tiles[place] = self._read_tile(*place)
        try:
            return self._tiles[place][index]
        except KeyError:
            raise JournalDamaged(
                body=self._body, what=N_("hash {hash} of level {level} is missing"), hash=index, level=level
            ) from None

    def _read_tile(self, level: int, tile: int) -> dict[int, bytes]:
        first, end = tile * _TILE, (tile + 1) * _TILE
        if level == 0:
            query = select(LEAVES.c.leaf_index, LEAVES.c.leaf_hash).where(
                LEAVES.c.body == self._body, LEAVES.c.leaf_index >= first, LEAVES.c.leaf_index < end
            )
        else:
            query = select(NODES.c.node_index, NODES.c.hash).where(
                NODES.c.body == self._body,
                NODES.c.level == level,
                NODES.c.node_index >= first,
                NODES.c.node_index < end,
            )
        return dict(self._connection.execute(query).all())
