"""The life of registrations: each a generator that waits for its moments and does its commands at them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heapreplace
from random import Random

from cmsdesk.domain.commands import Actor
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.organisation import Mandate, PlaceState, Way, portal_mandate
from cmsdesk.domain.production import Production, ProductionState
from cmsdesk.domain.request import Entry, Request, RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.issue.opening import opening_message
from cmsdesk.sandbox.scenario.books import Books
from cmsdesk.sandbox.scenario.certificates import PastCa
from cmsdesk.sandbox.scenario.daily import Cashier
from cmsdesk.sandbox.scenario.data import BodyData, ScenarioData
from cmsdesk.sandbox.scenario.organisation import Desk, Staff, working_moment, workstation_of
from cmsdesk.sandbox.scenario.people import People

Story = Iterator[datetime]
"""Yields when it wants to go on, in order; what follows a yield happens then."""

FINISHED = ("delivered", "cancelled", "undone")
"""States that registrations of any age may be in; the others are of the last weeks."""
_OPEN_DAYS = 21
_HALF_DONE_HOURS = 30
_TOKEN_PERCENT = 25
_EMAIL_PERCENT = 30
_PORTAL = -1
"""In place of a number: the portal is none of an office's own machines."""


@dataclass(frozen=True)
class Plan:
    """One registration to be."""

    office: str
    state: str
    """A name of `data.States`."""
    begins: datetime
    kind: DeviceKind


def tell(stories: list[Story]) -> None:
    """Tell stories side by side, in the order of their moments."""
    heap = [(next(story), number, story) for number, story in enumerate(stories)]
    heapify(heap)
    while heap:
        _, number, story = heap[0]
        after = next(story, None)
        if after is None:
            heappop(heap)
        else:
            heapreplace(heap, (after, number, story))


class Planner:
    """Decides for each registration of a body its office, state and moment."""

    def __init__(
        self, data: ScenarioData, body: BodyData, random: Random, begins: datetime, now: datetime
    ) -> None:
        self._data = data
        self._body = body
        self._random = random
        self._begins = begins
        self._now = now

    def plans(self, count: int) -> list[Plan]:
        """Return plans in the order of their moments; each state that the file names is among them."""
        states = list(vars(self._data.states))
        weights = list(vars(self._data.states).values())
        chosen = states + self._random.choices(states, weights, k=max(0, count - len(states)))
        return sorted((self._plan(state) for state in chosen[:count]), key=lambda plan: plan.begins)

    def _plan(self, state: str) -> Plan:
        offices, random = self._body.offices, self._random
        [office] = random.choices(offices, [office.weight for office in offices])
        token = random.randrange(100) < _TOKEN_PERCENT
        kind = DeviceKind.USB_TOKEN if token else DeviceKind.SMART_CARD
        return Plan(office.id, state, self._moment(state), kind)

    def _moment(self, state: str) -> datetime:
        random, now = self._random, self._now
        if state == "in_production":
            return now - timedelta(hours=random.uniform(4, _HALF_DONE_HOURS))
        if state not in FINISHED:
            first = now - timedelta(days=_OPEN_DAYS)
        elif random.randrange(100) < self._data.recent_percent:
            first = now - timedelta(days=30 * self._data.recent_months)
        else:
            first = self._begins + timedelta(days=3)
        latest = now - timedelta(days=_OPEN_DAYS if state in FINISHED else 3)
        day = first + timedelta(seconds=random.random() * (latest - first).total_seconds())
        return working_moment(day, random)


