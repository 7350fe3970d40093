"""Works on the jobs that are due; any number of workers, in any number of replicas.

A handler does what reaches outside and returns the effect in the database; the effect and the
acknowledgement are one transaction. So database effects happen exactly once; what reaches outside
happens at least once, under a key that stays the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from cmsdesk.backend.storage import jobs
from cmsdesk.backend.storage.jobs import Job, JobLost
from cmsdesk.base.clock import ROME, Clock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import Log

Effect = Callable[[Connection], None]
Handler = Callable[[Job], Effect]
"""Raises `Mendable` when the job must be tried later."""
_LEASE = timedelta(minutes=10)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
_IDLE_S = 1.0
_STOP_S = 30.0


@dataclass(frozen=True)
class Tick:
    """A job of every day, at an hour of Europe/Rome, or of every so many minutes."""

    kind: str
    at: time = time(0, 0)
    every: timedelta | None = None

    def key(self, now: datetime) -> str | None:
        """Return the name of the tick that is due now, the same at every replica; None: not yet today."""
        if self.every is not None:
            return f"{self.kind}/{int(now.timestamp() // self.every.total_seconds())}"
        local = now.astimezone(ROME)
        return f"{self.kind}/{local.date().isoformat()}" if local.time() >= self.at else None


class Worker:
    """One worker on the kinds of job that it has handlers for.

    `run_due` works in the caller's thread, ``with`` runs one of its own.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        handlers: Mapping[str, Handler],
        ticks: Sequence[Tick] = (),
        *,
        lease: timedelta = _LEASE,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._handlers = handlers
        self._ticks = ticks
        self._lease = lease
        self._seen: dict[str, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def run_due(self) -> int:
        """Enqueue the ticks that are due and work until nothing is due; return how many jobs were done."""
        self._tick()
        done = 0
        while not self._ended.is_set():
            with self._engine.begin() as connection:
                job = jobs.take(connection, self._clock.now(), self._lease, self._handlers)
            if job is None:
                break
            done += self._work(job)
        return done

    def __enter__(self) -> Worker:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._ended.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._ended.wait(_IDLE_S):
            try:
                self.run_due()
            except DBAPIError as error:
                # a database that restarts: its jobs are taken again when it is back
                Log("jobs").warning("database_gone", error=type(error).__name__)

    def _tick(self) -> None:
        now = self._clock.now()
        due = [(tick, key) for tick in self._ticks if (key := tick.key(now)) is not None]
        new = [(tick, key) for tick, key in due if self._seen.get(tick.kind) != key]
        if not new:
            return
        with self._engine.begin() as connection:
            for tick, key in new:
                jobs.enqueue(connection, tick.kind, key, {"day": _today(now).isoformat()}, now)
        self._seen.update((tick.kind, key) for tick, key in new)

    def _work(self, job: Job) -> int:
        """Do one job; return 1 when it is done, 0 when it is put off or lost."""
        log = Log("jobs")
        try:
            effect = self._handlers[job.kind](job)
            with self._engine.begin() as connection:
                effect(connection)
                jobs.acknowledge(connection, job)
        except JobLost:
            log.warning("job_lost", op=job.kind, attempt=job.attempt)
        except Mendable as error:
            log.warning("job_put_off", op=job.kind, attempt=job.attempt, code=error.code)
            self._put_off(job, error.code)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - one broken job must not stop the others
            log.crash(error)
            self._put_off(job, type(error).__name__)
        else:
            log.info("job_done", op=job.kind, attempt=job.attempt)
            return 1
        return 0

    def _put_off(self, job: Job, error: str) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(job.attempt - 1, 10), _LONGEST_PAUSE)
        try:
            with self._engine.begin() as connection:
                jobs.postpone(connection, job, self._clock.now() + pause, error)
        except JobLost:
            Log("jobs").warning("job_lost", op=job.kind, attempt=job.attempt)


def nothing(connection: Connection) -> None:
    """The effect of a job that has none in the database."""


def _today(now: datetime) -> date:
    return now.astimezone(ROME).date()
