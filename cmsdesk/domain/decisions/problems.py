"""Rules about problems: physical facts that did not fit, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cmsdesk.domain.commands import Actor, Case, Command, Refusal
from cmsdesk.domain.decisions.moves import move, within_reach
from cmsdesk.domain.events import Event, View
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.problem import REFUSED, TRANSITIONS, ProblemState

FACTS: frozenset[str] = frozenset({"request.deliver", "payment.record", "payment.reverse"})
"""Commands that report what happened in the world already: refusing them would not undo it."""


def noted(case: Case, about: tuple[str, str], office: str | None, reasons: Sequence[str]) -> Event:
    """Return the event that records a problem; its id is the command's."""
    changes = {
        "body": case.command.body,
        "office": office or case.actor.mandate.office,
        "about_thing": about[0],
        "about": about[1],
        "command": case.command.kind,
        "reasons": list(reasons),
        "state": ProblemState.OPEN.value,
        "noted_by": case.actor.mandate.id,
        "noted_at": case.now.isoformat(),
    }
    return Event("problem.noted", "problem", case.command.id, changes)


def of_voucher(view: View, voucher: str, actor: Actor, at: datetime, reasons: Sequence[str]) -> list[Event]:
    """Return the security problem about what a desk did without the service; none if it is open already.

    There is one for each voucher, under its id.
    """
    known = view.get("problem", voucher) or {}
    still = known.get("reasons", []) if known.get("state") == ProblemState.OPEN.value else []
    found = [*still, *(reason for reason in reasons if reason not in still)]
    if found == still:
        return []
    changes = {
        "body": actor.mandate.body,
        "office": actor.mandate.office,
        "about_thing": "workstation",
        "about": actor.workstation,
        "reasons": found,
        "state": ProblemState.OPEN.value,
        "noted_by": actor.mandate.id,
        "noted_at": at.isoformat(),
    }
    return [Event("problem.noted", "problem", voucher, changes)]


def kept(command: Command, actor: Actor, at: datetime, refusal: Refusal) -> list[Event]:
    """Return the problem that a refused command leaves; none for a command that reports no fact.

    For what no rule of its own takes: a mandate that is over, a thing that is not on record. It
    belongs to the office of the mandate that reported it. Another body's fact is not recorded here.
    """
    if command.kind not in FACTS or command.body != actor.mandate.body:
        return []
    changes = {
        "body": command.body,
        "office": actor.mandate.office,
        "command": command.kind,
        "reasons": [REFUSED],
        "code": refusal.code,
        "state": ProblemState.OPEN.value,
        "noted_by": actor.mandate.id,
        "noted_at": at.isoformat(),
    }
    # what was reported may name a person: it must be erasable
    personal = {"facts": dict(command.facts), "refusal": dict(refusal.facts)}
    return [Event("problem.noted", "problem", command.id, changes, personal)]


def solve(case: Case) -> list[Event]:
    """Somebody put it right, and says how."""
    identifier = case.text("problem")
    document = within_reach(case, Action.REQUEST_AMEND, "problem", identifier)
    facts = {"solved_by": case.actor.mandate.id, "solved_at": case.now.isoformat()}
    moved = move("problem", identifier, document, ProblemState.SOLVED, TRANSITIONS, **facts)
    # free text may name a person: it must be erasable
    return [Event(moved.kind, moved.thing, moved.id, moved.changes, {"solution": case.text("solution")})]
