"""Writes a database of this release as SQL: ``python -m tests.backend.storage.released.make v2``.

A row in every table but ``journal_nodes`` (one for every 256 entries). Never overwrites; a schema
that was released keeps its files for ever.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, make_url

from cmsdesk.backend.journal.heads import sign_head
from cmsdesk.backend.storage import access, enrolment, jobs
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.base.clock import FixedClock
from tests.backend.journal.world import SoftwareSigner
from tests.fixtures.postgres import PostgresCluster
from tests.fixtures.service import BODY, MORNING, Near

FOLDER = Path(__file__).parent


def main(release: str) -> None:
    """Write one release's files."""
    with tempfile.TemporaryDirectory() as folder, PostgresCluster() as cluster:
        path = Path(folder) / "service.db"
        fill(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as database:
            _write(f"{release}.sqlite.sql", "\n".join(database.iterdump()))
        url = cluster.create_database()
        fill(url)
        target = make_url(url).set(drivername="postgresql").render_as_string()
        command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", f"--dbname={target}"]
        dumped = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
        # what only psql understands
        lines = [line for line in dumped.stdout.splitlines() if not line.startswith("\\")]
        _write(f"{release}.postgresql.sql", "\n".join(lines))


def fill(url: str) -> None:
    """Make the tables of this release and put something into each."""
    engine = open_engine(url)
    try:
        near = Near(engine, FixedClock(MORNING))
        for number in range(3):
            near.receive(f"743001000000000{number}", f"SC-{number}")
        _fill_by_hand(engine)
    finally:
        engine.dispose()


def _fill_by_hand(engine: Engine) -> None:
    later = (MORNING + timedelta(hours=1)).isoformat()
    with engine.begin() as connection:
        access.add_nonce(connection, "ab" * 16, later)
        session = access.StoredSession("RSSMRA80A01H501U", "ab" * 32, later)
        access.add_session(connection, b"\x01" * 32, session)
        code = enrolment.StoredCode(b"\x02" * 32, "workstation", BODY, "sportello-1", "mandate:1", later)
        enrolment.add_code(connection, code)
        enrolment.keep_own_authority(connection, "workstations", b"\x30\x82certificate")
        jobs.enqueue(connection, "notice", "notice/P-1/90", {"production": "P-1"}, MORNING)
        sign_head(connection, BODY, SoftwareSigner(), MORNING)


def _write(name: str, text: str) -> None:
    with (FOLDER / name).open("x", encoding="utf-8", newline="\n") as stream:
        stream.write(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
