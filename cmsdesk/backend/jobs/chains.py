"""Gaps in the chains of what desks did without the service: a problem when nothing fills them in time."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from cmsdesk.backend.jobs.worker import Effect
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.jobs import Job
from cmsdesk.backend.storage.links import is_whole
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.decisions.problems import of_voucher
from cmsdesk.domain.journal import Act
from cmsdesk.domain.organisation import Mandate
from cmsdesk.domain.problem import VOUCHER_GAP


class Chains:
    """The handler on one database."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def check(self, job: Job) -> Effect:
        """Note a problem about the workstation whose chain lacks a link before a place that came in."""

        def effect(connection: Connection) -> None:
            voucher, mandate = job.facts["voucher"], job.facts["mandate"]
            stored = StoredThings(connection)
            document = stored.get("mandate", mandate)
            if document is None or is_whole(connection, voucher, int(job.facts["number"])):
                return
            actor = Actor(Mandate.of(mandate, document), job.facts["workstation"])
            take_turn(connection, actor.mandate.body)
            now = self._clock.now()
            events = of_voucher(stored, voucher, actor, now, [VOUCHER_GAP])
            if events:
                act = Act(new_id(), "service:vouchers", now, actor.workstation)
                record(connection, actor.mandate.body, act, events)

        return effect
