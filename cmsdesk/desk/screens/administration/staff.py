"""Who works in the body, as the screens show it: people with their mandates, and how each stands today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from cmsdesk.base.texts import N_
from cmsdesk.domain.organisation import Mandate, MandateState, Office, Operator, PlaceState
from cmsdesk.operations.staff_lists import Staff
from cmsdesk.sync.work_lists import WorkLists

SOON = timedelta(days=60)
"""A mandate that ends within it is worth a look."""


class Standing(Enum):
    """How a mandate stands today; the better comes first."""

    WORKING = "working"
    ENDING = "ending"
    """Works, and ends within `SOON`."""
    FUTURE = "future"
    SUSPENDED = "suspended"
    OFFICE_CLOSED = "office_closed"
    EXPIRED = "expired"
    ENDED = "ended"
    NONE = "none"
    """No mandate at all."""


WORDS: Mapping[Standing, str] = {
    Standing.WORKING: N_("active"),
    Standing.ENDING: N_("ends soon"),
    Standing.FUTURE: N_("not begun yet"),
    Standing.SUSPENDED: N_("suspended"),
    Standing.OFFICE_CLOSED: N_("its office is closed"),
    Standing.EXPIRED: N_("expired"),
    Standing.ENDED: N_("ended"),
    Standing.NONE: N_("no mandate"),
}
TONES: Mapping[Standing, str] = {
    Standing.WORKING: "good",
    Standing.ENDING: "warn",
    Standing.FUTURE: "accent",
    Standing.SUSPENDED: "warn",
    Standing.OFFICE_CLOSED: "bad",
    Standing.EXPIRED: "bad",
}


@dataclass(frozen=True)
class Person:
    """One person of the body with all mandates, the best standing first."""

    fiscal_code: str
    operator: Operator | None
    """None: who was given a mandate when the body was created, and was never recorded."""
    mandates: tuple[tuple[Mandate, Standing], ...]

    @property
    def name(self) -> str:
        """Surname and given name; the codice fiscale where they are not recorded."""
        return f"{self.operator.surname} {self.operator.given_name}" if self.operator else self.fiscal_code

    @property
    def standing(self) -> Standing:
        """How the best of the mandates stands."""
        return self.mandates[0][1] if self.mandates else Standing.NONE

    @property
    def living(self) -> tuple[tuple[Mandate, Standing], ...]:
        """The mandates that are not over."""
        over = (Standing.ENDED, Standing.EXPIRED)
        return tuple((mandate, standing) for mandate, standing in self.mandates if standing not in over)


def read_staff(lists: WorkLists) -> Staff:
    """Return operators, mandates and offices as the desk knows them; runs in a thread."""
    operators = [Operator.of(*found) for found in lists.things("operator")]
    return Staff(
        {one.fiscal_code: one for one in operators},
        [Mandate.of(*found) for found in lists.things("mandate")],
        {identifier: Office.of(identifier, document) for identifier, document in lists.things("office")},
    )


def people(staff: Staff, today: date) -> list[Person]:
    """Return everybody who is recorded or has a mandate, by name."""
    held: dict[str, list[tuple[Mandate, Standing]]] = {code: [] for code in staff.operators}
    for mandate in staff.mandates:
        found = (mandate, standing(mandate, staff.offices, today))
        held.setdefault(mandate.operator, []).append(found)
    order = list(Standing)
    made = [
        Person(
            code,
            staff.operators.get(code),
            tuple(sorted(mandates, key=lambda one: (order.index(one[1]), one[0].valid_until), reverse=False)),
        )
        for code, mandates in held.items()
    ]
    return sorted(made, key=lambda one: one.name.casefold())


def standing(mandate: Mandate, offices: Mapping[str, Office], today: date) -> Standing:
    """Return how a mandate stands on a day (ORG-4)."""
    if mandate.state is MandateState.ENDED:
        return Standing.ENDED
    if mandate.valid_until < today:
        return Standing.EXPIRED
    office = offices.get(mandate.office)
    if office is not None and office.state is PlaceState.CLOSED:
        return Standing.OFFICE_CLOSED
    if mandate.state is MandateState.SUSPENDED:
        return Standing.SUSPENDED
    if mandate.valid_from > today:
        return Standing.FUTURE
    return Standing.ENDING if mandate.valid_until - today <= SOON else Standing.WORKING
