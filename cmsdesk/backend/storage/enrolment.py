"""Tables of enrolment: one-time codes, and the certificates of the service's own authorities."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Connection, LargeBinary, String, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.backend.storage.things import metadata

codes = Table(
    "enrolment_codes",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("body", String(64)),
    Column("office", String(64)),
    Column("made_by", String(80), nullable=False),
    Column("expires_at", String(40), nullable=False),
    # Once it is spent: for which key, SHA-256, and what was issued, so that a lost answer can be had again.
    Column("spent_for", LargeBinary(32)),
    Column("certificate", LargeBinary),
)
_own = Table(
    "own_authorities",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class StoredCode:
    """A code's row; times are ISO 8601, UTC."""

    digest: bytes
    kind: str
    body: str | None
    office: str | None
    made_by: str
    expires_at: str
    spent_for: bytes | None = None
    certificate: bytes | None = None


def add_code(connection: Connection, code: StoredCode) -> None:
    """Store a new code."""
    connection.execute(codes.insert(), code.__dict__)


def find_code(connection: Connection, digest: bytes) -> StoredCode | None:
    """Return a code and lock its row until the transaction ends."""
    query = select(codes).where(codes.c.digest == digest).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else StoredCode(*row)


def spend_code(connection: Connection, digest: bytes, key: bytes, certificate: bytes) -> None:
    """Note for which key a code was spent, and what was issued."""
    change = update(codes).where(codes.c.digest == digest)
    connection.execute(change.values(spent_for=key, certificate=certificate))


def forget_codes(connection: Connection, kind: str) -> None:
    """Delete the unspent codes of a kind."""
    connection.execute(delete(codes).where(codes.c.kind == kind, codes.c.spent_for.is_(None)))


def forget_expired_codes(connection: Connection, now: str) -> None:
    """Delete codes whose time is over."""
    connection.execute(delete(codes).where(codes.c.expires_at < now))


def own_authority(connection: Connection, name: str) -> bytes | None:
    """Return the certificate, DER, of one of the service's own authorities."""
    query = select(_own.c.certificate).where(_own.c.name == name)
    found: bytes | None = connection.execute(query).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep_own_authority(connection: Connection, name: str, certificate: bytes) -> None:
    """Store an authority's certificate, unless another replica was first."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"name": name, "certificate": certificate}
    connection.execute(make(_own).values(row).on_conflict_do_nothing())
