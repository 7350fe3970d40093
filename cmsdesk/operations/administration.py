"""What the administration's screens ask of the service beside commands and the feed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from cmsdesk.domain.figures import Grain, OfficeFigures
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice


class Figures(Protocol):
    """Counts a body's registrations, which an administrator may not see one by one (ORG-6)."""

    def figures(self, first: date, last: date, grain: Grain) -> list[OfficeFigures]:
        """Return what happened from ``first`` to ``last``, by office and part.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        ...


class SupplyVault(Protocol):
    """Takes the codes of a supply, sealed on their way."""

    def put(self, devices: Sequence[SuppliedDevice], cards: Sequence[SuppliedCard]) -> None:
        """Put the codes of a part of a supply into the vault; the same again has the same effect.

        Raises:
            ServiceUnreachable, NotAllowed, AlreadyThere.
        """
        ...
