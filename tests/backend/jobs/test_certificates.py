"""A suspension asked for at a desk reaches the CA: tried until it is done, recorded once."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import Engine, func, select

from cmsdesk.backend.jobs.certificates import StatusChanges
from cmsdesk.backend.jobs.worker import Effect, Worker
from cmsdesk.backend.services.errands import STATUS_CHANGE
from cmsdesk.backend.storage.jobs import Job, jobs, take
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.ca.errors import CaRefusedChange
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Command
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.request import enrolment_key
from cmsdesk.operations.errors import CaError, CaUnreachable, ServiceUnreachable
from cmsdesk.operations.ports import CertificateAuthority
from tests.sync.bench import BODY, CA, MORNING, CentralService, digest_of, registration

KEYS = [enrolment_key("P-1", slot) for slot in Slot]
DER = base64.b64decode("AA==")


class Authority:
    """A CA whose next answers a test chooses; None: it suspends."""

    def __init__(self) -> None:
        self.suspended: list[bytes] = []
        self.answers: list[CaError | None] = []

    def suspend(self, certificate: bytes) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.suspended.append(certificate)


class Bench:
    """A service with a device that was issued, and a worker."""

    def __init__(self, engine: Engine) -> None:
        self.clock = FixedClock(MORNING)
        self.central = CentralService(engine.url.render_as_string(hide_password=False), self.clock)
        self.rao = self.central.grant(Role.RAO)
        self.request = new_id()
        self.central.do(self.rao, "request.register", **registration(self.request))
        self.central.do(self.rao, "request.approve", request=self.request, digest=digest_of(self.request))
        self.central.produce(self.rao, self.request, "1", "P-1")
        self.authority = Authority()
        authorities = {CA: cast(CertificateAuthority, self.authority)}
        self.changes = StatusChanges(self.central.engine, authorities, self.clock)
        self.worker = Worker(self.central.engine, self.clock, {STATUS_CHANGE: self.changes.change})

    def suspend(self, command: str = "") -> bool:
        """Push the command; tell whether it was accepted."""
        facts = {"request": self.request, "reason": "smarrita"}
        call = Command(command or new_id(), "certificate.suspend", BODY, facts)
        [answer] = self.central.service.execute([call], self.central.actor(self.rao))
        return answer.accepted

    def work(self, minutes: int = 0) -> None:
        """Have everything done that is due within so many minutes."""
        for _ in range(minutes * 2 + 1):
            self.worker.run_due()
            self.clock.advance(timedelta(seconds=30))

    def states(self) -> list[str]:
        things = self.central.things(BODY)
        return [str(things["certificate", key]["state"]) for key in KEYS]

    def happened(self) -> list[str]:
        found = self.central.entries(BODY)
        return [entry.kind for entry, _ in found if entry.thing in ("certificate", "problem")]

    def jobs(self) -> int:
        with self.central.engine.connect() as connection:
            query = select(func.count()).where(jobs.c.kind == STATUS_CHANGE)
            return connection.execute(query).scalar_one()


@pytest.fixture
def bench(engine: Engine) -> Iterator[Bench]:
    made = Bench(engine)
    yield made
    made.central.close()


ASKED, DONE = ["certificate.suspension_asked"] * 2, ["certificate.suspended"] * 2


def test_it_is_asked_at_the_desk_done_at_the_ca_and_recorded(bench: Bench) -> None:
    assert bench.suspend()
    assert (bench.states(), bench.authority.suspended) == (["valid"] * 2, [])
    bench.work()
    assert (bench.states(), bench.authority.suspended) == (["suspended"] * 2, [DER] * 2)
    assert bench.happened() == ASKED + DONE
    bench.work(60)
    assert bench.happened() == ASKED + DONE


def test_the_same_command_again_is_the_same_suspension(bench: Bench) -> None:
    command = new_id()
    assert bench.suspend(command)
    assert bench.suspend(command)
    assert bench.suspend(), "asked by another desk: it is under way"
    assert bench.jobs() == 2
    bench.work()
    assert bench.happened() == ASKED + DONE


def test_a_command_that_is_refused_leaves_no_job(bench: Bench) -> None:
    call = Command(new_id(), "certificate.suspend", BODY, {"request": bench.request})
    [answer] = bench.central.service.execute([call], bench.central.actor(bench.rao))
    assert (answer.code, bench.jobs()) == ("RULE-FACTS", 0)


def test_a_service_that_dies_while_it_stores_the_command_leaves_all_or_nothing(bench: Bench) -> None:
    command = new_id()
    bench.central.die_at_commit(1)
    with pytest.raises(ServiceUnreachable):
        bench.suspend(command)
    assert (bench.happened(), bench.jobs()) == ([], 0)
    assert bench.suspend(command)
    assert bench.jobs() == 2


def test_a_ca_that_is_away_is_asked_until_it_answers(bench: Bench) -> None:
    bench.authority.answers = [CaUnreachable(ca=CA, reason="no answer")] * 5
    assert bench.suspend()
    bench.work(10)
    assert bench.states() == ["suspended"] * 2
    assert bench.happened() == ASKED + DONE


def test_a_service_that_dies_between_the_ca_and_its_own_record_records_it_once(bench: Bench) -> None:
    died: list[str] = []

    def change(job: Job) -> Effect:
        effect = bench.changes.change(job)
        if job.attempt == 1:
            died.append(job.facts["id"])
            raise RuntimeError("killed here")
        return effect

    bench.worker = Worker(bench.central.engine, bench.clock, {STATUS_CHANGE: change})
    assert bench.suspend()
    bench.work(5)
    assert sorted(died) == KEYS
    assert len(bench.authority.suspended) == 4, "the CA was asked twice for each, and means it once"
    assert bench.happened() == ASKED + DONE


def test_a_refusal_is_a_problem_that_is_seen_and_is_not_tried_again(bench: Bench) -> None:
    bench.authority.answers = [CaRefusedChange(ca=CA, reason="revoked")]
    assert bench.suspend()
    bench.work(60)
    assert sorted(bench.states()) == ["suspended", "valid"]
    things = bench.central.things(BODY)
    [problem] = [document for (thing, _), document in things.items() if thing == "problem"]
    assert (problem["reasons"], problem["code"]) == (["change_refused"], "CA-REFUSED-CHANGE")
    assert bench.central.things(BODY) == bench.central.replayed(BODY)
    assert bench.happened().count("certificate.change_refused") == 1


def test_a_job_whose_worker_is_gone_is_taken_over(bench: Bench) -> None:
    assert bench.suspend()
    with bench.central.engine.begin() as connection:
        job = take(connection, bench.clock.now(), timedelta(minutes=1), {STATUS_CHANGE})
    assert job is not None, "taken by one that is killed then"
    bench.work()
    assert sorted(bench.states()) == ["suspended", "valid"]
    bench.work(2)
    assert bench.states() == ["suspended"] * 2
    assert bench.happened() == ASKED + DONE
