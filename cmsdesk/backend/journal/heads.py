"""Signed tree heads: made, kept, time-stamped, verified.

A head is only worth something where the service's administrator cannot reach it: at every desk,
in a time stamp, on the day's closing sheet. The table keeps them for the service's own use.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.backend.journal.errors import JournalDamaged
from cmsdesk.backend.journal.store import tree_state
from cmsdesk.backend.journal.tables import HEADS
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.base.texts import N_
from cmsdesk.domain.journal import SignedHead, TreeHead, TreeState
from cmsdesk.domain.merkle import verify_consistency
from cmsdesk.operations.journal_keys import Keys, key_id

__all__ = ["Keys", "Signer", "attach_timestamp", "head_of", "key_id", "latest_head", "sign_head"]


class Signer(Protocol):
    """Whoever holds the journal's private key; in production a PKCS #11 token."""

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return an Ed25519 signature, or an ECDSA one in DER (SHA-384 on P-384, else SHA-256)."""
        ...


def sign_head(connection: Connection, body: str, signer: Signer, at: datetime) -> SignedHead:
    """Return the signed head of the journal as it is now, made unless it is there.

    Nothing is signed that does not continue the last head: the key does not lend itself to a
    rewritten journal.

    Raises:
        UnknownJournal: the body has none.
        JournalDamaged: stored hashes and the last head do not fit together.
    """
    state, last = tree_state(connection, body), latest_head(connection, body)
    if last is not None and last.head.state == state:
        return last
    _check_continues(connection, state, None if last is None else last.head.state)
    signed = TreeHead(state, at).encode()
    head = SignedHead(signed, signer.sign(signed), key_id(signer.public_key))
    # two replicas may sign at once: the first one's head stays
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"body": body, "epoch": state.epoch, "size": state.size, "key_id": head.key_id}
    connection.execute(
        make(HEADS).values(**values, signed=head.signed, signature=head.signature).on_conflict_do_nothing()
    )
    row = connection.execute(select(HEADS).where(*_place(state))).one()
    return head_of(row)


_LATEST = (
    select(HEADS)
    .where(HEADS.c.body == bindparam("of_body"))
    .order_by(HEADS.c.epoch.desc(), HEADS.c.size.desc())
    .limit(1)
)


def latest_head(connection: Connection, body: str) -> SignedHead | None:
    """Return the newest signed head, without asking whether the journal has grown since."""
    row = connection.execute(_LATEST, {"of_body": body}).one_or_none()
    return None if row is None else head_of(row)


def attach_timestamp(connection: Connection, head: SignedHead, token: bytes) -> SignedHead:
    """Store the RFC 3161 token over ``head.signed`` beside the head; an earlier token stays.

    The token is asked for outside any transaction: time stamping authorities may be slow.
    """
    state = head.head.state
    connection.execute(
        update(HEADS).where(*_place(state), HEADS.c.timestamp_token.is_(None)).values(timestamp_token=token)
    )
    return head if head.timestamp is not None else replace(head, timestamp=token)


def head_of(row: Row[Any]) -> SignedHead:
    """Return the head of a row of ``journal_heads``."""
    return SignedHead(row.signed, row.signature, row.key_id, row.timestamp_token)


def _place(state: TreeState) -> tuple[ColumnElement[bool], ...]:
    return (HEADS.c.body == state.body, HEADS.c.epoch == state.epoch, HEADS.c.size == state.size)


def _check_continues(connection: Connection, state: TreeState, last: TreeState | None) -> None:
    tree = StoredTree(connection, state.body, state.size)
    if last is None:
        consistent = tree.root() == state.root
    else:
        proof = tree.consistency_proof(last.size) if last.size <= state.size else []
        consistent = verify_consistency(last.size, state.size, last.root, state.root, proof)
    if not consistent:
        raise JournalDamaged(body=state.body, what=N_("it does not continue what was signed last"))
