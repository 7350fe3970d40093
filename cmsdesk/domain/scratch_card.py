"""Scratch cards (buste cieche): the numbered envelopes that carry the final PIN and PUK (PRO-4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ScratchCardState(Enum):
    """Where a scratch card is in its life."""

    IN_STOCK = "in_stock"
    RESERVED = "reserved"
    """Chosen for a production; its codes have not left the vault."""
    BOUND = "bound"
    """Its codes were released to a card host: no other production may use it."""
    USED = "used"
    VOID = "void"


class ScratchDelivery(Enum):
    """How the holder gets the codes: a paper envelope, or an e-mail (POR-5)."""

    PAPER = "paper"
    EMAIL = "email"


# (from, to): what may follow what. A number may be bound once (domain.md §8).
TRANSITIONS: frozenset[tuple[ScratchCardState, ScratchCardState]] = frozenset(
    {
        (ScratchCardState.IN_STOCK, ScratchCardState.RESERVED),
        (ScratchCardState.RESERVED, ScratchCardState.IN_STOCK),
        (ScratchCardState.RESERVED, ScratchCardState.BOUND),
        (ScratchCardState.BOUND, ScratchCardState.USED),
        (ScratchCardState.BOUND, ScratchCardState.VOID),
        (ScratchCardState.IN_STOCK, ScratchCardState.VOID),
    }
)


@dataclass(frozen=True)
class ScratchCard:
    """A scratch card as the stock knows it; the codes are the vault's."""

    number: str
    lot: str
    state: ScratchCardState
    production: str | None = None
