"""Bringing certificates at their CAs to the status that was asked for (LCM-1, LCM-4)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Engine

from cmsdesk.backend.jobs.worker import Effect, nothing
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.jobs import Job
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.decisions.certificates import changed, refused
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.journal import Act
from cmsdesk.operations.errors import CaRefused
from cmsdesk.operations.ports import CertificateAuthority

_ACTOR = "service:certificates"


class StatusChanges:
    """The handler on one database; what it asks of a CA may be asked again."""

    def __init__(self, engine: Engine, authorities: Mapping[str, CertificateAuthority], clock: Clock) -> None:
        self._engine = engine
        self._authorities = authorities
        self._clock = clock

    def change(self, job: Job) -> Effect:
        """Have one certificate's CA change its status; a refusal becomes a problem that is seen.

        Raises:
            CaError: the CA cannot be asked, or has not decided: tried again.
        """
        key, command = job.facts["id"], job.facts["command"]
        with reading(self._engine) as connection:
            stored = StoredThings(connection)
            known = stored.get("certificate", key) or {}
            production = stored.get("production", known.get("production", "")) or {}
        if "wanted" not in known:
            return nothing
        der = production.get("certificates", {}).get(known["slot"])
        if der is None:  # erased after the legal time: it has ended long since
            return nothing
        try:
            self._authorities[production["ca"]].suspend(base64.b64decode(der))
        except CaRefused as refusal:
            code = refusal.code
            return self._record(key, lambda now: refused(key, now, command, code, self._clock.now()))
        return self._record(key, lambda now: changed(key, now, self._clock.now()))

    def _record(self, key: str, events_of: Callable[[Document], list[Event]]) -> Effect:
        """Return the effect that stores what became of it, unless it is known meanwhile."""

        def effect(connection: Connection) -> None:
            stored = StoredThings(connection)
            body = (stored.get("certificate", key) or {})["body"]
            take_turn(connection, body)
            events = events_of(stored.get("certificate", key) or {})
            if events:
                record(connection, body, Act(new_id(), _ACTOR, self._clock.now()), events)

        return effect
