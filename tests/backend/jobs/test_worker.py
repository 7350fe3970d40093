"""The job table: once under kills, fenced by attempts, one job a tick."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time

import pytest
from sqlalchemy import Connection, Engine, func, select, update

from cmsdesk.backend.jobs.worker import Effect, Tick, Worker
from cmsdesk.backend.mail.smtp import MailNotSent
from cmsdesk.backend.storage import jobs
from cmsdesk.backend.storage.jobs import DONE, Job, JobLost
from cmsdesk.base.clock import FixedClock
from tests.backend.jobs.counting_worker import EFFECTS, LEASE

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
WORKERS, JOBS, KILLS = 3, 120, 8


def add(engine: Engine, key: str, kind: str = "count", due: datetime = START) -> bool:
    with engine.begin() as connection:
        return jobs.enqueue(connection, kind, key, {}, due)


def take(engine: Engine, now: datetime = START) -> Job | None:
    with engine.begin() as connection:
        return jobs.take(connection, now, LEASE, {"count"})


def row_of(engine: Engine, key: str) -> tuple[str, int, str | None]:
    with engine.connect() as connection:
        query = select(jobs.jobs.c.state, jobs.jobs.c.attempt, jobs.jobs.c.error)
        state, attempt, error = connection.execute(query.where(jobs.jobs.c.key == key)).one()
        return state, attempt, error


class Counting:
    """A handler whose effect is a row."""

    def __init__(self, fail: int = 0) -> None:
        self.calls, self.fail = 0, fail

    def __call__(self, job: Job) -> Effect:
        self.calls += 1
        if self.calls <= self.fail:
            raise MailNotSent(reason="SMTP 451")
        return lambda connection: None


def test_a_key_makes_one_job(engine: Engine) -> None:
    assert add(engine, "a")
    assert not add(engine, "a")
    assert take(engine) is not None
    assert take(engine) is None


def test_a_job_is_not_taken_before_it_is_due(engine: Engine) -> None:
    add(engine, "later", due=START + timedelta(seconds=1))
    assert take(engine) is None
    assert take(engine, START + timedelta(seconds=1)) is not None


def test_a_lease_that_ran_out_fences_the_first_worker(engine: Engine) -> None:
    add(engine, "a")
    first = take(engine)
    second = take(engine, START + LEASE + timedelta(seconds=1))
    assert first is not None
    assert second is not None
    assert (first.attempt, second.attempt) == (1, 2)
    with pytest.raises(JobLost), engine.begin() as connection:
        jobs.acknowledge(connection, first)
    with engine.begin() as connection:
        jobs.acknowledge(connection, second)
    with pytest.raises(JobLost), engine.begin() as connection:
        jobs.postpone(connection, second, START, "late")


def test_what_fails_is_tried_later_and_the_rest_goes_on(engine: Engine) -> None:
    clock, mail = FixedClock(START), Counting(fail=2)
    add(engine, "mail", "mail")
    add(engine, "other")
    worker = Worker(engine, clock, {"mail": mail, "count": Counting()})
    assert worker.run_due() == 1
    assert row_of(engine, "mail") == ("waiting", 1, "MAIL")
    assert worker.run_due() == 0
    clock.advance(timedelta(seconds=30))
    assert worker.run_due() == 0
    clock.advance(timedelta(seconds=59))
    assert worker.run_due() == 0  # the second pause is twice as long
    clock.advance(timedelta(seconds=1))
    assert worker.run_due() == 1
    assert row_of(engine, "mail") == (DONE, 3, None)


def test_an_effect_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    def broken(job: Job) -> Effect:
        def effect(connection: Connection) -> None:
            jobs.enqueue(connection, "count", "child", {}, START)
            raise RuntimeError("no")

        return effect

    add(engine, "parent", "broken")
    worker = Worker(engine, FixedClock(START), {"broken": broken, "count": Counting()})
    assert worker.run_due() == 0
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(jobs.jobs)).scalar_one() == 1
    assert row_of(engine, "parent")[2] == "RuntimeError"


def test_a_tick_makes_one_job_whoever_is_first(engine: Engine) -> None:
    clock, handler = FixedClock(datetime(2026, 6, 1, 0, 30, tzinfo=UTC)), Counting()  # 02:30 in Rome
    ticks = [Tick("count", at=clock_time(3))]
    workers = [Worker(engine, clock, {"count": handler}, ticks) for _ in range(3)]
    assert sum(worker.run_due() for worker in workers) == 0
    clock.advance(timedelta(minutes=31))
    assert sum(worker.run_due() for worker in workers) == 1
    clock.advance(timedelta(days=1))
    assert sum(worker.run_due() for worker in workers) == 1
    assert handler.calls == 2


def test_database_effects_happen_once_under_kills(engine: Engine, url: str) -> None:
    EFFECTS.metadata.create_all(engine)
    for number in range(JOBS):
        add(engine, f"job-{number}")
    rng, running = random.Random(7), []
    try:
        running = [_start(url) for _ in range(WORKERS)]
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.05, 0.3))
            victim = running.pop(rng.randrange(len(running)))
            _kill(victim)
            running.append(_start(url))
        deadline = time.monotonic() + 120
        while _left(engine) and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        for process in running:
            _kill(process)
    assert _left(engine) == 0
    with engine.connect() as connection:
        keys = list(connection.execute(select(EFFECTS.c.key)).scalars())
        attempts = connection.execute(select(func.max(jobs.jobs.c.attempt))).scalar_one()
    assert sorted(keys) == sorted(f"job-{number}" for number in range(JOBS))
    assert attempts >= 1


def _left(engine: Engine) -> int:
    with engine.connect() as connection:
        query = select(func.count()).select_from(jobs.jobs).where(jobs.jobs.c.state != DONE)
        return int(connection.execute(query).scalar_one())


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _start(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.backend.jobs.counting_worker", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_done_jobs_are_forgotten_in_time(engine: Engine) -> None:
    add(engine, "old")
    with engine.begin() as connection:
        connection.execute(update(jobs.jobs).values(state=DONE))
        jobs.forget_done(connection, START)
    assert row_of(engine, "old")[0] == DONE
    with engine.begin() as connection:
        jobs.forget_done(connection, START + timedelta(seconds=1))
    assert add(engine, "old")
