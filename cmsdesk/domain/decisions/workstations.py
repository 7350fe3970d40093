"""The rules about workstations that are enrolled: block, unblock, revoke (ORG-10).

Enrolment itself is the service's: it needs the code and the PC's key (`backend.services.enrolment`).
"""

from __future__ import annotations

from cmsdesk.domain.commands import BadFacts, Case
from cmsdesk.domain.decisions.moves import move
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.workstation import TRANSITIONS, WorkstationState


def block_workstation(case: Case) -> list[Event]:
    """A workstation is shut out from its next call on."""
    return _to(case, WorkstationState.BLOCKED)


def unblock_workstation(case: Case) -> list[Event]:
    """A blocked workstation is let in again."""
    return _to(case, WorkstationState.ENABLED)


def revoke_workstation(case: Case) -> list[Event]:
    """A workstation's certificate is of no use any more, for ever."""
    return _to(case, WorkstationState.REVOKED)


def _to(case: Case, state: WorkstationState) -> list[Event]:
    thumbprint = case.text("workstation")
    document = case.need("workstation", thumbprint)
    if thumbprint == case.actor.workstation and state is not WorkstationState.ENABLED:
        # nobody locks the own door behind them: at another workstation it can be done
        raise BadFacts(name="workstation")
    return change_state(thumbprint, document, state)


def change_state(thumbprint: str, document: Document, state: WorkstationState) -> list[Event]:
    """Return what brings a workstation to a state; nothing when it is there.

    Raises:
        WrongState: the table does not hold the step.
    """
    if document["state"] == state.value:
        return []
    return [move("workstation", thumbprint, document, state, TRANSITIONS)]
