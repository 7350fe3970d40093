"""Of daily backups three months are kept, and nothing else in the folder is touched (OPS-2)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cmsdesk.backend.backup.backup import RETENTION, Places, back_up
from cmsdesk.base.clock import FixedClock

DAYS = 120


class Sealer:
    """A key that seals nothing: these tests look at the files' names."""

    def seal(self, plaintext: bytes, purpose: bytes) -> bytes:
        return plaintext

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        return sealed


def test_three_months_of_daily_backups_are_kept(tmp_path: Path) -> None:
    for name in ("service.db", "vault.db"):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute("CREATE TABLE t (x)")
    places = Places(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "vault.db", tmp_path / "secrets")
    folder, clock = tmp_path / "backups", FixedClock(datetime(2026, 6, 1, 2, tzinfo=UTC))
    folder.mkdir()
    others = [
        folder / "notes.txt",
        folder / "20200101T000000Z.cmsdesk-backup.copy",
        folder / "x.cmsdesk-backup",
    ]
    for other in others:
        other.write_text("somebody's own")
    made = []
    for _ in range(DAYS):
        made.append(back_up(places, folder, Sealer(), clock))
        clock.advance(timedelta(days=1))
    kept = sorted(path for path in folder.iterdir() if path not in others)
    assert kept == made[-(RETENTION.days + 1) :]
    assert RETENTION.days >= 92, "no three months are longer"
    assert all(other.exists() for other in others)


def test_a_clock_far_ahead_leaves_the_newest(tmp_path: Path) -> None:
    for name in ("service.db", "vault.db"):
        sqlite3.connect(tmp_path / name).close()
    places = Places(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "vault.db", tmp_path / "secrets")
    clock = FixedClock(datetime(2026, 6, 1, 2, tzinfo=UTC))
    back_up(places, tmp_path / "backups", Sealer(), clock)
    clock.advance(timedelta(days=4000))
    newest = back_up(places, tmp_path / "backups", Sealer(), clock)
    assert list((tmp_path / "backups").iterdir()) == [newest]
