"""Working without the service: bounded at the desk, chained, and checked when it arrives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cmsdesk.backend.jobs.chains import Chains
from cmsdesk.backend.jobs.worker import Worker
from cmsdesk.backend.services.vouchers import CHAIN, ON_ITS_WAY
from cmsdesk.base.ids import new_id
from cmsdesk.domain import problem
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Command
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.domain.request import enrolment_key
from cmsdesk.domain.voucher import (
    LIFE,
    MOST,
    ClockSetBack,
    NeedsService,
    NoVoucher,
    VoucherOver,
    VoucherSpent,
)
from cmsdesk.sync.outbox import OutboxState
from cmsdesk.sync.synchroniser import Synchroniser
from cmsdesk.sync.vouchers import Names, Renewal, VoucherBroken
from tests.sync.bench import (
    BODY,
    OFFICE,
    CentralService,
    CrashingStore,
    NearLine,
    digest_of,
    held,
    open_store,
    registration,
)

MINUTE = timedelta(minutes=1)
NAMES = Names("Giulia Ferrari", "Ente di Prova", "Sportello 1")


class Desk:
    """A desk that signed in once, holds a voucher, and is without the service from then on."""

    def __init__(self, central: CentralService, path: Path, mandate: str = "") -> None:
        self.central, self.clock, self.path = central, central.clock, path
        self.mandate = mandate or central.grant(Role.IR, OFFICE, BODY, Permission.DATA_ENTRY)
        self.actor = central.actor(self.mandate)
        self.store: CrashingStore = open_store(path)
        self.line = NearLine(central, self.mandate)
        self.asked = 0
        self.renewal = Renewal(
            self.store.vouchers,
            self.ask,
            central.keys,
            (self.actor.workstation, self.mandate),
            NAMES,
            self.clock,
        )
        self.sync = Synchroniser(self.store, self.line, self.mandate, BODY, central.keys, self.renewal)
        self.store.work_as(self.actor)

    def ask(self) -> dict[str, Any]:
        self.asked += 1
        return self.central.vouchers.issue(self.actor).document()

    def come_back(self) -> None:
        """Signed in at the service again: synchronise."""
        self.store.alone = False
        self.sync.run()

    def leave(self) -> None:
        self.store.alone = True

    def register(self, request: str = "") -> str:
        """Register a request; return the command's id."""
        self.clock.advance(MINUTE)
        command = Command(new_id(), "request.register", BODY, registration(request or new_id()))
        self.store.submit(command, self.clock.now())
        return command.id

    def copy(self, path: Path) -> Desk:
        """Return a desk on a copy of the file as it is now."""
        self.store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.write_bytes(self.path.read_bytes())
        return Desk(self.central, path, self.mandate)

    def refused(self) -> list[str]:
        return [str((found.facts or {})["reason"]) for found in self.store.queued(OutboxState.REFUSED)]

    def problems(self) -> list[dict[str, Any]]:
        found = self.central.things(BODY)
        return [document for (thing, _), document in found.items() if thing == "problem"]


@pytest.fixture
def desk(central: CentralService, tmp_path: Path) -> Desk:
    made = Desk(central, tmp_path / "desk.db")
    made.come_back()
    made.leave()
    return made


def test_what_was_done_without_the_service_arrives_chained_and_leaves_no_problem(desk: Desk) -> None:
    given = [desk.register() for _ in range(3)]
    links = [queued.command.link or {} for queued in desk.store.queued(OutboxState.PENDING)]
    assert [link["number"] for link in links] == [1, 2, 3]
    desk.clock.advance(timedelta(days=3))
    desk.come_back()
    assert set(given) <= set(desk.central.commands(BODY))
    assert desk.refused() == []
    assert desk.problems() == []


def test_with_the_service_nothing_is_counted(desk: Desk) -> None:
    desk.store.alone = False
    desk.register()
    assert desk.store.queued(OutboxState.PENDING)[0].command.link is None
    kept = desk.store.vouchers.of_mandate(desk.mandate)
    assert kept is not None
    assert kept.left == MOST


def test_a_voucher_is_renewed_when_it_is_used_or_an_hour_old(desk: Desk) -> None:
    assert desk.asked == 1
    desk.come_back()
    assert desk.asked == 1, "fresh and unused"
    desk.leave()
    desk.register()
    desk.come_back()
    assert desk.asked == 2, "used"
    desk.clock.advance(timedelta(hours=1))
    desk.come_back()
    assert desk.asked == 3, "an hour old"


