"""``cmsdesk body | office | operator | stock | docs`` on a service's database."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cmsdesk.base.texts import LANGUAGES
from cmsdesk.cli.main import main
from cmsdesk.sandbox.hsm import MODULE

SETTINGS = f"""
name = "prova"
database = "sqlite:///{{folder}}/service.db"
secrets = "secrets"
operator_issuers = []
[listen]
certificate = "x.pem"
key = "x.key"
workstation_roots = "x.pem"
[vault]
module = "{MODULE}"
token = "vault"
database = "vault.db"
mailer_public_key = "mailer.pub"
"""
ADMINISTRATOR, OPERATOR = "TSSMRT87C54A952D", "RSSMRA80A01H501U"
CREATE = [
    *("--name", "Camera di Prova", "--sigle", "VE", "RO", "--office", "ve-1", "--office-name", "Mestre"),
    *("--administrator", ADMINISTRATOR, "--authority", "Ente di Prova"),
]
GRANT = [
    *("--fiscal-code", OPERATOR.lower(), "--surname", "Rossi", "--given-name", "Mario"),
    *("--email", "mario.rossi@example.com", "--until", "2090-12-31"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a service with one body."""
    path = tmp_path / "service.toml"
    path.write_text(SETTINGS.format(folder=tmp_path))
    assert run("body", "create", path, *CREATE) == 0
    return path


def run(group: str, name: str, settings: Path, *arguments: str, language: str = "en") -> int:
    return main(["--language", language, group, name, str(settings), "prova", *arguments])


