"""The desk's base tables and outbox: what is written stays, whatever ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3

from cmsdesk.domain.commands import Command
from cmsdesk.domain.events import Event
from cmsdesk.sync.desk_store import Applied, DeskStore, Followed, OutboxState
from cmsdesk.sync.outbox import OPEN
from tests.sync.bench import Crash, CrashingStore, held, open_store

AT = "2026-06-01T08:00:00+00:00"
KILLS = 6


def command(number: int, **facts: Any) -> Command:
    return Command(f"C-{number}", "request.deliver", "ente", {"request": f"R-{number}", **facts})


def followed(size: int, **values: Any) -> Followed:
    return Followed(**{"body": "ente", "scope": "s", "epoch": 1, "size": size, "peaks": b"p", **values})


def event(number: int, state: str, **personal: Any) -> Event:
    return Event(f"request.{state}", "request", f"R-{number}", {"state": state, "body": "ente"}, personal)


# --- outbox ------------------------------------------------------------------------------------


def test_commands_come_out_as_they_went_in_and_in_order(store: DeskStore) -> None:
    put = [command(number, text="Tessàri «è»", deep={"a": [1, None, True]}) for number in (3, 1, 2)]
    for one in put:
        store.queue(one, "M-1", AT)
    assert [queued.command for queued in store.queued()] == put
    assert {queued.state for queued in store.queued()} == {OutboxState.PENDING}
    assert [queued.command.id for queued in store.queued(limit=2)] == ["C-3", "C-1"]


def test_the_same_command_again_changes_nothing(store: DeskStore) -> None:
    store.queue(command(1), "M-1", AT)
    store.accepted("C-1")
    store.queue(command(1, other=True), "M-2", AT)
    [queued] = store.queued()
    assert (queued.command, queued.mandate, queued.state) == (command(1), "M-1", OutboxState.ACCEPTED)


def test_states_and_mandates_are_told_apart(store: DeskStore) -> None:
    for number in range(6):
        store.queue(command(number), f"M-{number % 2}", AT)
    store.accepted("C-0")
    store.accepted("C-1")
    store.refused("C-2", "RULE-STATE", {"thing": "request", "number": 1, "none": None})
    names = {state: [queued.command.id for queued in store.queued(state)] for state in OPEN}
    assert names == {
        OutboxState.PENDING: ["C-3", "C-4", "C-5"],
        OutboxState.ACCEPTED: ["C-0", "C-1"],
        OutboxState.REFUSED: ["C-2"],
        OutboxState.QUARANTINED: [],
    }
    assert [found.command.id for found in store.queued(OutboxState.PENDING, mandate="M-1")] == ["C-3", "C-5"]
    [problem] = store.queued(OutboxState.REFUSED)
    assert (problem.code, problem.facts) == ("RULE-STATE", {"thing": "request", "number": 1, "none": None})


def test_only_what_was_accepted_is_finished_and_only_what_was_refused_dismissed(store: DeskStore) -> None:
    for number in range(3):
        store.queue(command(number), "M-1", AT)
    store.accepted("C-0")
    store.refused("C-1", "RULE-STATE", {})
    for number in range(3):
        store.finish(f"C-{number}")
    assert [queued.command.id for queued in store.queued()] == ["C-1", "C-2"]
    for number in range(3):
        store.dismiss(f"C-{number}")
    assert [queued.command.id for queued in store.queued()] == ["C-2"]


# --- base --------------------------------------------------------------------------------------


def test_the_feed_changes_things_position_and_outbox_at_once(store: DeskStore) -> None:
    store.queue(command(1), "M-1", AT)
    store.queue(command(2), "M-1", AT)
    assert store.followed() is None
    store.apply([Applied("C-1", event(1, "registered", holder={"surname": "Tessari"}))], followed(1))
    assert store.get("request", "R-1") == {
        "state": "registered",
        "body": "ente",
        "holder": {"surname": "Tessari"},
    }
    assert store.followed() == followed(1)
    assert [queued.command.id for queued in store.queued()] == ["C-2"]
    store.apply([Applied("C-9", event(1, "approved"))], followed(2, head="{}"))
    assert [name for name, _ in store.in_state("request", "approved")] == ["R-1"]
    assert store.in_state("request", "registered") == []
    assert (store.get("request", "R-1") or {})["holder"] == {"surname": "Tessari"}
    assert store.followed() == followed(2, head="{}")


@pytest.mark.parametrize("where", ["apply before", "follow before", "follow after"])
def test_a_page_is_applied_whole_or_not_at_all(store: CrashingStore, where: str) -> None:
    store.queue(command(1), "M-1", AT)

    def step(at: str) -> None:
        if at == where:
            raise Crash(at)

    store.step = step
    with pytest.raises(Crash):
        store.apply([Applied("C-1", event(1, "registered"))], followed(1))
    assert held(store) == {}
    assert store.followed() is None
    assert len(store.queued()) == 1
    store.step = lambda at: None
    store.apply([Applied("C-1", event(1, "registered"))], followed(1))
    assert len(held(store)) == 1


def test_a_failed_statement_rolls_back_and_tells_its_own_error(store: DeskStore) -> None:
    with pytest.raises(sqlcipher3.DatabaseError):
        store.apply([Applied("C-1", event(1, "registered"))], followed(1, scope=None))
    assert held(store) == {}
    assert not store._db.in_transaction


def test_beginning_anew_forgets_all_but_the_outbox_and_the_journals_size(store: DeskStore) -> None:
    store.queue(command(1), "M-1", AT)
    store.apply([Applied("C-9", event(1, "registered"))], followed(5))
    store.begin_anew()
    assert held(store) == {}
    assert store.followed() is None
    assert len(store.queued()) == 1
    assert store.witnessed("ente") == followed(5)
    assert store.witnessed("altro") is None


def test_the_furthest_that_was_followed_is_witnessed(store: DeskStore) -> None:
    for size, epoch, wanted in (
        (5, 1, (5, 1)),
        (3, 1, (5, 1)),
        (9, 1, (9, 1)),
        (2, 7, (2, 7)),
        (9, 1, (2, 7)),
    ):
        store.apply([], followed(size, epoch=epoch))
        store.begin_anew()
        witness = store.witnessed("ente")
        assert witness is not None
        assert (witness.size, witness.epoch) == wanted
    store.begin_anew()
    store.apply([], followed(1, body="altro"))
    store.begin_anew()
    assert store.witnessed("altro") == followed(1, body="altro")
    assert store.witnessed("ente") is not None


# --- killed in the middle ----------------------------------------------------------------------

# queues command n, says so, applies the page that finishes it, says so; for ever
_WRITER = """
import sys
from pathlib import Path
from tests.sync.bench import open_store
from tests.sync.test_desk_store import AT, Applied, command, event, followed

