"""The desk's encrypted file and the write-ahead log in it."""

from __future__ import annotations

import base64
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlcipher3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.operations.errors import StoreUnreadable
from cmsdesk.operations.ports import LogEntry, LogLine
from cmsdesk.sync.local_store import KEY_BYTES, LocalLog, connect

KEY = bytes(range(KEY_BYTES))
MARKER = "Tessari-Marta-marker"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(datetime(2026, 6, 1, 8, 30, 15, 123456, tzinfo=UTC))


@pytest.fixture
def log(tmp_path: Path, clock: FixedClock) -> Iterator[LocalLog]:
    """An empty log."""
    database = connect(tmp_path / "desk.db", Secret(KEY))
    yield LocalLog(database, clock)
    database.close()


def line(number: int, **facts: object) -> LogLine:
    return LogLine("a", "begin", {"number": number, **facts})


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())


# --- the file ----------------------------------------------------------------------------------


def test_nothing_of_it_can_be_read_without_the_key(tmp_path: Path, log: LocalLog) -> None:
    log.open("P-1", MARKER)
    for number in range(200):
        log.append("P-1", LogLine("c", "planned", {"personal_data": MARKER, "number": number}))
    stored = everything(tmp_path)
    assert len(stored) > 20_000
    raw = MARKER.encode()
    for form in (raw, MARKER.encode("utf-16-le"), raw.hex().encode(), base64.b64encode(raw)[:-4], b"planned"):
        assert form not in stored
    assert b"SQLite format 3" not in stored
    assert b"CREATE TABLE" not in stored
    # Encrypted data does not compress and has all bytes about alike.
    assert min(stored.count(bytes([value])) for value in range(256)) > len(stored) / 256 / 2


def test_plain_sqlite_cannot_open_it(tmp_path: Path, log: LocalLog) -> None:
    log.open("P-1", "D-1")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        sqlite3.connect(tmp_path / "desk.db").execute("SELECT * FROM log")


@pytest.mark.parametrize("key", [bytes(KEY_BYTES), KEY[::-1], KEY[:-1] + b"\x00"])
def test_another_key_opens_nothing_and_harms_nothing(tmp_path: Path, clock: FixedClock, key: bytes) -> None:
    database = connect(tmp_path / "desk.db", Secret(KEY))
    LocalLog(database, clock).append("P-1", line(1))
    database.close()
    before = everything(tmp_path)
    with pytest.raises(StoreUnreadable) as caught:
        connect(tmp_path / "desk.db", Secret(key))
    assert caught.value.facts == {"file": "desk.db"}
    assert key.hex() not in str(caught.value.__cause__)
    assert everything(tmp_path) == before
    again = connect(tmp_path / "desk.db", Secret(KEY))
    assert len(LocalLog(again, clock).entries("P-1")) == 1
    again.close()


