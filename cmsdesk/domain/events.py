"""Events and the documents they make: the same code at the desk and at the service.

A *thing* (request, device, mandate …) is a document: plain JSON values under names. An event says
what happened to one thing and which of its values changed; folding a thing's events gives its
document, so that a state table can be compared with the journal at any time (OPS-6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Document = dict[str, Any]
"""A thing's values by name; JSON values only."""


@dataclass(frozen=True)
class Event:
    """What happened to one thing."""

    kind: str
    """Thing and past participle: ``request.approved``."""
    thing: str
    id: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Values that are not personal data."""
    personal: Mapping[str, Any] = field(default_factory=dict)
    """Personal data: the journal commits to them, and they can be erased after the legal time."""


class View(Protocol):
    """The documents that a decision may look at."""

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document, or None."""
        ...


def evolve(document: Mapping[str, Any] | None, event: Event) -> Document:
    """Return a thing's document after ``event``; a value changed to None is taken away."""
    merged = {**(document or {}), **event.changes, **event.personal}
    return {name: value for name, value in merged.items() if value is not None}


class Overlay:
    """A view with events on top that are not stored (yet): pending commands, or a command's own events."""

    def __init__(self, base: View) -> None:
        self._base = base
        self._changed: dict[tuple[str, str], Document] = {}

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document with the events applied."""
        return self._changed.get((thing, identifier)) or self._base.get(thing, identifier)

    def apply(self, events: Iterable[Event]) -> None:
        """Put events on top."""
        for event in events:
            self._changed[event.thing, event.id] = evolve(self.get(event.thing, event.id), event)

    def changed(self) -> Mapping[tuple[str, str], Document]:
        """Return the documents that differ from the base, by (thing, id)."""
        return self._changed
