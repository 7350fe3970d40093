"""Replaying a journal against the state tables, so that an edited table is found too (OPS-6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cmsdesk.backend.journal.findings import Finding, Kind
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.journal import THING, Entry

Evolve = Callable[[Mapping[str, Any] | None, Event], Document]
"""`cmsdesk.domain.events.evolve`."""

Thing = tuple[str, str]
"""What kind of thing, and its id."""


class Replay:
    """Folds entries into documents and compares those with the stored ones."""

    def __init__(self, evolve: Evolve, stored: Callable[[], Iterable[tuple[Thing, Document]]]) -> None:
        """``stored`` reads the documents that the state tables hold of the body."""
        self._evolve = evolve
        self._stored = stored
        self._documents: dict[Thing, Document] = {}
        self.compared = 0
        """Things compared by `differences`."""

    def apply(self, entry: Entry, personal: bytes | None) -> None:
        """Take one more entry; ``personal``: canonical JSON, None where erased or never there."""
        if entry.thing == THING:
            return
        event = entry.event(None if personal is None else json.loads(personal))
        key = (entry.thing, entry.id)
        self._documents[key] = self._evolve(self._documents.get(key), event)

    def differences(self) -> Iterator[Finding]:
        """Yield a finding for each thing that the state tables hold otherwise."""
        expected = dict(self._documents)
        self.compared = len(expected)
        for key, document in self._stored():
            wanted = expected.pop(key, None)
            if wanted is None:
                yield Finding(Kind.STATE_UNKNOWN, detail=_name(key))
            elif wanted != document:
                names = sorted(
                    name for name in wanted.keys() | document.keys() if _differs(name, wanted, document)
                )
                yield Finding(Kind.STATE_DIFFERS, detail=f"{_name(key)} ({', '.join(names)})")
        for key in expected:
            yield Finding(Kind.STATE_MISSING, detail=_name(key))


def _differs(name: str, wanted: Document, stored: Document) -> bool:
    return (name in wanted, wanted.get(name)) != (name in stored, stored.get(name))


def _name(key: Thing) -> str:
    return " ".join(key)
