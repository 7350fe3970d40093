"""Personal data go when their time is over (domain.md §7): the law's, or the one that the body decided on.

A request goes as a whole: with its productions, scans, booking and problems. What was never finished
is cancelled first, so that nobody goes on with half of it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from cryptography import x509
from sqlalchemy import ColumnElement, Connection, Engine, and_, or_, select

from cmsdesk.backend.jobs.worker import Effect
from cmsdesk.backend.journal.store import changed_at
from cmsdesk.backend.journal.tables import BODIES
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.erasure import erase_thing
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.jobs import Job, enqueue
from cmsdesk.backend.storage.things import StoredThings, things
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import first_id_of, new_id
from cmsdesk.domain.booking import BookingState
from cmsdesk.domain.configuration import RetentionRules
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.journal import KEPT_YEARS, Act, Validity, months_after
from cmsdesk.domain.problem import ProblemState
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.retention import (
    WITHOUT_CERTIFICATE,
    earlier_kept_until,
    loose_kept_until,
    request_kept_until,
)
from cmsdesk.domain.shapes import shaped

_PAGE = 500
_ACTOR = "service:retention"
_HOLDS: Mapping[str, tuple[str, ...]] = {
    "request": ("holder",),
    "booking": ("values",),
    "problem": ("facts", "refusal", "solution"),
    "earlier_issue": ("supplier",),
}
"""What is erased by itself, and the names that show that it has not been yet."""
_CANCELLED: Mapping[str, str] = {
    "request": RequestState.CANCELLED.value,
    "booking": BookingState.CANCELLED.value,
}
_UNFINISHED: Mapping[str, frozenset[str]] = {
    "request": frozenset(state.value for state in WITHOUT_CERTIFICATE - {RequestState.CANCELLED}),
    "booking": frozenset({BookingState.OPEN.value}),
}
_Key = tuple[str, str]


class Retention:
    """Finds what has been kept long enough, and has it erased."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def sweep(self, job: Job) -> Effect:
        """Once a day: a job for each thing whose time is over."""
        now = self._clock.now()
        with reading(self._engine) as connection:
            bodies = list(connection.execute(select(BODIES.c.body).order_by(BODIES.c.body)).scalars())
        due = [key for body in bodies for thing in _HOLDS for key in self._due(body, thing, now)]

        def effect(connection: Connection) -> None:
            for thing, identifier in due:
                facts = {"thing": thing, "id": identifier}
                enqueue(connection, "erasure", f"erasure/{thing}/{identifier}", facts, now)

        return effect

    def erase(self, job: Job) -> Effect:
        """Erase what a thing and all that belongs to it hold about persons, unless its time is not over."""
        thing, identifier = job.facts["thing"], job.facts["id"]

        def effect(connection: Connection) -> None:
            found = StoredThings(connection).get(thing, identifier)
            if found is not None:
                take_turn(connection, found["body"])
                _OfBody(connection, found["body"]).erase(thing, identifier, self._clock.now())

        return effect

    def _due(self, body: str, thing: str, now: datetime) -> Iterator[_Key]:
        """Yield what of one kind has been kept long enough, read page by page."""
        after = ""
        while True:
            with reading(self._engine) as connection:
                known = _OfBody(connection, body)
                wanted = (things.c.body == body, things.c.thing == thing, things.c.id > after)
                query = select(things.c.id).where(*wanted, *_old_enough(thing, known.rules, now))
                page = list(connection.execute(query.order_by(things.c.id).limit(_PAGE)).scalars())
                found = [(thing, identifier) for identifier in page if known.is_over(thing, identifier, now)]
            yield from found
            if len(page) < _PAGE:
                return
            after = page[-1]


def _old_enough(thing: str, rules: RetentionRules, now: datetime) -> list[ColumnElement[bool]]:
    """Return what narrows the search to ids that were made (UUIDv7) long enough ago."""
    if thing != "request":
        return []
    lawful = things.c.id < first_id_of(months_after(now, -12 * KEPT_YEARS))
    if not rules.without_certificate_months:
        return [lawful]
    bodys = things.c.id < first_id_of(months_after(now, -rules.without_certificate_months))
    without = things.c.state.in_(sorted(state.value for state in WITHOUT_CERTIFICATE))
    return [or_(lawful, and_(bodys, without))]


