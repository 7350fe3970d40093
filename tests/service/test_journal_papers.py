"""The journal on paper: what is printed is what the offline checker takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act
from cmsdesk.sync.enrolment import enrol
from tests.fixtures.bare_service import BareService, bare_service
from tests.service.test_enrolment import FIRST
from tests.service.test_restore import cmsdesk, journal_key

BODY = "cciaa-prova"
DEVICE = "7430010024925855"


@pytest.fixture
def bare() -> Iterator[BareService]:
    with bare_service("") as service:
        connection = service.connect()
        enrol(connection, service.folder / "pc", Secret(service.first_code), "pc", FIRST)
        connection.close()
        yield service


def written(path: Path) -> str:
    done = subprocess.run(
        ["pdftotext", "-raw", str(path), "-"], capture_output=True, text=True, check=True, timeout=60
    )
    return " ".join(done.stdout.split())


def test_the_sheet_s_line_is_what_the_checker_takes(bare: BareService, tmp_path: Path) -> None:
    bare.child.stop()
    key, pin = journal_key(bare), bare.pin.reveal_text() + "\n"
    made = cmsdesk(bare, "closing-sheet", str(bare.settings), BODY, str(tmp_path / "s.pdf"), typed=pin)
    assert made.returncode == 0, made.stderr
    line = next(
        text.split("head", 1)[1].strip() for text in made.stdout.splitlines() if "Signed head" in text
    )
    assert line.startswith(f"{BODY} 1 4 ")  # body, office, mandate, PC
    text = written(tmp_path / "s.pdf")
    assert line in text
    assert "Voci in tutto" in text

    sound = cmsdesk(bare, "verify-journal", str(bare.settings), "--key", key, "--paper", line)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    slip = line[:-6] + ("0" if line[-6] != "0" else "1") + line[-5:]
    wrong = cmsdesk(bare, "verify-journal", str(bare.settings), "--key", key, "--paper", slip)
    assert wrong.returncode == 1
    assert "JOURNAL-PAPER" in wrong.stderr


def test_the_proof_of_a_device_is_checked_without_the_service(bare: BareService, tmp_path: Path) -> None:
    bare.child.stop()
    key, pin = journal_key(bare), bare.pin.reveal_text() + "\n"
    engine = open_engine(bare.database)
    with engine.begin() as connection:
        take_turn(connection, BODY)
        act = Act(new_id(), "service:test", datetime(2026, 6, 1, tzinfo=UTC))
        record(
            connection, BODY, act, [Event("device.received", "device", DEVICE, {"body": BODY, "lot": "L-17"})]
        )
    engine.dispose()
    paper = tmp_path / "proof.pdf"
    nothing = cmsdesk(bare, "device-proof", str(bare.settings), BODY, new_id(), str(paper), typed=pin)
    assert nothing.returncode == 1
    assert "JOURNAL-NOTHING" in nothing.stderr
    assert not paper.exists()

    made = cmsdesk(bare, "device-proof", str(bare.settings), BODY, DEVICE, str(paper), typed=pin)
    assert made.returncode == 0, made.stderr
    beside = paper.with_suffix(".json")
    proof = json.loads(beside.read_text())
    text = written(paper).replace(" ", "")
    for shown in (DEVICE, *proof["entries"][0]["path"], proof["entries"][0]["public"].replace(" ", "")):
        assert shown in text
    assert cmsdesk(bare, "verify-proof", str(beside), "--key", key).returncode == 0

    proof["entries"][0]["public"] = proof["entries"][0]["public"].replace("L-17", "L-18")
    beside.write_text(json.dumps(proof))
    forged = cmsdesk(bare, "verify-proof", str(beside), "--key", key)
    assert forged.returncode == 1
    assert "JOURNAL-PROOF" in forged.stderr
