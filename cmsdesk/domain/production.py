"""A production: one request meeting one device, steps a–j (PRO-3), and how it may end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Step(Enum):
    """The steps of the issuing procedure, in order; the letters are the source's (S0 §3.2.2)."""

    OPEN = "a"
    REPLACE_CODES = "b"
    PERSONAL_DATA = "c"
    GENERATE_KEYS = "d"
    SIGN_REQUESTS = "e"
    ENROL = "f"
    COLLECT = "g"
    WRITE = "h"
    CONFIRM = "i"
    HAND_OVER_CODES = "j"


STEPS: tuple[Step, ...] = tuple(Step)
RESET = "reset"
"""The name under which a reset writes where a step's letter would stand."""


class ProductionState(Enum):
    """How a production stands."""

    RUNNING = "running"
    RESETTING = "resetting"
    ISSUED = "issued"
    RESET = "reset"


# (from, to): what may follow what
TRANSITIONS: frozenset[tuple[ProductionState, ProductionState]] = frozenset(
    {
        (ProductionState.RUNNING, ProductionState.ISSUED),
        (ProductionState.RUNNING, ProductionState.RESETTING),
        (ProductionState.RESETTING, ProductionState.RESET),
    }
)


@dataclass(frozen=True)
class Production:
    """One attempt to produce one device."""

    id: str
    request: str
    device: str
    scratch_card: str
    operator: str
    """Codice fiscale of the operator whose card signed the opening."""
    state: ProductionState
