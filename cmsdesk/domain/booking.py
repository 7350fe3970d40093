"""Bookings (prenotazioni): what an applicant entered on the portal before coming to the desk (REG-7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.shapes import shaped


class BookingState(Enum):
    """Where a booking is in its life."""

    OPEN = "open"
    USED = "used"
    """A request was registered from it."""
    CANCELLED = "cancelled"


# (from, to): what may follow what
TRANSITIONS: frozenset[tuple[BookingState, BookingState]] = frozenset(
    {(BookingState.OPEN, BookingState.USED), (BookingState.OPEN, BookingState.CANCELLED)}
)


@dataclass(frozen=True)
class Booking:
    """What the applicant entered; every value of it is offered, none is believed."""

    id: str
    body: str
    office: str | None
    """Where the applicant wants to come; None: wherever."""
    values: Mapping[str, str]
    """Texts by their paths in a request (``holder.surname``, ``company.rea_number``)."""
    device_kind: DeviceKind | None = None
    appointment: str | None = None
    """When the applicant is expected, ISO 8601 with its offset."""
    state: BookingState = BookingState.OPEN
    request: str | None = None
    """The request that was made from it."""

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Booking:
        """Return the booking that a document describes. Raises `ShapeWrong`."""
        names = ("body", "office", "values", "device_kind", "appointment", "state", "request")
        own = {name: document[name] for name in names if name in document}
        return shaped(cls, {"office": None, **own, "id": identifier})
