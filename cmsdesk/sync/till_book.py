"""Reading what a till took and its closings, for its screen and its reports (PRO-10)."""

from __future__ import annotations

from cmsdesk.domain.events import Document
from cmsdesk.sync.shown_things import ShownThings


class TillBook:
    """Payments and closings as screens show them."""

    def __init__(self, things: ShownThings) -> None:
        self._things = things

    def payments(self, till: str, closing: int) -> list[tuple[str, Document]]:
        """Return (id, document) of what a till took for its closing number ``closing``, by number."""
        taken = self._things.having("payment", "till", till)
        found = [one for one in taken if one[1].get("closing") == closing]
        return sorted(found, key=lambda one: one[1]["number"])

    def payments_of(self, request: str) -> list[tuple[str, Document]]:
        """Return (id, document) of what was paid, and given back, for a request, in the order of time."""
        found = self._things.having("payment", "request", request)
        return sorted(found, key=lambda one: str(one[1]["taken_at"]))

    def closings(self, till: str) -> list[tuple[str, Document]]:
        """Return (id, document) of a till's closings, the latest first."""
        return sorted(
            self._things.having("till_closing", "till", till), key=lambda one: -int(one[1]["number"])
        )
