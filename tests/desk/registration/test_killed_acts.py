"""A kill at any moment while a request is amended, a scan attached or a payment taken loses nothing."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cmsdesk.cli.assembly import DeskFiles
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form
from tests.desk.registration.clerk import REQUESTS, files_in, scan_of

_LINES = REQUESTS * (len("Via Nuova 0") + 3)


def killed_after(lines: int, seconds: float, folder: Path) -> list[list[str]]:
    """Have the clerk work and kill it so long after it has said so much; return all that it has said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.desk.registration.clerk", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    said = [process.stdout.readline() for _ in range(lines)]
    time.sleep(seconds)  # into the middle of what it does next
    process.send_signal(signal.SIGKILL)
    # what came before the signal arrived counts too, a torn last line does not
    said += process.stdout.readlines()
    assert process.wait(60) == -signal.SIGKILL, "it had not done all before"
    process.stdout.close()
    return [line.rstrip("\n").split("\t") for line in said if line.endswith("\n")]


def given(files: DeskFiles, kind: str) -> list[dict[str, object]]:
    """Return the facts of the commands of one kind that wait to be sent, in their order."""
    return [dict(one.command.facts) for one in files.store.queued(limit=-1) if one.command.kind == kind]


def streets(files: DeskFiles) -> dict[str, str]:
    """Return the street by request, as it is being typed or was saved last."""
    found: dict[str, str] = {}
    for facts in given(files, "request.amend"):
        request = facts["request"]
        assert isinstance(request, dict)
        found[request["id"]] = request["holder"]["residence"]["street"]
    rows = files.store._db.execute("SELECT id, mandate FROM drafts").fetchall()
    for identifier, mandate in rows:
        draft = files.drafts.get(identifier, mandate)
        assert draft is not None
        found[identifier] = Form.of(draft.content)[paths.STREET]
    return found


@pytest.mark.parametrize("moment", range(5))
@pytest.mark.timeout(600)
def test_what_was_said_before_a_kill_is_there_after_it(moment: int, tmp_path: Path) -> None:
    chance = random.Random(moment)
    said = killed_after(chance.randint(1, _LINES - 2), chance.uniform(0, 0.03), tmp_path)
    files = files_in(tmp_path)
    typed = {request: street for act, request, street in said if act in ("typed", "saved")}
    kept = streets(files)
    for request, street in typed.items():
        assert kept[request].startswith(street), "what was typed or saved"
    attached = [(request, digest) for act, request, digest in said if act == "attached"]
    records = [(facts["request"], facts["sha256"]) for facts in given(files, "attachment.add")]
    assert records[: len(attached)] == attached
    assert len(records) <= len(attached) + 1, "at most the one that was not said yet"
    for number, (_, digest) in enumerate(records):
        content = files.scans.content(str(digest))
        assert content == scan_of(number)
        assert hashlib.sha256(content).hexdigest() == digest
    paid = [request for act, request, _ in said if act == "paid"]
    payments = given(files, "payment.record")
    assert [facts["request"] for facts in payments][: len(paid)] == paid
    assert len(payments) <= len(paid) + 1
    assert [facts["number"] for facts in payments] == list(range(1, len(payments) + 1)), "no number is lost"
