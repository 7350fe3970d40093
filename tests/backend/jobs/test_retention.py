"""After the legal time a production's personal data are erased, once; before it, never."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine, text

from cmsdesk.backend.jobs.retention import Retention
from cmsdesk.backend.jobs.worker import Tick, Worker
from cmsdesk.backend.journal.store import read_page
from cmsdesk.backend.services.bodies import create_body
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id, uuid7
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act, Entry

ISSUED = datetime(2026, 6, 1, 8, tzinfo=UTC)
EXPIRES = datetime(2029, 6, 1, 8, tzinfo=UTC)
OVER = datetime(2049, 6, 1, 8, tzinfo=UTC)
BODY, NAME = "ente", "Perathoner"


def certificate(expires: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(ISSUED).not_valid_after(expires)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(ISSUED)


def issued(engine: Engine, clock: FixedClock, state: str = "issued", **certificates: str) -> str:
    """Record a request and what was issued for it; return the production."""
    production, request = str(uuid7(int(ISSUED.timestamp() * 1000))), new_id()
    holder: dict[str, Any] = {"holder": {"surname": NAME, "contact_email": "lukas@example.com"}}
    place = {"body": BODY, "office": "sede"}
    events = [
        Event("request.registered", "request", request, {**place, "state": "produced"}, holder),
        Event("production.opened", "production", production, {**place, "request": request, "state": state}),
    ]
    if certificates:
        events.append(
            Event(
                "production.certificates_recorded",
                "production",
                production,
                {},
                {"certificates": certificates},
            )
        )
    with engine.begin() as connection:
        record(connection, BODY, Act(new_id(), "mandate:M-1", clock.now()), events)
    return production


@pytest.fixture
def worker(engine: Engine, clock: FixedClock) -> Worker:
    create_body(
        engine,
        clock,
        body=BODY,
        name="Ente",
        office="sede",
        office_name="Sede",
        administrator="TSSMRT87C54A952D",
        valid_until=date(2040, 1, 1),
    )
    retention = Retention(engine, clock)
    handlers = {"retention": retention.sweep, "erasure": retention.erase}
    return Worker(engine, clock, handlers, [Tick("retention")])


def at(worker: Worker, clock: FixedClock, moment: datetime) -> None:
    """Let the daily sweep of a moment run."""
    clock.advance(moment - clock.now())
    worker.run_due()


def erasures(engine: Engine) -> int:
    with engine.begin() as connection:
        entries = [Entry.decode(item.public or b"") for item in read_page(connection, BODY, limit=1000).items]
    return sum(1 for entry in entries if entry.kind == "journal.erased")


def documents(engine: Engine, production: str) -> tuple[dict[str, Any], dict[str, Any]]:
    with engine.begin() as connection:
        stored = StoredThings(connection)
        found = stored.get("production", production) or {}
        return found, stored.get("request", found["request"]) or {}


def everything(engine: Engine) -> str:
    """Return what personal data the tables hold."""
    with engine.begin() as connection:
        tables = ("SELECT document FROM things", "SELECT personal FROM journal_personal")
        rows = [bytes(v) if not isinstance(v, str) else v.encode() for t in tables for (v,) in
                connection.execute(text(t))]  # fmt: skip
    return b"\n".join(rows).decode()


def test_nothing_is_erased_within_the_legal_time(engine: Engine, worker: Worker, clock: FixedClock) -> None:
    production = issued(engine, clock, cns=certificate(EXPIRES))
    for moment in (ISSUED, EXPIRES, OVER - timedelta(days=1), OVER):
        at(worker, clock, moment)
    assert documents(engine, production)[1]["holder"]["surname"] == NAME
    assert erasures(engine) == 0


def test_afterwards_holder_and_certificates_are_gone_and_the_rest_stays(
    engine: Engine, worker: Worker, clock: FixedClock
) -> None:
    production = issued(engine, clock, cns=certificate(EXPIRES))
    at(worker, clock, OVER + timedelta(days=1))
    found, request = documents(engine, production)
    assert "certificates" not in found
    assert "holder" not in request
    assert (found["state"], request["state"]) == ("issued", "produced")
    assert NAME not in everything(engine)
    assert erasures(engine) == 2
    at(worker, clock, OVER + timedelta(days=400))
    assert erasures(engine) == 2, "once"


def test_the_longest_certificate_counts(engine: Engine, worker: Worker, clock: FixedClock) -> None:
    longer = EXPIRES + timedelta(days=1000)
    production = issued(engine, clock, cns=certificate(EXPIRES), qualified=certificate(longer))
    at(worker, clock, OVER + timedelta(days=999))
    assert "holder" in documents(engine, production)[1]
    at(worker, clock, OVER + timedelta(days=1002))
    assert "holder" not in documents(engine, production)[1]


def test_what_has_no_certificate_has_no_known_time(engine: Engine, worker: Worker, clock: FixedClock) -> None:
    production = issued(engine, clock)
    at(worker, clock, OVER + timedelta(days=4000))
    assert documents(engine, production)[1]["holder"]["surname"] == NAME
