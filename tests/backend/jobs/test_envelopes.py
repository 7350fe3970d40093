"""E-mailed scratch cards: sent once, to today's address, in the body's languages; then gone, or expired."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from sqlalchemy import Engine

from cmsdesk.backend.jobs.envelopes import KEPT, Envelopes
from cmsdesk.backend.jobs.worker import Tick, Worker
from cmsdesk.backend.journal.store import open_body, read_page
from cmsdesk.backend.mail.smtp import Mailer, MailSettings
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.backend.vault.hsm import seal_for_mailer
from cmsdesk.backend.vault.mail_tray import MailTray
from cmsdesk.backend.vault.vault import _SCHEMA
from cmsdesk.base.clock import FixedClock
from cmsdesk.domain.journal import Entry
from cmsdesk.sandbox.tls import TlsRoot
from tests.fixtures.mail import *  # noqa: F403 - fixtures are found by name
from tests.fixtures.mail import Inbox, serve_mail

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
NUMBER, OLD, NEW = "SC-1", "elena.ferrari@example.com", "elena@example.net"
CODES = {"pin": "58203916", "puk": "91746250", "emergency": "4082719365"}
OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - SoftHSM2 offers no other


class Case:
    """A tray with one scratch card, its holder's things, and a worker."""

    def __init__(self, engine: Engine, folder: Path, inbox: Inbox, port: int, roots: Path) -> None:
        self.engine, self.inbox = engine, inbox
        self.clock = FixedClock(NOW)
        self.vault = folder / "vault.db"
        private = rsa.generate_private_key(65537, 3072)
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        sealed = seal_for_mailer(public, json.dumps(CODES).encode())
        with contextlib.closing(sqlite3.connect(self.vault)) as database:
            database.executescript("PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON;" + _SCHEMA)
            database.execute("INSERT INTO mail VALUES (?, ?, ?)", (NUMBER, sealed, NOW.isoformat()))
            database.commit()
        self.sealed = sealed
        self.tray = MailTray(self.vault)
        mailer = Mailer(MailSettings("127.0.0.1", "codici@example.com", port, roots=roots))
        envelopes = Envelopes(
            engine, self.tray, lambda found: private.decrypt(found, OAEP), mailer, self.clock
        )
        handlers = {"envelopes": envelopes.sweep, "envelope": envelopes.send}
        self.worker = Worker(engine, self.clock, handlers, [Tick("envelopes", every=timedelta(minutes=5))])
        self.holder_at(OLD)

    def holder_at(self, address: str) -> None:
        """Store what an issue left, with the holder's address of today."""
        documents: dict[tuple[str, str], dict[str, Any]] = {
            ("body", "ente"): {"body": "ente", "name": "Camera di Prova"},
            ("configuration", "ente"): {"body": "ente", "languages": ["de", "it"]},
            ("request", "R-1"): {"body": "ente", "holder": {"contact_email": address}},
            ("production", "P-1"): {"body": "ente", "state": "issued", "request": "R-1", "device": "743"},
            ("scratch_card", NUMBER): {"body": "ente", "state": "used", "production": "P-1"},
        }
        with self.engine.begin() as connection:
            StoredThings(connection).put(documents)

    def run(self, after: timedelta = timedelta()) -> None:
        """Move the clock and do what is due."""
        self.clock.advance(after)
        self.worker.run_due()

    def recorded(self) -> list[str]:
        """Return what the journal says of the scratch card."""
        with self.engine.begin() as connection:
            entries = [Entry.decode(item.public or b"") for item in read_page(connection, "ente").items]
        return [entry.kind for entry in entries if entry.id == NUMBER]


@pytest.fixture
def case(engine: Engine, inbox: Inbox, tmp_path: Path) -> Iterator[Case]:
    with engine.begin() as connection:
        open_body(connection, "ente")
    tls = TlsRoot(tmp_path / "tls", datetime.now(UTC))
    server = tls.server()
    with serve_mail(inbox, server.certificate, server.key) as port:
        yield Case(engine, tmp_path, inbox, port, tls.root)


def test_the_holder_gets_the_codes_once_and_they_are_gone(case: Case) -> None:
    case.run()
    [message] = case.inbox.messages
    assert case.inbox.encrypted == [True]
    assert message["To"] == OLD
    text = message.get_content()
    for code in CODES.values():
        assert text.count(code) == 2, "once in each language"
    assert "Notfallcode" in text
    assert "Camera di Prova" in text
    assert " – " in message["Subject"]
    for code in CODES.values():
        assert code not in message["Subject"]
    assert case.tray.waiting() == []
    assert case.recorded() == ["scratch_card.mailed"]
    for _ in range(3):
        case.run(timedelta(minutes=5))
    assert len(case.inbox.messages) == 1


def test_nothing_of_them_is_left_in_the_vaults_files(case: Case) -> None:
    assert any(case.sealed in path.read_bytes() for path in case.vault.parent.glob("vault.db*"))
    case.run()
    assert not any(case.sealed[:64] in path.read_bytes() for path in case.vault.parent.glob("vault.db*"))


def test_a_server_that_refuses_is_tried_again_at_the_address_of_that_day(case: Case) -> None:
    case.inbox.refusing = True
    case.run()
    assert case.tray.waiting() == [NUMBER]
    case.inbox.refusing = False
    case.holder_at(NEW)
    case.run(timedelta(hours=1))
    [message] = case.inbox.messages
    assert message["To"] == NEW
    assert case.tray.waiting() == []


def test_a_message_that_is_sent_twice_is_the_same_one(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(number: str) -> None:
        raise RuntimeError("the power fails here")

    monkeypatch.setattr(case.tray, "remove", cut)
    case.run()
    monkeypatch.undo()
    case.run(timedelta(hours=1))
    assert len({message["Message-ID"] for message in case.inbox.messages}) == 1
    assert case.tray.waiting() == []


def test_what_no_server_takes_is_deleted_in_time(case: Case) -> None:
    case.inbox.refusing = True
    case.run()
    case.run(KEPT)
    assert case.tray.waiting() == [NUMBER]
    case.run(timedelta(minutes=5))
    assert case.tray.waiting() == []
    assert case.recorded() == ["scratch_card.mail_expired"]
    case.inbox.refusing = False
    case.run(timedelta(hours=2))
    assert case.inbox.messages == []


def test_a_server_without_encryption_gets_nothing(engine: Engine, inbox: Inbox, tmp_path: Path) -> None:
    with engine.begin() as connection:
        open_body(connection, "ente")
    tls = TlsRoot(tmp_path / "tls", datetime.now(UTC))
    with serve_mail(inbox) as port:
        case = Case(engine, tmp_path, inbox, port, tls.root)
        case.run()
        assert inbox.messages == []
        assert case.tray.waiting() == [NUMBER]
