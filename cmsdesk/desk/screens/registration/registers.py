"""What registers outside say of the person and the company in the form (REG-4…7).

Asked in threads; their silence, slowness and contradictions are answers like any other and hinder nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal

from cmsdesk.base.clock import ROME, Clock
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.domain.first_issue import Finding, Found
from cmsdesk.operations.company_check import CompanyCheck, LookUps, annual_fee_year
from cmsdesk.operations.lookups import (
    NO_ANSWER,
    Answered,
    CodeAnswer,
    Companies,
    CompanyAnswer,
    CompanyFound,
    Contradictory,
    Offices,
    PersonAnswer,
    PersonFound,
    Unavailable,
)

TYPING_MS = 350
"""So long after the last digit of a REA number the company is asked for."""


@dataclass(frozen=True)
class Line:
    """One sentence of the registers, of the catalogue; ``values`` that are messages are in ``said``."""

    message: str
    tone: str = ""
    """``warn``, ``good`` or none."""
    values: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)


class Registers(QObject):
    """Follows the form; `answered` whenever something came in or is being asked anew."""

    answered = Signal()

    def __init__(self, look_ups: LookUps | None, clock: Clock, parent: QObject | None = None) -> None:
        """``look_ups``: None where nobody can be asked."""
        super().__init__(parent)
        self._look_ups, self._clock = look_ups, clock
        self._person = self._rea = ""
        self.code: CodeAnswer | None = None
        self.represented: Companies | None = None
        self.person: PersonAnswer | None = None
        self.check: CompanyCheck | None = None
        self._check_failed = False
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(TYPING_MS)
        self._typed.timeout.connect(self._ask_company)

    def follow(self, person: str, rea: str) -> None:
        """The form names this person (a valid codice fiscale, or empty) and this company now."""
        if self._look_ups is None:
            return
        new_person = person != self._person
        if new_person:
            self.code = self.represented = self.person = None
            self._person = person
            if person:
                self._ask_person(self._look_ups, person)
        if new_person or rea != self._rea:
            self._rea, self.check, self._check_failed = rea, None, False
            if person and rea:
                self._typed.start()
            else:
                self._typed.stop()
            self.answered.emit()

    @property
    def asking(self) -> bool:
        """Whether the company's answer, which decides the fee, is still to come."""
        awaited = bool(self._person and self._rea) and self.check is None and not self._check_failed
        return awaited and self._look_ups is not None

    def found(self, holder_has_device: Finding) -> Found | None:
        """Return the ground of the first-issue decision; None as long as nobody answered."""
        if self.check is not None:
            return self.check.found(self._rea, holder_has_device)
        if self._check_failed:
            silent = Finding.UNAVAILABLE
            return Found(self._rea, silent, (), silent, None, holder_has_device)
        return None

    def offered(self) -> dict[str, str]:
        """Return what the register says of the company, by the form's paths."""
        if self.check is None or not isinstance(self.check.company, Answered):
            return {}
        company = self.check.company.value
        return {} if company is None else {**of_company(company), paths.POSITION: self._position()}

    def resident(self) -> dict[str, str]:
        """Return what ANPR says of the person, by the form's paths."""
        found = self.person.value if isinstance(self.person, Answered) else None
        return {} if found is None else of_resident(found)

    def companies(self) -> list[CompanyFound]:
        """Return the companies that the person represents."""
        return list(self.represented.value) if isinstance(self.represented, Answered) else []

    def lines(self) -> list[Line]:
        """Return in sentences what the operator is told beside the fee and its reasons."""
        found = [
            line for line in (self._of_code(), self._of_person(), *self._of_company()) if line is not None
        ]
        if self.asking:
            found.append(Line(N_("The registers are being asked …")))
        return found

    # --- inside --------------------------------------------------------------------------------

    def _ask_person(self, look_ups: LookUps, person: str) -> None:
        def keep_code(answer: CodeAnswer) -> None:
            if person == self._person:
                self.code = answer
                self.answered.emit()

        def keep_companies(answer: Companies) -> None:
            if person == self._person:
                self.represented = answer
                self.answered.emit()

        def keep_person(answer: PersonAnswer) -> None:
            if person == self._person:
                self.person = answer
                self.answered.emit()

        silent = Unavailable(NO_ANSWER)
        work.start(
            self,
            lambda: look_ups.person(person),
            done=keep_person,
            failed=lambda _: keep_person(silent),
        )
        work.start(
            self,
            lambda: look_ups.check_code(person),
            done=keep_code,
            failed=lambda _: keep_code(silent),
        )
        work.start(
            self,
            lambda: look_ups.represented_by(person),
            done=keep_companies,
            failed=lambda _: keep_companies(silent),
        )

    def _ask_company(self) -> None:
        look_ups, person, rea = self._look_ups, self._person, self._rea
        if look_ups is None:
            return
        year = annual_fee_year(self._clock.now().astimezone(ROME).date())

        def keep(check: CompanyCheck | None) -> None:
            if (person, rea) == (self._person, self._rea):
                self.check, self._check_failed = check, check is None
                self.answered.emit()

        work.start(self, lambda: look_ups.check(person, rea, year), done=keep, failed=lambda _: keep(None))

    def _of_code(self) -> Line | None:
        match self.code:
            case Answered(value) if not value.valid:
                return Line(N_("The tax agency does not know this codice fiscale as valid."), "warn")
            case Unavailable(reason) | Contradictory(reason):
                return Line(N_("Tax agency: {reason}."), said={"reason": reason})
        return None

    def _of_person(self) -> Line | None:
        match self.person:
            case Answered(value) if value is None:
                return Line(N_("ANPR knows no resident with this codice fiscale."), "warn")
            case Unavailable(reason) | Contradictory(reason):
                return Line(N_("ANPR: {reason}."), said={"reason": reason})
        return None

    def _of_company(self) -> Iterator[Line | None]:
        company: CompanyAnswer | None = None if self.check is None else self.check.company
        if self._check_failed:
            company = Unavailable(NO_ANSWER)
        match company:
            case Answered(value) if value is None:
                yield Line(N_("The register knows no company {rea}."), "warn", {"rea": self._rea})
            case Unavailable(reason) | Contradictory(reason):
                yield Line(N_("Company register: {reason}."), "warn", said={"reason": reason})
        offices: Offices | None = None if self.check is None else self.check.offices
        if isinstance(offices, Answered) and offices.value:
            held = ", ".join(office.title for office in offices.value)
            yield Line(N_("Position by the register: {held}."), values={"held": held})

    def _position(self) -> str:
        offices = None if self.check is None else self.check.offices
        if not isinstance(offices, Answered) or not offices.value:
            return ""
        return next((office.title for office in offices.value if office.represents), offices.value[0].title)


def of_resident(person: PersonFound) -> dict[str, str]:
    """Return what ANPR says of a person, by the form's paths; what it leaves empty is not offered."""
    found = {
        paths.SURNAME: as_written(person.surname),
        paths.GIVEN_NAME: as_written(person.given_name),
        paths.STREET: person.street,
        paths.MUNICIPALITY: as_written(person.municipality),
        paths.PROVINCE: person.province,
        paths.POSTCODE: person.postcode,
    }
    return {path: text for path, text in found.items() if text}


def as_written(name: str) -> str:
    """Return a name that stands in capitals as people write it."""
    return name.title() if name.isupper() else name


def of_company(company: CompanyFound) -> dict[str, str]:
    """Return what a register says of a company, by the form's paths."""
    found = {paths.COMPANY_NAME: company.name, paths.COMPANY_CODE: company.fiscal_code}
    office, dash, number = company.rea.partition("-")
    if dash:
        found |= {paths.REA_OFFICE: office, paths.REA_NUMBER: number}
    return found
