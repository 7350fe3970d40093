"""The database's leader is killed under load, twice: nothing that was acknowledged is lost (OPS-3, OPS-5).

Opt-in (``--failover``): it builds a cluster of three nodes from the files of ``installer/ha``.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.journal import SignedHead
from cmsdesk.domain.request import Request, RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import BODY, CA_NAME, DESKS, OFFICE
from cmsdesk.sync.far import FarLine
from tests.fixtures.cluster import Cluster, wait_for
from tests.fixtures.orders import holder
from tests.service.conftest import Office, running_office

pytestmark = [pytest.mark.failover, pytest.mark.timeout(900)]

_KILLS = 2
_BEFORE_A_KILL = 40
"""Registrations acknowledged between two kills, at least."""
_GIVE_UP_S = 240.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster with a leader and two standbys."""
    with Cluster() as running:
        yield running


@pytest.fixture
def far_office(cluster: Cluster) -> Iterator[Office]:
    """An office whose service keeps its records in the cluster."""
    with running_office(cluster.url) as running:
        yield running


@dataclass
class Writer:
    """Registers at one desk, one after another, each again and again until the service has taken it."""

    desk: Desk
    stop: threading.Event
    taken: list[str] = field(default_factory=list)
    unreachable: int = 0
    error: BaseException | None = None

    def run(self) -> None:
        """Write until told to stop."""
        line = FarLine(self.desk.connection)
        try:
            while not self.stop.is_set():
                request = _request()
                document = {"id": request.id, **request_document(request)}
                self._push(line, Command(new_id(), "request.register", BODY, {"request": document}))
                self.taken.append(request.id)
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            self.error = error

    def _push(self, line: FarLine, command: Command) -> None:
        deadline = time.monotonic() + _GIVE_UP_S
        while True:
            try:
                (answer,) = line.push([command])
            except ServiceUnreachable:
                self.unreachable += 1
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                assert answer["accepted"], answer
                return


def test_a_leader_that_dies_takes_no_acknowledged_registration_with_it(
    cluster: Cluster, far_office: Office
) -> None:
    stop = threading.Event()
    writers = [Writer(far_office.desk(name), stop) for name in DESKS]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    gaps = []
    try:
        for _ in range(_KILLS):
            _wait_for_more(writers, _BEFORE_A_KILL)
            leader = cluster.leader()
            assert leader is not None
            cluster.kill(leader)
            killed = time.monotonic()
            _wait_for_more(writers, 1)
            gaps.append(time.monotonic() - killed)
            cluster.start(leader)
            wait_for("both standbys", lambda: cluster.standbys() == 2)
        _wait_for_more(writers, _BEFORE_A_KILL)
    finally:
        stop.set()
        for thread in threads:
            thread.join(_GIVE_UP_S)
    taken = [request for writer in writers for request in writer.taken]
    print(
        f"{len(taken)} registrations acknowledged, {_KILLS} leaders killed, service unreachable for"
        f" {', '.join(f'{gap:.0f} s' for gap in gaps)} ({sum(w.unreachable for w in writers)} calls repeated)"
    )
    assert sum(writer.unreachable for writer in writers) > 0, "the kills were noticed"
    _check_books(far_office, writers[0].desk, taken)
    for writer in writers:
        writer.desk.close()


def _check_books(office: Office, desk: Desk, taken: list[str]) -> None:
    """Every acknowledged registration is there, once, and in a journal that holds."""
    desk.synchroniser.run()  # checks every hash, and the head against what it knew
    followed = desk.files.store.followed()
    assert followed is not None
    assert followed.head is not None
    parts = office.world.service
    with parts.engine.connect() as connection:
        found = dict(StoredThings(connection).in_state("request", BODY, RequestState.REGISTERED.value))
        report = check(
            DatabaseSource(connection, BODY),
            Keys(office.service.journal_key),
            [Evidence.of_head(SignedHead.from_document(json.loads(followed.head)), "desk")],
        )
    assert set(taken) <= set(found), "an acknowledged registration is lost"
    assert len(taken) == len(set(taken))
    assert report.findings == []
    for request in taken:
        assert desk.files.store.get("request", request) is not None


def _wait_for_more(writers: list[Writer], count: int) -> None:
    goal = sum(len(writer.taken) for writer in writers) + count

    def enough() -> bool:
        for writer in writers:
            if writer.error is not None:
                raise writer.error
        return sum(len(writer.taken) for writer in writers) >= goal

    wait_for(f"{count} more registrations", enough)


def _request() -> Request:
    return Request(
        id=new_id(),
        body=BODY,
        office=OFFICE,
        holder=holder(),
        device_kind=DeviceKind.SMART_CARD,
        key_algorithm=KeyAlgorithm.RSA_2048,
        ca=CA_NAME,
        scratch_delivery=ScratchDelivery.PAPER,
        state=RequestState.REGISTERED,
    )
