"""Fills a service with the scenario."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from cmsdesk.backend.services.administration import Administration
from cmsdesk.backend.services.bodies import create_body
from cmsdesk.base.clock import ROME, Clock, FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import Unknown
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.organisation import BodyKind, Permission, Role
from cmsdesk.sandbox.scenario.books import Books, documents_of
from cmsdesk.sandbox.scenario.certificates import PastCa
from cmsdesk.sandbox.scenario.daily import (
    Cashier,
    import_archive,
    keep_stock,
    publish_notices,
    take_bookings,
)
from cmsdesk.sandbox.scenario.data import SAMPLE, BodyData, ScenarioData, load
from cmsdesk.sandbox.scenario.organisation import Founding, Staff
from cmsdesk.sandbox.scenario.people import People
from cmsdesk.sandbox.scenario.stories import Plan, Planner, Story, Teller, tell

if TYPE_CHECKING:
    from cmsdesk.backend.vault import SealingVault
    from cmsdesk.sandbox.world import World

_CLOSED_DAYS_AGO = 25
_SUSPENDED_DAYS_AGO = 9
_MARGIN_DAYS = 40
_MANDATES_UNTIL = date(2040, 12, 31)


@dataclass(frozen=True)
class Filled:
    """What was put in."""

    bodies: int
    operators: int
    registrations: int
    events: int
    seconds: float


def fill(world: World, size: int | None = None, path: Path = SAMPLE) -> Filled | None:
    """Fill a running sandbox's service, once; None: it was filled before.

    The training operator gets mandates of every role in the first body and of an IR in the second;
    the scratch cards to spare in the first body get codes in the vault, so that they can be used.

    Args:
        size: number of registrations; None: what the file says.
    """
    from cmsdesk.sandbox.operator import HOLDER
    from cmsdesk.sandbox.world import CA_NAME

    data = load(path)
    engine, clock = world.service.engine, world.clock
    if is_filled(world, path):
        return None
    filled = fill_service(engine, clock, CA_NAME, size=size, data=data, vault=world.service.vault)
    for body, role in (
        (data.bodies[0], Role.IR),
        (data.bodies[0], Role.HELP_DESK),
        (data.bodies[1], Role.IR),
    ):
        Administration(engine, clock, body.id).execute(
            "mandate.grant",
            mandate=new_id(),
            operator=HOLDER.fiscal_code,
            office=body.offices[0].id,
            role=role.value,
            valid_from=clock.now().astimezone(ROME).date().isoformat(),
            valid_until=_MANDATES_UNTIL.isoformat(),
            permissions=[Permission.DATA_ENTRY.value, Permission.PAYMENTS.value] if role is Role.IR else [],
        )
    return filled


def fill_service(
    engine: Engine,
    clock: Clock,
    authority: str,
    *,
    size: int | None = None,
    data: ScenarioData | None = None,
    vault: SealingVault | None = None,
) -> Filled:
    """Fill a service's database; the same file, size and day give the same documents.

    Args:
        authority: name of the CA that all bodies issue from.
        vault: gets codes for the scratch cards left in stock in the first body.
    """
    started = time.perf_counter()
    data = data or load()
    count = data.registrations if size is None else size
    now = clock.now().astimezone(ROME).replace(minute=0, second=0, microsecond=0)
    begins = now.replace(hour=9) - timedelta(days=30 * data.months + _MARGIN_DAYS)
    people = People(data, Random(data.seed))  # noqa: S311 - invented people, no secrets
    operators = events = total = 0
    for number, body in enumerate(data.bodies):
        share = round(count * body.share_percent / 100)
        telling = _Telling(engine, data, body, people, begins, now)
        staff = telling.tell(authority, share, number)
        operators, total = operators + staff.operators, total + share
        events += telling.books.write(engine)
        if vault is not None and number == 0:
            _seal_codes(vault, staff.stock["scratch_card"])
    return Filled(len(data.bodies), operators, total, events, time.perf_counter() - started)


class _Telling:
    """One body's part."""

    def __init__(
        self,
        engine: Engine,
        data: ScenarioData,
        body: BodyData,
        people: People,
        begins: datetime,
        now: datetime,
    ) -> None:
        self._data, self._body, self._people = data, body, people
        self._begins, self._now = begins, now
        _create(engine, body, begins)
        random = Random(f"{data.seed} {body.id}")  # noqa: S311 - as above
        self.books = Books(body.id, random, documents_of(engine, body.id))
        self._ca = PastCa(random, begins)

    def tell(self, authority: str, count: int, series: int) -> Staff:
        """Found the body and tell its registrations; return who works in it and what is left in stock."""
        founding = Founding(self.books, self._body, self._people, self._ca, self._begins.astimezone(UTC))
        staff = founding.found(authority)
        planner = Planner(self._data, self._body, self.books.random, self._begins, self._now)
        plans = planner.plans(count)
        founding.supply(_needed(plans), authority, series)
        keep_stock(self.books, self._body, staff, self._begins)
        import_archive(self.books, self._body, self._people, self._begins)
        cashier = Cashier(self.books, self._body, staff)
        data = (self._data, self._body)
        teller = Teller(self.books, data, self._people, self._ca, staff, cashier, authority, self._now)
        stories: list[Story] = [teller.registration(plan) for plan in plans]
        stories += [
            cashier.closings(self._begins, self._now),
            publish_notices(self.books, self._body, self._now),
            take_bookings(self.books, self._body, self._people, staff.raos[0], self._now),
        ]
        stories.append(teller.suspension(self._now - timedelta(days=_SUSPENDED_DAYS_AGO)))
        if self._body.closing:
            closed_at = self._now - timedelta(days=_CLOSED_DAYS_AGO)
            stories.append(teller.closing(self._body.closing, self._body.offices[0].id, closed_at))
        tell(stories)
        return staff