def test_a_voucher_for_another_desk_or_of_another_key_is_not_kept(
    desk: Desk, central: CentralService, tmp_path: Path
) -> None:
    renewal = Renewal(
        desk.store.vouchers, desk.ask, central.keys, ("cd" * 32, desk.mandate), NAMES, desk.clock
    )
    desk.clock.advance(timedelta(hours=2))
    with pytest.raises(VoucherBroken):
        renewal()
    foreign = CentralService(f"sqlite:///{tmp_path / 'foreign.db'}", desk.clock)
    renewal = Renewal(
        desk.store.vouchers,
        desk.ask,
        foreign.keys,
        (desk.actor.workstation, desk.mandate),
        NAMES,
        desk.clock,
    )
    with pytest.raises(VoucherBroken):
        renewal()
    foreign.close()


# --- bounded at the desk -----------------------------------------------------------------------


def test_what_needs_the_service_is_refused_and_nothing_is_queued(desk: Desk) -> None:
    rao = desk.central.grant(Role.RAO)
    desk.actor = desk.central.actor(rao)
    desk.mandate = rao
    desk.store.vouchers.keep(desk.central.vouchers.issue(desk.actor), NAMES)
    desk.store.work_as(desk.actor)
    request = new_id()
    desk.register(request)
    cancel = Command(new_id(), "request.cancel", BODY, {"request": request, "reason": "prova"})
    with pytest.raises(NeedsService):
        desk.store.submit(cancel, desk.clock.now())
    assert [queued.command.kind for queued in desk.store.queued()] == ["request.register"]
    document = desk.store.shown("request", request)
    assert document is not None
    assert document["state"] == "registered"


def test_a_suspension_waits_for_the_service_counted_and_shown(desk: Desk) -> None:
    rao, request = desk.central.grant(Role.RAO), new_id()
    desk.central.do(rao, "request.register", **registration(request))
    desk.central.do(rao, "request.approve", request=request, digest=digest_of(request))
    desk.central.produce(rao, request, "1", "P-1")
    helping = Desk(desk.central, desk.path.with_name("help.db"), desk.central.grant(Role.HELP_DESK))
    helping.come_back()
    helping.leave()
    command = Command(new_id(), "certificate.suspend", BODY, {"request": request, "reason": "smarrita"})
    helping.clock.advance(MINUTE)
    helping.store.submit(command, helping.clock.now())
    [queued] = helping.store.queued(OutboxState.PENDING)
    assert (queued.command.link or {})["number"] == 1
    kept = helping.store.vouchers.of_mandate(helping.mandate)
    assert kept is not None
    assert kept.left == MOST - 1
    for slot in Slot:
        shown = helping.store.shown("certificate", enrolment_key("P-1", slot)) or {}
        assert (shown["state"], shown["wanted"]) == ("valid", "suspended")
    helping.come_back()
    assert command.id in helping.central.commands(BODY)
    assert (helping.refused(), helping.problems()) == ([], [])
    assert held(helping.store) == helping.central.seen_by(helping.mandate)


def test_without_a_voucher_nothing_new_is_entered(desk: Desk) -> None:
    desk.store.vouchers.forget(desk.actor.mandate.operator)
    with pytest.raises(NoVoucher):
        desk.register()
    assert desk.store.queued() == []


def test_after_its_time_nothing_new_is_entered(desk: Desk) -> None:
    desk.register()
    desk.clock.advance(LIFE)
    with pytest.raises(VoucherOver):
        desk.register()


def test_a_clock_set_back_stops_entering(desk: Desk) -> None:
    desk.clock.advance(timedelta(hours=20))
    desk.register()
    desk.clock.advance(-timedelta(hours=10))
    with pytest.raises(ClockSetBack):
        desk.register()


def test_the_count_stops_entering_and_a_fact_is_recorded_all_the_same(desk: Desk) -> None:
    request = new_id()
    desk.register(request)
    desk.store._db.execute("UPDATE vouchers SET number = ?", (MOST,))
    with pytest.raises(VoucherSpent):
        desk.register()
    handed = Command(new_id(), "request.deliver", BODY, {"request": request})
    desk.store.record(handed, desk.clock.now())
    desk.come_back()
    assert handed.id in desk.central.commands(BODY), "a fact is recorded"
    reasons = [reason for found in desk.problems() for reason in found["reasons"]]
    assert problem.VOUCHER_OVERRUN in reasons


# --- checked at the service --------------------------------------------------------------------


def test_a_desk_that_does_not_keep_its_bounds_shows_at_once(desk: Desk) -> None:
    desk.clock.advance(LIFE + timedelta(hours=1))
    late = Command(new_id(), "request.register", BODY, registration(new_id()))
    linked = desk.store.vouchers.chain(late, desk.mandate, desk.clock.now(), happened=True)
    desk.store.queue(linked, desk.mandate, desk.clock.now().isoformat())
    desk.come_back()
    assert desk.refused() == [problem.VOUCHER_EXPIRED]
    [found] = desk.problems()
    assert found["reasons"] == [problem.VOUCHER_EXPIRED]
    assert (found["about_thing"], found["about"]) == ("workstation", desk.actor.workstation)
    assert late.id not in desk.central.commands(BODY)
    assert desk.refused() == [problem.VOUCHER_EXPIRED], "a visible problem, no silent loss"


