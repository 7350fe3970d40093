"""One body's documents in memory, changed by commands at invented times, and written in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from cmsdesk.backend.journal import store as journal
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.administration import ACTOR
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.ids import uuid7
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.decisions import decide
from cmsdesk.domain.events import Document, evolve
from cmsdesk.domain.journal import Act
from cmsdesk.domain.organisation import Mandate, Role

_BATCH = 2000
"""Events in one transaction, about."""
_ENTROPY_BYTES = 10


class Books:
    """`domain.events.View` of one body, to which commands are done."""

    def __init__(self, body: str, random: Random, known: Mapping[tuple[str, str], Document]) -> None:
        """``known``: what the service holds already."""
        self.body = body
        self.random = random
        self.documents = dict(known)
        self._written = dict(known)
        self._acts: list[list[journal.Draft]] = []
        """Events by command: the journal takes a command's all at once."""

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a document, or None."""
        return self.documents.get((thing, identifier))

    def new_id(self, at: datetime) -> str:
        """Return a UUIDv7 of a moment, the same for the same seed."""
        entropy = self.random.getrandbits(8 * _ENTROPY_BYTES).to_bytes(_ENTROPY_BYTES, "big")
        made: UUID = uuid7(int(at.timestamp() * 1000), entropy)
        return str(made)

    def do(self, at: datetime, actor: Actor | None, kind: str, **facts: Any) -> None:
        """Do a command; without an actor it is the service's administrator's.

        Raises:
            Refusal: the rules say no: the scenario is wrong.
        """
        service = Actor(Mandate(ACTOR, "", self.body, "", Role.ADMINISTRATOR, date.min, date.max), "")
        command = Command(self.new_id(at), kind, self.body, facts)
        events = decide(command, self, actor or service, at)
        named = ACTOR if actor is None else f"mandate:{actor.mandate.id}"
        act = Act(command.id, named, at, None if actor is None else actor.workstation)
        drafts = []
        for event in events:
            found = self.documents[event.thing, event.id] = evolve(self.get(event.thing, event.id), event)
            drafts.append(journal.Draft(act, event, found.get("office")))
        self._acts.append(drafts)

    def write(self, engine: Engine) -> int:
        """Write all to state tables and journal, in parts that are whole; return the number of events."""
        written = 0
        with engine.connect() as connection:
            for batch in _batches(self._acts):
                with connection.begin():
                    take_turn(connection, self.body)
                    StoredThings(connection).put(self._after(batch))
                    journal.append(connection, self.body, batch)
                written += len(batch)
        self._acts.clear()
        return written

    def _after(self, batch: list[journal.Draft]) -> dict[tuple[str, str], Document]:
        """Return the documents that a batch changes, as they are after it."""
        changed = {}
        for draft in batch:
            key = (draft.event.thing, draft.event.id)
            changed[key] = self._written[key] = evolve(self._written.get(key), draft.event)
        return changed


def _batches(acts: Iterable[list[journal.Draft]]) -> Iterator[list[journal.Draft]]:
    batch: list[journal.Draft] = []
    for drafts in acts:
        batch += drafts
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def documents_of(engine: Engine, body: str) -> dict[tuple[str, str], Document]:
    """Return what the service holds of a body's organisation."""
    with engine.connect() as connection:
        stored = StoredThings(connection)
        return {
            (thing, identifier): document
            for thing in ("body", "configuration", "site", "office", "mandate", "operator")
            for identifier, document in stored.of_body(thing, body)
        }
