"""The main job by one command, as a newcomer starts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmsdesk.base.texts import texts
from cmsdesk.operations.issue.titles import STEP_TITLES


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Path]:
    """A folder for the sandbox, and one apart for the PINs."""
    folder = Path(tempfile.mkdtemp(prefix="demo-"))
    yield folder
    shutil.rmtree(folder)


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo."""
    return subprocess.run(
        [sys.executable, "-m", "cmsdesk.sandbox.demo", "--folder", str(folder / "sandbox"), *options],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config")},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("language", "kind", "keys"),
    [("it", "smart_card", "rsa2048"), ("de", "usb_token", "ecp256"), ("en", "smart_card", "ecp384")],
)
def test_a_device_is_issued(sandbox: Path, language: str, kind: str, keys: str) -> None:
    done = demo(sandbox, "--language", language, "--kind", kind, "--keys", keys)
    assert done.returncode == 0, done.stdout + done.stderr
    translate = texts(language)
    for step in "abcdefghij":
        assert f"  {step})  {translate(STEP_TITLES[step])}" in done.stdout
    assert translate("both valid") in done.stdout
    assert translate("both chains verified") in done.stdout
    folder = Path(done.stdout.strip().splitlines()[-1].partition(": ")[2])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["kind"] == kind
    verified = subprocess.run(
        ["openssl", "verify", "-CAfile", "root.pem", "-untrusted", "issuers.pem", "cns.pem", "qualified.pem"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr


def test_the_pins_lie_apart_from_the_sandbox(sandbox: Path) -> None:
    (path,) = (sandbox / "config" / "cmsdesk-sandbox").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    pins = path.read_text().split(",")
    assert len(pins) == 3
    for found in (sandbox / "sandbox").rglob("*"):
        if found.is_file():
            assert not any(pin.encode() in found.read_bytes() for pin in pins), found.name


def test_a_wrong_holder_file_is_told_in_words(sandbox: Path) -> None:
    holder = sandbox / "holder.toml"
    sample = Path(__file__).parents[2] / "cmsdesk" / "sandbox" / "samples" / "holder.toml"
    holder.write_text(sample.read_text().replace("TSSMRT87C54A952D", "TSSMRT87C54A952X"))
    done = demo(sandbox, "--language", "en", "--holder", str(holder))
    assert done.returncode == 1
    assert "REGISTER-CF" in done.stdout
    assert "Traceback" not in done.stderr