class _OfBody:
    """What one body's things say about their time, in the caller's transaction."""

    def __init__(self, connection: Connection, body: str) -> None:
        self._connection = connection
        self._body = body
        self._stored = StoredThings(connection)
        decided = (self._stored.get("configuration", body) or {}).get("retention", {})
        self.rules = shaped(RetentionRules, decided)

    def is_over(self, thing: str, identifier: str, now: datetime) -> bool:
        """Tell whether a thing's time is over and something of it is left."""
        document = self._stored.get(thing, identifier) or {}
        until = self._kept_until(thing, identifier, document)
        return until is not None and now > until

    def erase(self, thing: str, identifier: str, now: datetime) -> None:
        """Erase a thing and all that belongs to it, if its time is over."""
        document = self._stored.get(thing, identifier) or {}
        until = self._kept_until(thing, identifier, document)
        if until is None or now <= until:
            return
        belonging = self._belonging(identifier, document)
        if document.get("state") in _UNFINISHED.get(thing, ()):
            to = _CANCELLED[thing]
            given_up = Event(f"{thing}.{to}", thing, identifier, {"state": to})
            record(self._connection, self._body, Act(new_id(), _ACTOR, now), [given_up])
        for key in (*belonging, (thing, identifier)):
            erase_thing(self._connection, self._body, *key, until, Act(new_id(), _ACTOR, now))

    def _kept_until(self, thing: str, identifier: str, document: Document) -> datetime | None:
        """Return the end of a thing's time; None: it is not known, or nothing of it is left."""
        if not any(name in document for name in _HOLDS[thing]):
            return None
        if thing == "earlier_issue":
            return earlier_kept_until(date.fromisoformat(document["issued_on"]), self.rules)
        changed = changed_at(self._connection, self._body, thing, identifier)
        if changed is None:
            return None
        if thing == "request":
            state = RequestState(document["state"])
            return request_kept_until(state, self._evidence(identifier), changed, self.rules)
        if (thing, document["state"]) == ("problem", ProblemState.OPEN.value):
            return None  # somebody must still deal with it
        belongs = document.get("about" if thing == "problem" else "request")
        if belongs is not None and self._stored.get("request", belongs) is not None:
            return None  # it goes with its request
        return loose_kept_until(changed, self.rules)

    def _belonging(self, identifier: str, document: Document) -> list[_Key]:
        """Return what belongs to a request, directly or through payments, certificates and device."""
        direct = [key for key, _ in self._stored.about(identifier)]
        others = [name for thing, name in direct if thing in ("payment", "certificate")]
        device = document.get("device")
        if device is not None:
            direct.append(("device", device))
            others.append(device)
        problems = [key for other in others for key, _ in self._stored.about(other) if key[0] == "problem"]
        return [*direct, *problems]

    def _evidence(self, request: str) -> list[Validity]:
        """Return the times of all certificates that a request's productions had issued."""
        found: list[Validity] = []
        for (thing, identifier), document in self._stored.about(request):
            if thing != "production":
                continue
            certificates = _times(document)
            found += certificates
            withdrawn = document["state"] == ProductionState.RESET.value and document.get("withdrawals")
            ended = changed_at(self._connection, self._body, thing, identifier)
            if not certificates and withdrawn and ended is not None:
                # withdrawn before anybody noted it: its time ran out then
                found.append(Validity(ended, ended))
        return found


def _times(production: Document) -> list[Validity]:
    """Return the times of a production's certificates; none once they are erased."""
    ders = (base64.b64decode(der) for der in production.get("certificates", {}).values())
    read = (x509.load_der_x509_certificate(der) for der in ders)
    return [Validity(found.not_valid_before_utc, found.not_valid_after_utc) for found in read]
