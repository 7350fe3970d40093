"""A command that cannot be taken stops no other, and is seen; facts are recorded all the same."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from cmsdesk.backend.services import executor
from cmsdesk.base.errors import Bug
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.errors import CallMalformed
from cmsdesk.sync.desk_store import OutboxState
from cmsdesk.sync.outbox import ATTEMPTS
from cmsdesk.sync.synchroniser import Synchroniser
from tests.sync.bench import (
    BODY,
    OTHER_BODY,
    OTHER_OFFICE,
    CentralService,
    CrashingStore,
    NearLine,
    registration,
)


class PoisonedLine(NearLine):
    """A line on which certain commands make the whole call fail."""

    poison: frozenset[str] = frozenset()
    error: Exception = Bug("the service had an internal error")

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        if self.poison & {command.id for command in commands}:
            self.pushes.append([command.id for command in commands])
            raise self.error
        return super().push(commands)


class Desk:
    """A RAO's desk on a poisoned line."""

    def __init__(self, central: CentralService, store: CrashingStore) -> None:
        self.central, self.store = central, store
        self.mandate = central.grant(Role.RAO)
        self.line = PoisonedLine(central, self.mandate)
        self.start()

    def start(self) -> None:
        self.synchroniser = Synchroniser(self.store, self.line, self.mandate, BODY, self.central.keys)

    def register(self) -> str:
        command = Command(new_id(), "request.register", BODY, registration(new_id()))
        self.store.queue(command, self.mandate, self.central.clock.now().isoformat())
        return command.id

    def states(self) -> dict[str, str]:
        return {found.command.id: found.state.value for found in self.store.queued()}


@pytest.fixture
def desk(central: CentralService, store: CrashingStore) -> Desk:
    """A desk, signed in."""
    return Desk(central, store)


@pytest.mark.parametrize("error", [Bug("x"), CallMalformed(where="body")])
def test_a_poisonous_command_stops_no_other(desk: Desk, error: Exception) -> None:
    commands = [desk.register() for _ in range(9)]
    desk.line.poison, desk.line.error = frozenset({commands[4]}), error
    desk.synchroniser.run()
    assert desk.states() == {commands[4]: "pending"}
    assert desk.central.commands(BODY)[-8:] == commands[:4] + commands[5:]
    for _ in range(ATTEMPTS - 1):
        desk.synchroniser.run()
    assert desk.states() == {commands[4]: "quarantined"}
    [problem] = desk.store.queued(OutboxState.QUARANTINED)
    assert (problem.code, problem.facts) == ("RULE-NOT-TAKEN", {"kind": "request.register"})
    desk.line.pushes.clear()
    desk.synchroniser.run()
    assert desk.line.pushes == [], "what is set aside is not sent at every round"


def test_what_was_set_aside_goes_when_the_program_is_mended(desk: Desk) -> None:
    command = desk.register()
    desk.line.poison = frozenset({command})
    for _ in range(ATTEMPTS):
        desk.synchroniser.run()
    assert desk.states() == {command: "quarantined"}
    desk.start()
    desk.synchroniser.run()
    assert desk.states() == {command: "quarantined"}, "one try for each start"
    desk.line.poison = frozenset()
    desk.store.send_again(command)
    desk.synchroniser.run()
    assert desk.states() == {}
    assert desk.central.commands(BODY)[-1] == command


def test_a_service_that_takes_nothing_sets_nothing_aside(desk: Desk) -> None:
    commands = [desk.register() for _ in range(40)]
    desk.line.poison = frozenset(commands)
    for _ in range(ATTEMPTS + 1):
        desk.line.pushes.clear()
        desk.synchroniser.run()
        assert len(desk.line.pushes) < 15
    assert desk.states() == dict.fromkeys(commands, "pending")
    desk.line.poison = frozenset()
    desk.synchroniser.run()
    assert desk.states() == {}


def test_an_error_in_a_rule_is_one_commands_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = [desk.register() for _ in range(3)]
    decide = executor.decide

    def broken(command: Command, *rest: Any) -> Any:
        if command.id == commands[1]:
            raise ZeroDivisionError
        return decide(command, *rest)

    monkeypatch.setattr(executor, "decide", broken)
    for _ in range(ATTEMPTS):
        desk.synchroniser.run()
    assert desk.states() == {commands[1]: "quarantined"}
    assert not desk.central.receipt(BODY, commands[1])
    monkeypatch.undo()
    desk.store.send_again()
    desk.synchroniser.run()
    assert desk.states() == {}


def test_a_database_that_fails_is_nobodys_poison(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.register()

    def broken(*rest: Any) -> Any:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk full"))

    monkeypatch.setattr(executor, "decide", broken)
    with pytest.raises(OperationalError):
        desk.synchroniser.run()
    assert set(desk.states().values()) == {"pending"}
    monkeypatch.undo()
    desk.synchroniser.run()
    assert desk.states() == {}


def test_a_delivery_that_the_rules_refuse_is_recorded_as_a_problem(desk: Desk) -> None:
    registered = desk.register()
    request = desk.store.queued()[0].command.facts["request"]["id"]
    delivered = Command(new_id(), "request.deliver", BODY, {"request": request})
    desk.store.queue(delivered, desk.mandate, desk.central.clock.now().isoformat())
    desk.synchroniser.run()
    assert desk.states() == {}
    assert desk.central.commands(BODY)[-2:] == [registered, delivered.id]
    problem = desk.store.get("problem", delivered.id) or {}
    assert (problem["state"], problem["about"]) == ("open", request)
    assert desk.central.replayed(BODY) == desk.central.things(BODY)


def test_a_suspended_mandates_facts_are_recorded_and_its_wishes_wait(desk: Desk) -> None:
    wish = desk.register()
    fact = Command(new_id(), "request.deliver", BODY, {"request": new_id()})
    desk.store.queue(fact, desk.mandate, desk.central.clock.now().isoformat())
    desk.central.administer("mandate.suspend", mandate=desk.mandate)
    with pytest.raises(Exception, match="RULE-MANDATE"):
        desk.synchroniser.run()
    assert desk.states() == {wish: "pending", fact.id: "accepted"}
    [waiting] = desk.store.queued(OutboxState.PENDING)
    assert waiting.code == "RULE-MANDATE"
    assert desk.central.things(BODY)["problem", fact.id]["code"] == "RULE-MANDATE"
    desk.central.administer("mandate.resume", mandate=desk.mandate)
    desk.synchroniser.run()
    assert desk.states() == {}


def test_ids_of_another_body_tell_nothing(central: CentralService) -> None:
    first = central.actor(central.grant(Role.RAO))
    second = central.actor(central.grant(Role.RAO, OTHER_OFFICE, OTHER_BODY))
    identifier = new_id()
    mine = Command(identifier, "request.register", BODY, registration(new_id()))
    [answer] = central.service.execute([mine], first)
    assert answer.accepted
    other = registration(new_id(), OTHER_OFFICE, OTHER_BODY)
    [answer] = central.service.execute([Command(identifier, "request.register", OTHER_BODY, other)], second)
    assert answer.accepted
    assert central.commands(BODY)[-1] == central.commands(OTHER_BODY)[-1] == identifier


def test_an_idle_feed_waits_for_no_writer(central: CentralService, store: CrashingStore) -> None:
    actor = central.actor(central.grant(Role.RAO))
    central.feed.page(actor, None, 500)
    other = sqlite3.connect(str(central.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        page = central.feed.page(actor, None, 500)
        assert page.size == page.cursor.index
        assert central.service.get("body", BODY, actor) is not None
    finally:
        other.execute("ROLLBACK")
        other.close()
