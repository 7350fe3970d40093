"""500 idle desks on one service: ``python -m tests.benchmarks.idle [--desks 500] [--seconds 60]``.

The service is a process of its own, on SQLite and then on PostgreSQL. Each desk has its own workstation
certificate, session and mandate and really holds its connection: TLS, then one call after the other that
waits for news. Counted is the processor time of the service's process while nothing happens, and then,
for changes at one desk, the seconds from giving the command until each other desk of its body has the
page that brings it. Desks of 20 a body, and, worse than any chamber, all of them in one.

The desks are a program of this file's in a process of its own (500 times the real one, with its encrypted
store, is not a service's load but that of 500 PCs); a desk needs some 10 ms more to apply a page.
Goals (issue): under 1 core; seen within 2 s.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import ssl
import statistics
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Engine

from cmsdesk.backend.services.bodies import create_body
from cmsdesk.backend.services.enrolment import admit
from cmsdesk.backend.services.service import Service
from cmsdesk.backend.storage import access
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.base.clock import SystemClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.operations import protocol
from cmsdesk.operations.ports import Vault
from cmsdesk.sandbox.tls import TlsIdentity
from cmsdesk.sync.synchroniser import PAGE, WAIT_S
from tests.benchmarks.machine import describe
from tests.fixtures.bare_service import BareService, bare_service
from tests.fixtures.postgres import PostgresCluster
from tests.sync.bench import registration

OPERATOR = "RSSMRA80A01H501U"
A_BODY = 20
CHANGES = 5
BETWEEN_S = 4.0
CONNECTED_AT_ONCE = 16


@dataclass
class Desk:
    """One workstation with a session, and the connection that it holds."""

    body: str
    mandate: str
    identity: TlsIdentity
    token: str = field(default_factory=new_id)
    cursor: tuple[int, int] = (1, 0)
    seen: dict[int, float] = field(default_factory=dict)
    """By size of the journal, when it was first known."""
    answers: int = 0

    async def connect(self, service: BareService) -> None:
        """Open the connection and follow the feed to its end."""
        context = ssl.create_default_context(cafile=str(service.roots))
        context.load_cert_chain(self.identity.certificate, self.identity.key)
        self.streams = await asyncio.open_connection("127.0.0.1", service.port, ssl=context)
        page = await self.call("GET", "/v1/feed?limit=1000")
        self.cursor = page["cursor"]["epoch"], page["cursor"]["index"]

    async def call(self, method: str, target: str, body: object = None) -> Any:
        """Send one call; return the answer's JSON."""
        reader, writer = self.streams
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
            f"Cmsdesk-Mandate: {self.mandate}\r\n{protocol.HEADER}: {protocol.VERSION}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(told.partition("content-length:")[2].partition("\r\n")[0])
        answer = await reader.readexactly(length)
        assert told.startswith("http/1.1 200"), (told, answer)
        return json.loads(answer)

    async def listen(self) -> None:
        """Wait for news again and again."""
        while True:
            epoch, index = self.cursor
            query = f"epoch={epoch}&index={index}&limit={PAGE}&wait_s={WAIT_S}"
            answer = await self.call("GET", f"/v1/feed/next?{query}")
            assert answer["waited"]
            self.cursor = answer["page"]["cursor"]["epoch"], answer["page"]["cursor"]["index"]
            self.seen.setdefault(self.cursor[1], time.monotonic())
            self.answers += 1


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--desks", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0, help="of idleness")
    options = parser.parse_args()
    print("\n".join(describe(["fastapi", "uvicorn", "SQLAlchemy", "psycopg"])), flush=True)
    with PostgresCluster() as cluster:
        for name, database in (("SQLite", ""), ("PostgreSQL", cluster.create_database())):
            with bare_service(database) as service:
                for a_body in (A_BODY, options.desks):
                    print(f"{name}, {options.desks} desks, {a_body} in a body", flush=True)
                    desks = make_desks(service, options.desks, a_body)
                    asyncio.run(measure(service, desks, options.seconds))