def test_a_damaged_file_is_said_to_be_so(tmp_path: Path, clock: FixedClock) -> None:
    database = connect(tmp_path / "desk.db", Secret(KEY))
    LocalLog(database, clock).append("P-1", line(1))
    database.close()
    path = tmp_path / "desk.db"
    path.write_bytes(os.urandom(200) + path.read_bytes()[200:])
    with pytest.raises(StoreUnreadable):
        connect(path, Secret(KEY))


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_a_key_has_32_bytes(tmp_path: Path, length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        connect(tmp_path / "desk.db", Secret(b"k" * length))
    assert not (tmp_path / "desk.db").exists()


def test_every_commit_reaches_the_disk_and_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    database = connect(tmp_path / "desk.db", Secret(KEY))
    settings_ = {
        name: database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
    }
    assert settings_ == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    assert database.execute("PRAGMA cipher_version").fetchone()[0].startswith("4.")
    database.close()


# --- the log -----------------------------------------------------------------------------------


def test_lines_come_back_in_order_with_their_facts_and_time(log: LocalLog, clock: FixedClock) -> None:
    written: list[LogEntry] = []
    for number in range(50):
        written += log.append("P-1", LogLine("abcdefghij"[number % 10], "done", {"ü": [None, number]}))
        log.append("P-2", line(number))
        clock.advance(timedelta(seconds=-1))  # the order is that of writing, whatever the clock says
    assert list(log.entries("P-1")) == written
    assert len(log.entries("P-2")) == 50
    assert log.entries("P-3") == []
    assert written[0].at == datetime(2026, 6, 1, 8, 30, 15, 123456, tzinfo=UTC)


def test_lines_that_are_written_together_stand_together_or_not_at_all(log: LocalLog) -> None:
    log.append("P-1", line(1), line(2))
    with pytest.raises(TypeError):
        log.append("P-1", line(3), line(4, value=b"no JSON"))
    with pytest.raises(TypeError):
        log.open("P-1", "D-1", line(5), line(6, value=b"no JSON"))
    assert log.unfinished("D-1") is None
    log.open("P-1", "D-1", line(7))
    with pytest.raises(TypeError):
        log.close("P-1", line(8, value=b"no JSON"))
    assert log.unfinished("D-1") == "P-1"
    log.close("P-1", line(9))
    assert log.unfinished("D-1") is None
    assert [entry.facts["number"] for entry in log.entries("P-1")] == [1, 2, 7, 9]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_any_json_facts_come_back_equal(log: LocalLog, facts: dict[str, object]) -> None:
    production = os.urandom(8).hex()
    log.append(production, LogLine("a", "begin", facts))
    assert log.entries(production)[0].facts == facts


def test_facts_that_are_no_json_are_refused_and_not_written(log: LocalLog) -> None:
    for value in (b"bytes", Secret("1234"), datetime.now(UTC), {1, 2}):
        with pytest.raises(TypeError):
            log.append("P-1", line(1, value=value))
    assert log.entries("P-1") == []


def test_a_device_has_one_production_at_a_time(log: LocalLog) -> None:
    assert log.unfinished("D-1") is None
    log.open("P-1", "D-1")
    log.open("P-2", "D-2")
    assert (log.unfinished("D-1"), log.unfinished("D-2")) == ("P-1", "P-2")
    assert log.all_unfinished() == {"D-1": "P-1", "D-2": "P-2"}
    with pytest.raises(sqlcipher3.IntegrityError):
        log.open("P-3", "D-1")
    assert log.unfinished("D-1") == "P-1"
    log.close("P-1")
    assert log.unfinished("D-1") is None
    assert log.unfinished("D-2") == "P-2"
    log.open("P-3", "D-1")
    assert log.unfinished("D-1") == "P-3"


def test_a_production_is_opened_once(log: LocalLog) -> None:
    log.open("P-1", "D-1")
    log.close("P-1")
    with pytest.raises(sqlcipher3.IntegrityError):
        log.open("P-1", "D-1")


def test_closing_twice_or_what_was_never_open_changes_nothing(log: LocalLog) -> None:
    log.close("P-9")
    log.open("P-1", "D-1")
    log.close("P-1")
    log.close("P-1")
    assert log.unfinished("D-1") is None


def test_many_threads_write_whole_lines(log: LocalLog) -> None:
    def write(number: int) -> None:
        for count in range(20):
            log.append(f"P-{number}", line(2 * count), line(2 * count + 1))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(6):
        assert [entry.facts["number"] for entry in log.entries(f"P-{number}")] == list(range(40))


WRITER = """
import sys
from pathlib import Path
from cmsdesk.base.clock import SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.operations.ports import LogLine
from cmsdesk.sync.local_store import LocalLog, connect

log = LocalLog(connect(Path(sys.argv[1]), Secret(bytes(range(32)))), SystemClock())
log.open("P-1", "D-1")
number = 0
while True:
    log.append("P-1", LogLine("a", "begin", {"number": number}))
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("after_lines", [1, 7, 40])
def test_what_was_written_survives_sigkill(tmp_path: Path, clock: FixedClock, after_lines: int) -> None:
    path = tmp_path / "desk.db"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = -1
        while told < after_lines:
            told = int(writer.stdout.readline())
        time.sleep(0.003 * after_lines % 0.01)  # somewhere inside the next line
        writer.send_signal(signal.SIGKILL)
        told = max([told, *map(int, writer.stdout.read().split())])
    database = connect(path, Secret(KEY))
    log = LocalLog(database, clock)
    numbers = [entry.facts["number"] for entry in log.entries("P-1")]
    assert numbers == list(range(len(numbers)))
    # A line that was told was written; one more may have been, between its write and its telling.
    assert told < len(numbers) <= told + 2
    assert log.unfinished("D-1") == "P-1"
    log.append("P-1", LogLine("a", "done", {}))
    assert log.entries("P-1")[-1].phase == "done"
    database.close()
