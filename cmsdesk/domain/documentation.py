"""The permission table and the transition tables as Markdown: what is data is its own documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from cmsdesk.base.texts import N_
from cmsdesk.domain import (
    attachment,
    booking,
    certificate,
    device,
    notice,
    organisation,
    problem,
    production,
    request,
    scratch_card,
    workstation,
)
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.permissions import TABLE, Action, Scope
from cmsdesk.domain.words import ACTIONS, word

Say = Callable[[str], str]
Transitions = frozenset[tuple[Any, Any]]

TABLES: Mapping[str, Transitions] = {
    N_("Request"): request.TRANSITIONS,
    N_("Production"): production.TRANSITIONS,
    N_("Device"): device.TRANSITIONS,
    N_("Scratch card"): scratch_card.TRANSITIONS,
    N_("Certificate"): certificate.TRANSITIONS,
    N_("Booking"): booking.TRANSITIONS,
    N_("Attachment"): attachment.TRANSITIONS,
    N_("Notice"): notice.TRANSITIONS,
    N_("Problem"): problem.TRANSITIONS,
    N_("Mandate"): organisation.MANDATE_TRANSITIONS,
    N_("Site or office"): organisation.PLACE_TRANSITIONS,
    N_("Workstation"): workstation.TRANSITIONS,
}
"""Every transition table, by what it is of."""

_SCOPES = {Scope.OFFICE: N_("office"), Scope.BODY: N_("body")}


def permissions_markdown(say: Say = str) -> str:
    """Return the permission table: a line an action, a column a role; what a right needs in brackets."""
    lines = [
        [say(N_("Action")), say(N_("Code")), *(say(word(role)) for role in Role)],
        ["---", "---", *("---" for _ in Role)],
    ]
    for action in Action:
        rights = (_right(role, action, say) for role in Role)
        lines.append([say(ACTIONS[action]), f"`{action.value}`", *rights])
    title = say(N_("Permissions"))
    return f"# {title}\n\n{_table(lines)}"


def transitions_markdown(say: Say = str) -> str:
    """Return all transition tables: what may follow each state."""
    title = say(N_("States"))
    return f"# {title}\n\n" + "\n".join(_transitions(name, table, say) for name, table in TABLES.items())


def _right(role: Role, action: Action, say: Say) -> str:
    right = TABLE.get((role, action))
    if right is None:
        return "–"
    needs = f" ({say(word(right.needs))})" if right.needs is not None else ""
    return say(_SCOPES[right.scope]) + needs


def _transitions(title: str, table: Transitions, say: Say) -> str:
    states = next(iter(table))[0].__class__
    lines = [[say(N_("State")), say(N_("may become"))], ["---", "---"]]
    for state in _members(states):
        after = [say(word(to)) for to in _members(states) if (state, to) in table]
        lines.append([say(word(state)), ", ".join(after) or "–"])
    return f"## {say(title)}\n\n{_table(lines)}"


def _members(kind: type[Enum]) -> Iterator[Enum]:
    yield from kind


def _table(lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(cell.replace('|', chr(0x2502)) for cell in line)} |\n" for line in lines)
