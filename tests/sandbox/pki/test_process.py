"""The CA as a process: its PIN, its end, its folder, its controls."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from cmsdesk.base.secret import Secret
from cmsdesk.domain.certificate import Slot
from cmsdesk.operations.ports import Issued
from cmsdesk.sandbox.pki.controls import PIN_VARIABLE
from cmsdesk.sandbox.pki.desk import adapter
from cmsdesk.sandbox.pki.process import SandboxCa, SandboxCaError
from tests.fixtures.orders import ask, new_order
from tests.sandbox.pki.judges import fetch

MODULE = [sys.executable, "-m", "cmsdesk.sandbox.pki"]


def forms(pin: bytes) -> set[bytes]:
    """Return a PIN as files might hold it."""
    text = pin.decode()
    return {pin, text.encode("utf-16-le"), pin.hex().encode(), base64.b64encode(pin), pin.ljust(8, b"\xff")}


def test_the_pin_is_nowhere_in_the_folder(pki_template: SandboxCa, tmp_path: Path) -> None:
    pin = pki_template._pin.reveal()
    with pki_template.copy_to(tmp_path / "pki") as sandbox:
        port = adapter(sandbox)
        assert isinstance(ask(port, new_order()), Issued)
        port.close()
        files = [path for path in (tmp_path / "pki").rglob("*") if path.is_file()]
        assert len(files) > 10
        held = [path.name for path in files if any(form in path.read_bytes() for form in forms(pin))]
        assert held == []
        environment = Path(f"/proc/{sandbox.pid}/environ").read_bytes()
        command = Path(f"/proc/{sandbox.pid}/cmdline").read_bytes()
        assert pin not in environment + command


def test_keys_of_the_desk_are_for_their_owner_only(pki_template: SandboxCa) -> None:
    assert (pki_template.tls / "desk.key").stat().st_mode & 0o077 == 0
    assert pki_template.tls.stat().st_mode & 0o077 == 0


def test_a_wrong_pin_does_not_start(pki_template: SandboxCa, tmp_path: Path) -> None:
    good = pki_template.copy_to(tmp_path / "pki")
    wrong = SandboxCa(good.state, Secret("000000000000"))
    with pytest.raises(SandboxCaError, match="ended before"):
        wrong.start()
    good.start()
    good.stop()


def test_without_a_pin_nothing_starts(pki_template: SandboxCa) -> None:
    done = subprocess.run(
        [*MODULE, "serve", "--state", str(pki_template.state)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode
    assert PIN_VARIABLE in done.stderr


def test_it_ends_with_its_parent(pki_template: SandboxCa, tmp_path: Path) -> None:
    """A test or a demo that is killed leaves no CA behind."""
    state = pki_template.copy_to(tmp_path / "pki").state
    script = (
        "import os, sys; from pathlib import Path; from cmsdesk.base.secret import Secret;"
        "from cmsdesk.sandbox.pki.process import SandboxCa;"
        "ca = SandboxCa(Path(sys.argv[1]), Secret(sys.argv[2])); ca.start();"
        "print(ca.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    pin = pki_template._pin.reveal_text()
    done = subprocess.run(
        [sys.executable, "-c", script, str(state), pin],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(1200):
        if not alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the CA outlived its parent")


def alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_it_listens_on_loopback_only(sandbox_ca: SandboxCa) -> None:
    ports = {urlsplit(url).port for url in (sandbox_ca.url, sandbox_ca.http_url)}
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{sandbox_ca.pid}/net/{table}").read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            host, port = address.split(":")
            if state == "0A" and int(port, 16) in ports:
                listening.add(host)
    assert listening == {socket.inet_aton("127.0.0.1")[::-1].hex().upper()}


def test_controls_obey_only_with_the_token(sandbox_ca: SandboxCa) -> None:
    url = f"http://127.0.0.1:{sandbox_ca._ports['control']}/down"
    for headers in ({}, {"X-Control-Token": "guess"}):
        with urllib3.PoolManager(retries=False) as pool:
            assert pool.request("POST", url, headers=headers).status == 403
    port = adapter(sandbox_ca)
    assert port.opening().open
    port.close()


def test_a_fault_strikes_where_and_when_it_should(sandbox_ca: SandboxCa) -> None:
    port = adapter(sandbox_ca)
    sandbox_ca.refuse("no", slot=Slot.SIGNATURE, skip=1, times=2)
    slots = [Slot.SIGNATURE, Slot.AUTHENTICATION, Slot.SIGNATURE, Slot.SIGNATURE, Slot.SIGNATURE]
    answers = [isinstance(ask(port, new_order(slot)), Issued) for slot in slots]
    assert answers == [True, True, False, False, True]
    assert sandbox_ca.report()["faults"] == []
    port.close()


def test_an_unknown_fault_or_command_is_refused(sandbox_ca: SandboxCa) -> None:
    with pytest.raises(SandboxCaError, match="earthquake"):
        sandbox_ca.fault("earthquake")
    with pytest.raises(SandboxCaError, match="GET /nothing"):
        sandbox_ca._control("GET", "/nothing")


def test_ports_and_process_are_used_once(pki_template: SandboxCa, tmp_path: Path) -> None:
    sandbox = pki_template.copy_to(tmp_path / "pki")
    with sandbox:
        url = sandbox.url
        with pytest.raises(SandboxCaError, match="runs already"):
            sandbox.start()
        with pytest.raises(SandboxCaError, match="not copied"):
            sandbox.copy_to(tmp_path / "other")
    sandbox.stop()
    with sandbox:
        assert sandbox.url == url
    with pytest.raises(FileExistsError):
        SandboxCa.create(tmp_path / "pki")


def test_a_pki_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxCaError, match="PIN is missing"):
        SandboxCa.create(tmp_path / "pki", pin=Secret("\n"))


def test_the_command_line_serves_with_the_pin_of_the_environment(
    pki_template: SandboxCa, tmp_path: Path
) -> None:
    state = pki_template.copy_to(tmp_path / "pki").state
    process = subprocess.Popen(
        [*MODULE, "serve", "--state", str(state)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, PIN_VARIABLE: pki_template._pin.reveal_text()},
    )
    with process:
        assert process.stdout is not None
        try:
            ports = json.loads(process.stdout.readline())
            _, certificate = fetch(f"http://127.0.0.1:{ports['http']}/root.crt")
            assert certificate == pki_template.certificate("SandboxRoot")
        finally:
            process.terminate()
        assert process.wait(10) == 0
