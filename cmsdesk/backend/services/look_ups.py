"""Look-ups in outside registers on a desk's behalf: the credentials are the service's (REG-4…7).

Nothing here ever refuses because a register does not answer: its silence is part of the answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine

from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.domain.commands import Actor, NotAllowed
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.events import Document
from cmsdesk.domain.first_issue import Earlier
from cmsdesk.domain.fiscal_code import undo_omocodia
from cmsdesk.domain.permissions import Action, right_of
from cmsdesk.domain.request import RequestState
from cmsdesk.operations.company_check import CompanyCheck
from cmsdesk.operations.lookups import (
    NOT_CONFIGURED,
    Answered,
    Asker,
    CodeAnswer,
    CodeRegister,
    Companies,
    CompanyAnswer,
    CompanyRegister,
    Offices,
    PersonAnswer,
    PersonRegister,
    ReaRegister,
    Unavailable,
    YesNo,
)

_ISSUED = frozenset({RequestState.PRODUCED.value, RequestState.DELIVERED.value})
_AT_ONCE = 16
"""Questions to outside registers at a time, of all desks."""


@dataclass(frozen=True)
class Registers:
    """The registers that the service is set up for; None: it is not."""

    companies: CompanyRegister | None = None
    rea: ReaRegister | None = None
    codes: CodeRegister | None = None
    people: PersonRegister | None = None


class LookUps:
    """Questions of desks, under their mandates."""

    def __init__(self, engine: Engine, registers: Registers) -> None:
        self._engine = engine
        self._registers = registers
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="look-up")

    def represented_by(self, person: str, actor: Actor) -> Companies:
        """Return the companies that a person represents.

        Raises:
            NotAllowed.
        """
        self._may(actor)
        register = self._registers.companies
        return Unavailable(NOT_CONFIGURED) if register is None else register.represented_by(person)

    def check(self, person: str, rea: str, year: int, actor: Actor) -> CompanyCheck:
        """Return what is known of a person and a company; the registers are asked at the same time.

        Raises:
            NotAllowed.
        """
        self._may(actor)
        register = self._registers.rea
        if register is None:
            company: CompanyAnswer = Unavailable(NOT_CONFIGURED)
            offices: Offices = Unavailable(NOT_CONFIGURED)
            fee: YesNo = Unavailable(NOT_CONFIGURED)
        else:
            asked_offices = self._pool.submit(register.offices_held, rea, person)
            asked_fee = self._pool.submit(register.annual_fee_paid, rea, year)
            company = register.company(rea)
            offices, fee = asked_offices.result(), asked_fee.result()
        represents = self._represents(person, company)
        return CompanyCheck(company, represents, offices, fee, self._earlier(rea, person, actor))

    def check_code(self, fiscal_code: str, actor: Actor) -> CodeAnswer:
        """Return what the tax agency says of a codice fiscale.

        Raises:
            NotAllowed.
        """
        self._may(actor)
        register = self._registers.codes
        return Unavailable(NOT_CONFIGURED) if register is None else register.check(fiscal_code)

    def person(self, fiscal_code: str, actor: Actor) -> PersonAnswer:
        """Return name and residence of a person by ANPR, which records who asked.

        Raises:
            NotAllowed.
        """
        self._may(actor)
        register = self._registers.people
        if register is None:
            return Unavailable(NOT_CONFIGURED)
        return register.person(fiscal_code, Asker(actor.mandate.id, actor.workstation))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _may(self, actor: Actor) -> None:
        if right_of(actor.mandate, Action.REQUEST_REGISTER) is None:
            raise NotAllowed(action=Action.REQUEST_REGISTER.value)

    def _represents(self, person: str, company: CompanyAnswer) -> YesNo:
        """Ask Registro Imprese, which knows companies by codice fiscale only (domain.md §5.4)."""
        register = self._registers.companies
        if register is None:
            return Unavailable(NOT_CONFIGURED)
        if not isinstance(company, Answered):
            return company
        if company.value is None:
            return Answered(False)
        return register.represents(person, company.value.fiscal_code)

    def _earlier(self, rea: str, person: str, actor: Actor) -> tuple[Earlier, ...]:
        """Return the devices issued for the company before, here and by others."""
        body = actor.mandate.body
        with self._engine.connect() as connection:
            stored = StoredThings(connection)
            archive = [document for _, document in stored.of_owner("earlier_issue", rea)]
            own = [
                {**document, "fiscal_code": document["holder"]["fiscal_code"]}
                for _, document in stored.of_owner("request", rea)
                if document["state"] in _ISSUED
            ]
        return tuple(_earlier(found, person) for found in [*archive, *own] if found["body"] == body)


def _earlier(document: Document, person: str) -> Earlier:
    same = undo_omocodia(document.get("fiscal_code", "")) == undo_omocodia(person)
    return Earlier(DeviceKind(document["device_kind"]), to_applicant=same)
