"""E-mailed scratch cards: the codes go to the holder's contact address and are deleted (PRO-4, S0-173).

Works in the mailer's process alone: only its token opens what the vault put aside. What no mail server
took within thirty days is deleted too; the device then needs new codes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from cmsdesk.backend.jobs.worker import Effect, nothing
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.mail.smtp import Mailer
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.jobs import Job, enqueue
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.backend.vault.mail_tray import MailTray
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_, texts
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.journal import Act

KEPT = timedelta(days=30)
"""How long codes wait for a mail server that takes them."""
_LANGUAGES = ("it",)
_SUBJECT = N_("The codes of your device {device}")
_BEFORE = (
    N_("Dear Sir or Madam,"),
    N_("this is scratch card {number} for your device {device}, issued by {body}."),
)
_CODES = {"pin": N_("PIN: {code}"), "puk": N_("PUK: {code}"), "emergency": N_("Emergency code: {code}")}
_AFTER = (
    N_("The emergency code suspends your certificates at once, if the device is lost."),
    N_("Write the codes down and delete this message. Nobody will ever ask you for them."),
    N_("This message was sent automatically: please do not answer it."),
)


class Envelopes:
    """Finds what waits in the tray, sends it, and empties the tray."""

    def __init__(
        self, engine: Engine, tray: MailTray, unseal: Callable[[bytes], bytes], mailer: Mailer, clock: Clock
    ) -> None:
        """``unseal``: the mailer's token (`vault.hsm.Hsm.open_for_mailer`)."""
        self._engine = engine
        self._tray = tray
        self._unseal = unseal
        self._mailer = mailer
        self._clock = clock

    def sweep(self, job: Job) -> Effect:
        """Every few minutes: a job for each scratch card in the tray; what waited too long is deleted."""
        expired = self._tray.before(self._clock.now() - KEPT)
        waiting = [number for number in self._tray.waiting() if number not in expired]
        for number in expired:
            self._tray.remove(number)

        def effect(connection: Connection) -> None:
            for number in expired:
                self._record(connection, number, "scratch_card.mail_expired", "mail_expired_at")
            for number in waiting:
                enqueue(connection, "envelope", f"envelope/{number}", {"number": number}, self._clock.now())

        return effect

    def send(self, job: Job) -> Effect:
        """Send one scratch card's codes to the address that the holder has now, then delete them.

        Raises:
            MailNotSent: tried again.
        """
        number = job.facts["number"]
        sealed = self._tray.sealed(number)
        if sealed is None:  # expired, or an earlier try sent it and was cut off
            return nothing
        found = self._find(number)
        address = found["request"].get("holder", {}).get("contact_email")
        if address is None:
            return nothing
        codes = json.loads(self._unseal(sealed))
        subject, text = _letter(number, codes, found)
        self._mailer.send(f"envelope.{number}", address, subject, text)
        self._tray.remove(number)
        return lambda connection: self._record(connection, number, "scratch_card.mailed", "mailed_at")

    def _find(self, number: str) -> dict[str, Document]:
        """Return the things that a scratch card's letter names."""
        with reading(self._engine) as connection:
            stored = StoredThings(connection)
            card = stored.get("scratch_card", number) or {}
            production = stored.get("production", card.get("production") or "") or {}
            return {
                "production": production,
                "request": stored.get("request", production.get("request", "")) or {},
                "body": stored.get("body", production.get("body", "")) or {},
                "configuration": stored.get("configuration", production.get("body", "")) or {},
            }

    def _record(self, connection: Connection, number: str, kind: str, name: str) -> None:
        document = StoredThings(connection).get("scratch_card", number)
        if document is None:
            return
        take_turn(connection, document["body"])
        now = self._clock.now()
        event = Event(kind, "scratch_card", number, {name: now.isoformat()})
        record(connection, document["body"], Act(new_id(), "service:mailer", now), [event])


def _letter(number: str, codes: dict[str, str], found: dict[str, Document]) -> tuple[str, str]:
    """Return subject and text, in all the body's languages."""
    said = [texts(language) for language in found["configuration"].get("languages", _LANGUAGES)]
    values: dict[str, Any] = {
        "number": number,
        "device": found["production"].get("device", ""),
        "body": found["body"].get("name", ""),
    }
    parts = []
    for text in said:
        lines = "\n".join(text(line, code=codes[name]) for name, line in _CODES.items())
        before = [text(paragraph, **values) for paragraph in _BEFORE]
        parts.append("\n\n".join([*before, lines, *(text(paragraph) for paragraph in _AFTER)]))
    subject = " – ".join(text(_SUBJECT, **values) for text in said)
    return subject, "\n\n— — —\n\n".join(parts) + "\n"
