"""Eight writers and a reader at once: nothing lost, nothing doubled, no gap, on both databases."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from cmsdesk.backend.journal.checker import check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.store import Cursor, append, open_body, read_page, tree_state
from cmsdesk.backend.journal.tables import METADATA
from cmsdesk.domain.journal import Entry
from tests.backend.journal.world import BODY, command, command_id, postgres_engine, sqlite_engine
from tests.fixtures.postgres import PostgresCluster

WRITERS = 8
TRANSACTIONS = 40
OTHER_BODY = "TN"


@pytest.fixture(params=["sqlite", "postgresql"])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """One engine for the writers, one for the reader."""
    if request.param == "sqlite":
        path = tmp_path / "journal.db"
        writers, reader = sqlite_engine(path), sqlite_engine(path, begin_with="BEGIN")
    else:
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        writers = reader = postgres_engine(cluster.create_database())
    METADATA.create_all(writers)
    with writers.begin() as connection:
        open_body(connection, BODY)
        open_body(connection, OTHER_BODY)
    yield writers, reader
    writers.dispose()
    reader.dispose()


def write(engine: Engine, writer: int) -> list[str]:
    """Run transactions of one to three commands, every fifth rolled back; return what was committed."""
    chance, committed = random.Random(writer), []
    for number in range(TRANSACTIONS):
        first = 1000 * writer + 10 * number
        commands = range(first, first + chance.randint(1, 3))
        body = OTHER_BODY if number % 4 == 3 else BODY
        with engine.connect() as connection:
            append(connection, body, [draft for one in commands for draft in command(one)])
            if number % 5 == 4:
                connection.rollback()
                continue
            time.sleep(chance.random() / 500)  # so that transactions overlap
            connection.commit()
        if body == BODY:
            committed += [command_id(one) for one in commands]
    return committed


def follow(engine: Engine, done: threading.Event) -> list[Entry]:
    """Read the feed from its beginning until the writers are done and nothing follows."""
    cursor, seen = Cursor(1, 0), []
    while True:
        last_round = done.is_set()
        with engine.connect() as connection:
            page = read_page(connection, BODY, cursor, limit=7)
        seen += [Entry.decode(item.public or b"") for item in page.items]
        cursor = page.cursor
        if last_round and not page.items:
            return seen


def test_eight_writers_lose_nothing_and_leave_no_gap(engines: tuple[Engine, Engine], keys: Keys) -> None:
    writers, reader = engines
    done = threading.Event()
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        following = pool.submit(follow, reader, done)
        writing = [pool.submit(write, writers, writer) for writer in range(WRITERS)]
        try:
            committed = [command for future in writing for command in future.result()]
        finally:
            done.set()
        seen = following.result()
    assert [entry.index for entry in seen] == list(range(len(seen)))
    assert sorted({entry.act.command for entry in seen}) == sorted(committed)
    assert len({(entry.act.command, entry.part) for entry in seen}) == len(seen)
    with reader.connect() as connection:
        for body in (BODY, OTHER_BODY):
            report = check(DatabaseSource(connection, body), keys)
            assert report.findings == []
        assert tree_state(connection, BODY).size == len(seen)


def test_the_order_of_a_writers_own_commands_is_kept(engines: tuple[Engine, Engine]) -> None:
    writers, reader = engines
    with ThreadPoolExecutor(WRITERS) as pool:
        committed = list(pool.map(lambda writer: write(writers, writer), range(WRITERS)))
    with reader.connect() as connection:
        items = read_page(connection, BODY, limit=10_000).items
    order = {Entry.decode(item.public or b"").act.command: item.index for item in items}
    for commands in committed:
        places = [order[command] for command in commands]
        assert places == sorted(places)


def test_what_was_acknowledged_survives_the_plug(postgres_durable: PostgresCluster, keys: Keys) -> None:
    """SIGKILL of the server in the middle of writing, twice."""
    engine = postgres_engine(postgres_durable.create_database())
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
    acknowledged: list[str] = []
    for crash in range(2):
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(_write_until_it_breaks, engine, 10 * crash + w) for w in range(WRITERS)]
            time.sleep(0.7)
            postgres_durable.kill()
            acknowledged += [command for future in writing for command in future.result()]
        engine.dispose()
        postgres_durable.start()
    with engine.begin() as connection:
        report = check(DatabaseSource(connection, BODY), keys)
        items = read_page(connection, BODY, limit=100_000).items
    engine.dispose()
    assert report.findings == []
    stored = {Entry.decode(item.public or b"").act.command for item in items}
    assert len(acknowledged) > WRITERS
    assert stored >= set(acknowledged)


def _write_until_it_breaks(engine: Engine, writer: int) -> list[str]:
    acknowledged: list[str] = []
    for number in range(100_000):
        first = 100_000 * writer + number
        try:
            with engine.begin() as connection:
                append(connection, BODY, command(first))
        except DBAPIError:
            break
        acknowledged.append(command_id(first))
    return acknowledged


def test_what_was_acknowledged_survives_killed_writers(tmp_path: Path, keys: Keys) -> None:
    """The same on SQLite, where the writers are the processes that die."""
    engine = sqlite_engine(tmp_path / "journal.db")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
    engine.dispose()
    process = multiprocessing.get_context("spawn").Process
    files = [tmp_path / f"acknowledged-{writer}" for writer in range(3)]
    writers = [process(target=_write_and_note, args=(tmp_path, w, file)) for w, file in enumerate(files)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not all(
        file.exists() and file.stat().st_size > 400 for file in files
    ):
        time.sleep(0.05)
    for writer in writers:
        writer.kill()
        writer.join(30)
    acknowledged = {line for file in files for line in file.read_text().split("\n")[:-1]}
    with engine.begin() as connection:
        report = check(DatabaseSource(connection, BODY), keys)
        items = read_page(connection, BODY, limit=100_000).items
    engine.dispose()
    assert report.findings == []
    assert len(acknowledged) > 30
    assert {Entry.decode(item.public or b"").act.command for item in items} >= acknowledged


def _write_and_note(folder: Path, writer: int, file: Path) -> None:
    engine = sqlite_engine(folder / "journal.db")
    with file.open("w", buffering=1) as notes:
        for number in range(100_000):
            first = 100_000 * writer + number
            with engine.begin() as connection:
                append(connection, BODY, command(first))
            notes.write(command_id(first) + "\n")