class Teller:
    """Tells the stories of one body."""

    def __init__(
        self,
        books: Books,
        data: tuple[ScenarioData, BodyData],
        people: People,
        ca: PastCa,
        staff: Staff,
        cashier: Cashier,
        authority: str,
        now: datetime,
    ) -> None:
        self._books = books
        self._cashier = cashier
        self._random = books.random
        self._data, self._body = data
        self._people = people
        self._ca = ca
        self._staff = staff
        self._authority = authority
        self._now = now

    def registration(self, plan: Plan) -> Story:
        """Tell a registration up to the state that was planned."""
        at = plan.begins
        yield at
        request = self._register(plan, at)
        if plan.state in ("registered", "ready"):
            return
        at = self._later(at, hours=26)
        yield at
        if plan.state == "cancelled":
            reason = self._random.choice(self._data.names.cancellations)
            self._do(at, self._rao(), "request.cancel", request=request.id, reason=reason)
            return
        request = replace(request, approved_digest=request.digest())
        self._do(at, self._rao(), "request.approve", request=request.id, digest=request.approved_digest)
        if plan.state == "approved":
            return
        if plan.state in ("undone", "failed"):
            at = self._later(at, hours=20)
            yield at
            self._undo(at, request, plan)
            if plan.state == "failed":
                return
        at = self._later(at, hours=20)
        yield at
        if not self._produce(at, request, plan, whole=plan.state != "in_production"):
            return
        if plan.state == "produced":
            return
        at = self._later(at, hours=24 * 14)
        yield at
        self._do(at, self._at_office(request.office), "request.deliver", request=request.id)

    def closing(self, office: str, to: str, at: datetime) -> Story:
        """Tell how an office closes: its operators move, with all they can do, to another (ORG-7)."""
        yield at
        at = at.astimezone(UTC)
        held = [
            identifier
            for (thing, identifier), document in self._books.documents.items()
            if thing == "mandate" and document["office"] == office
        ]
        moves = {identifier: self._books.new_id(at) for identifier in held}
        self._books.do(at, None, "office.move_operators", office=office, to=to, mandates=moves)
        self._books.do(at, None, "office.close", office=office)
        for desks in (self._staff.raos, *self._staff.desks.values()):
            desks[:] = [self._moved(desk, moves) for desk in desks]

    def suspension(self, at: datetime) -> Story:
        """Tell how the IR who works on paper is suspended."""
        yield at
        paper = next(
            identifier
            for (thing, identifier), document in self._books.documents.items()
            if thing == "mandate"
            and document.get("data_entry") == Way.PAPER.value
            and not document.get("ended")
        )
        self._books.do(at.astimezone(UTC), None, "mandate.suspend", mandate=paper)

    # --- steps ---------------------------------------------------------------------------------

    def _register(self, plan: Plan, at: datetime) -> Request:
        office = self._body.offices[0].id if self._closed(plan.office) else plan.office
        holder = self._people.holder(self._body, at.date())
        company = self._people.company(self._body, holder)
        on_line = plan.state == "ready"
        outcome = self._cashier.tariff(office, plan.kind, company)
        by_mail = self._random.randrange(100) < _EMAIL_PERCENT
        request = Request(
            id=self._books.new_id(at),
            body=self._books.body,
            office=office,
            holder=holder,
            device_kind=plan.kind,
            key_algorithm=KeyAlgorithm.RSA_2048,
            ca=self._authority,
            scratch_delivery=ScratchDelivery.EMAIL if by_mail or on_line else ScratchDelivery.PAPER,
            state=RequestState.READY if on_line else RequestState.REGISTERED,
            entry=None if on_line else self._random.choice(list(Entry)),
            company=company,
            first_issue=outcome,
        )
        facts = {"id": request.id, **request_document(request)}
        if on_line:
            portal = Actor(portal_mandate(request.body, office), workstation_of(office, _PORTAL))
            digest = request.digest()
            self._books.do(at.astimezone(UTC), portal, "request.ready", request=facts, digest=digest)
            return request
        self._do(at, self._at_office(office), "request.register", request=facts)
        if plan.state != "cancelled":
            self._cashier.take(at, request.id, office, outcome.fee_cents)
        return request

    def _produce(self, at: datetime, request: Request, plan: Plan, *, whole: bool) -> bool:
        """Produce a device; tell whether it was done to the end."""
        rao = self._rao()
        production = self._open(at, rao, request, plan)
        at += timedelta(seconds=40)
        device = self._books.documents["production", production]["device"]
        if not whole and self._random.random() < 0.5:
            return False
        certificates = self._ca.issue(request.holder, device, at, self._body.name)
        self._do(at, rao, "production.certificates", production=production, certificates=certificates)
        at += timedelta(seconds=15)
        self._do(at, rao, "production.confirm", production=production)
        if not whole:
            return False
        self._do(at, rao, "production.bind", production=production)
        at += timedelta(seconds=10)
        self._do(at, rao, "production.complete", production=production)
        return True

    def _undo(self, at: datetime, request: Request, plan: Plan) -> None:
        """Open a production that goes wrong; the device is reset and goes back to stock."""
        rao = self._rao()
        production = self._open(at, rao, request, plan)
        at += timedelta(minutes=3)
        self._do(at, rao, "production.reset", production=production, withdraw=[])
        at += timedelta(seconds=20)
        failed = plan.state == "failed"
        self._do(at, rao, "production.clean", production=production, failed=failed)
        found = self._books.documents["production", production]
        self._staff.stock[plan.kind.value].insert(0, found["device"])
        self._staff.stock["scratch_card"].insert(0, found["scratch_card"])

    def _open(self, at: datetime, rao: Desk, request: Request, plan: Plan) -> str:
        production = Production(
            id=self._books.new_id(at),
            request=request.id,
            device=self._staff.stock[plan.kind.value].pop(0),
            scratch_card=self._staff.stock["scratch_card"].pop(0),
            operator=rao.mandate.operator,
            state=ProductionState.RUNNING,
        )
        message = opening_message(production, request, at.astimezone(UTC))
        self._do(
            at,
            rao,
            "production.open",
            production=production.id,
            request=request.id,
            device=production.device,
            scratch_card=production.scratch_card,
            operator=production.operator,
            opening=_text(message),
            opening_signature=_text(rao.card.sign(message)),
            opening_certificate=_text(rao.card.certificate),
        )
        return production.id

    # --- who and when --------------------------------------------------------------------------

    def _do(self, at: datetime, desk: Desk, kind: str, **facts: object) -> None:
        self._books.do(at.astimezone(UTC), desk.actor, kind, **facts)

    def _rao(self) -> Desk:
        return self._random.choice(self._staff.raos)

    def _at_office(self, office: str) -> Desk:
        """Return whoever works in an office and enters data there; else a RAO of the body."""
        return self._random.choice(self._staff.desks.get(office) or self._staff.raos)

    def _closed(self, office: str) -> bool:
        return self._books.documents["office", office].get("state") == PlaceState.CLOSED.value

    def _later(self, at: datetime, hours: float) -> datetime:
        """Return a moment after ``at``, mostly soon after, and never after the story's present."""
        after = at + timedelta(hours=hours * self._random.random() ** 2, minutes=5)
        working = working_moment(after, self._random)
        wanted = working if working > at else after
        return min(wanted, max(self._now - timedelta(minutes=15), at + timedelta(minutes=5)))

    def _moved(self, desk: Desk, moves: dict[str, str]) -> Desk:
        new = moves.get(desk.mandate.id)
        if new is None:
            return desk
        mandate = Mandate.of(new, self._books.documents["mandate", new])
        return Desk(Actor(mandate, desk.actor.workstation), desk.card)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
