"""Three or five desks and the service in one process, driven by one seed: what may go wrong does.

Everything that matters is drawn from the seed: who acts, what, which call is lost, where a process
ends, how long a desk is cut off. `Simulation.play` acts; `Simulation.settle` heals and checks.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from cmsdesk.backend.services.vouchers import ON_ITS_WAY, Vouchers
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.texts import N_
from cmsdesk.domain.commands import Actor, Command, MandateNotInForce, Refusal
from cmsdesk.domain.decisions.problems import FACTS
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.domain.permissions import Action, right_of
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.desk_store import OutboxState, shown
from cmsdesk.sync.synchroniser import Synchroniser
from cmsdesk.sync.vouchers import Names, Renewal
from tests.sync.bench import (
    BODY,
    MORNING,
    OFFICE,
    OTHER_BODY,
    OTHER_OFFICE,
    SECOND_OFFICE,
    Begun,
    CentralService,
    Crash,
    CrashingStore,
    NearLine,
    Things,
    copy_of,
    digest_of,
    held,
    open_store,
    registration,
)
from tests.sync.simulated_vouchers import Ledger

_FAULT = 0.25
_CRASH = 0.05
_CRASH_HANDING_BACK = 0.3
_AIMED = 0.8
_NOTICED, _TAMPERED = 0.7, 0.15
_MOST = 3
"""Commands that a voucher is good for here."""
_COPIED, _CLOCK_SET, _LOST = 0.2, 0.1, 0.1
_SKEWS_H = (-48, -2, 0, 0, 2, 48)
_NAMES = Names("", "", "")
CONFIRM = "production.confirm"
WITHOUT_EVENT = (CONFIRM, "request.deliver", "certificate.suspend")
"""What was so already leaves no event."""
_CUT_OFF_MAX_HOURS = 8
_ROUNDS = 4
"""After a restore desks wait for one another: a request, its approval, its cancelling."""
_ENTRY = Permission.DATA_ENTRY
DESKS: tuple[tuple[tuple[Role, str, str, tuple[Permission, ...]], ...], ...] = (
    ((Role.IR, OFFICE, BODY, (_ENTRY,)),),
    ((Role.RAO, OFFICE, BODY, ()), (Role.IR, SECOND_OFFICE, BODY, ())),
    ((Role.IR, SECOND_OFFICE, BODY, (_ENTRY, Permission.WHOLE_BODY)),),
    ((Role.RAO, OTHER_OFFICE, OTHER_BODY, ()),),
    ((Role.IR, OFFICE, BODY, (_ENTRY,)), (Role.RAO, OTHER_OFFICE, OTHER_BODY, ())),
)
"""The mandates of each desk: (role, office, body, permissions)."""


@dataclass(frozen=True)
class Size:
    """How much one seed plays: many small ones find what few acts bring about, large ones the rest."""

    desks: tuple[int, ...]
    """Which of `DESKS`."""
    steps: int


SMALL = Size((0, 1, 4), 16)
LARGE = Size((0, 1, 2, 3, 4), 60)


@dataclass
class SimulatedLine(NearLine):
    """A line whose faults come from the seed."""

    chance: random.Random = field(default_factory=random.Random)
    cut_off: bool = False
    healed: bool = False
    met: Counter[str] = field(default_factory=Counter)

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        """Execute commands, or not."""
        self._draw(("request", "answer", "twice", "service"))
        return super().push(commands)

    def pull(self, cursor: tuple[int, int] | None, limit: int) -> dict[str, Any]:
        """Return a page of the feed, or none."""
        self._draw(("request", "answer"))
        return super().pull(cursor, limit)

    def snapshot(self, after: tuple[str, str] | None, limit: int, size: int) -> dict[str, Any]:
        """Return a page of all that the mandate sees, or none."""
        self._draw(("request", "answer"))
        return super().snapshot(after, limit, size)

    def voucher(self) -> dict[str, Any]:
        """Return leave to work without the service, or none."""
        self._draw(("request", "answer"))
        return super().voucher()

    def _draw(self, faults: tuple[str, ...]) -> None:
        self.faults.clear()
        if self.healed:
            return
        if self.cut_off:
            self.met["cut off"] += 1
            raise ServiceUnreachable(reason=N_("no answer"))
        self.page_limit = self.chance.choice((1, 3, 7, 500))
        if self.chance.random() < _FAULT:
            fault = self.chance.choice(faults)
            self.met[fault] += 1
            if fault == "service":
                self.central.die_at_commit(self.chance.randint(1, 4))
            else:
                self.faults.append(fault)


class DiskFull(Exception):
    """What a write raises for which there is no room: the process goes on."""


class SimulatedDesk:
    """One PC: a store that outlives crashes, its mandates, and the one worked under."""

    def __init__(
        self, simulation: Simulation, mandates: list[str], store: CrashingStore | None = None
    ) -> None:
        self.simulation = simulation
        self.chance = simulation.chance
        self.store: CrashingStore = store or open_store()
        self.store.step = self._step
        self.mandates = mandates
        self.cut_off = False
        self.skew = timedelta()
        """How far this PC's clock is ahead."""
        self.healed = False
        self.queued: dict[str, tuple[Command, str]] = {}
        """Every command that this desk's outbox took, and its mandate."""
        self.dismissed: dict[str, str] = {}
        self.met: Counter[str] = Counter()
        """How often each fault was met."""
        self.work_under(mandates[0])

    def work_under(self, mandate: str) -> None:
        """Work under a mandate from now on."""
        central = self.simulation.central
        self.mandate = mandate
        self.actor = self.simulation.actors[mandate]
        self.line = SimulatedLine(
            central,
            mandate,
            chance=self.chance,
            cut_off=self.cut_off,
            healed=self.healed,
            met=self.met,
        )
        place = (self.actor.workstation, mandate)
        renewal = Renewal(self.store.vouchers, self.line.voucher, central.keys, place, _NAMES, self)
        self.synchroniser = Synchroniser(
            self.store, self.line, mandate, self.actor.mandate.body, central.keys, renewal
        )

    def now(self) -> datetime:
        """Return what this PC's clock shows."""
        return self.simulation.clock.now() + self.skew

    def queue(self, kind: str, **facts: Any) -> None:
        """Queue a command; when the process ends meanwhile, the file says whether it was done.

        Cut off, it is given by the voucher, unless the desk has not noticed yet; now and then its
        bounds are not kept.
        """
        command = Command(self.simulation.new_id(), kind, self.actor.mandate.body, facts)
        alone = self.cut_off and self.chance.random() < _NOTICED
        tampered = alone and self.chance.random() < _TAMPERED
        try:
            with self.store._transaction() if alone else nullcontext():
                if alone:
                    happened = kind in FACTS or tampered
                    command = self.store.vouchers.chain(command, self.mandate, self.now(), happened=happened)
                self.store.queue(command, self.mandate, self.now().isoformat())
        except Refusal as refusal:
            self.met[refusal.code] += 1
        except (Crash, DiskFull):
            pass
        if any(found.command.id == command.id for found in self.store.queued()):
            self.queued[command.id] = command, self.mandate
            self.simulation.ledger.note(command, self.simulation.clock.now())

    def synchronise(self) -> None:
        """Synchronise as far as faults allow; what is held then is what its scope may see."""
        followed = None
        try:
            self.synchroniser.run()
        except (ServiceUnreachable, Crash, DiskFull):
            assert not self.healed
        except MandateNotInForce:
            assert self.mandate in self.simulation.suspended
            self.met["suspended"] += 1
        else:
            followed = self.store.followed()
        finally:
            self.simulation.central.die_at_commit(0)
        if followed is not None:
            self.simulation.check_seen(self)

    def dismiss_one(self) -> None:
        """A person deals with the first problem."""
        for problem in self.store.queued(OutboxState.REFUSED)[:1]:
            self.dismissed[problem.command.id] = problem.code
            self.store.dismiss(problem.command.id)

    def dismiss_waiting(self) -> None:
        """A person deals with what was handed back in vain: what it needs is gone with the backup."""
        for waiting in self.store.queued(OutboxState.PENDING):
            assert waiting.command.again, "pending after all"
            self.dismissed[waiting.command.id] = waiting.code
            self.store.dismiss(waiting.command.id)

    def requests(self) -> list[tuple[str, str]]:
        """Return (id, state) of the requests that the desk shows under its mandate, by id."""
        overlay, _ = shown(self.store, self.actor, self.simulation.clock.now())
        documents = {**held(self.store), **overlay.changed()}
        return sorted(
            (name, found["state"]) for (thing, name), found in documents.items() if thing == "request"
        )

    def _step(self, where: str) -> None:
        # a service is restored seldom: what a desk does about it crashes the more often
        likely = _CRASH_HANDING_BACK if where.startswith("hand_back") else _CRASH
        if not self.healed and self.chance.random() < likely:
            if self.chance.random() < 0.2:
                self.met["disk full"] += 1
                raise DiskFull(where)
            self.met[f"crash {where}"] += 1
            raise Crash(where)


