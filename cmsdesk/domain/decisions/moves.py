"""Moving a thing from one state to another by its transition table."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from cmsdesk.domain.commands import Case, NotAllowed, Unknown, WrongState
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.permissions import Action, reaches

State = TypeVar("State", bound=Enum)


def move(
    thing: str,
    identifier: str,
    document: Document,
    to: State,
    table: frozenset[tuple[State, State]],
    **changes: Any,
) -> Event:
    """Return the event that brings a thing to state ``to``.

    Raises:
        WrongState: the table does not hold the step.
    """
    now = type(to)(document["state"])
    if (now, to) not in table:
        raise WrongState(thing=thing, id=identifier, state=now.value, wanted=to.value)
    return Event(f"{thing}.{to.value}", thing, identifier, {"state": to.value, **changes})


def within_reach(case: Case, action: Action, thing: str, identifier: str) -> Document:
    """Return a document that the mandate's right for ``action`` reaches.

    Raises:
        Unknown: there is none, or one the mandate may not even see.
        NotAllowed: seen, but not within the right.
    """
    document = case.need(thing, identifier)
    office = document.get("office")
    mandate = case.actor.mandate
    if not reaches(mandate, action, case.command.body, office):
        if thing == "request" and not reaches(mandate, Action.REQUEST_SEE, case.command.body, office):
            raise Unknown(thing=thing, id=identifier)
        raise NotAllowed(action=action.value)
    return document
