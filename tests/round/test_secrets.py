"""No secret is anywhere in clear: the emulator tells every code that was ever sent, and all is searched.

These tests run after all others of the package, on what those left: files, logs, databases, prints.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sqlite3
import subprocess
import traceback
from pathlib import Path

import pytest

from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import Log
from cmsdesk.base.texts import texts
from cmsdesk.cli.terminal import Terminal
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import CardInterrupted
from cmsdesk.sandbox.near import NEAR_DESK, desk_key
from cmsdesk.sync.local_store import connect
from tests.round.bench import CARD_EC, CARD_RSA, Bench, Lane, Sitting, at
from tests.round.chip import ChipState
from tests.round.hunter import Finding, Hunter
from tests.round.verdicts import is_clean, is_issued, productions

PRINTED_PIN = "tray.json"
"""The operator's PIN, printed on the training card: the one code that is meant to be read."""


def hunter(bench: Bench) -> Hunter:
    """Whoever looks for every code that any chip, envelope or token here has or had by now."""
    pins = bench.world.pins
    tokens = {pin.reveal() for pin in (pins.vault, pins.mailer, pins.ca)}
    return Hunter(bench.seen_by_chips() | bench.codes | tokens)


def chip_files(bench: Bench) -> list[Path]:
    """The chips' own memory, and the tray."""
    run, cards = bench.folder / "run", bench.world.places.cards
    return [*cards.glob("*.card"), *run.glob("*.card"), cards / PRINTED_PIN]


def rounds_of_every_end(bench: Bench, lane: Lane) -> None:
    """Issue on paper and by mail, resume, reset, crash a card host: a little of everything."""
    for delivery in ScratchDelivery:
        case = bench.case(CARD_EC, delivery=delivery)
        bench.issue(lane, case)
        is_issued(bench, case)
        lane.empty()
    for step, resumed in (("b", True), ("j", False)):
        case = bench.case(CARD_EC)
        lane.insert(case.path)

        watch = at(step, "begin", lambda: lane.cut(lane.status.counter + 3, "after"))
        with Sitting(bench, lane, case, watch=watch) as sitting:
            with pytest.raises(Mendable):
                sitting.begin()
            lane.emulator.wait_cut(lane.reader)
            lane.emulator.set_faults(lane.reader)
            lane.insert(case.path)
            sitting.resume() if resumed else sitting.reset()
        is_issued(bench, case) if resumed else is_clean(bench, case)
        lane.empty()


def test_a_crash_leaves_no_core_and_tells_nothing(bench: Bench, lane: Lane) -> None:
    """A card host dies of a signal that would leave its memory on the disk, with codes in it."""
    case = bench.case(CARD_RSA)
    lane.insert(case.path)
    sittings: list[Sitting] = []

    def crash() -> None:
        pid = sittings[0].session.link.pid
        assert pid is not None
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
        os.kill(pid, signal.SIGSEGV)

    with Sitting(bench, lane, case, watch=at("j", "begin", crash)) as sitting:
        sittings.append(sitting)
        # told as a crash, or, when the next call was quicker to start another host, as codes that are gone
        with pytest.raises(CardInterrupted) as caught:
            sitting.begin()
        sitting.resume()
    is_issued(bench, case)
    told = io.StringIO()
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    print("".join(trace.format()), repr(caught.value), file=told)
    Terminal(texts("it"), told).error(caught.value)
    Log("test").crash(caught.value)
    everything = hunter(bench)
    assert everything.in_bytes(told.getvalue().encode(), "what the crash told") == []
    assert [
        path for path in (*Path.cwd().glob("core*"), *bench.folder.rglob("core*")) if path.is_file()
    ] == []


def test_what_the_vault_sealed_is_gone_from_its_file_too(bench: Bench, lane: Lane) -> None:
    """Not only the row: the sealed record is overwritten in the database and out of its log."""
    vault_file = bench.world.places.service / "vault.db"
    sealed: dict[str, bytes] = {}
    case = bench.case(CARD_EC)

    def look(step: str, phase: str, seconds: float) -> None:
        if (step, phase) == ("i", "done"):
            (production,) = productions(bench, case)
            names = (f"escrow/{production}", f"scratch/{case.envelope.number}", f"transport/{case.card_id}")
            for name in names:
                sealed[name] = sealed_record(vault_file, name)
            assert all(in_the_vaults_files(vault_file, record) for record in sealed.values())

    bench.issue(lane, case, watch=look)
    assert len(sealed) == 3
    assert [name for name, record in sealed.items() if in_the_vaults_files(vault_file, record)] == []


