"""SQLite's writers take turns in the order in which they came."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from sqlalchemy import text

from cmsdesk.backend.storage.engine import open_engine, reading


def test_writers_write_in_the_order_they_came_and_readers_wait_for_none(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE wrote (who INTEGER)"))

    def write(who: int) -> None:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO wrote VALUES (:who)"), {"who": who})

    threads = []
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO wrote VALUES (0)"))
        for who in range(1, 9):
            threads.append(threading.Thread(target=write, args=(who,)))
            threads[-1].start()
            time.sleep(0.05)  # asks for its turn before the next one does
        with reading(engine) as other:
            assert list(other.execute(text("SELECT who FROM wrote"))) == []
    for thread in threads:
        thread.join(20)
    with reading(engine) as connection:
        assert list(connection.execute(text("SELECT who FROM wrote ORDER BY rowid")).scalars()) == list(
            range(9)
        )
    engine.dispose()


def test_a_turn_is_given_back_after_an_error(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.db'}")
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (what TEXT)"))
            raise ValueError
    except ValueError:
        pass
    began = time.monotonic()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (what TEXT)"))
    assert time.monotonic() - began < 5
    engine.dispose()
