"""Drafts: the desk's own, one mandate's, and there after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.sync.drafts import Drafts
from cmsdesk.sync.local_store import KEY_BYTES, connect
from tests.sync.bench import MORNING

KEY = Secret(bytes(range(KEY_BYTES)))

_TYPIST = """
import sys
from pathlib import Path
from cmsdesk.base.clock import SystemClock
from cmsdesk.sync.drafts import Drafts
from cmsdesk.sync.local_store import connect
from tests.sync.test_drafts import KEY

drafts = Drafts(connect(Path(sys.argv[1]), KEY), SystemClock())
for letters in range(10_000):
    drafts.save("D-1", "request", "M-1", "", {"surname": "a" * letters})
    print(letters, flush=True)
"""


def test_a_draft_is_kept_changed_listed_and_deleted(tmp_path: Path) -> None:
    clock = FixedClock(MORNING)
    drafts = Drafts(connect(tmp_path / "desk.db", KEY), clock)
    drafts.save("D-1", "request", "M-1", "", {})
    clock.advance(timedelta(minutes=1))
    drafts.save("D-2", "request", "M-1", "Tessari", {"holder": {"surname": "Tessari"}})
    drafts.save("D-3", "order", "M-1", "", {})
    clock.advance(timedelta(minutes=1))
    drafts.save("D-1", "request", "M-1", "Rossi", {"holder": {"surname": "Rossi", "born_on": None}})
    assert [draft.id for draft in drafts.all_of("M-1", "request")] == ["D-1", "D-2"]
    assert [draft.id for draft in drafts.all_of("M-1")] == ["D-1", "D-3", "D-2"]
    draft = drafts.get("D-1", "M-1")
    assert draft is not None
    assert (draft.title, draft.content) == ("Rossi", {"holder": {"surname": "Rossi", "born_on": None}})
    assert (draft.created_at, draft.changed_at) == (
        MORNING.isoformat(),
        (MORNING + timedelta(minutes=2)).isoformat(),
    )
    drafts.delete("D-1", "M-1")
    assert drafts.get("D-1", "M-1") is None


def test_another_mandate_neither_sees_nor_changes_a_draft(tmp_path: Path) -> None:
    drafts = Drafts(connect(tmp_path / "desk.db", KEY), FixedClock(MORNING))
    drafts.save("D-1", "request", "M-1", "Rossi", {"a": 1})
    drafts.save("D-1", "request", "M-2", "Bianchi", {"a": 2})
    drafts.delete("D-1", "M-2")
    assert drafts.get("D-1", "M-2") is None
    assert drafts.all_of("M-2") == []
    draft = drafts.get("D-1", "M-1")
    assert draft is not None
    assert draft.content == {"a": 1}


def test_what_was_typed_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    typist = subprocess.Popen(
        [sys.executable, "-c", _TYPIST, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
        cwd=Path(__file__).parents[2],
    )
    assert typist.stdout is not None
    with typist.stdout:
        said = [typist.stdout.readline() for _ in range(20)]
        typist.kill()
        said += typist.stdout.read().splitlines()
    assert typist.wait(30) == -signal.SIGKILL
    draft = Drafts(connect(path, KEY), FixedClock(MORNING)).get("D-1", "M-1")
    assert draft is not None
    last = max(int(line) for line in said if line.strip())
    assert len(draft.content["surname"]) >= last
    assert b"surname" not in path.read_bytes()