def test_a_copied_desk_shows_when_both_have_come_back(desk: Desk, tmp_path: Path) -> None:
    desk.register()
    twin = desk.copy(tmp_path / "twin.db")
    twin.leave()
    first, second = desk.register(), twin.register()
    twin_more = twin.register()
    desk.come_back()
    assert desk.problems() == []
    twin.come_back()
    assert twin.refused() == [problem.VOUCHER_COPIED] * 2, "all that went on from there"
    [found] = desk.problems()
    assert found["reasons"] == [problem.VOUCHER_COPIED]
    commands = desk.central.commands(BODY)
    assert first in commands
    assert not {second, twin_more} & set(commands)


def looked_at(desk: Desk, after: timedelta) -> list[list[str]]:
    """Have the service's jobs done after a time; return the reasons of the problems there are."""
    desk.clock.advance(after)
    engine = desk.central.engine
    Worker(engine, desk.clock, {CHAIN: Chains(engine, desk.clock).check}).run_due()
    return [document["reasons"] for document in desk.problems()]


def test_a_link_that_never_arrives_is_a_problem_that_is_seen_once(desk: Desk) -> None:
    given = [desk.register() for _ in range(5)]
    desk.store._db.execute("DELETE FROM outbox WHERE command IN (?, ?)", (given[1], given[3]))
    desk.come_back()
    assert {given[0], given[2], given[4]} <= set(desk.central.commands(BODY)), "what arrives is taken"
    assert looked_at(desk, ON_ITS_WAY - MINUTE) == []
    assert looked_at(desk, MINUTE) == [[problem.VOUCHER_GAP]]
    [found] = desk.problems()
    assert (found["about_thing"], found["about"]) == ("workstation", desk.actor.workstation)
    [identifier] = [name for thing, name in desk.central.things(BODY) if thing == "problem"]
    rao = desk.central.grant(Role.RAO)
    desk.central.do(rao, "problem.solve", problem=identifier, solution="Ritrovato su carta")
    desk.register()
    desk.come_back()
    looked_at(desk, ON_ITS_WAY)
    assert [document["state"] for document in desk.problems()] == ["solved"], "and not told again"


def test_links_that_come_in_another_order_are_no_gap(desk: Desk) -> None:
    for _ in range(4):
        desk.register()
    commands = [queued.command for queued in desk.store.queued(OutboxState.PENDING)]
    for command in (commands[3], commands[1], commands[0], commands[2]):
        [answer] = desk.central.service.execute([command], desk.actor)
        assert answer.accepted
    assert looked_at(desk, ON_ITS_WAY * 2) == []


def test_a_refused_command_is_a_link_too(desk: Desk) -> None:
    request = new_id()
    desk.register(request)
    desk.clock.advance(MINUTE)
    wrong = Command(new_id(), "request.contact", BODY, {"request": new_id(), "contact_email": "a@b.it"})
    linked = desk.store.vouchers.chain(wrong, desk.mandate, desk.clock.now())
    desk.store.queue(linked, desk.mandate, desk.clock.now().isoformat())
    desk.register()
    desk.come_back()
    assert looked_at(desk, ON_ITS_WAY * 2) == []


def test_what_both_had_before_the_copy_arrives_once(desk: Desk, tmp_path: Path) -> None:
    shared = desk.register()
    twin = desk.copy(tmp_path / "twin.db")
    desk.come_back()
    twin.come_back()
    assert desk.central.commands(BODY).count(shared) == 1
    assert desk.problems() == []
    assert twin.refused() == []


def test_another_workstations_voucher_is_none(desk: Desk) -> None:
    desk.register()
    [queued] = desk.store.queued(OutboxState.PENDING)
    other = desk.central.actor(desk.central.grant(Role.IR, OFFICE, BODY, Permission.DATA_ENTRY))
    [answer] = desk.central.service.execute([queued.command], other)
    assert (answer.accepted, answer.facts) == (False, {"reason": problem.VOUCHER_NOT_ITS_OWN})


def test_handed_back_after_a_restore_the_chain_is_as_good_as_before(desk: Desk) -> None:
    copy = desk.central.backup()
    given = [desk.register() for _ in range(2)]
    desk.come_back()
    desk.central.restore(copy)
    desk.come_back()
    assert set(given) <= set(desk.central.commands(BODY))
    assert desk.problems() == []
    copy.close()


def test_the_links_of_a_repeated_push_are_no_copy(desk: Desk) -> None:
    desk.register()
    desk.line.faults.extend(["twice"])
    desk.come_back()
    assert desk.refused() == []
    assert desk.problems() == []