def sealed_record(vault_file: Path, name: str) -> bytes:
    """Read a sealed record past the vault."""
    with contextlib.closing(sqlite3.connect(f"file:{vault_file}?mode=ro", uri=True)) as database:
        return bytes(database.execute("SELECT sealed FROM codes WHERE name = ?", (name,)).fetchone()[0])


def in_the_vaults_files(vault_file: Path, record: bytes) -> bool:
    """Tell whether the bytes are in the database's file or the files beside it."""
    return any(record in path.read_bytes() for path in vault_file.parent.glob(f"{vault_file.name}*"))


def test_no_secret_in_any_file(bench: Bench, lane: Lane) -> None:
    rounds_of_every_end(bench, lane)
    everything = hunter(bench)
    assert len(everything) > 20
    assert told(everything.in_files(bench.folder, chip_files(bench))) == []


def test_no_secret_in_any_database(bench: Bench) -> None:
    """Also in those that are encrypted, opened with their key: what the desk may not know at all."""
    service = bench.world.service
    with desk_key(service, bench.world.places, NEAR_DESK) as key:
        log = connect(bench.world.places.desk(NEAR_DESK) / "desk.db", key)
    everything = hunter(bench)
    found = everything.in_database(log, "desk.db, opened")
    assert log.execute("SELECT count(*) FROM log").fetchone()[0] > 0
    log.close()
    for path in (bench.world.places.service / "service.db", bench.world.places.service / "vault.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found += everything.in_database(database, path.name)
    assert told(found) == []


def test_a_chips_own_memory_holds_digests_only(bench: Bench) -> None:
    """Not asked of a chip; but a hunt that spared a file with all codes in clear would prove little."""
    cards = sorted(bench.world.places.cards.glob("*.card"))
    newest, everything = cards[-3:], hunter(bench)
    assert (
        told([found for path in newest for found in everything.in_bytes(path.read_bytes(), path.name)]) == []
    )
    assert all(ChipState(path).eeprom.pins for path in newest)


def test_no_secret_in_what_the_program_prints(bench: Bench, lane: Lane) -> None:
    case, printed = bench.case(CARD_EC), io.StringIO()
    terminal = Terminal(texts("it"), printed)
    lane.insert(case.path)
    with Sitting(bench, lane, case, watch=terminal.progress) as sitting:
        facts = sitting.session.identify()
        outcome = sitting.begin()
    terminal.device(facts)
    terminal.certificates(outcome.certificates.items())
    print(outcome, case, sitting.session, bench.parts, bench.world.pins, facts, file=printed)
    everything = hunter(bench)
    assert len(printed.getvalue()) > 1000
    assert told(everything.in_bytes(printed.getvalue().encode(), "printed")) == []


def test_no_secret_on_any_command_line_or_in_an_environment(bench: Bench, lane: Lane) -> None:
    """Of the processes that outlive a step; what a helper program is lent dies with it."""
    case, found = bench.case(CARD_EC), list[Finding]()
    lane.insert(case.path)

    def look(step: str, phase: str, seconds: float) -> None:
        if phase == "acted":
            seen = hunter(bench)
            for process in processes():
                for file in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        found.extend(
                            seen.in_bytes((process / file).read_bytes(), f"{step}: {process.name}/{file}")
                        )

    with Sitting(bench, lane, case, watch=look) as sitting:
        sitting.begin()
    assert told(found) == []


def processes() -> list[Path]:
    """Our own process and all below it."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(str.split, listed.splitlines()))
    below = {str(os.getpid())}
    while more := {child for child, parent in parents.items() if parent in below and child not in below}:
        below |= more
    return [Path("/proc") / pid for pid in sorted(below)]


def told(found: list[Finding]) -> list[str]:
    """Return findings as text, each once."""
    return sorted({str(finding) for finding in found})


def test_the_hunt_would_find_what_is_there(bench: Bench) -> None:
    """The same hunt finds the printed PIN where it is printed, and an envelope's code once it is written."""
    tray = bench.world.places.cards / PRINTED_PIN
    seen = hunter(bench)
    assert told(seen.in_bytes(tray.read_bytes(), tray.name)) == ["tray.json (text)"]
    planted = bench.folder / "logs" / "planted.log"
    code = next(iter(bench.codes))
    try:
        planted.write_text(f'{{"event": "step", "pin": "{code.decode()}"}}\n')
        found = told(seen.in_files(bench.folder / "logs"))
        assert found == ["planted.log (text)"]
    finally:
        planted.unlink()
