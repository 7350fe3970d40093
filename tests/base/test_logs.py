"""Logs: allowed fields only, one JSON object a line, rotating, and nobody else's free text."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from cmsdesk.base.logs import FIELDS, Log, start_logging


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger("cmsdesk")
    before = root.level, root.propagate, list(root.handlers)
    yield start_logging(tmp_path / "logs")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.level, root.propagate = before[0], before[1]
    for handler in before[2]:
        root.addHandler(handler)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_a_json_object_with_time_part_and_fields(log_file: Path) -> None:
    Log("issue").info("step", step="b", seconds=0.25, reader="Sandbox Lettore 1 00 00")
    (line,) = lines(log_file)
    assert datetime.fromisoformat(str(line.pop("at"))).tzinfo is not None
    assert line == {
        "level": "info",
        "part": "issue",
        "event": "step",
        "step": "b",
        "seconds": 0.25,
        "reader": "Sandbox Lettore 1 00 00",
    }


@pytest.mark.parametrize("name", ["pin", "puk", "surname", "fiscal_code", "message", "facts"])
def test_a_field_that_is_not_allowed_is_a_bug(log_file: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no field"):
        Log("issue").info("step", **{name: "x"})
    assert lines(log_file) == []


@pytest.mark.parametrize("name", sorted(FIELDS))
@pytest.mark.parametrize("value", ["two\nlines", "x" * 200, "", 'a"b', "Secret({…})", "a@b.it", "{"])
def test_free_text_is_refused_in_every_field(log_file: Path, name: str, value: str) -> None:
    with pytest.raises(ValueError, match="does not take such a value") as caught:
        Log("issue").warning("step", **{name: value})
    assert not value or value not in str(caught.value)
    assert lines(log_file) == []


def test_no_allowed_field_names_a_secret_or_a_person() -> None:
    banned = ("pin", "puk", "password", "secret", "name", "surname", "fiscal", "email", "address", "holder")
    assert not [field for field in FIELDS for word in banned if word in field.split("_")]


def test_a_crash_tells_kind_and_place_but_not_the_text(log_file: Path) -> None:
    try:
        int("73519842x")
    except ValueError as error:
        Log("cards").crash(error)
    (line,) = lines(log_file)
    assert line["error"] == "ValueError"
    assert str(line["where"]).startswith("test_logs.py:")
    assert "73519842" not in log_file.read_text()
    Log("cards").crash(RuntimeError("73519842"))
    assert lines(log_file)[1]["where"] == "unknown"


def test_what_a_library_writes_stays_out(log_file: Path) -> None:
    logging.getLogger("urllib3").warning("GET https://user:73519842@example.com")
    logging.getLogger("cmsdesk.cards").warning("free text 73519842")
    assert log_file.read_text() == ""


def test_files_rotate_and_their_number_is_bounded(log_file: Path) -> None:
    log = Log("issue")
    for handler in logging.getLogger("cmsdesk").handlers:
        handler.maxBytes = 2000  # type: ignore[attr-defined]  # a RotatingFileHandler
    for number in range(300):
        log.info("step", count=number)
    files = sorted(log_file.parent.iterdir())
    assert len(files) == 6
    assert all(file.stat().st_size <= 2000 for file in files)
    assert lines(log_file)[-1]["count"] == 299


def test_starting_again_writes_each_line_once(log_file: Path) -> None:
    again = start_logging(log_file.parent)
    Log("issue").info("step")
    assert again == log_file
    assert len(lines(log_file)) == 1
