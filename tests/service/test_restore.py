"""A service is backed up while it runs, lost with its HSM, and restored (OPS-2)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.things import things
from cmsdesk.base.secret import Secret
from cmsdesk.sync.enrolment import enrol
from tests.fixtures.bare_service import BareService, bare_service
from tests.fixtures.postgres import PostgresCluster
from tests.service.test_enrolment import FIRST, challenged


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest) -> Iterator[BareService]:
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").create_database()
    with bare_service(database) as service:
        yield service


def cmsdesk(service: BareService, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cmsdesk.cli.main", "--language", "en", *arguments]
    return subprocess.run(
        command,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        env=service.environment,
    )


def journal_key(service: BareService) -> str:
    """Start it once more and read the key that it says."""
    ready = service.child.start(
        [sys.executable, "-m", "cmsdesk.cli.main", "service", str(service.settings)],
        service.pin,
        service.environment,
    )
    service.port = ready["port"]
    return str(ready["journal_key"])


def test_backed_up_lost_and_restored(
    bare: BareService, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    connection = bare.connect()
    pc = enrol(connection, bare.folder / "pc", Secret(bare.first_code), "pc", FIRST)
    connection.close()
    pin = bare.pin.reveal_text() + "\n"
    backups, tokens = tmp_path / "backups", bare.folder / "hsm" / "tokens"
    made = cmsdesk(bare, "backup", str(bare.settings), str(backups), typed=pin)
    assert made.returncode == 0, made.stderr
    (archive,) = backups.iterdir()
    saved = cmsdesk(bare, "tokens", "save", str(tokens), str(tmp_path / "tokens.backup"))
    assert saved.returncode == 0, saved.stderr
    shares = [line.split()[-1] for line in saved.stdout.splitlines() if line.strip().startswith("Share")]
    assert len(shares) == 3
    # nothing of it lies in clear
    for secret in (FIRST["administrator"].encode(), FIRST["name"].encode(), bare.pin.reveal()):
        assert secret not in archive.read_bytes()
        assert secret not in (tmp_path / "tokens.backup").read_bytes()

    bare.child.kill()
    shutil.rmtree(tokens)
    for left in (*bare.folder.glob("*.db*"), bare.folder / "secrets"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    if bare.database.startswith("postgresql"):
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        emptied = cluster.create_database()
        bare.settings.write_text(bare.settings.read_text().replace(bare.database, emptied))
        bare.database = emptied

    assert cmsdesk(bare, "restore", str(bare.settings), str(archive), typed=pin).returncode == 1  # no HSM
    one = cmsdesk(
        bare, "tokens", "restore", str(tmp_path / "tokens.backup"), str(tokens), typed=f"{shares[0]}\n" * 2
    )
    assert one.returncode == 1
    two = f"{shares[2]}\n{shares[0]}\n"
    back = cmsdesk(bare, "tokens", "restore", str(tmp_path / "tokens.backup"), str(tokens), typed=two)
    assert back.returncode == 0, back.stderr
    restored = cmsdesk(bare, "restore", str(bare.settings), str(archive), typed=pin)
    assert restored.returncode == 0, restored.stderr
    again = cmsdesk(bare, "restore", str(bare.settings), str(archive), typed=pin)
    assert again.returncode == 1
    assert "nothing was restored" in again.stderr

    key = journal_key(bare)
    assert challenged(bare, pc) == pc.thumbprint
    verified = cmsdesk(bare, "verify-journal", str(bare.settings), "--key", key)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "Journal of «cciaa-prova»: 5 entries" in verified.stdout  # body, office, mandate, PC, epoch


def test_a_changed_row_is_found_by_the_command(bare: BareService) -> None:
    connection = bare.connect()
    enrol(connection, bare.folder / "pc", Secret(bare.first_code), "pc", FIRST)
    connection.close()
    bare.child.stop()
    key = journal_key(bare)
    engine = open_engine(bare.database)
    with engine.begin() as database:
        row = database.execute(select(things.c.document).where(things.c.thing == "workstation")).scalar_one()
        edited = update(things).where(things.c.thing == "workstation")
        database.execute(edited.values(document=row.replace("enabled", "revoked")))
    engine.dispose()
    found = cmsdesk(bare, "verify-journal", str(bare.settings), "--key", key)
    assert found.returncode == 1
    assert "workstation" in found.stdout
