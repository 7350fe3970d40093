"""Card hosts: bad modules, dying parents, one owner a reader, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cmsdesk.base.errors import Bug
from cmsdesk.cards.client import PcscReaders
from cmsdesk.cards.errors import Cancelled, CodesMissing
from cmsdesk.cards.ownership import Ownership
from cmsdesk.cards.process import HostProcess, HostStarter, host_command
from cmsdesk.cards.profiles import DRIVERS_DIR
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import CardCommunication, CardHostFailed, ReaderBusy
from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.cards.bench import READER, Bench
from tests.fixtures.readers import CardMaker

HANGS, CRASHES, PRINTS = 1, 2, 3
_MODULE = Path(__file__).with_name("module.c")


def _bad_drivers(folder: Path, behaviour: int) -> Path:
    """A drivers folder whose SoftHSM profile names a module that misbehaves."""
    folder.mkdir()
    library = folder / "bad.so"
    command = ["gcc", "-shared", "-fPIC", f"-DBEHAVIOUR={behaviour}", "-o", str(library), str(_MODULE)]
    subprocess.run(command, check=True, timeout=60)
    profile = (DRIVERS_DIR / "softhsm.toml").read_text()
    profile = re.sub(r"linux = \[\n.*?\]", f'linux = ["{library}"]', profile, count=1, flags=re.DOTALL)
    profile = re.sub(r"default = \d+", "default = 1", profile)
    (folder / "softhsm.toml").write_text(profile)
    return folder


@pytest.fixture
def with_module(tmp_path: Path) -> Iterator[Callable[[int], PcscReaders]]:
    opened: list[PcscReaders] = []

    def make(behaviour: int) -> PcscReaders:
        drivers = _bad_drivers(tmp_path / f"drivers-{behaviour}", behaviour)
        opened.append(PcscReaders(tmp_path / "run", drivers=drivers))
        return opened[-1]

    yield make
    for readers in opened:
        readers.close()


@pytest.mark.parametrize(("behaviour", "word"), [(HANGS, "no answer in 1 s"), (CRASHES, "crashed")])
def test_bad_module_is_reported_and_its_host_replaced(
    with_module: Callable[[int], PcscReaders], behaviour: int, word: str
) -> None:
    with with_module(behaviour).open_token("softhsm", "0") as session:
        first = session.link.pid
        assert first is not None
        with pytest.raises(CardHostFailed) as failed:
            session.identify()
        assert word in str(failed.value)
        assert failed.value.facts["operation"] == "identify"
        assert behaviour != CRASHES or failed.value.facts["status"] == -signal.SIGSEGV
        assert not _alive(first)
        with pytest.raises(CardHostFailed):
            session.identify()
        assert session.link.pid != first
        with pytest.raises(CodesMissing):
            session.try_pin("random")


def test_what_a_module_prints_is_no_answer(with_module: Callable[[int], PcscReaders]) -> None:
    with (
        with_module(PRINTS).open_token("softhsm", "0") as session,
        pytest.raises(CardCommunication) as refused,
    ):
        session.identify()
    assert refused.value.facts["answer"] == "GeneralError"


def test_host_ends_when_its_input_does() -> None:
    host = HostProcess(host_command())
    assert host.alive
    host.close()
    assert not host.alive
    # by itself, not because it is killed after a while
    with subprocess.Popen(host_command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as alone:
        assert alone.stdin is not None
        alone.stdin.close()
        assert alone.wait(60) == 0


def test_host_ends_when_its_parent_is_killed_even_while_its_module_hangs(tmp_path: Path) -> None:
    drivers = _bad_drivers(tmp_path / "drivers", HANGS)
    parent = _parent(
        f"readers = PcscReaders(Path({str(tmp_path / 'run')!r}), drivers=Path({str(drivers)!r}))\n"
        "session = readers.open_token('softhsm', '0')\n"
        "session.link.timeout_s = lambda operation: 600.0\n"
        "print(session.link.pid, flush=True)\n"
        "session.identify()\n"
    )
    host = _first_number(parent)
    time.sleep(0.3)
    assert _alive(host)
    parent.kill()
    parent.wait()
    assert _gone_within(host, 30)


def test_second_host_waits_for_a_killed_owner(tmp_path: Path, stack: ReaderStack) -> None:
    parent = _parent(
        f"session = PcscReaders(Path({str(tmp_path / 'run')!r})).open('any reader')\n"
        "print(session.link.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    _first_number(parent)
    with PcscReaders(tmp_path / "run", owner_wait_s=0.2) as impatient, pytest.raises(ReaderBusy):
        impatient.open("any reader")
    with PcscReaders(tmp_path / "run", owner_wait_s=60) as patient:
        threading.Timer(0.5, parent.kill).start()
        patient.open("any reader").close()
    parent.wait()


def test_two_readers_have_two_owners(readers: PcscReaders) -> None:
    with readers.open("reader one") as one, readers.open("reader two") as two:
        assert one.link.pid != two.link.pid


def test_waiting_for_a_reader_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    owner = Ownership(tmp_path / "run", "any reader")
    owner.take(0, lambda: None)
    host = HostProcess(host_command())
    arguments = {
        "reader": "any reader",
        "runtime": str(tmp_path / "run"),
        "drivers": str(DRIVERS_DIR),
        "wait_s": 60,
    }
    threading.Timer(0.5, host.cancel).start()
    try:
        with pytest.raises(Cancelled):
            host.call("any reader", "attach", arguments, timeout_s=90)
    finally:
        host.close()
        owner.release()


def test_host_leaves_no_core(bench: Bench) -> None:
    pid = bench.session.link.pid
    limits = Path(f"/proc/{pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


def test_program_started_for_a_card_ends_with_its_host(
    stack: ReaderStack, card_maker: CardMaker, tmp_path: Path
) -> None:
    drivers = tmp_path / "drivers"
    drivers.mkdir()
    (drivers / "opensc").symlink_to(DRIVERS_DIR / "opensc")
    slow = tmp_path / "slow-init"
    slow.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid.new\nmv {tmp_path}/pid.new {tmp_path}/pid\nexec sleep 600\n"
    )
    slow.chmod(0o755)
    profile = (DRIVERS_DIR / "sandbox-card.toml").read_text()
    (drivers / "sandbox-card.toml").write_text(profile.replace('linux = "pkcs15-init"', f'linux = "{slow}"'))
    made = card_maker.make()
    stack.emulator.insert(READER, made.path)
    with PcscReaders(tmp_path / "run", drivers=drivers) as readers:
        session = readers.open(stack.pcsc_name(READER))
        bench = Bench(session, made.order, stack, made.path)
        bench.load()
        host = session.link.pid
        assert host is not None
        failures: list[BaseException] = []
        wiping = threading.Thread(
            target=_collect, args=(failures, lambda: session.wipe(puk="transport", transport="transport"))
        )
        wiping.start()
        program = _number_in(tmp_path / "pid")
        os.kill(host, signal.SIGKILL)
        wiping.join(10)
        assert [type(failure) for failure in failures] == [CardHostFailed]
        assert _gone_within(program, 3)
        session.close()
    with PcscReaders(tmp_path / "run") as readers, readers.open(stack.pcsc_name(READER)) as again:
        bench = Bench(again, made.order, stack, made.path)
        bench.load()
        again.wipe(puk="transport", transport="transport")
        assert again.try_pin("transport").accepted


def test_closed_session_is_not_reopened_by_accident(readers: PcscReaders) -> None:
    session = readers.open("any reader")
    session.close()
    with pytest.raises(Bug):
        session.counters()


def test_bug_in_a_host_names_place_and_no_values(readers: PcscReaders) -> None:
    with readers.open("any reader") as session, pytest.raises(Bug) as bug:
        session.link.call("try_pin", {"wrong argument": "SECRET-VALUE"})
    assert "worker.py" in str(bug.value)
    assert "SECRET-VALUE" not in str(bug.value)


def test_secrets_stay_inside(bench: Bench, host_errors: Path, tmp_path: Path) -> None:
    bench.load()
    bench.session.change_pin("transport", "random")
    bench.session.generate_key(Slot.SIGNATURE, KeyAlgorithm.EC_P256, pin="random")
    bench.session.wipe(puk="transport", transport="transport")
    written = [path for path in host_errors.parent.rglob("*") if path.is_file()]
    assert written
    secrets = {code.rstrip(b"\xff") for code in bench.stack.emulator.secrets_seen()}
    assert secrets
    for path in written:
        data = path.read_bytes()
        for code in secrets:
            forms = (code, code.decode().encode("utf-16-le"), code.hex().encode())
            assert not [form for form in forms if form in data], path.name


def _collect(failures: list[BaseException], act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 — handed to the test
        failures.append(error)


def _parent(script: str) -> subprocess.Popen[str]:
    head = "import time\nfrom pathlib import Path\nfrom cmsdesk.cards.client import PcscReaders\n"
    return subprocess.Popen([sys.executable, "-c", head + script], stdout=subprocess.PIPE, text=True)


def _first_number(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    with process.stdout:
        return int(process.stdout.readline())


def _number_in(path: Path) -> int:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, "the program did not start"
        time.sleep(0.02)
    return int(path.read_text())


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_host_that_cannot_be_started_ahead_is_asked_for_again_when_it_is_needed(tmp_path: Path) -> None:
    starter = HostStarter([str(tmp_path / "nothing")], str(DRIVERS_DIR), subprocess.DEVNULL, 1)
    starter.prepare_soon()  # an error in that thread would fail this test
    for thread in [one for one in threading.enumerate() if one.name == "spare hosts"]:
        thread.join(10)
    with pytest.raises(FileNotFoundError):
        starter.start()
    starter.close()
