"""Proofs from the stored tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, event, insert, select, update

from cmsdesk.backend.journal.errors import JournalDamaged
from cmsdesk.backend.journal.store import append, open_body
from cmsdesk.backend.journal.tables import BODIES, LEAVES, METADATA, NODES
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.domain.merkle import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of_list,
    verify_inclusion,
)
from tests.backend.journal.world import BODY, drafts, sqlite_engine


def hashes_of(connection: Connection) -> list[bytes]:
    return list(connection.execute(select(LEAVES.c.leaf_hash).order_by(LEAVES.c.leaf_index)).scalars())


def test_proofs_across_tiles_equal_those_of_the_list(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 560))
    hashes = hashes_of(connection)
    assert len(hashes) > 2 * 256
    root_of = root_of_list(hashes)
    for size in (1, 255, 256, 257, 511, 512, 513, len(hashes)):
        tree = StoredTree(connection, BODY, size)
        assert tree.root() == root_of(0, size)
        for index in range(0, size, 17):
            assert tree.inclusion_proof(index) == inclusion_proof(index, size, root_of)
        for old in range(0, size + 1, 13):
            assert tree.consistency_proof(old) == consistency_proof(old, size, root_of)


def test_a_proof_reads_tiles_not_the_journal(tmp_path: Path) -> None:
    """70,000 leaves: five tiles for a path, wherever the leaf is."""
    engine = sqlite_engine(tmp_path / "large.db")
    METADATA.create_all(engine)
    size = 70_000
    with engine.begin() as connection:
        open_body(connection, BODY)
        root = _fill(connection, size)
        reads: list[str] = []
        event.listen(engine, "before_cursor_execute", lambda *call: reads.append(call[2]))
        for index in (0, 255, 65_535, 65_536, 69_999):
            tree = StoredTree(connection, BODY, size)
            proof = tree.inclusion_proof(index)
            assert verify_inclusion(index, size, leaf_hash(str(index).encode()), proof, root)
        assert len(reads) <= 5 * 5
    engine.dispose()


def test_a_missing_hash_is_damage(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 300))
    for table in (NODES, LEAVES):
        with connection.begin_nested() as tampering:
            connection.execute(delete(table))
            with pytest.raises(JournalDamaged):
                StoredTree(connection, BODY, 300).root()
            tampering.rollback()


def test_an_empty_tree(engine: Engine) -> None:
    with engine.begin() as connection:
        assert StoredTree(connection, BODY, 0).root() == CompactRange().root()
        assert StoredTree(connection, BODY, 0).consistency_proof(0) == []


def _fill(connection: Connection, size: int) -> bytes:
    """Store bare leaves, as `append` would, without their events."""
    tree, leaves, nodes = CompactRange(), [], []
    for index in range(size):
        completed = tree.append(leaf_hash(str(index).encode()))
        leaves.append(
            {
                "body": BODY,
                "leaf_index": index,
                "at": "",
                "command": str(index),
                "part": 0,
                "thing": "",
                "thing_id": "",
                "public": b"",
                "leaf_hash": completed[0],
            }
        )
        for level in range(8, len(completed), 8):
            nodes.append(
                {"body": BODY, "level": level, "node_index": index >> level, "hash": completed[level]}
            )
    connection.execute(insert(LEAVES), leaves)
    connection.execute(insert(NODES), nodes)
    connection.execute(update(BODIES).values(size=size, peaks=tree.peaks))
    return tree.root()
