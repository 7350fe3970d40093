"""Jobs of every day and night: time stamps on the journals' heads, withdrawals at CAs, forgetting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select

from cmsdesk.backend.jobs.worker import Effect
from cmsdesk.backend.journal.heads import Signer, attach_timestamp, sign_head
from cmsdesk.backend.journal.tables import BODIES
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.services.tries import MINUTE_S
from cmsdesk.backend.storage import access, enrolment, jobs, links
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.jobs import Job, enqueue
from cmsdesk.backend.storage.things import StoredThings, things
from cmsdesk.backend.storage.tries import forget_tries
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.certificate import RevocationReason
from cmsdesk.domain.decisions.productions import withdrawal_confirmed
from cmsdesk.domain.journal import Act
from cmsdesk.domain.production import ProductionState
from cmsdesk.operations.ports import CertificateAuthority

Stamp = Callable[[bytes], bytes]
"""Returns an RFC 3161 token over a message, DER; raises `Mendable` when the authority cannot be had."""
_KEPT = timedelta(days=120)
"""Done jobs are kept this long: longer than any key may come again (90 days before an expiry)."""


class DailyJobs:
    """Handlers on one database."""

    def __init__(
        self,
        engine: Engine,
        signer: Signer,
        authorities: Mapping[str, CertificateAuthority],
        clock: Clock,
        stamp: Stamp | None,
    ) -> None:
        """``stamp``: None where no time stamping authority is configured."""
        self._engine = engine
        self._signer = signer
        self._authorities = authorities
        self._clock = clock
        self._stamp = stamp

    # --- time stamps ---------------------------------------------------------------------------

    def stamp_all(self, job: Job) -> Effect:
        """Once a day: a job for each body's journal."""

        def effect(connection: Connection) -> None:
            for body in connection.execute(select(BODIES.c.body).order_by(BODIES.c.body)).scalars():
                key = f"stamp/{body}/{job.facts['day']}"
                enqueue(connection, "stamp", key, {"body": body}, self._clock.now())

        return effect

    def stamp(self, job: Job) -> Effect:
        """Have the head of one journal time-stamped (OPS-6)."""
        with self._engine.begin() as connection:
            take_turn(connection, job.facts["body"])
            head = sign_head(connection, job.facts["body"], self._signer, self._clock.now())
        if head.timestamp is not None or self._stamp is None:
            return lambda connection: None
        token = self._stamp(head.signed)
        return lambda connection: _attach(connection, head, token)

    # --- withdrawals ---------------------------------------------------------------------------

    def find_withdrawals(self, job: Job) -> Effect:
        """Every few minutes: a job for each withdrawal that its CA has not confirmed."""

        def effect(connection: Connection) -> None:
            resetting = ProductionState.RESETTING.value
            query = select(things.c.id).where(things.c.thing == "production", things.c.state == resetting)
            stored = StoredThings(connection)
            for production in list(connection.execute(query).scalars()):
                document = stored.get("production", production) or {}
                for key, confirmed in document.get("withdrawals", {}).items():
                    if not confirmed:
                        facts = {"production": production, "key": key}
                        enqueue(connection, "withdrawal", f"withdrawal/{key}", facts, self._clock.now())

        return effect

    def withdraw(self, job: Job) -> Effect:
        """Have a CA make sure that nothing under one order is valid; tried until it is.

        Raises:
            CaError.
        """
        production, key = job.facts["production"], job.facts["key"]
        with reading(self._engine) as connection:
            document = StoredThings(connection).get("production", production) or {}
        if not document.get("withdrawals", {}).get(key, True):
            authority = self._authorities[document["ca"]]
            authority.withdraw(key, RevocationReason.CESSATION_OF_OPERATION)

        def effect(connection: Connection) -> None:
            take_turn(connection, document["body"])
            known = StoredThings(connection).get("production", production) or {}
            events = withdrawal_confirmed(production, known, key)
            if events:
                record(
                    connection,
                    document["body"],
                    Act(new_id(), "service:withdrawal", self._clock.now()),
                    events,
                )

        return effect

    # --- midnight ------------------------------------------------------------------------------

    def forget(self, job: Job) -> Effect:
        """At midnight: what has expired is deleted."""

        def effect(connection: Connection) -> None:
            now = self._clock.now()
            access.forget_expired(connection, now.isoformat())
            enrolment.forget_expired_codes(connection, now.isoformat())
            jobs.forget_done(connection, now - _KEPT)
            links.forget_links(connection, now - _KEPT)
            forget_tries(connection, int(now.timestamp() // MINUTE_S) - 1)

        return effect


def _attach(connection: Connection, head: Any, token: bytes) -> None:
    attach_timestamp(connection, head, token)
