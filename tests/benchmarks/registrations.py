"""Registrations at the service: ``python -m tests.benchmarks.registrations [--seconds 4] [--only sqlite]``.

Against the same statements without anybody deciding anything: on PostgreSQL those of pgbench, on
SQLite those of a loop on one connection. What the statements are is seen, not written down: one
registration is watched on its way into the database, journal and receipt included, and said again
with ids of its own, for another body: as many transactions as registrations, each as durable as ours.
(Ours is decided, written as JSON and hashed within its turn, too.) What is sent, commands here and
values there, is made before a turn begins: it comes from other machines. HTTPS is not in these figures.
Ours and the other's turns alternate; medians of the turns count.

Goals (issue): in batches at least 1.0 of pgbench one by one; 16 writers at least 0.15 of pgbench with
16; on SQLite at least 0.5 of the loop, and p99 under 150 ms.
"""

from __future__ import annotations

import argparse
import gc
import re
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy import event

from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.organisation import Role
from tests.benchmarks.machine import describe
from tests.fixtures.postgres import PostgresCluster
from tests.sync.bench import BODY, MORNING, OTHER_BODY, CentralService, registration

T = TypeVar("T")
WRITERS = 16
MOST, MOST_OF_LOOP = 4000, 12_000
"""More registrations than a second can bring."""
BATCH = 50
"""As many as a desk sends at once (`sync.push.BATCH`)."""
WATCHED = "11111111-2222-7333-8444-555555555555"
"""Id of the registration that is watched; its command's differs in the last digit."""


@dataclass(frozen=True)
class Statement:
    """One statement of a registration."""

    text: str
    values: Any


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    options = parser.parse_args()
    print(
        "\n".join(describe(["SQLAlchemy", "psycopg"], [["pgbench", "--version"], ["sqlite3", "--version"]]))
    )
    if options.only != "sqlite":
        with PostgresCluster() as cluster:
            on_postgresql(cluster, options.seconds, options.turns)
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            on_sqlite(Path(folder) / "service.db", options.seconds, options.turns)


def on_postgresql(cluster: PostgresCluster, seconds: float, turns: int) -> None:
    url = cluster.create_database()
    central = CentralService(url, FixedClock(MORNING))
    actor = central.actor(central.grant(Role.RAO))
    statements = watched(central, actor)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "registration.sql"
        with psycopg.connect(cluster.conninfo(url.partition("?")[0].rpartition("/")[2])) as connection:
            script.write_text(for_pgbench(statements, psycopg.ClientCursor(connection)))
        database = url.partition("?")[0].rpartition("/")[2]

        def pgbench(clients: int) -> float:
            return run_pgbench(cluster, database, script, clients, seconds)

        alone = [(rate_in_batches(central, actor, seconds), pgbench(1)) for _ in range(turns)]
        say("PostgreSQL, batches of 50 against pgbench one by one", alone, 1.0)
        many = [(rate(central, actor, seconds)[0], pgbench(WRITERS)) for _ in range(turns)]
        say("PostgreSQL, single registrations, 16 writers against pgbench with 16", many, 0.15)
    central.close()


def on_sqlite(path: Path, seconds: float, turns: int) -> None:
    central = CentralService(f"sqlite:///{path}", FixedClock(MORNING))
    actor = central.actor(central.grant(Role.RAO))
    statements = watched(central, actor)
    slowest, pairs = [], []
    for _ in range(turns):
        ours, latencies = rate(central, actor, seconds)
        slowest.append(statistics.quantiles(latencies, n=100)[-1])
        pairs.append((ours, bare_loop(path, statements, seconds)))
    say("SQLite, single registrations, 16 writers against a bare loop", pairs, 0.5)
    print(f"SQLite, 16 writers: p99 {statistics.median(slowest) * 1e3:.0f} ms (goal 150)")
    central.close()


# --- ours --------------------------------------------------------------------------------------


def a_command(request: str = "", identifier: str = "") -> Command:
    """Return a registration of Marta's, as a desk sends it."""
    return Command(identifier or new_id(), "request.register", BODY, registration(request or new_id()))


class Supply(Generic[T]):
    """What the writers send, made beforehand and handed out one by one."""

    def __init__(self, make: Callable[[], T], number: float) -> None:
        self._made = deque(make() for _ in range(round(number)))
        gc.collect()
        gc.freeze()  # what waits here is no burden of the service's

    def next(self) -> T:
        """Return the next one.

        Raises:
            IndexError: there were too few.
        """
        return self._made.popleft()


def rate_in_batches(central: CentralService, actor: Actor, seconds: float) -> float:
    """Return registrations a second, pushed as a desk that comes back pushes them."""
    commands = Supply(a_command, seconds * MOST)
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        answers = central.service.execute([commands.next() for _ in range(BATCH)], actor)
        assert all(answer.accepted for answer in answers)
        done += BATCH
    return done / (time.perf_counter() - began)


