"""The program's start: what lacks is said on the terminal, and nothing is opened without the store's key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SETTINGS = """
environment = "Produzione"
authorities = ["Ente di Prova"]
journal_keys = ["journal.pem"]
runtime = "run"

[service]
url = "https://service.example"
roots = "root.pem"
{workstation}

[desk]
store = "desk.db"

[desk.body]
administration = "Ente di Prova"
issuer_code = "9999"
operator_issuers = []
"""
CERTIFICATE = 'certificate = "{file}"\nkey = "desk.key"'


def start(folder: Path, settings: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    path = folder / "desk.toml"
    path.write_text(settings, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "cmsdesk.desk", str(path)],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    done = start(tmp_path, "environment = 3")
    assert done.returncode == 1
    assert "[SETTINGS]" in done.stderr
    assert "environment" in done.stderr


def test_a_desk_without_a_certificate_is_told(tmp_path: Path) -> None:
    done = start(tmp_path, SETTINGS.format(workstation=""))
    assert done.returncode == 1
    assert "[NO-WORKSTATION]" in done.stderr


def test_without_the_stores_key_nothing_is_opened(tmp_path: Path) -> None:
    certificate = tmp_path / "desk.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=desk"]
    places = ["-keyout", str(tmp_path / "desk.key"), "-out", str(certificate)]
    subprocess.run([*made, *places], check=True, capture_output=True)
    for typed in ("", "00\n", "zz" * 32 + "\n"):
        done = start(tmp_path, SETTINGS.format(workstation=CERTIFICATE.format(file=certificate)), typed)
        assert done.returncode == 1
        assert "[NO-STORE-KEY]" in done.stderr
        assert not (tmp_path / "desk.db").exists()
