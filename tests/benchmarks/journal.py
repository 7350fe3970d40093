"""Figures of the journal: ``python tests/benchmarks/journal.py``. Ratios are to a bare loop in the same run.

Issue's goal: hashing at least 100,000 events/s on one core (canonical bytes → leaf hash → root).
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Connection, Engine

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.export import ExportSource, write_export
from cmsdesk.backend.journal.heads import Keys, sign_head
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.backend.journal.store import append, open_body, read_page
from cmsdesk.backend.journal.tables import METADATA
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.domain.events import evolve
from cmsdesk.domain.merkle import CompactRange, leaf_hash, verify_inclusion
from tests.backend.journal.world import (
    BODY,
    START,
    SoftwareSigner,
    command,
    drafts,
    postgres_engine,
    sqlite_engine,
)
from tests.fixtures.postgres import PostgresCluster

EVENTS = 200_000
STORED = 20_000
SINGLE = 500
GOAL_PER_S = 100_000


def main() -> int:
    """Print the figures; 1 when the goal is missed."""
    reached = hashing()
    with tempfile.TemporaryDirectory() as folder, PostgresCluster() as cluster:
        for name, engine in (
            ("SQLite", sqlite_engine(Path(folder) / "journal.db")),
            ("PostgreSQL", postgres_engine(cluster.create_database())),
        ):
            storage(name, engine, Path(folder))
            engine.dispose()
    return 0 if reached else 1


def hashing() -> bool:
    """The verifier's pipeline, best of three, against bare SHA-256 of the same bytes."""
    publics = [b'{"commitment":null,"index":%d,"padding":"%s"}' % (at, b"x" * 480) for at in range(EVENTS)]
    bare = best(lambda: [sha256(public).digest() for public in publics])
    tree = best(lambda: CompactRange.of(map(leaf_hash, publics)).root())
    rate = EVENTS / tree
    print(f"canonical bytes → leaf hash → root: {rate:,.0f} events/s ({len(publics[0])} bytes each),"
          f" {bare / tree:.2f} of bare SHA-256; goal {GOAL_PER_S:,}")  # fmt: skip
    return rate >= GOAL_PER_S


def storage(name: str, engine: Engine, folder: Path) -> None:
    """Append, feed, proofs and the whole check on one database."""
    METADATA.create_all(engine)
    signer = SoftwareSigner()
    with engine.begin() as connection:
        open_body(connection, BODY)
        batches = [drafts(first, first + 1000) for first in range(0, STORED, 1000)]
        seconds = timed(lambda: [append(connection, BODY, batch) for batch in batches])
        size = sum(map(len, batches))
        head = sign_head(connection, BODY, signer, START)
    print(f"{name}: append in batches {size / seconds:,.0f} events/s")
    seconds = timed(lambda: singly(engine))
    print(f"{name}: append, one transaction each {SINGLE / seconds:,.0f} commands/s")
    with engine.begin() as connection:
        seconds = timed(lambda: follow(connection))
        print(f"{name}: feed in pages of 500 {size / seconds:,.0f} entries/s")
        proofs(name, connection, size, head.head.state.root)
        source, keys, desk = (
            DatabaseSource(connection, BODY),
            Keys(signer.public_key),
            [Evidence.of_head(head, "desk")],
        )
        seconds = timed(lambda: check(source, keys, desk))
        print(f"{name}: whole check {size / seconds:,.0f} entries/s")
        seconds = timed(lambda: check(source, keys, desk, replay=Replay(evolve, lambda: ())))
        print(f"{name}: whole check with replay {size / seconds:,.0f} entries/s")
        path = folder / f"{name}.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            write_export(source, stream, with_personal=True)
    seconds = timed(lambda: check(ExportSource(path), keys, desk))
    print(f"{name}: whole check of the export {size / seconds:,.0f} entries/s")


def singly(engine: Engine) -> None:
    for number in range(STORED, STORED + SINGLE):
        with engine.begin() as connection:
            append(connection, BODY, command(number))


def follow(connection: Connection) -> None:
    cursor = None
    while (page := read_page(connection, BODY, cursor, limit=500)).items:
        cursor = page.cursor


def proofs(name: str, connection: Connection, size: int, root: bytes) -> None:
    made = 50
    hashes = [item.leaf_hash for item in read_page(connection, BODY, limit=size).items]
    indexes = [at * size // made for at in range(made)]
    seconds = timed(lambda: [StoredTree(connection, BODY, size).inclusion_proof(at) for at in indexes])
    proof = StoredTree(connection, BODY, size).inclusion_proof(7)
    verifying = timed(lambda: [verify_inclusion(7, size, hashes[7], proof, root) for _ in range(1000)])
    assert verify_inclusion(7, size, hashes[7], proof, root)
    print(
        f"{name}: inclusion proof made in {seconds / made * 1e3:.2f} ms, verified in {verifying * 1e3:.0f} µs"
    )


def best(work: Callable[[], object]) -> float:
    return min(timed(work) for _ in range(3))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
