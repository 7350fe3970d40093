"""Daily time stamps judged by OpenSSL, withdrawals until the CA confirms, forgetting at midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from cmsdesk.backend.jobs.daily import DailyJobs
from cmsdesk.backend.jobs.worker import Tick, Worker
from cmsdesk.backend.journal.heads import latest_head
from cmsdesk.backend.services.bodies import create_body
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage import access
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.certificate import RevocationReason
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act
from cmsdesk.operations.errors import CaUnreachable
from cmsdesk.operations.ports import CertificateAuthority
from tests.backend.journal.timestamping import TimeStamper
from tests.backend.journal.world import SoftwareSigner

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
BODY = "ente"


class Authority:
    """A CA that is down for a while."""

    def __init__(self, down: int = 0) -> None:
        self.down, self.asked = down, list[str]()

    def withdraw(self, key: str, reason: RevocationReason) -> None:
        self.asked.append(key)
        if len(self.asked) <= self.down:
            raise CaUnreachable(ca="Ente di Prova", reason="no answer")


def a_body(engine: Engine, clock: FixedClock) -> None:
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


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


def worker_of(engine: Engine, clock: FixedClock, authority: Authority, stamp: Any, *ticks: Tick) -> Worker:
    authorities = {"Ente di Prova": cast(CertificateAuthority, authority)}
    daily = DailyJobs(engine, SoftwareSigner(), authorities, clock, stamp)
    handlers = {
        "forget": daily.forget,
        "withdrawals": daily.find_withdrawals,
        "withdrawal": daily.withdraw,
        "stamps": daily.stamp_all,
        "stamp": daily.stamp,
    }
    return Worker(engine, clock, handlers, ticks)


def test_every_journals_head_is_stamped_once_a_day(engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    a_body(engine, clock)
    tsa = TimeStamper(tmp_path)
    stamped: list[bytes] = []

    def stamp(message: bytes) -> bytes:
        stamped.append(message)
        return tsa.stamp(message)

    worker = worker_of(engine, clock, Authority(), stamp, Tick("stamps"))
    worker.run_due()
    worker.run_due()
    with engine.begin() as connection:
        head = latest_head(connection, BODY)
    assert head is not None
    assert head.timestamp is not None
    assert stamped == [head.signed]
    assert tsa.verify(head.timestamp, head.signed) > NOW


def test_a_withdrawal_is_tried_until_the_ca_confirms(engine: Engine, clock: FixedClock) -> None:
    a_body(engine, clock)
    document = {
        "body": BODY,
        "ca": "Ente di Prova",
        "state": "resetting",
        "withdrawals": {"P-1-cns": False, "P-1-qualified": True},
    }
    with engine.begin() as connection:
        act = Act(new_id(), "service:test", NOW)
        record(connection, BODY, act, [Event("production.opened", "production", "P-1", document)])
    authority = Authority(down=2)
    worker = worker_of(engine, clock, authority, None, Tick("withdrawals", every=timedelta(minutes=5)))
    for _ in range(40):
        worker.run_due()
        clock.advance(timedelta(seconds=30))
    assert authority.asked == ["P-1-cns"] * 3
    with engine.begin() as connection:
        found = StoredThings(connection).get("production", "P-1")
    assert found is not None
    assert found["withdrawals"] == {"P-1-cns": True, "P-1-qualified": True}


def test_midnight_forgets_what_has_expired(engine: Engine, clock: FixedClock) -> None:
    with engine.begin() as connection:
        access.add_nonce(connection, "old", (NOW - timedelta(minutes=1)).isoformat())
        access.add_nonce(connection, "new", (NOW + timedelta(minutes=1)).isoformat())
    worker_of(engine, clock, Authority(), None, Tick("forget")).run_due()
    with engine.begin() as connection:
        assert not access.spend_nonce(connection, "old", (NOW - timedelta(minutes=1)).isoformat())
        assert access.spend_nonce(connection, "new", (NOW + timedelta(minutes=1)).isoformat())
