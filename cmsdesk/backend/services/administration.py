"""What the service's own administrator does to one body, at the service's machine and without a card.

The same rules decide as for a body's administrator; the journal names the service as the actor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Engine

from cmsdesk.backend.journal import store as journal
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.recording import drafts
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.figures import office_figures
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor, Command, Unknown
from cmsdesk.domain.decisions import decide
from cmsdesk.domain.events import Document, Overlay
from cmsdesk.domain.figures import Grain, OfficeFigures
from cmsdesk.domain.journal import Act
from cmsdesk.domain.organisation import Mandate, Permission, Role

ACTOR = "service:administration"
Acts = Sequence[tuple[str, Mapping[str, Any]]]
"""Commands' kinds and facts, in order."""


class Administration:
    """One body's things, for the service's administrator."""

    def __init__(self, engine: Engine, clock: Clock, body: str) -> None:
        """Begin.

        Raises:
            Unknown: there is no such body.
        """
        self._engine = engine
        self._clock = clock
        self._body = body
        if self.get("body", body) is None:
            raise Unknown(thing="body", id=body)

    def execute(self, kind: str, **facts: Any) -> None:
        """Execute one command.

        Raises:
            Refusal: the rules say no; nothing happened.
        """
        self.execute_all([(kind, facts)])

    def execute_all(self, acts: Acts) -> None:
        """Execute commands in one transaction: all of them, or none.

        Raises:
            Refusal: the rules say no to one; nothing happened.
        """
        now = self._clock.now()
        every = frozenset({Permission.BODIES})
        mandate = Mandate(ACTOR, "", self._body, "", Role.ADMINISTRATOR, date.min, date.max, every)
        with self._engine.begin() as connection:
            take_turn(connection, self._body)
            for kind, facts in acts:
                stored = StoredThings(connection)
                command = Command(new_id(), kind, self._body, facts)
                events = decide(command, stored, Actor(mandate, ""), now)
                overlay = Overlay(stored)
                overlay.apply(events)
                stored.put(overlay.changed())
                act = Act(command.id, ACTOR, now)
                journal.append(connection, self._body, drafts(act, events, overlay))

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a document of the body, or None."""
        with self._engine.connect() as connection:
            found = StoredThings(connection).get(thing, identifier)
        return found if found is not None and found.get("body") == self._body else None

    def all(self, thing: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the body's things of one kind, by id."""
        with self._engine.connect() as connection:
            return StoredThings(connection).of_body(thing, self._body)

    def figures(self, first: date, last: date, grain: Grain) -> list[OfficeFigures]:
        """Return what happened at the body's offices from day ``first`` to day ``last``."""
        with reading(self._engine) as connection:
            return office_figures(connection, self._body, first, last, grain)
