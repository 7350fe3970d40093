"""Journals of former releases stay readable, checkable and replayable, for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.export import ExportSource
from cmsdesk.backend.journal.findings import Report
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.inclusion import verify_proof
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.domain.events import evolve
from cmsdesk.domain.journal import Entry, SignedHead

FOLDER = Path(__file__).parent / "fixtures"
RELEASES = {"v1": "0067b7c79241b732ea883e522af0603666957ce4f99244c957b57cea5e17c0f2"}
"""Release and the root of its journal."""


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def keys(release: str) -> Keys:
    return Keys(text(f"{release}-key.pem").encode())


def replayed(release: str, source: ExportSource) -> Report:
    stored: list[tuple[tuple[str, str], Any]] = [
        (tuple(key), document) for key, document in json.loads(text(f"{release}-state.json"))
    ]
    evidence = [
        Evidence.of_head(SignedHead.from_document(json.loads(text(f"{release}-desk.json"))), "desk"),
        Evidence.of_paper(text(f"{release}-paper.txt"), "paper"),
    ]
    return check(source, keys(release), evidence, replay=Replay(evolve, lambda: stored))


def test_every_release_has_its_files() -> None:
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(RELEASES)


@pytest.mark.parametrize("release", RELEASES)
def test_a_released_journal_is_sound_and_replays(release: str) -> None:
    report = replayed(release, ExportSource(FOLDER / f"{release}.jsonl"))
    assert report.findings == []
    assert report.root.hex() == RELEASES[release]
    assert report.covered == report.entries
    assert report.erased == 2
    assert report.replayed


@pytest.mark.parametrize("release", RELEASES)
def test_a_released_entry_keeps_its_bytes(release: str) -> None:
    leaves = list(ExportSource(FOLDER / f"{release}.jsonl").leaves())
    for leaf in leaves:
        assert Entry.decode(leaf.public).encode() == leaf.public
    assert len(leaves) > 30


@pytest.mark.parametrize("release", RELEASES)
def test_a_released_proof_holds(release: str) -> None:
    shown = verify_proof(json.loads(text(f"{release}-proof.json")), keys(release))
    assert [entry.kind for entry in shown] == [
        "request.registered",
        "request.approved",
        "request.contact_changed",
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_every_line_of_it_counts(release: str, tmp_path: Path) -> None:
    """The fixture shows something: without any one line it is no longer sound."""
    lines = text(f"{release}.jsonl").splitlines(keepends=True)
    for at, line in enumerate(lines):
        if '"index"' in line:
            (tmp_path / "cut.jsonl").write_text("".join([*lines[:at], *lines[at + 1 :]]), encoding="utf-8")
            assert not replayed(release, ExportSource(tmp_path / "cut.jsonl")).sound
