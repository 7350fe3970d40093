"""The job table: everything the service does by the clock or tries again.

A job is taken for a time (lease); its attempt number fences it: who acknowledges names the attempt,
and one whose lease ran out meanwhile finds another number and has no effect. The acknowledgement is
in the transaction of the effect. ``key`` is unique for ever: a tick of a schedule makes one job,
whichever replica is first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.backend.storage.things import metadata
from cmsdesk.base.ids import new_id

WAITING, DONE = "waiting", "done"

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(200), nullable=False, unique=True),
    Column("facts", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", String(40), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_until", String(40)),
    Column("error", String(40)),
    Index("jobs_by_due", "state", "due_at"),
)

# built once: to build a statement costs more than to run it
_DUE = (
    select(jobs.c.id)
    .where(
        jobs.c.state == WAITING,
        jobs.c.kind.in_(bindparam("kinds", expanding=True)),
        jobs.c.due_at <= bindparam("now"),
        or_(jobs.c.lease_until.is_(None), jobs.c.lease_until < bindparam("now")),
    )
    .order_by(jobs.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(jobs)
    .where(jobs.c.id == _DUE.scalar_subquery())
    .values(attempt=jobs.c.attempt + 1, lease_until=bindparam("until"))
    .returning(jobs.c.id, jobs.c.kind, jobs.c.key, jobs.c.facts, jobs.c.attempt)
)
_ACKNOWLEDGE = (
    update(jobs)
    .where(jobs.c.id == bindparam("of"), jobs.c.attempt == bindparam("number"), jobs.c.state == WAITING)
    .values(state=DONE, lease_until=None, error=None)
    .returning(jobs.c.id)
)


@dataclass(frozen=True)
class Job:
    """A job that was taken."""

    id: str
    kind: str
    key: str
    facts: Mapping[str, str]
    attempt: int
    """1 for the first."""


class JobLost(Exception):
    """The lease ran out and somebody else has the job: roll back."""


def enqueue(connection: Connection, kind: str, key: str, facts: Mapping[str, str], due: datetime) -> bool:
    """Add a job, unless one of this key was ever there; tell whether it was added."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "id": new_id(),
        "kind": kind,
        "key": key,
        "facts": json.dumps(dict(facts), sort_keys=True),
        "state": WAITING,
        "due_at": _text(due),
        "attempt": 0,
    }
    added = make(jobs).values(row).on_conflict_do_nothing().returning(jobs.c.id)
    return connection.execute(added).scalar_one_or_none() is not None


def take(connection: Connection, now: datetime, lease: timedelta, kinds: Collection[str]) -> Job | None:
    """Take the job of these kinds that is due longest and that nobody has.

    The caller commits before it works on it.
    """
    values = {"now": _text(now), "until": _text(now + lease), "kinds": sorted(kinds)}
    row = connection.execute(_TAKE, values).one_or_none()
    return None if row is None else Job(row.id, row.kind, row.key, json.loads(row.facts), row.attempt)


def acknowledge(connection: Connection, job: Job) -> None:
    """Note that a job is done, in the transaction of its effect.

    Raises:
        JobLost: it was taken again meanwhile, or is done.
    """
    mine = {"of": job.id, "number": job.attempt}
    if connection.execute(_ACKNOWLEDGE, mine).scalar_one_or_none() is None:
        raise JobLost(job.key)


def postpone(connection: Connection, job: Job, due: datetime, error: str) -> None:
    """Give a job back until ``due``; ``error``: code of what hindered it.

    Raises:
        JobLost.
    """
    _change(connection, job, due_at=_text(due), lease_until=None, error=error[:40])


def forget_done(connection: Connection, before: datetime) -> None:
    """Delete what was done before; a key may come again afterwards."""
    connection.execute(delete(jobs).where(jobs.c.state == DONE, jobs.c.due_at < _text(before)))


def waiting(connection: Connection, now: datetime) -> dict[str, tuple[int, int]]:
    """Return by kind how many jobs are due, and the highest attempt among them."""
    query = (
        select(jobs.c.kind, func.count(), func.max(jobs.c.attempt))
        .where(jobs.c.state == WAITING, jobs.c.due_at <= _text(now))
        .group_by(jobs.c.kind)
    )
    return {kind: (count, attempt) for kind, count, attempt in connection.execute(query)}


def last_done(connection: Connection) -> dict[str, datetime]:
    """Return by kind for when the last job that is done was due."""
    query = select(jobs.c.kind, func.max(jobs.c.due_at)).where(jobs.c.state == DONE).group_by(jobs.c.kind)
    return {kind: datetime.fromisoformat(at) for kind, at in connection.execute(query)}


def _change(connection: Connection, job: Job, **values: str | None) -> None:
    mine = (jobs.c.id == job.id, jobs.c.attempt == job.attempt, jobs.c.state == WAITING)
    change = update(jobs).where(*mine).values(**values).returning(jobs.c.id)
    if connection.execute(change).scalar_one_or_none() is None:
        raise JobLost(job.key)


def _text(at: datetime) -> str:
    """Return a time as text that sorts: UTC, always with microseconds."""
    return at.isoformat(timespec="microseconds")