def rate(central: CentralService, actor: Actor, seconds: float) -> tuple[float, list[float]]:
    """Return registrations a second of 16 writers, and how long each registration took, seconds."""
    commands = Supply(a_command, seconds * MOST)
    ended = time.perf_counter() + seconds
    took: list[float] = []

    def write() -> None:
        while (began := time.perf_counter()) < ended:
            [answer] = central.service.execute([commands.next()], actor)
            assert answer.accepted
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    together(write)
    return len(took) / (time.perf_counter() - began), took


def together(work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- the same statements without us --------------------------------------------------------------


def watched(central: CentralService, actor: Actor) -> list[Statement]:
    """Register once and return the statements that the database saw."""
    found: list[Statement] = []

    def see(connection: Any, cursor: Any, text: str, values: Any, context: Any, many: bool) -> None:
        found.extend(Statement(text, one) for one in (values if many else [values]))

    central.service.execute([a_command()], actor)
    event.listen(central.engine, "before_cursor_execute", see)
    [answer] = central.service.execute([a_command(WATCHED, WATCHED[:-1] + "6")], actor)
    event.remove(central.engine, "before_cursor_execute", see)
    assert answer.accepted
    return [one for one in found if not one.text.startswith("BEGIN")]


def for_pgbench(statements: Sequence[Statement], cursor: psycopg.ClientCursor[Any]) -> str:
    """Return a script that does the same transaction with ids of its own."""
    lines = ["\\set n random(1, 9000000000000000)", "BEGIN;"]
    for one in statements:
        text = cursor.mogrify(one.text, one.values)
        text = (
            text.replace(f"'{BODY}'", f"'{OTHER_BODY}'")
            .replace(WATCHED, "a:n")
            .replace(WATCHED[:-1] + "6", "b:n")
        )
        if "leaf_index" in text and isinstance(one.values, dict) and "leaf_index" in one.values:
            text = re.sub(rf"\b{one.values['leaf_index']}(?=::BIGINT)", "(:size - 1)", text, count=1)
        returning = text.startswith("UPDATE journal_bodies") and "RETURNING" in text
        lines.append(text + (" \\gset" if returning else ";"))
    return "\n".join([*lines, "COMMIT;", ""])


def run_pgbench(cluster: PostgresCluster, database: str, script: Path, clients: int, seconds: float) -> float:
    """Return transactions a second; every one must have succeeded."""
    done = subprocess.run(
        [
            *("pgbench", "--no-vacuum", "--client", str(clients), "--jobs", str(min(clients, 2))),
            *("--time", str(round(seconds)), "--file", str(script)),
            *("--host", str(cluster.folder), "--username", "postgres", database),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert "number of failed transactions: 0" in done.stdout, done.stdout + done.stderr
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found is not None
    return float(found.group(1))


def bare_loop(path: Path, statements: Sequence[Statement], seconds: float) -> float:
    """Return transactions a second of one connection that does the same statements, one after another."""
    engine = open_engine(f"sqlite:///{path}")
    transactions = Supply(lambda: _values(statements, new_id(), new_id()), seconds * MOST_OF_LOOP)
    with engine.connect() as prepared:
        connection = prepared.connection.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        prepared.rollback()
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            _transaction(connection, statements, transactions.next())
            done += 1
        took = time.perf_counter() - began
    engine.dispose()
    return done / took


def _values(statements: Sequence[Statement], request: str, command: str) -> list[list[Any]]:
    return [[_renamed(value, request, command) for value in one.values] for one in statements]


def _transaction(
    connection: sqlite3.Connection, statements: Sequence[Statement], bound: Sequence[list[Any]]
) -> None:
    size = 0
    connection.execute("BEGIN IMMEDIATE")
    for one, values in zip(statements, bound, strict=True):
        if one.text.startswith(("INSERT INTO journal_leaves", "INSERT INTO journal_personal")):
            values[1] = size - 1
        rows = connection.execute(one.text, values).fetchall()
        if "RETURNING" in one.text and one.text.startswith("UPDATE journal_bodies"):
            size = rows[0][1]
    connection.execute("COMMIT")


def _renamed(value: Any, request: str, command: str) -> Any:
    if isinstance(value, bytes):
        return value.replace(WATCHED.encode(), request.encode())
    if value == BODY:
        return OTHER_BODY
    if isinstance(value, str):
        return value.replace(WATCHED, request).replace(WATCHED[:-1] + "6", command)
    return value


def say(what: str, pairs: Sequence[tuple[float, float]], goal: float) -> None:
    """Print rates and ratio of medians."""
    ours, other = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    print(f"{what}: {ours:,.0f}/s against {other:,.0f}/s, ratio {ours / other:.2f} (goal {goal})", flush=True)


if __name__ == "__main__":
    main()
