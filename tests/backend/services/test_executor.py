"""Callers who wait for the same body share a transaction, and none bears another's fault; both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services import executor
from cmsdesk.backend.services.executor import Answer
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.organisation import Role
from tests.fixtures.postgres import PostgresCluster
from tests.sync.bench import BODY, MORNING, OFFICE, SECOND_OFFICE, CentralService, registration


@pytest.fixture(params=["sqlite", "postgresql"])
def central(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CentralService]:
    """The service on each database."""
    url = f"sqlite:///{tmp_path / 'service.db'}"
    if request.param == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        url = cluster.create_database()
    made = CentralService(url, FixedClock(MORNING))
    yield made
    made.close()


class Callers:
    """Threads that each push something while the body's turn is held, and how often was committed."""

    def __init__(self, central: CentralService) -> None:
        self.central = central
        self.commits = self._pushed = 0
        self._pool = ThreadPoolExecutor(20)
        event.listen(central.engine, "commit", self._count)

    def _count(self, connection: object) -> None:
        self.commits += 1

    def push(self, actor: Actor, *commands: Command) -> Future[list[Answer]]:
        """Call the service in a thread of its own, and see that it waits: at the turn, or for who does."""
        self._pushed += 1
        made = self._pool.submit(self.central.service.execute, commands, actor)
        end = time.monotonic() + 20
        while (line := self.central.service._executor._lines.get(BODY)) is None or (
            line._led + len(line._waiting) < self._pushed
        ):
            assert time.monotonic() < end
            time.sleep(0.005)
        return made

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the body's turn meanwhile."""
        with self.central.engine.connect() as connection:
            take_turn(connection, BODY)
            yield
            self.commits = 0
            connection.rollback()


@pytest.fixture
def callers(central: CentralService) -> Iterator[Callers]:
    """Callers of the service."""
    made = Callers(central)
    yield made
    made._pool.shutdown()


def a_registration(office: str = OFFICE) -> Command:
    return Command(new_id(), "request.register", BODY, registration(new_id(), office))


def poison(monkeypatch: pytest.MonkeyPatch, command: str, error: BaseException) -> None:
    decide = executor.decide

    def broken(decided: Command, *rest: Any) -> Any:
        if decided.id == command:
            raise error
        return decide(decided, *rest)

    monkeypatch.setattr(executor, "decide", broken)


def journalled(central: CentralService, commands: Sequence[Command]) -> list[str]:
    """Return which of the commands are in the journal, in its order."""
    ids = {command.id for command in commands}
    return [command for command in central.commands(BODY) if command in ids]


def test_who_waits_shares_a_transaction_and_each_has_its_own_answer(
    central: CentralService, callers: Callers
) -> None:
    one, other = central.actor(central.grant(Role.RAO)), central.actor(central.grant(Role.IR, SECOND_OFFICE))
    good = [a_registration() for _ in range(6)]
    twice = Command(new_id(), "request.register", BODY, good[0].facts)
    foreign = a_registration(OFFICE)
    with callers.held():
        done = [callers.push(one, good[0])]
        done += [callers.push(one, command) for command in good[1:5]]
        same = callers.push(one, good[5], twice)
        again = callers.push(one, good[5])
        refused = callers.push(other, foreign)
    assert all(answer.accepted for future in done for answer in future.result(20))
    [taken, second] = same.result(20)
    assert taken.accepted
    assert (second.accepted, second.code) == (False, "RULE-EXISTS"), "decided on what came before it"
    assert again.result(20) == [taken]
    assert [answer.code for answer in refused.result(20)] == ["RULE-NOT-ALLOWED"]
    assert callers.commits == 1
    assert sorted(journalled(central, [*good, twice, foreign])) == sorted(command.id for command in good)
    assert central.replayed(BODY) == central.things(BODY)


def test_a_command_that_breaks_a_rule_harms_nobody_beside_it(
    central: CentralService, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = central.actor(central.grant(Role.RAO))
    commands = [a_registration() for _ in range(4)]
    poison(monkeypatch, commands[2].id, ZeroDivisionError())
    with callers.held():
        first = callers.push(actor, commands[0])
        broken = callers.push(actor, commands[1], commands[2])
        last = callers.push(actor, commands[3])
    assert [answer.accepted for future in (first, last) for answer in future.result(20)] == [True, True]
    assert [(answer.accepted, answer.code) for answer in broken.result(20)] == [
        (True, ""),
        (False, "RULE-NOT-TAKEN"),
    ]
    assert set(journalled(central, commands)) == {commands[at].id for at in (0, 1, 3)}
    assert central.replayed(BODY) == central.things(BODY)


def test_nobody_is_answered_before_the_commit(central: CentralService, callers: Callers) -> None:
    actor = central.actor(central.grant(Role.RAO))
    reached, go = threading.Event(), threading.Event()

    def at_commit(connection: object) -> None:
        reached.set()
        assert go.wait(20)

    with callers.held():
        event.listen(central.engine, "commit", at_commit)
        done = [callers.push(actor, a_registration()) for _ in range(3)]
    assert reached.wait(20)
    time.sleep(0.1)
    assert not any(future.done() for future in done)
    go.set()
    assert all(future.result(20)[0].accepted for future in done)


@pytest.mark.parametrize(
    "error", [OperationalError("COMMIT", {}, Exception("disk full")), KeyboardInterrupt()], ids=repr
)
def test_an_outage_is_told_to_all_and_the_next_transaction_goes_on(
    central: CentralService, callers: Callers, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    actor = central.actor(central.grant(Role.RAO))
    commands = [a_registration() for _ in range(3)]
    poison(monkeypatch, commands[1].id, error)
    with callers.held():
        done = [callers.push(actor, command) for command in commands]
    assert [future.exception(20) for future in done] == [error] * 3
    assert journalled(central, commands) == []
    monkeypatch.undo()
    assert all(answer.accepted for answer in central.service.execute(commands, actor))
    assert journalled(central, commands) == [command.id for command in commands]


def test_no_call_reads_a_whole_table(tmp_path: Path) -> None:
    central = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(MORNING))
    mandate = central.grant(Role.RAO)
    actor = central.actor(mandate)
    seen: list[tuple[str, Any]] = []

    def see(connection: Any, cursor: Any, text: str, values: Any, context: Any, many: bool) -> None:
        seen.append((text, values[0] if many else values))

    event.listen(central.engine, "before_cursor_execute", see)
    central.service.execute([a_registration(), a_registration()], actor)
    central.feed.snapshot(actor, None, 100, 0)
    event.remove(central.engine, "before_cursor_execute", see)
    plans = {}
    with central.engine.connect() as connection:
        for text, values in seen:
            if not text.startswith("BEGIN"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
                plans[text] = [str(row[-1]) for row in plan]
    central.close()
    assert any("things" in step for steps in plans.values() for step in steps)
    scanned = {text: steps for text, steps in plans.items() for step in steps if step.startswith("SCAN")}
    assert scanned == {}
    # nor a body's whole journal: what is about things, and a tile of hashes
    assert {step for steps in plans.values() for step in steps if "journal_leaves" in step} == {
        "SEARCH journal_leaves USING INDEX journal_leaves_by_thing (body=? AND thing=? AND thing_id=?)",
        "SEARCH journal_leaves USING INDEX sqlite_autoindex_journal_leaves_1"
        " (body=? AND leaf_index>? AND leaf_index<?)",
    }
