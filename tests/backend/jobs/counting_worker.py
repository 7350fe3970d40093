"""A worker process for the kill tests: each job's effect is a row; it works until it is killed."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from sqlalchemy import Column, Connection, MetaData, String, Table

from cmsdesk.backend.jobs.worker import Effect, Worker
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.jobs import Job
from cmsdesk.base.clock import SystemClock

EFFECTS = Table("effects", MetaData(), Column("key", String(200), nullable=False))
LEASE = timedelta(seconds=2)


def count(job: Job) -> Effect:
    """Take a moment, so that a kill meets a job in the middle."""
    time.sleep(0.01)

    def effect(connection: Connection) -> None:
        connection.execute(EFFECTS.insert(), {"key": job.key})
        time.sleep(0.005)

    return effect


def main() -> None:
    engine = open_engine(sys.argv[1])
    print("ready", flush=True)
    worker = Worker(engine, SystemClock(), {"count": count}, lease=LEASE)
    while True:
        worker.run_due()
        time.sleep(0.05)


if __name__ == "__main__":
    main()