def numbered(number: int) -> str:
    """Return an id that a number decides."""
    return str(UUID(int=number << 80 | 7 << 76 | 2 << 62 | number))


@cache
def _beginning() -> tuple[Begun, list[list[str]], dict[str, Actor]]:
    """Return what every seed begins with: the service, each desk's mandates, who acts under them."""
    central = CentralService("sqlite://", FixedClock(MORNING))
    ids = map(numbered, count(1))
    mandates = [
        [
            central.grant(role, office, body, *permissions, mandate=next(ids))
            for role, office, body, permissions in held_by
        ]
        for held_by in DESKS
    ]
    actors = {mandate: central.actor(mandate) for some in mandates for mandate in some}
    begun = central.begun()
    central.close()
    return begun, mandates, actors


class Simulation:
    """The whole world of one seed."""

    def __init__(self, seed: int, size: Size = LARGE) -> None:
        self.size = size
        self.chance = random.Random(seed)
        self.clock = FixedClock(MORNING)
        begun, all_mandates, actors = _beginning()
        mandates = [all_mandates[place] for place in size.desks]
        self.actors = {mandate: actors[mandate] for some in mandates for mandate in some}
        self.central = CentralService("sqlite://", self.clock, begun)
        self._ids = len(actors)
        self.suspended: set[str] = set()
        self.stock = 0
        self.copy = self.central.backup()
        self.restores = 0
        self.ledger = Ledger()
        self.central.vouchers = Vouchers("cmsdesk-test", self.central.signer, self.clock, _MOST)
        self.desks = [SimulatedDesk(self, some) for some in mandates]
        self.twin: SimulatedDesk | None = None
        self.counts: dict[str, int] = {}

    def close(self) -> None:
        """Let everything go."""
        self.central.close()
        self.copy.close()
        for desk in self.desks:
            desk.store._db.close()

    def new_id(self) -> str:
        """Return the next id; the seed alone decides which."""
        self._ids += 1
        return numbered(self._ids)

    # --- acting --------------------------------------------------------------------------------

    def play(self) -> None:
        """Let anybody do anything, as often as the size says."""
        acts: list[tuple[Callable[[SimulatedDesk], None], int, Action | None]] = [
            (self.register, 8, Action.REQUEST_REGISTER),
            (self.approve, 8, Action.REQUEST_APPROVE),
            (self.cancel, 2, Action.REQUEST_CANCEL),
            (self.contact, 3, Action.REQUEST_CONTACT),
            (self.deliver, 8, Action.REQUEST_DELIVER),
            (self.produce, 8, None),
            (self.confirm_again, 2, Action.PRODUCE),
            (self.synchronise, 18, None),
            (self.suspend, 3, Action.CERTIFICATE_SUSPEND),
            (self.cut_or_mend, 1, None),
            (self.outage, 5, None),
            (self.set_clock, 1, None),
            (self.change_mandate, 3, None),
            (self.suspend_or_resume, 1, None),
            (self.widen_or_narrow, 2, None),
            (self.dismiss, 1, None),
            (self.back_up_or_restore, 1, None),
        ]
        weights = [weight for _, weight, _ in acts]
        for act, _, action in self.chance.choices(acts, weights, k=self.size.steps):
            self.clock.advance(timedelta(seconds=self.chance.randint(1, 600)))
            self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
            act(self._desk_for(action))

    def _desk_for(self, action: Action | None) -> SimulatedDesk:
        """Return a desk, mostly one whose mandate gives the right."""
        able = [desk for desk in self.desks if action and right_of(desk.actor.mandate, action)]
        return self.chance.choice(able if able and self.chance.random() < _AIMED else self.desks)

    def register(self, desk: SimulatedDesk) -> None:
        """A new registration, mostly of the desk's office."""
        mandate = desk.actor.mandate
        office = mandate.office if self.chance.random() < 0.8 else SECOND_OFFICE
        desk.queue("request.register", **registration(self.new_id(), office, mandate.body))

    def approve(self, desk: SimulatedDesk) -> None:
        """Approve what was registered, now and then with another content in mind."""
        body = desk.actor.mandate.body
        for request in self._some(desk, "registered"):
            digest = digest_of(request, body=body) if self.chance.random() < 0.9 else "0"
            desk.queue("request.approve", request=request, digest=digest)

    def cancel(self, desk: SimulatedDesk) -> None:
        """Cancel."""
        for request in self._some(desk, "registered", "approved"):
            desk.queue("request.cancel", request=request, reason="prova")

    def contact(self, desk: SimulatedDesk) -> None:
        """Another contact address."""
        for request in self._some(desk, "registered", "approved", "produced"):
            address = f"n{self._ids}@example.com"
            desk.queue("request.contact", request=request, contact_email=address)

    def deliver(self, desk: SimulatedDesk) -> None:
        """Hand over, at a desk that knows of a device to hand over."""
        knowing = [one for one in self.desks if any(state == "produced" for _, state in one.requests())]
        desk = self.chance.choice(knowing) if knowing else desk
        for request in self._some(desk, "produced"):
            desk.queue("request.deliver", request=request)

    def suspend(self, desk: SimulatedDesk) -> None:
        """Ask for the suspension of what was issued."""
        for request in self._some(desk, "produced", "delivered"):
            desk.queue("certificate.suspend", request=request, reason="prova")

    def confirm_again(self, desk: SimulatedDesk) -> None:
        """Say what is so already: accepted, and without an event."""
        for thing, production in sorted(held(desk.store)):
            if thing == "production":
                desk.queue(CONFIRM, production=production)
                break

    def synchronise(self, desk: SimulatedDesk) -> None:
        """Push and pull."""
        desk.synchronise()

    def dismiss(self, desk: SimulatedDesk) -> None:
        """Deal with a problem."""
        desk.dismiss_one()

    def cut_or_mend(self, desk: SimulatedDesk) -> None:
        """Cut a desk off, or end that after up to eight hours."""
        if desk.cut_off:
            self.clock.advance(timedelta(hours=self.chance.uniform(0, _CUT_OFF_MAX_HOURS)))
        self._cut_off(desk, not desk.cut_off)

    def outage(self, desk: SimulatedDesk) -> None:
        """A desk works on alone, its clock perhaps set wrong; perhaps a copy of it works beside it.

        It was in step before: what is drawn here needs a voucher.
        """
        desk.healed = desk.line.healed = True
        desk.synchronise()
        desk.healed = desk.line.healed = False
        self._cut_off(desk)
        before = set(desk.queued)
        if self.chance.random() < _COPIED:
            self.copy_desk(desk)
        working = [desk, self.twin] if self.twin is not None and self.twin.mandate == desk.mandate else [desk]
        for _ in range(self.chance.randint(1, _MOST + 2)):
            self.clock.advance(timedelta(seconds=self.chance.randint(1, 600)))
            one = self.chance.choice(working)
            if self.chance.random() < _CLOCK_SET:
                self.set_clock(one)
            self.chance.choice((self.register, self.register, self.contact, self.suspend))(one)
        given = [command for name, (command, _) in desk.queued.items() if name not in before]
        if given and self.chance.random() < _LOST:
            self._lose(desk, self.chance.choice(given))

    def _lose(self, desk: SimulatedDesk, command: Command) -> None:
        """Somebody takes a command that was never sent out of a desk's file."""
        desk.store._db.execute("DELETE FROM outbox WHERE command = ?", (command.id,))
        del desk.queued[command.id]
        self.ledger.lose(command)

    def _cut_off(self, desk: SimulatedDesk, cut_off: bool = True) -> None:
        desk.cut_off = desk.line.cut_off = cut_off

    def set_clock(self, desk: SimulatedDesk) -> None:
        """Somebody sets a PC's clock, right or wrong."""
        desk.skew = timedelta(hours=self.chance.choice(_SKEWS_H))

    def copy_desk(self, desk: SimulatedDesk) -> None:
        """Somebody copies a PC's disk and runs both, once."""
        if self.twin is not None:
            return
        self.twin = SimulatedDesk(self, desk.mandates, copy_of(desk.store))
        self.twin.work_under(desk.mandate)
        self._cut_off(self.twin, desk.cut_off)
        self.twin.queued, self.twin.dismissed = dict(desk.queued), dict(desk.dismissed)
        self.desks.append(self.twin)

    def change_mandate(self, desk: SimulatedDesk) -> None:
        """Start the program again, perhaps under another mandate."""
        desk.work_under(self.chance.choice(desk.mandates))

    def suspend_or_resume(self, desk: SimulatedDesk) -> None:
        """The administrator stops a mandate, or lets it work again."""
        kind = "mandate.resume" if desk.mandate in self.suspended else "mandate.suspend"
        self.suspended ^= {desk.mandate}
        self.central.administer(kind, desk.actor.mandate.body, mandate=desk.mandate)

    def widen_or_narrow(self, desk: SimulatedDesk) -> None:
        """The administrator lets an IR see the whole body, or the office alone again."""
        mandate = desk.actor.mandate
        if mandate.role is not Role.IR or desk.mandate in self.suspended:
            return
        permissions = sorted(one.value for one in mandate.permissions ^ {Permission.WHOLE_BODY})
        self.central.administer("mandate.change", mandate.body, mandate=mandate.id, permissions=permissions)
        self._look_up_actors()
        self.counts["changed scope"] = self.counts.get("changed scope", 0) + 1

    def _look_up_actors(self) -> None:
        self.actors = {name: self.central.actor(name, in_force=False) for name in self.actors}
        for desk in self.desks:
            desk.actor = self.actors[desk.mandate]

    def back_up_or_restore(self, desk: SimulatedDesk) -> None:
        """The night's backup; or the service is lost, and the last one is brought back and declared."""
        if self.chance.random() < 0.6:
            self.copy.close()
            self.copy = self.central.backup()
            return
        self.restores += 1
        self.central.restore(self.copy)
        self._look_up_actors()
        self.suspended = {
            name
            for name, actor in self.actors.items()
            if self.central.things(actor.mandate.body)["mandate", name]["suspended"]
        }

    def produce(self, desk: SimulatedDesk) -> None:
        """A RAO produces what is approved, connected to the service."""
        body = self.chance.choice((BODY, OTHER_BODY))
        raos = (name for name, actor in self.actors.items() if actor.mandate.role is Role.RAO)
        rao = next(name for name in raos if self.actors[name].mandate.body == body)
        approved = sorted(
            identifier
            for (thing, identifier), document in self.central.things(body).items()
            if thing == "request" and document["state"] == "approved"
        )
        if approved and rao not in self.suspended:
            self.stock += 1
            self.central.produce(rao, self.chance.choice(approved), f"{self.stock}", self.new_id())

    def _some(self, desk: SimulatedDesk, *states: str) -> list[str]:
        """Return one request of those the desk shows, mostly of the given states; or none."""
        known = desk.requests()
        if self.chance.random() < _AIMED:
            known = [(name, state) for name, state in known if state in states]
        return [self.chance.choice(known)[0]] if known else []

    # --- settling and checking -----------------------------------------------------------------

    def settle(self) -> None:
        """Mend everything, synchronise all mandates of all desks, and check."""
        for mandate in sorted(self.suspended):
            self.central.administer("mandate.resume", self.actors[mandate].mandate.body, mandate=mandate)
        self.suspended.clear()
        for desk in self.desks:
            desk.healed, desk.cut_off, desk.skew = True, False, timedelta()
        for _ in range(_ROUNDS):
            for desk in self.desks:
                for mandate in reversed(desk.mandates):  # the first last: it is looked at afterwards
                    desk.work_under(mandate)
                    desk.synchronise()
            if not any(desk.store.queued(OutboxState.PENDING) for desk in self.desks):
                break
        self.clock.advance(ON_ITS_WAY)
        self.central.work()
        for desk in self.desks:
            desk.dismiss_waiting()
            desk.work_under(desk.mandates[0])
            desk.synchronise()
            assert held(desk.store) == self.central.seen_by(desk.mandate), "a desk differs from the service"
            overlay, doubts = shown(desk.store, desk.actor, self.clock.now())
            assert not overlay.changed()
            assert not doubts
        self.check_journals()
        self.check_commands()
        everything = {**self.central.things(BODY), **self.central.things(OTHER_BODY)}
        assert not any("wanted" in document for document in everything.values()), "a suspension is not done"
        self.ledger.check(everything, restored=self.restores > 0)

    def check_journals(self) -> None:
        """Each body's journal tells its state table, and holds each command once."""
        all_commands: list[str] = []
        for body in (BODY, OTHER_BODY):
            assert self.central.replayed(body) == self.central.things(body), "replay differs from the state"
            all_commands += self.central.commands(body)
        assert len(all_commands) == len(set(all_commands)), "a command was journalled twice"

    def check_commands(self) -> None:
        """Every command of an outbox is in its body's journal, or refused with a reason, not both."""
        actors = {
            (body, entry.act.command): entry.act.actor
            for body in (BODY, OTHER_BODY)
            for entry, _ in self.central.entries(body)
        }
        for desk in self.desks:
            left = {found.command.id: found.code for found in desk.store.queued(OutboxState.REFUSED)}
            assert len(left) == len(desk.store.queued()), "pending after all"
            assert left.keys() <= desk.queued.keys()
            for identifier, (command, mandate) in desk.queued.items():
                reason = left.get(identifier) or desk.dismissed.get(identifier)
                actor = actors.get((command.body, identifier))
                if actor is None and not reason:
                    assert command.kind in WITHOUT_EVENT, (
                        command.kind,
                        desk.dismissed.get(identifier),
                        self.central.receipt(command.body, identifier),
                        self.restores,
                    )
                    assert self.central.receipt(command.body, identifier), "it never arrived"
                    continue
                assert actor == (None if reason else f"mandate:{mandate}"), (command.kind, reason, actor)

    def check_seen(self, desk: SimulatedDesk) -> None:
        """A desk that has just followed the feed holds what its mandate may see, and nothing else."""
        actual: Things = held(desk.store)
        mandate = desk.actor.mandate
        assert {document["body"] for document in actual.values()} <= {mandate.body}, "another body's"
        if mandate.role is Role.IR and Permission.WHOLE_BODY not in mandate.permissions:
            offices = {document.get("office", mandate.office) for document in actual.values()}
            assert offices <= {mandate.office}, "another office's"
        if desk.mandate not in self.suspended:
            assert actual == self.central.seen_by(desk.mandate), "not what the mandate sees"
