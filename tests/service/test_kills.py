"""Service and database killed (SIGKILL) while two desks push: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cmsdesk.backend.journal.checker import check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.store import history
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.request import RequestState
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import BODY, CA_NAME, DESKS, OFFICE
from cmsdesk.sync.far import FarLine
from cmsdesk.sync.http import Connection
from tests.fixtures.people import MARTA, a_request
from tests.fixtures.postgres import PostgresCluster
from tests.service.conftest import Office, running_office

KILLED = ("service", "database", "service")
GROUP = 20
LONGEST_S = 300.0


class NotingLine(FarLine):
    """Notes what the service acknowledges, before the desk does."""

    def __init__(self, connection: Connection, acknowledged: set[str]) -> None:
        super().__init__(connection)
        self._acknowledged = acknowledged

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        """Send commands."""
        answers = super().push(commands)
        self._acknowledged.update(answer["command"] for answer in answers if answer["accepted"])
        return answers


@dataclass
class Pushing:
    """One desk's outbox, pushed again and again; what the service acknowledged is noted as it says so."""

    desk: Desk
    stop: threading.Event
    commands: dict[str, str] = field(default_factory=dict)
    """Request by command."""
    acknowledged: set[str] = field(default_factory=set)
    busy: bool = False
    unreachable: int = 0
    error: BaseException | None = None

    def run(self) -> None:
        """Work until told to stop, then until nothing is left."""
        self.desk.synchroniser._line = NotingLine(self.desk.connection, self.acknowledged)
        try:
            while not self.stop.is_set():
                self._fill()
                self._synchronise()
            self._synchronise()
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            self.error = error

    def _fill(self) -> None:
        for _ in range(GROUP):
            request = a_request(new_id(), body=BODY, office=OFFICE, ca=CA_NAME, holder=MARTA)
            facts = {"request": {"id": request.id, **request_document(request)}}
            command = Command(new_id(), "request.register", BODY, facts)
            at = self.desk.parts.clock.now().isoformat()
            self.desk.files.store.queue(command, self.desk.actor.mandate.id, at)
            self.commands[command.id] = request.id

    def _synchronise(self) -> None:
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            self.busy = True
            try:
                self.desk.synchroniser.run()
            except ServiceUnreachable:
                self.unreachable += 1
                time.sleep(0.1)
            else:
                return
            finally:
                self.busy = False
        raise AssertionError("the service did not come back")


@pytest.fixture
def far_office(postgres_durable: PostgresCluster) -> Iterator[Office]:
    """An office on a database with every safety on."""
    with running_office(postgres_durable.create_database()) as running:
        yield running


def kill_in_the_middle(desks: list[Pushing], kill: Callable[[], None], chance: random.Random) -> None:
    """Kill at a moment at which a desk is in the middle of a call."""
    deadline = time.monotonic() + LONGEST_S
    time.sleep(chance.uniform(0.2, 1.0))
    while not any(desk.busy for desk in desks):
        assert time.monotonic() < deadline, "no desk pushes"
        for desk in desks:
            if desk.error is not None:
                raise desk.error
        time.sleep(0.001)
    kill()


@pytest.mark.timeout(900)
def test_a_service_and_a_database_that_are_killed_take_no_acknowledged_registration_with_them(
    far_office: Office, postgres_durable: PostgresCluster
) -> None:
    chance, stop = random.Random(4), threading.Event()
    desks = [Pushing(far_office.desk(name), stop) for name in DESKS]
    threads = [threading.Thread(target=desk.run) for desk in desks]
    for thread in threads:
        thread.start()
    try:
        for which in KILLED:
            if which == "database":
                kill_in_the_middle(desks, postgres_durable.kill, chance)
                postgres_durable.start()
            else:
                kill_in_the_middle(desks, far_office.service.kill, chance)
                far_office.service.start()
    finally:
        stop.set()
        for thread in threads:
            thread.join(LONGEST_S)
    for desk in desks:
        if desk.error is not None:
            raise desk.error
        assert desk.desk.files.store.queued() == [], "nothing waits, nothing was refused"
    acknowledged = {command for desk in desks for command in desk.acknowledged}
    print(f"{len(acknowledged)} acknowledged, {sum(desk.unreachable for desk in desks)} rounds cut short")
    assert sum(desk.unreachable for desk in desks) > 0, "the kills were noticed"
    check_books(far_office, desks, acknowledged)
    for desk in desks:
        desk.desk.close()


def check_books(office: Office, desks: list[Pushing], acknowledged: set[str]) -> None:
    """Every acknowledged registration is there, once, in a journal that holds, and at both desks."""
    requests = {request for desk in desks for request in desk.commands.values()}
    assert acknowledged == {command for desk in desks for command in desk.commands}
    with office.world.service.engine.connect() as connection:
        found = dict(StoredThings(connection).in_state("request", BODY, RequestState.REGISTERED.value))
        registered = Counter(
            {name: len(list(history(connection, BODY, "request", name))) for name in requests}
        )
        report = check(DatabaseSource(connection, BODY), Keys(office.service.journal_key), [])
    assert requests <= found.keys(), "an acknowledged registration is lost"
    assert set(registered.values()) == {1}, "one is there twice"
    assert report.findings == []
    for desk in desks:
        desk.desk.synchroniser.run()
        assert all(desk.desk.files.store.get("request", request) for request in requests)
