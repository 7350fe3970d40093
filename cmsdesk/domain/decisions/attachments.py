"""Rules about a request's attachments."""

from __future__ import annotations

import re

from cmsdesk.domain.attachment import (
    MEDIA_TYPES,
    MOST_BYTES,
    TRANSITIONS,
    AttachmentKind,
    AttachmentState,
)
from cmsdesk.domain.commands import AlreadyThere, BadFacts, Case, Unknown
from cmsdesk.domain.decisions.moves import move, within_reach
from cmsdesk.domain.events import Event
from cmsdesk.domain.permissions import Action, reaches

_SHA256 = re.compile(r"[0-9a-f]{64}")


def add(case: Case) -> list[Event]:
    """A scan belongs to a request.

    Facts: ``kind``, ``sha256`` of its content (hex), ``size`` in bytes, ``media_type``.
    """
    identifier, request = case.text("attachment"), case.text("request")
    document = within_reach(case, Action.ATTACHMENT_ADD, "request", request)
    if "holder" not in document:
        raise Unknown(thing="request", id=request)  # its person was erased: it takes nothing more
    try:
        kind = AttachmentKind(case.text("kind"))
    except ValueError:
        raise BadFacts(name="kind") from None
    size, digest, media_type = case.command.facts.get("size"), case.text("sha256"), case.text("media_type")
    if type(size) is not int or not 0 < size <= MOST_BYTES:
        raise BadFacts(name="size")
    if not _SHA256.fullmatch(digest):
        raise BadFacts(name="sha256")
    if media_type not in MEDIA_TYPES:
        raise BadFacts(name="media_type")
    changes = {
        "body": case.command.body,
        "office": document["office"],
        "request": request,
        "kind": kind.value,
        "sha256": digest,
        "size": size,
        "media_type": media_type,
        "state": AttachmentState.KEPT.value,
    }
    known = case.view.get("attachment", identifier)
    if known is not None:
        if {name: known.get(name) for name in changes} == changes:
            return []
        raise AlreadyThere(thing="attachment", id=identifier)
    added = {"added_by": case.actor.mandate.id, "added_at": case.now.isoformat()}
    return [Event("attachment.added", "attachment", identifier, {**changes, **added})]


def view(case: Case) -> list[Event]:
    """Somebody looks at a scan: every view is recorded, and only then is it shown."""
    identifier = case.text("attachment")
    document = case.need("attachment", identifier)
    seen = reaches(case.actor.mandate, Action.ATTACHMENT_SEE, case.command.body, document["office"])
    if not seen or document["state"] != AttachmentState.KEPT.value:
        raise Unknown(thing="attachment", id=identifier)
    by = {"viewed_by": case.actor.mandate.id, "viewed_at": case.now.isoformat()}
    return [Event("attachment.viewed", "attachment", identifier, by)]


def withdraw(case: Case) -> list[Event]:
    """It was attached by mistake."""
    identifier = case.text("attachment")
    document = within_reach(case, Action.ATTACHMENT_ADD, "attachment", identifier)
    by = {"withdrawn_by": case.actor.mandate.id, "withdrawn_at": case.now.isoformat()}
    moved = move("attachment", identifier, document, AttachmentState.WITHDRAWN, TRANSITIONS, **by)
    # free text may name a person: it must be erasable
    return [Event(moved.kind, moved.thing, moved.id, moved.changes, {"reason": case.text("reason")})]