store = open_store(Path(sys.argv[1]))
known = store.followed()
number = known.size if known else 0
while True:
    store.queue(command(number), "M-1", AT)
    print("queued", number, flush=True)
    store.apply([Applied(f"C-{number}", event(number, "delivered"))], followed(number + 1))
    print("applied", number, flush=True)
    number += 1
"""


def test_a_killed_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    for turn in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(["."])},
            cwd=Path(__file__).parents[2],
        )
        assert writer.stdout is not None
        with writer.stdout:
            said = [writer.stdout.readline().split() for _ in range(5 + turn)]
            writer.kill()
            said += [line.split() for line in writer.stdout.read().splitlines()]
        assert writer.wait(30) == -signal.SIGKILL
        lines = [(what, int(number)) for what, number in (line for line in said if len(line) == 2)]
        check_after_kill(path, lines)


def check_after_kill(path: Path, said: list[tuple[str, int]]) -> None:
    """What was said to be done is there, once; what was not said is there whole or not at all."""
    store = open_store(path)
    position = store.followed()
    size = position.size if position else 0
    applied = [number for what, number in said if what == "applied"]
    queued = [number for what, number in said if what == "queued"]
    assert size >= max(applied, default=-1) + 1
    assert set(held(store)) == {("request", f"R-{number}") for number in range(size)}
    waiting = [found.command.id for found in store.queued()]
    assert waiting in ([], [f"C-{size}"])
    if max(queued) == size:
        assert waiting == [f"C-{size}"]
    assert store._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store._db.close()
