"""Notices of expiry reach the holder through a real SMTP server, in the body's languages."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine

from cmsdesk.backend.jobs.notices import ExpiryNotices, days_before
from cmsdesk.backend.jobs.worker import Tick, Worker
from cmsdesk.backend.mail.smtp import Mailer, MailSettings
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import FixedClock
from tests.fixtures.mail import *  # noqa: F403 - fixtures are found by name
from tests.fixtures.mail import Inbox, serve_mail

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
ADDRESS = "elena.ferrari@example.com"


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[int]:
    with serve_mail(inbox) as port:
        yield port


def certificate(expires: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - timedelta(days=900)).not_valid_after(expires)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode()


def issued(engine: Engine, production: str, expires: datetime) -> None:
    """Store what an issue left; a second certificate lives longer."""
    certificates = {"cns": certificate(expires), "qualified": certificate(expires + timedelta(days=9))}
    documents: dict[tuple[str, str], dict[str, Any]] = {
        ("body", "ente"): {"body": "ente", "name": "Camera di Prova"},
        ("configuration", "ente"): {"body": "ente", "languages": ["de", "it"]},
        ("request", "R-1"): {"body": "ente", "holder": {"contact_email": ADDRESS}},
        ("production", production): {
            "body": "ente",
            "state": "issued",
            "request": "R-1",
            "device": "7430010000000001",
            "certificates": certificates,
        },
    }
    with engine.begin() as connection:
        StoredThings(connection).put(documents)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def worker(engine: Engine, smtp: int, clock: FixedClock) -> Worker:
    port = smtp
    settings = MailSettings("127.0.0.1", "avvisi@camera.example", port, starttls=False)
    notices = ExpiryNotices(engine, Mailer(settings), clock)
    return Worker(engine, clock, {"notices": notices.sweep, "notice": notices.send}, [Tick("notices")])


def test_the_days() -> None:
    today = date(2026, 6, 1)
    due = {left: days_before(NOW + timedelta(days=left), today) for left in range(-1, 93)}
    assert [left for left, days in due.items() if days == 90] == list(range(61, 91))
    assert [left for left, days in due.items() if days == 60] == list(range(31, 61))
    assert [left for left, days in due.items() if days == 30] == list(range(1, 31))


def test_one_notice_at_each_threshold_with_a_name_that_stays(
    engine: Engine, worker: Worker, inbox: Inbox, clock: FixedClock
) -> None:
    issued(engine, "P-1", NOW + timedelta(days=91))
    for _ in range(95):
        worker.run_due()
        clock.advance(timedelta(days=1))
    assert [message["Message-ID"] for message in inbox.messages] == [
        f"<notice.P-1.{days}@camera.example>" for days in (90, 60, 30)
    ]
    first = inbox.messages[0]
    assert first["To"] == ADDRESS
    text = first.get_content()
    assert "31/08/2026" in text
    assert "7430010000000001" in text
    assert text.index("Zertifikate") < text.index("certificati")


def test_a_refused_message_is_sent_again_under_the_same_name(
    engine: Engine, worker: Worker, inbox: Inbox, clock: FixedClock
) -> None:
    issued(engine, "P-1", NOW + timedelta(days=20))
    inbox.refusing = True
    worker.run_due()
    assert inbox.messages == []
    inbox.refusing = False
    clock.advance(timedelta(minutes=1))
    worker.run_due()
    assert [message["Message-ID"] for message in inbox.messages] == ["<notice.P-1.30@camera.example>"]


def test_a_server_without_encryption_is_refused_when_encryption_is_wanted(
    engine: Engine, smtp: int, inbox: Inbox, clock: FixedClock
) -> None:
    issued(engine, "P-1", NOW + timedelta(days=20))
    port = smtp
    notices = ExpiryNotices(engine, Mailer(MailSettings("127.0.0.1", "a@camera.example", port)), clock)
    Worker(engine, clock, {"notices": notices.sweep, "notice": notices.send}, [Tick("notices")]).run_due()
    assert inbox.messages == []
