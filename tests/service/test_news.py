"""What one desk does is seen on another within two seconds: over HTTPS, through another replica too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.domain.documents import request_document
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.operations.sign_in import WorkstationRefused
from cmsdesk.sandbox.desks import Desk, ServiceProcess, identity
from cmsdesk.sandbox.world import BODY, DESKS, OFFICE
from cmsdesk.sync.far import FarLine
from cmsdesk.sync.following import Following
from cmsdesk.sync.http import Connection
from cmsdesk.sync.synchroniser import WAIT_S
from tests.fixtures.people import a_request
from tests.service.conftest import Office
from tests.service.test_access import administer

GOAL_S = 2.0
ACTS = 5


def registration() -> tuple[str, dict[str, Any]]:
    """Return a request's id and the facts of its registration."""
    request = a_request(new_id(), body=BODY, office=OFFICE)
    return request.id, {"request": {"id": request.id, **request_document(request)}}


@pytest.fixture
def replica(office: Office) -> Iterator[ServiceProcess]:
    """A second process of the same service on the same database."""
    with ServiceProcess(office.world) as second:
        yield second


@pytest.fixture
def watching(office: Office, replica: ServiceProcess) -> Iterator[Desk]:
    """The other desk, signed in at the second replica."""
    desk = office.desk(DESKS[1], url=replica.url)
    desk.synchroniser.run()
    yield desk
    desk.close()


def test_what_is_done_at_one_desk_is_seen_at_another_within_two_seconds(desk: Desk, watching: Desk) -> None:
    desk.synchroniser.run()
    seen: dict[str, float] = {}
    wanted, arrived = [""], threading.Event()

    def look(_: object, error: BaseException | None) -> None:
        assert error is None
        if wanted[0] and watching.files.store.get("request", wanted[0]) is not None:
            seen.setdefault(wanted[0], time.monotonic())
            arrived.set()

    rounds = threading.Semaphore(0)
    acting = Following(desk.synchroniser, lambda: None, lambda *_: rounds.release())
    following = Following(watching.synchroniser, lambda: None, look)
    acting.start()
    following.start()
    assert rounds.acquire(timeout=10)
    took = []
    for _ in range(ACTS):
        time.sleep(0.5)
        wanted[0], facts = registration()
        arrived.clear()
        given = time.monotonic()
        # as an operator's act: into the outbox, and sent at once
        command = Command(new_id(), "request.register", BODY, facts)
        desk.files.store.queue(command, desk.actor.mandate.id, "2026-06-01T08:00:00+00:00")
        acting.nudge()
        assert arrived.wait(10)
        took.append(seen[wanted[0]] - given)
    for one, its in ((acting, desk), (following, watching)):
        one.stop()
        its.connection.close()
        one.join()
    assert max(took) < GOAL_S, took
    assert not any(thread.is_alive() for one in (acting, following) for thread in one._threads)


def test_a_desk_without_news_is_held_and_then_told_so(desk: Desk) -> None:
    desk.synchroniser.run()
    followed = desk.files.store.followed()
    assert followed is not None
    began = time.monotonic()
    page = FarLine(desk.connection).next_page((followed.epoch, followed.size), 10, 1.0)
    assert page is not None
    assert (page["items"], page["cursor"]["index"]) == ([], followed.size)
    assert 0.9 < time.monotonic() - began < 10


def held(desk: Desk) -> tuple[threading.Thread, list[object]]:
    """Have a desk wait for news; return the thread and what came of it."""
    came: list[object] = []

    def listen() -> None:
        try:
            came.append(desk.synchroniser.listen())
        except Exception as error:  # noqa: BLE001 - that is what is looked at
            came.append(error)

    thread = threading.Thread(target=listen)
    thread.start()
    time.sleep(0.6)
    assert thread.is_alive()
    return thread, came


def test_a_service_that_stops_lets_waiting_desks_go(replica: ServiceProcess, watching: Desk) -> None:
    thread, came = held(watching)
    began = time.monotonic()
    replica.stop()
    thread.join(10)
    assert time.monotonic() - began < WAIT_S / 3
    assert came == [False]


def test_a_desk_that_signs_out_does_not_wait_for_the_answer(watching: Desk) -> None:
    thread, came = held(watching)
    watching.connection.close()
    thread.join(3)
    assert not thread.is_alive()
    assert isinstance(came[0], ServiceUnreachable)


def test_a_workstation_that_is_blocked_while_it_waits_is_refused(office: Office, watching: Desk) -> None:
    thread, came = held(watching)
    thumbprint = identity(office.world, DESKS[1]).thumbprint
    administer(office, "workstation.block", workstation=thumbprint)
    thread.join(10)
    administer(office, "workstation.unblock", workstation=thumbprint)
    assert isinstance(came[0], WorkstationRefused)


def test_an_older_service_is_asked_as_before(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.synchroniser.run()
    call = Connection.call

    def without(connection: Connection, method: str, path: str, *rest: Any, **named: Any) -> Any:
        """Ask for a call that the service does not have, as an older one has not this one."""
        return call(connection, method, path.replace("/feed/next", "/feed/nothing-such"), *rest, **named)

    monkeypatch.setattr(Connection, "call", without)
    assert not desk.synchroniser.listen()
