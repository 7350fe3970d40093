"""Erasing a thing's personal data after the legal time, from the journal and the state tables alike.

Desks learn it from the feed and erase their copies (`sync.desk_store`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from cmsdesk.backend.journal.erasure import erase
from cmsdesk.backend.journal.store import history
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.access import forget_receipts
from cmsdesk.backend.storage.blobs import forget_blob
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.ids import new_id
from cmsdesk.domain.attachment import AttachmentState
from cmsdesk.domain.events import Document, Event, evolve
from cmsdesk.domain.journal import Act, Entry


def erase_thing(
    connection: Connection, body: str, thing: str, identifier: str, keep_until: datetime, act: Act
) -> Entry | None:
    """Erase all personal data of one thing; None: there were none any more.

    A scan is personal data as a whole: its content goes with it, unless another record has the same.
    Receipts go too: a command's digest is one of its facts, without a salt.

    Raises:
        StillKept: until ``keep_until``.
    """
    take_turn(connection, body)
    personal = [item for item in history(connection, body, thing, identifier) if item.personal is not None]
    entry = erase(connection, body, [item.index for item in personal], keep_until, act)
    if entry is not None:
        commands = {Entry.decode(item.public or b"").act.command for item in personal}
        forget_receipts(connection, body, commands)
        document: Document = {}
        for item in history(connection, body, thing, identifier):
            kept = Entry.decode(item.public or b"")
            left = None if item.personal is None else json.loads(item.personal)
            document = evolve(document, kept.event(left))
        StoredThings(connection).put({(thing, identifier): document})
    if thing == "attachment":
        _forget_content(connection, body, identifier, act)
    return entry


def _forget_content(connection: Connection, body: str, attachment: str, act: Act) -> None:
    """Withdraw an attachment, and delete its content unless another one that is kept has the same."""
    stored = StoredThings(connection)
    document = stored.get("attachment", attachment)
    if document is None:
        return
    kept = AttachmentState.KEPT.value
    if document["state"] == kept:
        gone = Event(
            "attachment.withdrawn", "attachment", attachment, {"state": AttachmentState.WITHDRAWN.value}
        )
        record(connection, body, replace(act, command=new_id()), [gone])
    found = (other for _, other in stored.of_body("attachment", body) if other["state"] == kept)
    if not any(other["sha256"] == document["sha256"] for other in found):
        forget_blob(connection, body, document["sha256"])
