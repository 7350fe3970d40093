"""Events, stored and journalled together: those that no desk's command brings about, too."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from cmsdesk.backend.journal import store as journal
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.domain.events import Event, Overlay
from cmsdesk.domain.journal import Act


def record(connection: Connection, body: str, act: Act, events: Sequence[Event]) -> None:
    """Store what events make of their things and append them to the body's journal.

    Call `backend.journal.turn.take_turn` before reading what the events are decided on.
    """
    stored = StoredThings(connection)
    overlay = Overlay(stored)
    overlay.apply(events)
    stored.put(overlay.changed())
    journal.append(connection, body, drafts(act, events, overlay))


def drafts(act: Act, events: Sequence[Event], after: Overlay) -> list[journal.Draft]:
    """Return a command's events as the journal takes them, each scoped to its thing's office."""
    return [
        journal.Draft(act, event, (after.get(event.thing, event.id) or {}).get("office")) for event in events
    ]
