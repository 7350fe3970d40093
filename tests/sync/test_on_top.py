"""What screens show is the base with all pending commands re-decided on top, kept up to date by parts."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from cmsdesk.base.errors import Bug
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command, Refusal, WrongState
from cmsdesk.domain.organisation import Role
from cmsdesk.sync.desk_store import DeskStore, OutboxState, shown
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.synchroniser import Synchroniser
from cmsdesk.sync.work_lists import ListQuery, WorkLists
from tests.sync.bench import BODY, MORNING, CentralService, NearLine, digest_of, open_store, registration


class Desk:
    """A desk with a store in memory, under one mandate."""

    def __init__(self, central: CentralService, role: Role = Role.RAO) -> None:
        self.central = central
        self.mandate = central.grant(role)
        self.store: DeskStore = open_store()
        self.store.work_as(central.actor(self.mandate))
        self.line = NearLine(central, self.mandate)
        self.sync = Synchroniser(self.store, self.line, self.mandate, BODY, central.keys)
        self.sync.run()

    def submit(self, kind: str, /, **facts: Any) -> str:
        command = Command(new_id(), kind, BODY, facts)
        self.store.submit(command, self.central.clock.now())
        return command.id

    def check(self) -> None:
        """Tables kept by parts say what deciding everything anew says."""
        actor = self.central.actor(self.mandate)
        overlay, doubts = shown(self.store, actor, self.central.clock.now())
        assert {one.id for one in (queued.command for queued in self.store.doubts())} == {
            doubt.command.id for doubt in doubts
        }
        kept = self.store._db.execute("SELECT thing, id FROM overlay").fetchall()
        assert set(kept) == overlay.changed().keys()
        lists = WorkLists(self.store._db)
        rows = lists.rows(WorkList.REQUESTS, lists.keys(ListQuery(WorkList.REQUESTS)))
        listed = {row.id: (row.state, row.pending) for row in rows if row is not None}
        wanted = {}
        base = self.store._db.execute("SELECT id FROM things WHERE thing = 'request'").fetchall()
        for identifier in {name for (name,) in base} | {
            name for kind, name in overlay.changed() if kind == "request"
        }:
            document = overlay.get("request", identifier)
            assert document is not None
            shown_now = self.store.shown("request", identifier) or {}
            assert shown_now.keys() == document.keys()
            assert shown_now["state"] == document["state"]
            wanted[identifier] = (document["state"], ("request", identifier) in overlay.changed())
        assert listed == wanted


def test_a_command_shows_at_once_and_a_refused_one_is_not_queued(central: CentralService) -> None:
    desk = Desk(central)
    desk.submit("request.register", **registration("R-1"))
    desk.submit("request.approve", request="R-1", digest=digest_of("R-1"))
    with pytest.raises(WrongState):
        desk.submit("request.approve", request="R-1", digest=digest_of("R-1"))
    assert len(desk.store.queued()) == 2
    assert (desk.store.shown("request", "R-1") or {})["state"] == "approved"
    assert desk.store.get("request", "R-1") is None
    desk.check()
    desk.sync.run()
    assert desk.store.queued() == []
    assert (desk.store.get("request", "R-1") or {})["state"] == "approved"
    desk.check()


def test_what_another_desk_did_first_makes_a_pending_command_doubtful(central: CentralService) -> None:
    first, second = Desk(central), Desk(central)
    first.submit("request.register", **registration("R-1"))
    first.sync.run()
    second.sync.run()
    first.submit("request.cancel", request="R-1", reason="rinuncia")
    doubtful = second.submit("request.approve", request="R-1", digest=digest_of("R-1"))
    first.sync.run()
    # the feed comes before the push: as when another process of the desk has followed it
    known = second.store.followed()
    assert known is not None
    page = second.line.pull((known.epoch, known.size), 500)
    second.store.apply(*second.sync._checked(known, page))
    doubts = second.store.doubts()
    assert [(doubt.command.id, doubt.code) for doubt in doubts] == [(doubtful, "RULE-STATE")]
    assert (second.store.shown("request", "R-1") or {})["state"] == "cancelled"
    second.check()
    second.sync.run()
    assert second.store.doubts() == []
    assert [queued.code for queued in second.store.queued(OutboxState.REFUSED)] == ["RULE-STATE"]


def test_another_mandates_commands_are_not_shown(central: CentralService) -> None:
    desk = Desk(central)
    desk.submit("request.register", **registration("R-1"))
    other = central.grant(Role.IR)
    desk.store.work_as(central.actor(other))
    assert desk.store.shown("request", "R-1") is None
    lists = WorkLists(desk.store._db)
    assert not lists.keys(ListQuery(WorkList.REQUESTS))
    desk.store.work_as(central.actor(desk.mandate))
    assert desk.store.shown("request", "R-1") is not None
    assert len(lists.keys(ListQuery(WorkList.REQUESTS, only_pending=True))) == 1


def test_nobody_at_work_submits_nothing() -> None:
    store = open_store()
    with pytest.raises(Bug):
        store.submit(Command(new_id(), "request.register", BODY, {}), MORNING)


@pytest.mark.parametrize("seed", range(6))
def test_parts_and_whole_agree_whatever_happens(central: CentralService, seed: int) -> None:
    source = random.Random(seed)
    desks = [Desk(central), Desk(central)]
    made: list[str] = []
    for _ in range(60):
        desk = source.choice(desks)
        central.clock.advance(timedelta(seconds=1))
        what = source.randrange(7)
        try:
            if what == 0 or not made:
                made.append(f"R-{seed}-{len(made)}")
                desk.submit("request.register", **registration(made[-1]))
            elif what <= 4:
                name = source.choice(made)
                kind = source.choice(["approve", "cancel", "contact", "deliver"])
                facts = {"approve": {"digest": digest_of(name)}, "cancel": {"reason": "x"}}.get(
                    kind, {"contact_email": "a@b.example"}
                )
                desk.submit(f"request.{kind}", request=name, **facts)
            elif what == 5:
                desk.sync.run()
            else:
                desk.store.begin_anew()
        except Refusal:
            pass
        desk.check()
    for desk in desks * 2:
        desk.sync.run()
        desk.check()
    assert desks[0].store.queued(OutboxState.PENDING) == []
