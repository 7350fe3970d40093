"""What events have the service do outside: a job for each, in the transaction that stores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from cmsdesk.backend.journal.store import Draft
from cmsdesk.backend.storage.jobs import enqueue

STATUS_CHANGE = "certificate"
"""Kind of the job that brings a certificate at its CA to the status that is wanted."""
_JOBS: Mapping[str, str] = {"certificate.suspension_asked": STATUS_CHANGE}


def enqueue_errands(connection: Connection, drafts: Sequence[Draft], now: datetime) -> None:
    """Add the jobs that events ask for; each names the thing and the command that it comes of."""
    for draft in drafts:
        event, command = draft.event, draft.act.command
        kind = _JOBS.get(event.kind)
        if kind is not None:
            facts = {"id": event.id, "command": command}
            enqueue(connection, kind, f"{kind}/{event.id}/{command}", facts, now)
