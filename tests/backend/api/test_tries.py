"""Tries are counted for all replicas together, on either database, and forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from cmsdesk.backend.api.gate import Gate
from cmsdesk.backend.api.limits import Limits
from cmsdesk.backend.api.watch import Metrics
from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.services.tries import Tries
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.tries import forget_tries
from cmsdesk.base.clock import FixedClock

AT = datetime(2026, 6, 1, 8, 0, 15, tzinfo=UTC)


def test_two_replicas_count_together_each_minute_anew(engine: Engine) -> None:
    create_tables(engine)
    clock = FixedClock(AT)
    one, other = Tries(engine, clock), Tries(engine, clock)
    assert [replica.wait_s("sign-in", "pc", 3) for replica in (one, other, one, other, one)] == [
        0,
        0,
        0,
        45,
        45,
    ]
    assert one.wait_s("enrolment", "pc", 3) == one.wait_s("sign-in", "another", 3) == 0
    clock.advance(timedelta(seconds=45))
    assert other.wait_s("sign-in", "pc", 3) == 0
    with engine.begin() as connection:
        forget_tries(connection, int(clock.now().timestamp() // 60))
        assert connection.execute(text("SELECT count(*) FROM tries")).scalar_one() == 1


def test_without_a_database_nothing_is_counted() -> None:
    assert Tries(open_engine("sqlite://"), FixedClock(AT)).wait_s("sign-in", "pc", 1) == 0


def test_a_caller_turned_away_at_one_replica_is_at_the_other_too(engine: Engine) -> None:
    create_tables(engine)
    tries = Tries(engine, FixedClock(AT))

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limits = Limits(sign_ins_per_minute=2, enrolments_per_minute=2)
    replicas = [Gate(application, limits, Metrics(lambda: 0), tries=tries.wait_s) for _ in range(2)]

    def call(replica: Gate, path: str) -> int:
        found: list[int] = []

        async def send(message: Any) -> None:
            found.append(message.get("status", 0))

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        scope = {"type": "http", "path": path, "method": "POST", "headers": [], "client": ("192.0.2.1", 1)}
        asyncio.run(replica(scope, receive, send))
        return found[0]

    for path in ("/v1/sign-in", "/v1/enrolment"):
        assert [call(replicas[turn % 2], path) for turn in range(4)] == [200, 200, 429, 429]
    assert call(replicas[0], "/v1/things") == 200
