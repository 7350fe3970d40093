"""Personal data go when the law asks for them no longer: 20 years after a certificate's end (domain.md §7).

What no certificate was issued for has no legal time that is known; it is left to the body.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from cryptography import x509
from sqlalchemy import Connection, Engine, select

from cmsdesk.backend.jobs.worker import Effect
from cmsdesk.backend.services.erasure import erase_thing
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.jobs import Job, enqueue
from cmsdesk.backend.storage.things import StoredThings, things
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import first_id_of, new_id
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.journal import KEPT_YEARS, Act, Validity
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import enrolment_key

_PAGE = 500


class Retention:
    """Finds what has been kept long enough, and has it erased."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def sweep(self, job: Job) -> Effect:
        """Once a day: a job for each production whose certificates' legal time is over."""
        due = self._due()

        def effect(connection: Connection) -> None:
            for production in due:
                facts = {"production": production}
                enqueue(connection, "erasure", f"erasure/{production}", facts, self._clock.now())

        return effect

    def erase(self, job: Job) -> Effect:
        """Erase what a production and its request hold about persons, from journal and tables alike.

        Raises:
            StillKept: from the effect, within the legal time.
        """
        production = job.facts["production"]

        def effect(connection: Connection) -> None:
            document = StoredThings(connection).get("production", production) or {}
            evidence = _evidence(document)
            if not evidence:
                return
            act = Act(new_id(), "service:retention", self._clock.now())
            # the certificates, which tell the time, go last
            erase_thing(connection, document["body"], "request", document["request"], evidence, act)
            for slot in Slot:
                act = Act(new_id(), "service:retention", self._clock.now())
                key = enrolment_key(production, slot)
                erase_thing(connection, document["body"], "certificate", key, evidence, act)
            act = Act(new_id(), "service:retention", self._clock.now())
            erase_thing(connection, document["body"], "production", production, evidence, act)

        return effect

    def _due(self) -> list[str]:
        """Return productions whose time is over; page by page, and only those that can be so old."""
        now, found, after = self._clock.now(), list[str](), ""
        youngest = first_id_of(_years_before(now))
        while True:
            query = (
                select(things.c.id)
                .where(
                    things.c.thing == "production",
                    things.c.state == ProductionState.ISSUED.value,
                    things.c.id > after,
                    things.c.id < youngest,
                )
                .order_by(things.c.id)
                .limit(_PAGE)
            )
            with reading(self._engine) as connection:
                page = list(connection.execute(query).scalars())
                stored = StoredThings(connection)
                documents = {production: stored.get("production", production) or {} for production in page}
            found += [production for production, document in documents.items() if _over(document, now)]
            if len(page) < _PAGE:
                return found
            after = page[-1]


def _evidence(document: dict[str, Any]) -> list[Validity]:
    """Return the times of a production's certificates; none once they are erased."""
    ders = (base64.b64decode(der) for der in document.get("certificates", {}).values())
    read = (x509.load_der_x509_certificate(der) for der in ders)
    return [Validity(found.not_valid_before_utc, found.not_valid_after_utc) for found in read]


def _over(document: dict[str, Any], now: datetime) -> bool:
    evidence = _evidence(document)
    return bool(evidence) and now > max(validity.keep_until() for validity in evidence)


def _years_before(now: datetime) -> datetime:
    """Return the moment before which a certificate must have been issued to be over now."""
    try:
        return now.replace(year=now.year - KEPT_YEARS)
    except ValueError:  # 29 February
        return now.replace(year=now.year - KEPT_YEARS, day=28)
