"""Signed heads, judged by OpenSSL."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, delete, func, select, update

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.errors import JournalDamaged
from cmsdesk.backend.journal.findings import Kind
from cmsdesk.backend.journal.heads import Keys, attach_timestamp, latest_head, sign_head
from cmsdesk.backend.journal.store import append, declare_epoch, open_body, tree_state
from cmsdesk.backend.journal.tables import BODIES, HEADS, LEAVES, METADATA
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.domain.journal import Entry, SignedHead
from cmsdesk.domain.merkle import CompactRange, leaf_hash, verify_consistency
from tests.backend.journal.timestamping import TimeStamper
from tests.backend.journal.world import BODY, START, SoftwareSigner, act, drafts, postgres_engine


def test_a_head_says_what_the_tree_is(connection: Connection, signer: SoftwareSigner, keys: Keys) -> None:
    append(connection, BODY, drafts(0, 9))
    signed = sign_head(connection, BODY, signer, START)
    assert signed.head.state == tree_state(connection, BODY)
    assert signed.head.at == START
    assert keys.verify(signed)
    assert latest_head(connection, BODY) == signed


@pytest.mark.parametrize("curve", [None, ec.SECP256R1(), ec.SECP384R1()])
def test_openssl_accepts_the_signature(
    connection: Connection, tmp_path: Path, curve: ec.EllipticCurve | None
) -> None:
    signer = SoftwareSigner(curve)
    signed = sign_head(connection, BODY, signer, START)
    assert Keys(signer.public_pem.encode()).verify(signed)
    (tmp_path / "head").write_bytes(signed.signed)
    (tmp_path / "signature").write_bytes(signed.signature)
    (tmp_path / "key.pem").write_text(signer.public_pem)
    digest = [] if curve is None else ["-digest", "sha384" if curve.key_size == 384 else "sha256"]
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", *digest]
    command += ["-in", "head", "-sigfile", "signature"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout, done.stderr


def test_an_unchanged_journal_is_signed_once(connection: Connection, signer: SoftwareSigner) -> None:
    append(connection, BODY, drafts(0, 3))
    first = sign_head(connection, BODY, signer, START)
    assert sign_head(connection, BODY, signer, act(9).at) == first
    append(connection, BODY, drafts(3, 4))
    assert sign_head(connection, BODY, signer, act(9).at).head.state.size == 4
    assert connection.scalar(select(func.count()).select_from(HEADS)) == 2


def test_a_former_key_is_still_known(connection: Connection, signer: SoftwareSigner) -> None:
    append(connection, BODY, drafts(0, 3))
    old = sign_head(connection, BODY, signer, START)
    append(connection, BODY, drafts(3, 5))
    successor = SoftwareSigner(ec.SECP256R1())
    new = sign_head(connection, BODY, successor, START)
    both, one = Keys(signer.public_key, successor.public_key), Keys(successor.public_key)
    assert both.verify(old)
    assert both.verify(new)
    assert one.verify(new)
    assert not one.verify(old)


class Meeting(SoftwareSigner):
    """A signer that waits until two are about to sign."""

    barrier = Barrier(2)

    def sign(self, message: bytes) -> bytes:
        self.barrier.wait(30)
        return super().sign(message)


def test_two_replicas_sign_at_once(postgres_url: str) -> None:
    """Both find no head and sign; the first head stays, and both hand it out. SQLite has one writer only."""
    engine = postgres_engine(postgres_url)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
        append(connection, BODY, drafts(0, 3))
    signer = Meeting()

    def replica(number: int) -> SignedHead:
        with engine.begin() as connection:
            return sign_head(connection, BODY, signer, act(number).at)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(replica, range(2))
    assert one == other
    engine.dispose()


# --- the key does not lend itself --------------------------------------------------------------


def test_a_rewritten_journal_is_not_signed(connection: Connection, signer: SoftwareSigner) -> None:
    append(connection, BODY, drafts(0, 30))
    sign_head(connection, BODY, signer, START)
    for index in range(30):
        with connection.begin_nested() as tampering:
            _rewrite(connection, index)
            append(connection, BODY, drafts(40, 45))
            with pytest.raises(JournalDamaged):
                sign_head(connection, BODY, signer, act(50).at)
            tampering.rollback()
    append(connection, BODY, drafts(40, 45))
    assert sign_head(connection, BODY, signer, act(50).at).head.state.size == 38


def test_a_shortened_journal_is_not_signed(connection: Connection, signer: SoftwareSigner) -> None:
    append(connection, BODY, drafts(0, 8))
    sign_head(connection, BODY, signer, START)
    connection.execute(delete(LEAVES).where(LEAVES.c.leaf_index == 7))
    _renew_tree(connection)
    with pytest.raises(JournalDamaged):
        sign_head(connection, BODY, signer, START)


def test_peaks_that_do_not_fit_are_not_signed(connection: Connection, signer: SoftwareSigner) -> None:
    append(connection, BODY, drafts(0, 8))
    connection.execute(update(BODIES).values(peaks=bytes(32)))
    with pytest.raises(JournalDamaged):
        sign_head(connection, BODY, signer, START)


def test_a_desk_sees_a_rewriting_by_its_consistency_proof(
    connection: Connection, signer: SoftwareSigner
) -> None:
    """The desk keeps a head; the service must prove that its new tree continues it."""
    append(connection, BODY, drafts(0, 30))
    desk = sign_head(connection, BODY, signer, START).head.state
    for index in (None, *range(33)):
        with connection.begin_nested() as tampering:
            if index is not None:
                _rewrite(connection, index)
            append(connection, BODY, drafts(40, 45))
            now = tree_state(connection, BODY)
            proof = StoredTree(connection, BODY, now.size).consistency_proof(desk.size)
            assert verify_consistency(desk.size, now.size, desk.root, now.root, proof) is (index is None)
            tampering.rollback()


def test_heads_go_on_after_a_restore(connection: Connection, signer: SoftwareSigner) -> None:
    append(connection, BODY, drafts(0, 8))
    sign_head(connection, BODY, signer, START)
    began = declare_epoch(connection, BODY, act(50))
    signed = sign_head(connection, BODY, signer, START)
    assert signed.head.state.epoch == began.epoch
    assert latest_head(connection, BODY) == signed


# --- time stamps -------------------------------------------------------------------------------


def test_a_time_stamp_lifts_a_kept_head_to_outside_evidence(
    connection: Connection, signer: SoftwareSigner, keys: Keys, tmp_path: Path
) -> None:
    tsa = TimeStamper(tmp_path)
    append(connection, BODY, drafts(0, 8))
    signed = sign_head(connection, BODY, signer, START)
    stamped = attach_timestamp(connection, signed, tsa.stamp(signed.signed))
    assert latest_head(connection, BODY) == stamped
    source = DatabaseSource(connection, BODY)
    assert check(source, keys).covered == 0
    assert check(source, keys, verify_timestamp=tsa.verify).covered == 8
    for index in range(8):
        with connection.begin_nested() as tampering:
            _rewrite(connection, index)
            report = check(source, keys, verify_timestamp=tsa.verify)
            assert [found.kind for found in report.findings] == [Kind.REWRITTEN]
            assert report.covered == 0
            tampering.rollback()


def test_a_time_stamp_over_something_else_is_found(
    connection: Connection, signer: SoftwareSigner, keys: Keys, tmp_path: Path
) -> None:
    tsa = TimeStamper(tmp_path)
    attach_timestamp(connection, sign_head(connection, BODY, signer, START), tsa.stamp(b"another head"))
    report = check(DatabaseSource(connection, BODY), keys, verify_timestamp=tsa.verify)
    assert [found.kind for found in report.findings] == [Kind.HEAD]


def test_an_earlier_time_stamp_stays(connection: Connection, signer: SoftwareSigner) -> None:
    signed = sign_head(connection, BODY, signer, START)
    first = attach_timestamp(connection, signed, b"first")
    attach_timestamp(connection, signed, b"second")
    assert latest_head(connection, BODY) == first


def test_a_time_stamp_from_a_desk_counts_by_its_origin(
    connection: Connection, signer: SoftwareSigner, keys: Keys
) -> None:
    append(connection, BODY, drafts(0, 3))
    travelled = SignedHead.from_document(sign_head(connection, BODY, signer, START).document())
    connection.execute(delete(HEADS))
    report = check(DatabaseSource(connection, BODY), keys, [Evidence.of_head(travelled, "desk")])
    assert report.sound
    assert report.covered == 3


def _rewrite(connection: Connection, index: int) -> None:
    """Change one entry and make hashes and tree fit again."""
    row = connection.execute(select(LEAVES).where(LEAVES.c.leaf_index == index)).one()
    public = row.public.replace(b'"at":"2026', b'"at":"2025')
    connection.execute(
        update(LEAVES)
        .where(LEAVES.c.leaf_index == index)
        .values(public=public, leaf_hash=leaf_hash(public), at=row.at.replace("2026", "2025"))
    )
    assert Entry.decode(public).act.at < datetime(2026, 1, 1, tzinfo=UTC)
    _renew_tree(connection)


def _renew_tree(connection: Connection) -> None:
    hashes = connection.execute(select(LEAVES.c.leaf_hash).order_by(LEAVES.c.leaf_index)).scalars()
    tree = CompactRange.of(hashes)
    connection.execute(update(BODIES).values(size=tree.size, peaks=tree.peaks))
