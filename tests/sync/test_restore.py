"""A restored service, an erased person, an upgraded desk: nothing lost, doubled or left over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from cmsdesk.backend.services.erasure import erase_thing
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command, Refusal
from cmsdesk.domain.journal import Act, Validity
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.journal_errors import StillKept
from cmsdesk.sync.desk_store import DeskStore
from cmsdesk.sync.far import FarGateway, MandateChoice, Session
from cmsdesk.sync.http import Connection
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.outbox import KEPT, OutboxState
from cmsdesk.sync.synchroniser import FeedBroken, Synchroniser
from cmsdesk.sync.work_lists import ListQuery, WorkLists
from tests.sync.bench import (
    BODY,
    IN_MEMORY,
    KEY_BYTES,
    CentralService,
    NearLine,
    Secret,
    connect,
    digest_of,
    held,
    open_store,
    registration,
)

# as version 0.1's first file had it
_OLD = """
CREATE TABLE things (
    thing TEXT NOT NULL, id TEXT NOT NULL, state TEXT, document TEXT NOT NULL, PRIMARY KEY (thing, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, command TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,
    facts TEXT NOT NULL, mandate TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    code TEXT, refusal TEXT
) STRICT;
CREATE TABLE feed (
    one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, head TEXT
) STRICT;
CREATE TABLE witnessed (
    body TEXT PRIMARY KEY, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, head TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO things VALUES ('request', 'R-1', 'registered', '{"body": "uno", "state": "registered"}');
INSERT INTO outbox VALUES (1, 'C-1', 'request.cancel', 'uno', '{"request": "R-1"}', 'M-1',
    '2026-06-01T08:00:00+00:00', 'pending', NULL, NULL);
INSERT INTO feed VALUES (1, 'uno', 's', 1, 7, x'00', NULL);
"""


class Desk:
    """A RAO's desk."""

    def __init__(self, central: CentralService) -> None:
        self.central = central
        self.mandate = central.grant(Role.RAO)
        self.store = open_store()
        self.line = NearLine(central, self.mandate)
        self.sync = Synchroniser(self.store, self.line, self.mandate, BODY, central.keys)
        self.sync.run()

    def queue(self, kind: str, /, **facts: Any) -> str:
        command = Command(new_id(), kind, BODY, facts)
        self.store.queue(command, self.mandate, self.central.clock.now().isoformat())
        return command.id

    def same(self) -> None:
        assert held(self.store) == self.central.seen_by(self.mandate)


def test_what_the_restored_service_forgot_is_handed_back(central: CentralService) -> None:
    desk = Desk(central)
    before = desk.queue("request.register", **registration("R-1"))
    desk.sync.run()
    copy = central.backup()
    after = desk.queue("request.register", **registration("R-2"))
    desk.queue("request.approve", request="R-1", digest=digest_of("R-1"))
    desk.sync.run()
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    assert ("request", "R-2") not in central.things(BODY)
    desk.sync.run()
    states = {
        name: document["state"] for (thing, name), document in held(desk.store).items() if thing == "request"
    }
    assert states == {"R-1": "approved", "R-2": "registered"}
    desk.same()
    assert [central.commands(BODY).count(one) for one in (before, after)] == [1, 1]
    assert desk.store.queued() == []
    followed = desk.store.followed()
    assert followed is not None
    assert followed.era == followed.epoch > 1


def test_commands_of_two_desks_find_together_again(central: CentralService) -> None:
    first, second = Desk(central), Desk(central)
    copy = central.backup()
    first.queue("request.register", **registration("R-1"))
    first.sync.run()
    second.sync.run()
    approval = second.queue("request.approve", request="R-1", digest=digest_of("R-1"))
    second.sync.run()
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    # the approval comes back before what it approves
    second.sync.run()
    [waiting] = second.store.queued(OutboxState.PENDING)
    assert (waiting.command.id, waiting.code) == (approval, "RULE-UNKNOWN")
    first.sync.run()
    second.sync.run()
    assert second.store.queued() == []
    assert central.things(BODY)["request", "R-1"]["state"] == "approved"
    first.sync.run()
    first.same()
    second.same()


def test_what_was_accepted_unseen_survives_a_restore_before_the_desk_s_cursor(
    central: CentralService,
) -> None:
    desk = Desk(central)
    copy = central.backup()
    command = desk.queue("request.register", **registration("R-1"))
    desk.line.faults.extend(["", "request"])
    with pytest.raises(Exception, match="SERVICE"):
        desk.sync.run()
    assert [found.state for found in desk.store.queued()] == [OutboxState.ACCEPTED]
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    desk.sync.run()
    assert central.commands(BODY).count(command) == 1
    assert desk.store.queued() == []
    desk.same()


def test_what_a_desk_pushed_before_it_ever_followed_survives_too(central: CentralService) -> None:
    desk = Desk(central)
    copy = central.backup()
    desk.store = open_store()
    desk.sync = Synchroniser(desk.store, desk.line, desk.mandate, BODY, central.keys)
    command = desk.queue("request.register", **registration("R-1"))
    desk.line.faults.extend(["", "request"])
    with pytest.raises(Exception, match="SERVICE"):
        desk.sync.run()
    assert desk.store.followed() is None
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    desk.sync.run()
    assert central.commands(BODY).count(command) == 1
    desk.same()


def test_a_restored_service_cannot_rewrite_what_it_kept(central: CentralService) -> None:
    desk = Desk(central)
    desk.queue("request.register", **registration("R-1"))
    desk.sync.run()
    known = desk.store.followed()
    copy = central.backup()
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    assert known is not None
    desk.store._db.execute("UPDATE checkpoints SET peaks = x'00' WHERE size = ?", (known.size,))
    with pytest.raises(FeedBroken):
        desk.sync.run()


def test_accepted_commands_are_kept_for_ninety_days(central: CentralService) -> None:
    desk = Desk(central)
    desk.queue("request.register", **registration("R-1"))
    desk.sync.run()
    for days, kept in ((0, 1), (KEPT.days - 1, 1), (2, 0)):
        central.clock.advance(timedelta(days=days))
        central.administer("office.open", office=new_id(), name="x")
        desk.sync.run()
        assert len(desk.store.queued(OutboxState.DONE)) == kept


def test_what_was_done_at_once_is_kept_too(central: CentralService) -> None:
    desk = Desk(central)
    copy = central.backup()
    command = Command(new_id(), "request.register", BODY, registration("R-1"))
    central.service.execute([command], central.actor(desk.mandate))
    desk.store.keep(command, desk.mandate, central.clock.now().isoformat())
    desk.sync.run()
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    desk.sync.run()
    assert central.commands(BODY).count(command.id) == 1
    desk.same()


def test_an_erased_person_is_erased_on_every_desk(central: CentralService) -> None:
    desk = Desk(central)
    desk.store.work_as(central.actor(desk.mandate))
    desk.queue("request.register", **registration("R-1"))
    desk.queue("request.contact", request="R-1", contact_email="altro@example.com")
    desk.queue("request.register", **registration("R-2"))
    desk.sync.run()
    lists = WorkLists(desk.store._db)
    assert len(lists.keys(ListQuery(WorkList.REQUESTS, contains="tessari"))) == 2
    now = central.clock.now()
    act = Act(new_id(), "service:erasure", now)
    with central.engine.begin() as connection, pytest.raises(StillKept):
        erase_thing(connection, BODY, "request", "R-1", Validity(now, now).keep_until(), act)
    past = datetime(2000, 1, 1, tzinfo=now.tzinfo)
    with central.engine.begin() as connection:
        assert (
            erase_thing(connection, BODY, "request", "R-1", Validity(past, past).keep_until(), act)
            is not None
        )
    with central.engine.begin() as connection:
        assert erase_thing(connection, BODY, "request", "R-1", Validity(past, past).keep_until(), act) is None
    assert central.replayed(BODY) == central.things(BODY)
    desk.sync.run()
    desk.same()
    assert "holder" not in held(desk.store)["request", "R-1"]
    assert len(lists.keys(ListQuery(WorkList.REQUESTS, contains="tessari"))) == 1
    desk.store.begin_anew()
    desk.sync.run()
    desk.same()


def test_an_upgraded_desk_keeps_its_outbox() -> None:
    database = connect(IN_MEMORY, Secret(bytes(range(KEY_BYTES))))
    database.executescript(_OLD)
    store = DeskStore(database)
    [queued] = store.queued()
    assert (queued.command.id, queued.state, queued.command.again) == ("C-1", OutboxState.PENDING, False)
    assert store.followed() is None
    witnessed = store.witnessed("uno")
    assert witnessed is not None
    assert (witnessed.size, witnessed.era) == (7, 1)
    assert held(store) == {}
    assert DeskStore(database).queued() == [queued]


class Calls:
    """A connection to the service in this process, for `FarGateway`."""

    def __init__(self, central: CentralService, mandate: str) -> None:
        self.central, self.mandate = central, mandate

    def work_under(self, token: Secret | None, mandate: str) -> None:
        assert (token, mandate) == (None, self.mandate)

    def call(self, method: str, path: str, body: Any) -> list[dict[str, Any]]:
        assert (method, path) == ("POST", "/commands")
        commands = [Command(one["id"], one["kind"], one["body"], one["facts"]) for one in body]
        answers = self.central.service.execute(commands, self.central.actor(self.mandate))
        return [dict(answer.__dict__) for answer in answers]


@pytest.mark.parametrize("seen", [True, False], ids=["its events came", "its events did not come"])
def test_what_was_executed_at_once_is_kept_and_handed_back_too(central: CentralService, seen: bool) -> None:
    desk = Desk(central)
    calls = cast(Connection, Calls(central, desk.mandate))
    choice = MandateChoice(desk.mandate, BODY, "uno-1", "rao", "")
    keep = desk.store.keeper(desk.mandate, central.clock)
    gateway = FarGateway(calls, Session(None, "", (choice,)), choice, keep)
    copy = central.backup()
    given = [
        Command(new_id(), "request.register", BODY, registration("R-1")),
        Command(new_id(), "request.approve", BODY, {"request": "R-1", "digest": digest_of("R-1")}),
    ]
    for command in given:
        gateway.execute(command)
    refused = Command(new_id(), "request.approve", BODY, {"request": "R-9", "digest": "0"})
    with pytest.raises(Refusal):
        gateway.execute(refused)
    assert desk.store.queued() == [], "they wait for nothing"
    if seen:
        desk.sync.run()
    central.clock.advance(timedelta(hours=1))
    central.restore(copy)
    assert ("request", "R-1") not in central.things(BODY)
    desk.sync.run()
    assert central.things(BODY)["request", "R-1"]["state"] == "approved"
    assert [central.commands(BODY).count(command.id) for command in given] == [1, 1]
    assert desk.store.queued() == [], "the refused one was not kept"
    desk.same()
    copy.close()
