"""Things by one of their values, as screens show them: for reading, in a thread."""

from __future__ import annotations

import json
from typing import Any

from cmsdesk.domain.events import Document
from cmsdesk.sync.local_store import Database

_SHOWN = """
SELECT id, document FROM overlay WHERE thing = ?1 AND document ->> ?2 = ?3
UNION ALL SELECT id, document FROM things AS t WHERE thing = ?1 AND document ->> ?2 = ?3
AND NOT EXISTS (SELECT 1 FROM overlay AS o WHERE o.thing = t.thing AND o.id = t.id)
ORDER BY id
"""
_VALUES = """
SELECT document ->> ?2 FROM overlay WHERE thing = ?1 AND document ->> 'state' = ?3
UNION SELECT document ->> ?2 FROM things AS t WHERE thing = ?1 AND state = ?3
AND NOT EXISTS (SELECT 1 FROM overlay AS o WHERE o.thing = t.thing AND o.id = t.id)
"""
_UNDER_WAY = """
SELECT EXISTS (SELECT 1 FROM drafts WHERE instr(content, ?1))
OR EXISTS (SELECT 1 FROM outbox WHERE state != 'done' AND instr(facts, ?1))
"""


class ShownThings:
    """Reads the desk's things, the pending commands' effects on top."""

    def __init__(self, database: Database) -> None:
        """``database`` comes from `local_store.connect_to_read`."""
        self._db = database

    def having(self, thing: str, name: str, value: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind whose value ``name`` is ``value``, by id."""
        rows: list[tuple[str, Any]] = self._db.execute(_SHOWN, (thing, name, value)).fetchall()
        return [(identifier, json.loads(document)) for identifier, document in rows]

    def values(self, thing: str, name: str, state: str) -> set[str]:
        """Return the values ``name`` of the things of one kind and state."""
        return {value for (value,) in self._db.execute(_VALUES, (thing, name, state)) if value is not None}

    def is_under_way(self, text: str) -> bool:
        """Tell whether anybody's draft, or a command that is not done, holds a text."""
        return bool(self._db.execute(_UNDER_WAY, (text,)).fetchone()[0])
