"""``cmsdesk`` as an administrator starts it."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cmsdesk import __version__
from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.cli.terminal import Terminal
from cmsdesk.operations.errors import CardGone
from cmsdesk.operations.issue.titles import STEP_TITLES


def cmsdesk(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "cmsdesk.cli.main", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


def test_it_tells_its_version() -> None:
    done = cmsdesk("--version")
    assert (done.returncode, done.stdout) == (0, f"cmsdesk {__version__}\n")


def test_without_a_command_it_tells_the_usage() -> None:
    done = cmsdesk()
    assert done.returncode == 2
    assert "service" in done.stderr


def test_without_the_smart_card_service_it_says_what_to_do(tmp_path: Path) -> None:
    done = cmsdesk("--language", "en", "readers", PCSCLITE_CSOCK_NAME=str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "CARD-SERVICE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [("name = ", "not TOML"), ('name = "x"', "is missing"), ("nonsense = 1", "is not known")],
)
def test_a_wrong_settings_file_is_named_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "service.toml"
    path.write_text(text)
    done = cmsdesk("--language", "en", "service", str(path), stdin="12345678\n")
    assert done.returncode == 1
    assert "service.toml" in done.stderr
    assert problem in done.stderr
    assert "12345678" not in done.stderr


_SETTINGS = """\
name = "x"
database = "sqlite:///{database}"
secrets = "secrets"
operator_issuers = []
listen = {{ certificate = "server.pem", key = "server.key" }}
vault = {{ module = "none.so", token = "none", database = "vault.db", mailer_public_key = "mailer.pub" }}
"""


def test_the_service_refuses_a_newer_versions_database(tmp_path: Path) -> None:
    database, settings = tmp_path / "service.db", tmp_path / "service.toml"
    with closing(sqlite3.connect(database)) as made:
        made.executescript("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);")
        made.executescript("INSERT INTO alembic_version VALUES ('9999');")
    settings.write_text(_SETTINGS.format(database=database))
    done = cmsdesk("--language", "en", "service", str(settings), stdin="12345678\n")
    assert done.returncode == 1
    assert "SCHEMA-NEWER" in done.stderr
    assert "schema 9999" in done.stderr
    assert "Traceback" not in done.stderr


class TestTerminal:
    """What a person sees."""

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_step_has_a_line_that_fits(self, language: str) -> None:
        out = io.StringIO()
        terminal = Terminal(texts(language), out)
        for step in STEP_TITLES:
            terminal.progress(step, "begin", 0.0)
            terminal.progress(step, "acted", 0.1)
            terminal.progress(step, "done", 0.25)
        lines = out.getvalue().splitlines()
        assert len(lines) == len(STEP_TITLES)
        assert all(line.endswith("0.25 s") for line in lines)
        assert max(map(len, lines)) <= 80

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_an_error_has_cause_next_step_and_code(self, language: str) -> None:
        out = io.StringIO()
        Terminal(texts(language), out).error(CardGone(reader="Lettore 7"))
        text = out.getvalue()
        assert "Lettore 7" in text
        assert "→" in text
        assert "CARD-GONE" in text
        assert "\x1b" not in text, "colours are for terminals"
