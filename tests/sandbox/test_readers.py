"""The private stack: starting, stopping, the service going and coming back, nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmsdesk.sandbox.readers.bench import Bench, BenchError
from cmsdesk.sandbox.readers.stack import ReaderPlan, ReaderStack
from cmsdesk.sandbox.readers.transport import make_transport_card, random_order
from tests.fixtures.readers import MadeCard, shared_stack
from tests.sandbox.conftest import READER
from tests.sandbox.tools import ToolFailed, Tools, run, tries_left

OWNER = """
import sys, time
from pathlib import Path
from cmsdesk.sandbox.readers.stack import ReaderStack
with ReaderStack(Path(sys.argv[1])) as stack:
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose sockets' paths are short enough."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def processes_naming(folder: Path) -> list[int]:
    """Living processes that have the folder in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if os.fsencode(folder) in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_gone(folder: Path, limit_s: float = 10.0) -> list[int]:
    """The processes of the folder still alive after waiting for their end."""
    deadline = time.monotonic() + limit_s
    while (left := processes_naming(folder)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def list_readers(bench: Bench) -> str:
    return run("opensc-tool", "--list-readers", env=bench.environment())


def test_readers_have_the_names_asked_for_and_two_stacks_do_not_meet(
    stack: ReaderStack, short_path: Path
) -> None:
    plans = (ReaderPlan("Sandbox Lettore A"), ReaderPlan("Sandbox Token B", "token"))
    with ReaderStack(short_path / "x", plans, fsync=False) as other:
        order = random_order()
        make_transport_card(other, short_path / "a.card", order)
        other.emulator.insert("Sandbox Token B", short_path / "a.card")
        assert "Sandbox Token B 00 00" in list_readers(other)
        assert "Sandbox Lettore 1" not in list_readers(other)
        assert "Sandbox Token B" not in list_readers(stack)
        assert other.pcsc_name("Sandbox Lettore A") == "Sandbox Lettore A 00 00"
        assert other.reader_names("token") == ["Sandbox Token B"]
    assert processes_naming(short_path) == []
    assert not (short_path / "x" / "pcscd.sock").exists()


def test_test_packages_share_the_stack_of_their_process(stack: ReaderStack, card: MadeCard) -> None:
    before = dict(os.environ)
    with shared_stack() as another_packages:
        assert another_packages is stack
        assert dict(os.environ) == before
    assert stack.emulator.status(READER).seen is True
    assert tries_left(stack.pcsc_name(READER), 1) == 3


def test_same_runtime_directory_serves_again(short_path: Path) -> None:
    for _ in range(2):
        with ReaderStack(short_path, fsync=False) as again:
            assert READER in list_readers(again)


def test_each_reader_holds_its_own_card(stack: ReaderStack, card: MadeCard, tmp_path: Path) -> None:
    second = random_order()
    make_transport_card(stack, tmp_path / "second.card", second)
    stack.emulator.insert("Sandbox Lettore 2", tmp_path / "second.card")
    shown = run("pkcs11-tool", "--module", "opensc-pkcs11.so", "-L", env=stack.environment())
    assert card.order.card_id in shown
    assert second.card_id in shown
    stack.emulator.remove(READER)
    shown = run("pkcs11-tool", "--module", "opensc-pkcs11.so", "-L", env=stack.environment())
    assert card.order.card_id not in shown
    assert second.card_id in shown


def test_service_goes_and_comes_back_with_the_cards_in_place(
    stack: ReaderStack, card: MadeCard, tools: Tools
) -> None:
    stack.stop_service()
    try:
        with pytest.raises(ToolFailed):
            tools.pkcs15("--list-info")
        assert stack.emulator.status(READER).seen is None
    finally:
        stack.start_service()
    status = stack.emulator.status(READER)
    assert (status.card, status.seen) == (str(card.path), True)
    assert tries_left(tools.reader, 1) == 3


def test_emulator_killed_keeps_the_cards_state(stack: ReaderStack, card: MadeCard, tools: Tools) -> None:
    tools.generate(card.order.transport_pin, "EC:prime256v1", "45")
    with pytest.raises(ToolFailed):
        tools.pkcs11("--list-objects", pin="00000000")
    public = tools.public_key("45").read_bytes()
    stack.kill_emulator()
    stack.start_emulator()
    assert stack.emulator.status(READER).card is None
    stack.emulator.insert(READER, card.path)
    assert tries_left(tools.reader, 1) == 2
    assert tools.public_key("45").read_bytes() == public


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_owner_killed_leaves_no_process(short_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(short_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        assert len(processes_naming(short_path)) >= 4, "owner, supervisor, pcscd and emulator"
        owner.send_signal(how)
    assert wait_gone(short_path) == []


def test_supervisor_killed_takes_its_services_along(short_path: Path) -> None:
    with ReaderStack(short_path, fsync=False) as owned:
        supervisors = [
            pid
            for pid in processes_naming(short_path)
            if b"readers.supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert len(supervisors) == 1
        os.kill(supervisors[0], signal.SIGKILL)
        deadline = time.monotonic() + 10
        while len(processes_naming(short_path)) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        with pytest.raises((BenchError, BrokenPipeError)):
            owned.stop_service()
    assert wait_gone(short_path) == []


def test_a_stack_that_cannot_start_says_why_and_leaves_nothing(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = short_path / "bin"
    broken.mkdir()
    (broken / "pcscd").write_text("#!/bin/sh\necho no smart cards today\nexit 1\n")
    (broken / "pcscd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    monkeypatch.setattr("cmsdesk.sandbox.readers.stack._READY_S", 0.5)
    with pytest.raises(BenchError, match="no smart cards today"):
        ReaderStack(short_path / "x").start()
    assert wait_gone(short_path / "x") == []


def test_too_long_a_path_and_too_many_readers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="too long"):
        ReaderStack(tmp_path / ("x" * 100))
    with pytest.raises(BenchError, match="readers"):
        ReaderStack(tmp_path, [ReaderPlan(f"R{n}") for n in range(9)])


def test_settings_name_one_driver_each(stack: ReaderStack) -> None:
    for driver in ("myeid", "itacns"):
        text = Path(stack.environment(driver)["OPENSC_CONF"]).read_text("utf-8")
        assert f"card_drivers = {driver};" in text


def test_command_line_steers_a_running_stack(short_path: Path) -> None:
    def readers(command: str, *options: str) -> str:
        cli = (sys.executable, "-m", "cmsdesk.sandbox.readers")
        codes = {"SANDBOX_TRANSPORT_PIN": "12345678", "SANDBOX_TRANSPORT_PUK": "87654321"}
        return run(*cli, command, "--runtime", short_path / "rt", *options, env=codes)

    with subprocess.Popen(
        [sys.executable, "-m", "cmsdesk.sandbox.readers", "run", "--runtime", str(short_path / "rt")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as held:
        assert held.stdin is not None
        assert held.stdout is not None
        lines = [held.stdout.readline() for _ in range(3)]
        assert lines[0].startswith("export PCSCLITE_CSOCK_NAME=")
        file = str(short_path / "a.card")
        identity = ("--serial", "00" * 10, "--card-id", "7430010000000042")
        readers("new-card", file, *identity)
        readers("insert", READER, file)
        assert f"{READER}: {file} as myeid" in readers("list")
        shown = run("pkcs15-tool", "--list-info", env=Bench(short_path / "rt").environment())
        assert "7430010000000042" in shown
        readers("remove", READER)
        readers("insert", READER, file, "--face", "cns")
        assert f"{file} as cns" in readers("list")
        assert "opensc-itacns.conf" in readers("env", "--driver", "itacns")
        with pytest.raises(ToolFailed, match="no reader Nessuno"):
            readers("insert", "Nessuno", file)
        held.stdin.close()
    assert wait_gone(short_path / "rt") == []