def _create(engine: Engine, body: BodyData, begins: datetime) -> None:
    """Create a body unless it is there; its administrators' mandates come with the operators."""
    clock = FixedClock(begins)
    if _is_there(engine, clock, body.id):
        return
    create_body(
        engine,
        clock,
        body=body.id,
        name=body.name,
        office=body.offices[0].id,
        office_name=body.offices[0].name,
        administrator=_FOUNDER,
        valid_until=(begins + timedelta(days=1)).date(),
        kind=BodyKind(body.kind),
        sigle=body.sigle,
        person=_FOUNDERS_NAME,
    )


_FOUNDER, _FOUNDERS_NAME = "TSSMRT87C54A952D", {"surname": "Tessari", "given_name": "Marta"}
"""Holds the first day's mandate of each body: nobody's, and over since."""


def is_filled(world: World, path: Path = SAMPLE) -> bool:
    """Tell whether a sandbox was filled before."""
    return holds(world.service.engine, world.clock, load(path))


def holds(engine: Engine, clock: Clock, data: ScenarioData) -> bool:
    """Tell whether a service's database was filled before."""
    return _is_there(engine, clock, data.bodies[-1].id)


def _is_there(engine: Engine, clock: Clock, body: str) -> bool:
    try:
        Administration(engine, clock, body)
    except Unknown:
        return False
    return True


def _needed(plans: list[Plan]) -> dict[str, int]:
    return {kind.value: sum(plan.kind is kind for plan in plans) for kind in DeviceKind}


def _seal_codes(vault: SealingVault, numbers: list[str]) -> None:
    """Give the vault random codes for scratch cards; nobody sees them."""
    for number in numbers[-_SEALED:]:
        codes = [Secret.random_digits(digits) for digits in _CODE_DIGITS]
        vault.put_scratch(number, *codes)
        for code in codes:
            code.wipe()


_SEALED = 20
_CODE_DIGITS = (8, 8, 10)
"""PIN, PUK, emergency code, as the sandbox's own scratch cards."""
