"""The service's own daily backup: one a day across replicas, whole, and restorable by the same HSM."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cmsdesk.backend.backup.archive import extract_archive, read_header
from cmsdesk.backend.backup.backup import _PURPOSE
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.cli.service_jobs import worker_of
from tests.backend.api.conftest import Interface

pytestmark = pytest.mark.own_process
DAYS = 3


def test_one_backup_a_day_whichever_replica_is_first(
    interface: Interface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, folder = interface.parts, tmp_path / "backups"
    clock = FixedClock(datetime.now(UTC))
    monkeypatch.setattr(parts, "clock", clock)
    settings = replace(interface.settings, backups=folder)
    replicas = [worker_of(parts, settings) for _ in range(2)]
    for _ in range(DAYS):
        for _ in range(4):
            for replica in replicas:
                replica.run_due()
            clock.advance(timedelta(hours=6))
    made = sorted(folder.glob("*.cmsdesk-backup"))
    assert DAYS <= len(made) <= DAYS + 1, "the days of Rome, not those since the start"
    assert len({path.name[:8] for path in made}) == len(made)
    for archive in made:
        opened = tmp_path / archive.name
        with Secret(parts.hsm.unseal(bytes.fromhex(read_header(archive)["key"]), _PURPOSE)) as key:
            extract_archive(archive, key, opened)
        names = {path.name for path in opened.iterdir()}
        assert "vault.db" in names
        assert names & {"database.sqlite", "database.pgdump"}
