"""Tables about who may call: sign-in challenges and sessions; and receipts of commands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, LargeBinary, String, Table, Text, bindparam, delete, select

from cmsdesk.backend.storage.things import metadata

_nonces = Table(
    "nonces",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("expires_at", String(40), nullable=False),
)
_sessions = Table(
    "sessions",
    metadata,
    Column("token_digest", LargeBinary(32), primary_key=True),
    Column("operator", String(16), nullable=False),
    Column("workstation", String(64), nullable=False),
    Column("expires_at", String(40), nullable=False),
)
_receipts = Table(
    "receipts",
    metadata,
    Column("body", String(64), primary_key=True),
    Column("command", String(36), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", String(40), nullable=False),
)
# Built once: every call looks a session up, every command a receipt.
_SESSION = select(_sessions.c.operator, _sessions.c.workstation, _sessions.c.expires_at).where(
    _sessions.c.token_digest == bindparam("token_digest")
)
_ANSWERED = select(_receipts.c.command, _receipts.c.digest, _receipts.c.answer).where(
    _receipts.c.body == bindparam("body"), _receipts.c.command.in_(bindparam("commands", expanding=True))
)


@dataclass(frozen=True)
class StoredSession:
    """A session; times are ISO 8601, UTC."""

    operator: str
    workstation: str
    expires_at: str


def add_nonce(connection: Connection, nonce: str, expires_at: str) -> None:
    """Store a challenge's nonce."""
    connection.execute(_nonces.insert(), {"nonce": nonce, "expires_at": expires_at})


def spend_nonce(connection: Connection, nonce: str, expires_at: str) -> bool:
    """Delete a nonce; tell whether it was there."""
    spend = delete(_nonces).where(_nonces.c.nonce == nonce, _nonces.c.expires_at == expires_at)
    return connection.execute(spend.returning(_nonces.c.nonce)).scalar_one_or_none() is not None


def add_session(connection: Connection, token_digest: bytes, session: StoredSession) -> None:
    """Store a session under the digest of its token."""
    connection.execute(_sessions.insert(), {"token_digest": token_digest, **session.__dict__})


def find_session(connection: Connection, token_digest: bytes) -> StoredSession | None:
    """Return a session by the digest of its token."""
    row = connection.execute(_SESSION, {"token_digest": token_digest}).one_or_none()
    return None if row is None else StoredSession(*row)


def end_session(connection: Connection, token_digest: bytes) -> None:
    """Delete a session."""
    connection.execute(delete(_sessions).where(_sessions.c.token_digest == token_digest))


def forget_expired(connection: Connection, now: str) -> None:
    """Delete nonces and sessions whose time is over."""
    for table in (_nonces, _sessions):
        connection.execute(delete(table).where(table.c.expires_at < now))


@dataclass(frozen=True)
class Receipt:
    """What a command was answered."""

    command: str
    digest: bytes
    """Of its content and its operator."""
    answer: str
    """JSON."""


def find_receipts(connection: Connection, body: str, commands: Sequence[str]) -> dict[str, Receipt]:
    """Return, by command, what was answered before to mandates of ``body``.

    Each body has receipts of its own: an id that another body used tells nothing.
    """
    rows = connection.execute(_ANSWERED, {"body": body, "commands": list(commands)})
    return {row.command: Receipt(row.command, bytes(row.digest), row.answer) for row in rows}


def forget_receipts(connection: Connection, body: str, commands: Collection[str]) -> None:
    """Delete what is kept of commands whose personal data are erased; the journal still refuses their ids."""
    connection.execute(
        delete(_receipts).where(_receipts.c.body == body, _receipts.c.command.in_(sorted(commands)))
    )


def add_receipts(connection: Connection, body: str, receipts: Sequence[Receipt], at: str) -> None:
    """Store answers given at ``at``."""
    rows = [{"body": body, "at": at, **one.__dict__} for one in receipts]
    if rows:
        connection.execute(_receipts.insert(), rows)
