"""Workstations and service accounts: whoever may call the service by certificate (ORG-10)."""

from __future__ import annotations

from enum import Enum


class WorkstationKind(Enum):
    """What stands behind a certificate."""

    WORKSTATION = "workstation"
    """A desk's PC: operators sign in at it with their cards."""
    SERVICE = "service"
    """A program on its own, such as the one that collects figures: nobody signs in through it."""
    PORTAL = "portal"
    """The body's portal, which brings in what holders signed there: nobody signs in through it either."""


class WorkstationState(Enum):
    """Whether it is let in; looked up at every call."""

    ENABLED = "enabled"
    BLOCKED = "blocked"
    REVOKED = "revoked"


# (from, to): what may follow what. What was revoked stays out: the PC is enrolled anew.
TRANSITIONS: frozenset[tuple[WorkstationState, WorkstationState]] = frozenset(
    {
        (WorkstationState.ENABLED, WorkstationState.BLOCKED),
        (WorkstationState.BLOCKED, WorkstationState.ENABLED),
        (WorkstationState.ENABLED, WorkstationState.REVOKED),
        (WorkstationState.BLOCKED, WorkstationState.REVOKED),
    }
)
