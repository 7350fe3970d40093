"""The job table against procrastinate: ``python -m tests.benchmarks.jobs --peer FOLDER [--jobs 1000]``.

FOLDER is where ``pip install --target FOLDER procrastinate`` put it: it is a peer, and no part of the
product. Both work off so many jobs on one PostgreSQL with one worker; each job inserts one row. Ours does
so in the transaction that acknowledges the job; procrastinate's task has a connection of its own.

Goal: at least procrastinate's rate.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, func, select

from cmsdesk.backend.jobs.worker import Effect, Worker
from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.jobs import Job, enqueue
from cmsdesk.base.clock import SystemClock
from tests.benchmarks.machine import describe
from tests.fixtures.postgres import PostgresCluster

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
done = Table("bench_done", MetaData(), Column("key", String(40), primary_key=True))
PEER = """
import asyncio, sys, time
import procrastinate, psycopg
conninfo, number = sys.argv[1], int(sys.argv[2])
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo))
connection = None
@app.task(name="note")
async def note(key):
    await connection.execute("INSERT INTO bench_done VALUES (%s)", (key,))
async def main():
    global connection
    connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    await connection.execute("CREATE TABLE bench_done (key varchar(40) PRIMARY KEY)")
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await note.configure().batch_defer_async(*({"key": str(one)} for one in range(number)))
        began, worked = time.perf_counter(), time.process_time()
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False)
        took = time.perf_counter() - began, time.process_time() - worked
    rows = await (await connection.execute("SELECT count(*) FROM bench_done")).fetchone()
    assert rows[0] == number, rows
    print(*took)
asyncio.run(main())
"""


def main() -> int:
    """Print the figures; 1 when the peer is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path, required=True, help="folder with procrastinate in it")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    if not (options.peer / "procrastinate").is_dir():
        print("procrastinate is not in that folder: pip install --target FOLDER procrastinate")
        return 1
    print("\n".join(describe(["SQLAlchemy", "psycopg"])), flush=True)
    with PostgresCluster() as cluster:
        pairs = [
            (ours(cluster.create_database(), options.jobs), theirs(cluster, options.peer, options.jobs))
            for _ in range(options.turns)
        ]
    for name, place in (("clock", 0), ("processor of the worker", 1)):
        mine, peer = (options.jobs / statistics.median(pair[who][place] for pair in pairs) for who in (0, 1))
        ratio = f"ratio {mine / peer:.2f} (goal 1.0)"
        print(f"jobs a second, {name}: {mine:,.0f} against procrastinate's {peer:,.0f}, {ratio}")
    return 0


def ours(url: str, number: int) -> tuple[float, float]:
    """Return how long one worker takes, by the clock and of the processor."""
    engine = open_engine(url)
    create_tables(engine)
    done.metadata.create_all(engine)
    with engine.begin() as connection:
        for one in range(number):
            enqueue(connection, "note", f"note/{one}", {"key": str(one)}, LONG_AGO)
    worker = Worker(engine, SystemClock(), {"note": note})
    began, worked = time.perf_counter(), time.process_time()
    assert worker.run_due() == number
    took = time.perf_counter() - began, time.process_time() - worked
    _check(engine, number)
    return took


def note(job: Job) -> Effect:
    def effect(connection: Connection) -> None:
        connection.execute(done.insert(), {"key": job.facts["key"]})

    return effect


def _check(engine: Engine, number: int) -> None:
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(done)).scalar_one() == number
    engine.dispose()


def theirs(cluster: PostgresCluster, peer: Path, number: int) -> tuple[float, float]:
    name = cluster.create_database().partition("?")[0].rpartition("/")[2]
    run = subprocess.run(
        [sys.executable, "-c", PEER, cluster.conninfo(name), str(number)],
        env={**os.environ, "PYTHONPATH": str(peer)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    )
    clock, worked = map(float, run.stdout.split())
    return clock, worked


if __name__ == "__main__":
    raise SystemExit(main())