def make_desks(service: BareService, count: int, a_body: int) -> list[Desk]:
    """Return desks that the service knows: as after enrolment and sign-in, which are not measured."""
    engine, clock = open_engine(service.database), SystemClock()
    bodies = [_body(engine) for _ in range(-(-count // a_body))]
    desks = []
    for number in range(count):
        body, mandate = bodies[number // a_body]
        identity = service.tls.workstation(f"desk-{body}-{number}")
        certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
        desk = Desk(body, mandate, identity)
        admit(engine, clock, certificate.public_bytes(serialization.Encoding.DER), body, "desk")
        session = access.StoredSession(OPERATOR, identity.thumbprint, "2999-01-01T00:00:00+00:00")
        with engine.begin() as connection:
            access.add_session(connection, hashlib.sha256(desk.token.encode()).digest(), session)
        desks.append(desk)
    engine.dispose()
    return desks


def _body(engine: Engine) -> tuple[str, str]:
    """Make a body; return it and a RAO's mandate."""
    body, mandate, clock = new_id(), new_id(), SystemClock()
    administrator = create_body(
        engine,
        clock,
        body=body,
        name="Ente di Prova",
        office=f"{body}-1",
        office_name="Sportello 1",
        administrator=OPERATOR,
        valid_until=date(2090, 1, 1),
    )
    granted = {
        "mandate": mandate,
        "operator": OPERATOR,
        "office": f"{body}-1",
        "role": "rao",
        "valid_from": "2020-01-01",
        "valid_until": "2090-01-01",
        "permissions": [],
    }
    service = Service(engine, cast(Vault, None), {}, clock)
    command = Command(new_id(), "mandate.grant", body, granted)
    [answer] = service.execute([command], Actor(administrator, "ab" * 32))
    assert answer.accepted, answer
    return body, mandate


async def measure(service: BareService, desks: list[Desk], seconds: float) -> None:
    """Have all desks listen, then one of them act."""
    few = asyncio.Semaphore(CONNECTED_AT_ONCE)

    async def connect(desk: Desk) -> None:
        async with few:
            await desk.connect(service)

    await asyncio.gather(*map(connect, desks))
    acting = Desk(desks[0].body, desks[0].mandate, desks[0].identity, desks[0].token)
    await acting.connect(service)
    listening = [asyncio.create_task(desk.listen()) for desk in desks]
    assert service.child.process is not None
    pid = service.child.process.pid
    await asyncio.sleep(WAIT_S + 3)  # all of them are held, and no longer by the same clock
    before, answers = processor_s(pid), sum(desk.answers for desk in desks)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    cores = (processor_s(pid) - before) / took
    held = (sum(desk.answers for desk in desks) - answers) / took
    print(f"  idle: {cores:.3f} cores (goal 1), {held:.1f} calls a second that ended without news")
    waits: list[float] = []
    for _ in range(CHANGES):
        await asyncio.sleep(BETWEEN_S)
        waits += await change(acting, desks)
    waits.sort()
    print(
        f"  a change is seen after {statistics.median(waits):.2f} s, the last desk of {CHANGES} changes"
        f" after {waits[-1]:.2f} s (goal 2)"
    )
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    for desk in (*desks, acting):
        desk.streams[1].close()


async def change(acting: Desk, desks: list[Desk]) -> list[float]:
    """Register a request; return after how many seconds each desk of the body knew of it."""
    around = [desk for desk in desks if desk.body == acting.body]
    size = around[0].cursor[1] + 1
    facts = registration(new_id(), f"{acting.body}-1", acting.body)
    call = {"id": new_id(), "kind": "request.register", "body": acting.body, "facts": facts}
    given = time.monotonic()
    [answer] = await acting.call("POST", "/v1/commands", [call])
    assert answer["accepted"], answer
    while not all(size in desk.seen for desk in around):
        await asyncio.sleep(0.02)
        assert time.monotonic() - given < 60
    return [desk.seen[size] - given for desk in around]


def processor_s(pid: int) -> float:
    """Return the processor time that a process has had, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
