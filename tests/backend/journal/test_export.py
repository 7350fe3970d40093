"""The exported journal: checked without a database, damaged in every line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.errors import ExportDamaged
from cmsdesk.backend.journal.export import ExportSource, write_export
from cmsdesk.backend.journal.findings import Kind
from cmsdesk.backend.journal.heads import Keys, sign_head
from cmsdesk.backend.journal.store import append
from cmsdesk.backend.journal.tables import LEAVES
from tests.backend.journal.world import BODY, START, SoftwareSigner, act, drafts


def exported(connection: Connection, *, with_personal: bool) -> list[str]:
    stream = io.StringIO()
    write_export(DatabaseSource(connection, BODY), stream, with_personal=with_personal)
    return stream.getvalue().splitlines(keepends=True)


def stored(lines: list[str], folder: Path) -> ExportSource:
    path = folder / "export.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return ExportSource(path)


@pytest.fixture
def desk(connection: Connection, signer: SoftwareSigner) -> Evidence:
    append(connection, BODY, drafts(0, 30))
    sign_head(connection, BODY, signer, START)
    append(connection, BODY, drafts(30, 50))
    return Evidence.of_head(sign_head(connection, BODY, signer, act(60).at), "desk")


@pytest.mark.parametrize("with_personal", [True, False])
def test_an_export_is_checked_like_the_database(
    connection: Connection, keys: Keys, desk: Evidence, tmp_path: Path, with_personal: bool
) -> None:
    source = stored(exported(connection, with_personal=with_personal), tmp_path)
    report = check(source, keys, [desk])
    assert report.sound
    same = {
        **check(DatabaseSource(connection, BODY), keys, [desk]).document(),
        "personal_checked": with_personal,
    }
    assert report.document() == same
    assert source.with_personal is with_personal
    if with_personal:
        assert list(source.leaves()) == list(DatabaseSource(connection, BODY).leaves())


def test_an_export_without_personal_data_holds_none(connection: Connection, desk: Evidence) -> None:
    text = "".join(exported(connection, with_personal=False))
    assert "Rossi" not in text
    assert "salt" not in text
    assert "Rossi" in "".join(exported(connection, with_personal=True))


def test_every_line_edited_left_out_doubled_or_moved_is_found(
    connection: Connection, keys: Keys, desk: Evidence, tmp_path: Path
) -> None:
    lines = exported(connection, with_personal=True)
    entries = [at for at, line in enumerate(lines) if '"index"' in line]
    for at in entries:
        following = lines[at + 1] if at + 1 in entries else lines[at - 1]
        damaged = {
            "left out": [*lines[:at], *lines[at + 1 :]],
            "doubled": [*lines[:at], lines[at], *lines[at:]],
            "replaced": [*lines[:at], following, *lines[at + 1 :]],
            "moved to the end": [*lines[:at], *lines[at + 1 :], lines[at]],
            "cut": lines[:at],
        }
        for damage, changed in damaged.items():
            if damage == "moved to the end" and at == entries[-1]:
                continue
            assert not check(stored(changed, tmp_path), keys, [desk]).sound, (damage, at)


def test_every_value_of_every_line_counts(
    connection: Connection, keys: Keys, desk: Evidence, tmp_path: Path
) -> None:
    lines = exported(connection, with_personal=True)
    for at in (0, 1, 3, 10, 11, len(lines) - 3):
        line: dict[str, Any] = json.loads(lines[at])
        for name, value in line.items():
            changed = {**line, name: value + 1 if isinstance(value, int) else f"{value}00"}
            edited = [*lines[:at], json.dumps(changed) + "\n", *lines[at + 1 :]]
            assert found_at(edited, tmp_path, keys, desk) in {"report", f"line {at + 1}"}, (at, name)


def found_at(lines: list[str], folder: Path, keys: Keys, desk: Evidence) -> str:
    try:
        return "nowhere" if check(stored(lines, folder), keys, [desk]).sound else "report"
    except ExportDamaged as error:
        return f"line {error.facts['line']}"


def test_an_export_that_hides_its_personal_data_does_not_pass_for_checked(
    connection: Connection, keys: Keys, desk: Evidence, tmp_path: Path
) -> None:
    lines = exported(connection, with_personal=True)
    assert check(stored(lines, tmp_path), keys, [desk]).personal_checked
    lines[0] = lines[0].replace('"personal":true', '"personal":false')
    assert not check(stored(lines, tmp_path), keys, [desk]).personal_checked


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"export":"other","v":1}', '{"index":0}', "\x00"])
def test_what_is_no_export_is_told_by_its_first_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ExportDamaged) as caught:
        stored([text], tmp_path)
    assert caught.value.facts == {"line": 1}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"index":0}', '{"index":[]}', '{"index":0,"public":1}', '{"head":1}', '{"head":{}}']
)
def test_a_line_that_cannot_be_read_is_named(
    connection: Connection, keys: Keys, desk: Evidence, tmp_path: Path, text: str
) -> None:
    lines = exported(connection, with_personal=True)
    source = stored([*lines[:5], text + "\n", *lines[5:]], tmp_path)
    with pytest.raises(ExportDamaged) as caught:
        check(source, keys, [desk])
    assert caught.value.facts == {"line": 6}


def test_an_export_of_a_damaged_journal_stays_damaged(
    connection: Connection, keys: Keys, desk: Evidence, tmp_path: Path
) -> None:
    connection.execute(update(LEAVES).where(LEAVES.c.leaf_index == 4).values(public=b"\xff\x00"))
    report = check(stored(exported(connection, with_personal=True), tmp_path), keys, [desk])
    assert {Kind.UNREADABLE, Kind.REWRITTEN} <= {found.kind for found in report.findings}
