"""Notices that certificates expire: 90, 60 and 30 days before, to the holder's contact address (REG-9)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from cryptography import x509
from sqlalchemy import Engine, select

from cmsdesk.backend.jobs.worker import Effect, nothing
from cmsdesk.backend.mail.smtp import Mailer
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.jobs import Job, enqueue
from cmsdesk.backend.storage.things import StoredThings, things
from cmsdesk.base.clock import ROME, Clock
from cmsdesk.base.texts import N_, texts
from cmsdesk.domain.production import ProductionState

DAYS_BEFORE = (90, 60, 30)
_PAGE = 500
_LANGUAGES = ("it",)
_SUBJECT = N_("Your certificates expire on {day}")
_PARAGRAPHS = (
    N_("Dear Sir or Madam,"),
    N_("the certificates on your device {device}, issued by {body}, expire on {day}."),
    N_("They can be renewed until the day before; afterwards a new device is needed."),
    N_("This message was sent automatically: please do not answer it."),
)


class ExpiryNotices:
    """Finds what expires, and tells its holder."""

    def __init__(self, engine: Engine, mailer: Mailer, clock: Clock) -> None:
        self._engine = engine
        self._mailer = mailer
        self._clock = clock

    def sweep(self, job: Job) -> Effect:
        """Once a day: enqueue a notice for each device that came within 90, 60 or 30 days."""
        today = date.fromisoformat(job.facts["day"])
        due = [
            (production, days)
            for production, document in self._issued()
            if (days := days_before(_expires(document), today)) is not None
        ]

        def effect(connection: Any) -> None:
            for production, days in due:
                facts = {"production": production, "days": str(days)}
                enqueue(connection, "notice", f"notice/{production}/{days}", facts, self._clock.now())

        return effect

    def send(self, job: Job) -> Effect:
        """Send one notice to the address that the holder has now.

        Raises:
            MailNotSent.
        """
        production = job.facts["production"]
        with reading(self._engine) as connection:
            stored = StoredThings(connection)
            document = stored.get("production", production) or {}
            request = stored.get("request", document.get("request", "")) or {}
            body = stored.get("body", document.get("body", "")) or {}
            configuration = stored.get("configuration", document.get("body", "")) or {}
        address = request.get("holder", {}).get("contact_email")
        if address is None:  # erased after the legal time
            return nothing
        day = _expires(document).astimezone(ROME).strftime("%d/%m/%Y")
        said = [texts(language) for language in configuration.get("languages", _LANGUAGES)]
        values = {"day": day, "device": document["device"], "body": body.get("name", "")}
        subject = " – ".join(text(_SUBJECT, day=day) for text in said)
        content = "\n\n— — —\n\n".join(
            "\n\n".join(text(paragraph, **values) for paragraph in _PARAGRAPHS) for text in said
        )
        self._mailer.send(f"notice.{production}.{job.facts['days']}", address, subject, content + "\n")
        return nothing

    def _issued(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield productions that were issued; page by page, so that nobody waits for the sweep."""
        after, issued = "", ProductionState.ISSUED.value
        while True:
            with reading(self._engine) as connection:
                query = (
                    select(things.c.id)
                    .where(things.c.thing == "production", things.c.state == issued, things.c.id > after)
                    .order_by(things.c.id)
                    .limit(_PAGE)
                )
                page = list(connection.execute(query).scalars())
                stored = StoredThings(connection)
                found = [(identifier, stored.get("production", identifier) or {}) for identifier in page]
            yield from found
            if len(page) < _PAGE:
                return
            after = page[-1]


def days_before(expires: datetime, today: date) -> int | None:
    """Return which notice is due: the last of 90, 60, 30 days that was reached; None: none, or too late."""
    left = (expires.astimezone(ROME).date() - today).days
    reached = [days for days in DAYS_BEFORE if 0 < left <= days]
    return min(reached) if reached else None


def _expires(document: dict[str, Any]) -> datetime:
    """Return when the first of a production's certificates expires."""
    ders = (base64.b64decode(der) for der in document.get("certificates", {}).values())
    return min(x509.load_der_x509_certificate(der).not_valid_after_utc for der in ders)
