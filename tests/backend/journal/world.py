"""Acts, events and databases that the journal's tests share. Invented people."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, create_engine, event

from cmsdesk.backend.journal.store import Draft
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act

BODY = "BZ"
START = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
WORKSTATION = "ab" * 32
_NAMESPACE = uuid.UUID("01958a4c-0000-7000-8000-000000000000")


class SoftwareSigner:
    """A journal key in memory, Ed25519 or on a curve of NIST."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self._key: Any = Ed25519PrivateKey.generate() if curve is None else ec.generate_private_key(curve)

    @property
    def public_key(self) -> bytes:
        return self._encoded(serialization.Encoding.DER)

    @property
    def public_pem(self) -> str:
        return self._encoded(serialization.Encoding.PEM).decode()

    def sign(self, message: bytes) -> bytes:
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(message)
        digest = hashes.SHA384() if self._key.key_size == 384 else hashes.SHA256()
        signed: bytes = self._key.sign(message, ec.ECDSA(digest))
        return signed

    def _encoded(self, encoding: serialization.Encoding) -> bytes:
        encoded: bytes = self._key.public_key().public_bytes(
            encoding, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return encoded


def sqlite_engine(path: Path, *, begin_with: str = "BEGIN IMMEDIATE") -> Engine:
    """A SQLite database as the service opens it: every transaction begins as a writer; readers say BEGIN."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, record: object) -> None:
        connection.isolation_level = None
        for setting in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON", "busy_timeout=60000"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(begin_with)

    return engine


def postgres_engine(url: str) -> Engine:
    """A PostgreSQL database with its default isolation (READ COMMITTED)."""
    return create_engine(url, pool_size=12)


def command_id(number: int) -> str:
    """A command's id that is the same in every run."""
    return str(uuid.uuid5(_NAMESPACE, f"command {number}"))


def act(number: int, *, at: datetime | None = None) -> Act:
    """The act of command ``number``, one minute after the one before."""
    moment = START + timedelta(minutes=number) if at is None else at
    return Act(command_id(number), "mandate:01958a4c-0000-7000-8000-0000000000aa", moment, WORKSTATION)


def drafts(first: int, end: int) -> list[Draft]:
    """Commands ``first`` to ``end``: registrations, approvals, corrections of contacts, stock."""
    return [draft for number in range(first, end) for draft in command(number)]


def command(number: int) -> Sequence[Draft]:
    """One believable command in two offices; every tenth makes two events."""
    office = f"{BODY}-{number % 2}"
    request = str(uuid.uuid5(_NAMESPACE, f"request {number // 3}"))
    holder = {"surname": f"Rossi {number // 3}", "given_name": "Lucía", "fiscal_code": "RSSLCU80A41H501O"}
    if number % 10 == 9:
        device, done = f"60900100000{number:05d}", act(number)
        return [
            Draft(done, Event("device.in_production", "device", device, {"state": "in_production"})),
            Draft(done, Event("production.opened", "production", request, {"device": device}), office),
        ]
    if number % 3 == 0:
        changes = {"body": BODY, "office": office, "state": "registered", "fee_cents": 4500}
        return [
            Draft(
                act(number),
                Event("request.registered", "request", request, changes, {"holder": holder}),
                office,
            )
        ]
    if number % 3 == 1:
        return [
            Draft(act(number), Event("request.approved", "request", request, {"state": "approved"}), office)
        ]
    moved = {"holder": {**holder, "contact_email": "lucia.rossi@posta.example.it"}}
    return [Draft(act(number), Event("request.contact_changed", "request", request, {}, moved), office)]