def listed(settings: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    capsys.readouterr()
    assert run("operator", "list", settings, "--csv", *arguments) == 0
    text = capsys.readouterr().out
    return list(csv.reader(io.StringIO(text), delimiter=";"))[1:]


def test_a_body_is_created_once_and_shown(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("body", "show", settings) == 0
    shown = capsys.readouterr().out
    for text in ("Camera di Prova", "VE, RO", "ve-1: Mestre, open", "chamber of commerce"):
        assert text in shown
    assert run("body", "create", settings, *CREATE) == 1
    assert "RULE-EXISTS" in capsys.readouterr().err


def test_a_configuration_is_changed_by_sections(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sections = tmp_path / "sections.toml"
    sections.write_text('languages = ["it", "de"]\n[payments]\nmethods = ["cash"]\nseries = {"ve-1" = "A"}\n')
    assert run("body", "configure", settings, str(sections)) == 0
    capsys.readouterr()
    assert run("body", "show", settings, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["languages"] == ["it", "de"]
    assert shown["payments"] == {"methods": ["cash"], "series": {"ve-1": "A"}}
    assert shown["tariffs"]["devices"]["smart_card"] == {"first_cents": 0, "further_cents": 2500}
    sections.write_text('languages = ["fr"]\n')
    assert run("body", "configure", settings, str(sections)) == 1
    assert "languages" in capsys.readouterr().err
    for name, content in (("x.toml", "nonsense"), ("x.json", "[]"), ("none.toml", None)):
        if content is not None:
            (tmp_path / name).write_text(content)
        assert run("body", "configure", settings, str(tmp_path / name)) == 1
        assert "FILE" in capsys.readouterr().err


def test_operators_are_granted_suspended_and_listed(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("operator", "grant", settings, *GRANT, "--office", "ve-1", "--role", "rao") == 0
    assert (
        run("operator", "grant", settings, *GRANT, "--office", "ve-1", "--role", "ir", "--payments", "paper")
        == 0
    )
    rows = listed(settings, capsys)
    assert [row[0] for row in rows] == [ADMINISTRATOR, OPERATOR, OPERATOR]
    assert {row[8] for row in rows} == {"active"}
    mandate = rows[1][9]
    for name, state in (("suspend", "suspended"), ("resume", "active"), ("end", "ended")):
        assert run("operator", name, settings, mandate) == 0
        assert [row[8] for row in listed(settings, capsys) if row[9] == mandate] == [state]
    assert run("operator", "resume", settings, mandate) == 1
    assert "RULE-STATE" in capsys.readouterr().err
    assert run("operator", "list", settings) == 0
    assert "Rossi Mario" in capsys.readouterr().out


def test_an_office_closes_and_its_operators_go_on_elsewhere(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("office", "open", settings, "ve-2", "--name", "Rialto") == 0
    for role in ("rao", "ir"):
        assert run("operator", "grant", settings, *GRANT, "--office", "ve-2", "--role", role) == 0
    assert run("office", "move-operators", settings, "ve-2", "ve-1", "--close") == 0
    assert "2 mandates" in capsys.readouterr().out
    there = listed(settings, capsys, "--office", "ve-1")
    assert sorted(row[8] for row in there) == ["active"] * 3
    assert {row[8] for row in listed(settings, capsys, "--office", "ve-2")} == {"ended"}
    assert run("operator", "grant", settings, *GRANT, "--office", "ve-2", "--role", "ir") == 1
    assert run("office", "close", settings, "ve-2") == 1
    assert run("office", "open", settings, "ve-2", "--name", "Rialto") == 0
    assert run("office", "close", settings, "ve-2") == 0
    assert run("office", "figures", settings, "--from", "2026-01-01", "--to", "2026-12-31") == 0
    assert "Total;;0;0;0;0" in capsys.readouterr().out


def test_a_body_that_is_not_there_is_told(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--language", "en", "operator", "list", str(settings), "altro"]) == 1
    assert "The body altro is not known." in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_speaks_the_language(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--language", language, "office", "--help"])
    assert ended.value.code == 0
    words = {
        "it": "trasferisce gli operatori",
        "de": "Bedienpersonen eines Amts",
        "en": "have an office's operators",
    }
    assert words[language] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("page", ["permissions", "states", "all"])
def test_the_tables_are_printed(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--language", "en", "docs", page]) == 0
    printed = capsys.readouterr().out
    assert ("# Permissions" in printed) == (page != "states")
    assert ("# States" in printed) == (page != "permissions")


TOKEN = """
import sys
from pathlib import Path
from cmsdesk.backend.vault import Hsm, HsmSettings
from cmsdesk.base.secret import Secret
from cmsdesk.sandbox.hsm import MODULE, SoftHsm
folder = Path(sys.argv[1])
made = SoftHsm(folder / "hsm")
made.use()
import os
made.create_token("vault", Secret("71839204"))
made.create_token("mailer", Secret("60512847"))
vault = Hsm(HsmSettings(MODULE, "vault"), Secret("71839204"))
vault.create_record_key()
vault.close()
mailer = Hsm(HsmSettings(MODULE, "mailer"), Secret("60512847"))
mailer.create_mailer_key()
(folder / "mailer.pub").write_bytes(mailer.mailer_public_key())
print(os.environ["SOFTHSM2_CONF"])
"""


def test_a_supply_is_taken_and_its_codes_lie_in_the_vault_alone(settings: Path) -> None:
    folder = settings.parent
    made = subprocess.run(
        [sys.executable, "-c", TOKEN, str(folder)], capture_output=True, text=True, check=True, timeout=120
    )
    supply = folder / "supply.csv"
    codes = ("73190548", "20468135", "59102746", "84630217", "6190384752")
    supply.write_text(
        "type;id;ca;certified_until;pin;puk;emergency_code\n"
        f"smart_card;7430010000000001;Ente di Prova;2031-12-31;{codes[0]};{codes[1]};\n"
        f"scratch_card;S-1;;;{codes[2]};{codes[3]};{codes[4]}\n"
    )
    command = [
        sys.executable,
        "-m",
        "cmsdesk.cli.main",
        "--language",
        "en",
        "stock",
        "receive",
        str(settings),
    ]
    command += ["prova", str(supply), "--lot", "L-1", "--supplier", "Fornitore", "--office", "ve-1"]
    environment = {**os.environ, "SOFTHSM2_CONF": made.stdout.strip()}
    for expected in (0, 1):
        done = subprocess.run(
            command,
            input="71839204\n",
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=120,
        )
        assert done.returncode == expected, done.stderr
        assert not [code for code in codes if code in done.stdout + done.stderr]
    assert "RULE-EXISTS" in done.stderr
    kept = b"".join(path.read_bytes() for path in folder.glob("*.db*"))
    assert b"7430010000000001" in kept
    assert not [code for code in codes if code.encode() in kept]
