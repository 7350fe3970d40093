"""What a mandate may see: one place for documents, lists and the feed (ORG-8)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from cmsdesk.domain.commands import Actor
from cmsdesk.domain.journal import THING as JOURNAL
from cmsdesk.domain.permissions import Action, Scope, reaches, right_of

SEEN_BY: Mapping[str, Action] = {
    "request": Action.REQUEST_SEE,
    "payment": Action.REQUEST_SEE,
    "problem": Action.REQUEST_SEE,
    "certificate": Action.REQUEST_SEE,
    "booking": Action.BOOKING_SEE,
    "attachment": Action.ATTACHMENT_SEE,
    "till": Action.TILL_CLOSE,
    "till_closing": Action.TILL_CLOSE,
    "production": Action.PRODUCE,
    "device": Action.STOCK_SEE,
    "scratch_card": Action.STOCK_SEE,
    "office": Action.ORGANISATION_SEE,
    "mandate": Action.ORGANISATION_SEE,
    "operator": Action.ORGANISATION_SEE,
    "site": Action.ORGANISATION_SEE,
    "workstation": Action.ORGANISATION_SEE,
    "configuration": Action.CONFIGURATION_SEE,
}
"""The right that shows a thing of each kind.

The body itself, its notices, and what happens to its journal (erasures, epochs) are shown to all its
mandates; the archive of earlier issues is asked, not handed out; other kinds are shown to nobody.
"""
_SHOWN = "2"
"""Changes when other kinds of things are shown to the same rights: desks then begin anew."""


def may_see(actor: Actor, thing: str, document: Mapping[str, object]) -> bool:
    """Tell whether a mandate reaches a thing."""
    office = document.get("office")
    return reaches_thing(actor, thing, str(document.get("body")), None if office is None else str(office))


def reaches_thing(actor: Actor, thing: str, body: str, office: str | None) -> bool:
    """Tell whether a mandate may see a thing of ``body`` and ``office`` (None: of the whole body)."""
    if thing in ("body", "notice", JOURNAL):
        return body == actor.mandate.body
    action = SEEN_BY.get(thing)
    return action is not None and reaches(actor.mandate, action, body, office)


def offices_of(actor: Actor) -> set[str] | None:
    """Return the offices outside which a mandate sees nothing; None: some right reaches the whole body."""
    rights = [right_of(actor.mandate, action) for action in SEEN_BY.values()]
    whole = any(right is not None and right.scope is Scope.BODY for right in rights)
    return None if whole else {actor.mandate.office, *actor.mandate.carries_on}


def scope_of(actor: Actor) -> str:
    """Return a short name for all that a mandate may see; it changes when that does."""
    rights = {action.value: right_of(actor.mandate, action) for action in sorted(SEEN_BY.values(), key=str)}
    named = [f"{name}:{right.scope.value if right else '-'}" for name, right in sorted(rights.items())]
    mandate = actor.mandate
    text = "|".join([_SHOWN, mandate.body, mandate.office, *sorted(mandate.carries_on), *named])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
