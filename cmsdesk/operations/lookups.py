"""What registration looks up in registers outside (REG-4…7); places are `operations.places`.

A look-up never stops a registration: an answer is one of `Answered`, `Unavailable`, `Contradictory`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, Protocol, TypeAlias, TypeVar

from cmsdesk.base.texts import N_

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Answered(Generic[T_co]):
    """The register answered."""

    value: T_co


@dataclass(frozen=True)
class Unavailable:
    """It did not answer, or not in time, or not so that it can be understood."""

    reason: str
    """Message of the catalogue."""


@dataclass(frozen=True)
class Contradictory:
    """Its answers do not fit one another."""

    reason: str
    """Message of the catalogue."""


@dataclass(frozen=True)
class CompanyFound:
    """A company as Registro Imprese knows it."""

    fiscal_code: str
    name: str
    rea: str = ""
    """``RM-123456``; empty where the service that answered does not say it (domain.md §5.4)."""
    vat_number: str = ""
    street: str = ""
    municipality: str = ""
    province: str = ""
    postcode: str = ""


@dataclass(frozen=True)
class OfficeHeld:
    """An office (carica) that a person holds in a company."""

    code: str
    title: str
    represents: bool
    """Whether the register calls its holder a legal representative."""


@dataclass(frozen=True)
class CodeCheck:
    """What the tax agency says of a codice fiscale (domain.md §5.3)."""

    valid: bool
    message: str
    """In the agency's words."""


@dataclass(frozen=True)
class PersonFound:
    """A resident as ANPR knows it (domain.md §5.2); what it does not say is empty."""

    fiscal_code: str
    surname: str
    given_name: str
    sex: str
    born_on: date
    street: str = ""
    municipality: str = ""
    province: str = ""
    postcode: str = ""


@dataclass(frozen=True)
class Asker:
    """Who asks, for a register that records it: no name, but what leads to one on our side."""

    user: str
    """Id of the mandate."""
    place: str
    """SHA-256 of the workstation's certificate, hex."""


Companies: TypeAlias = "Answered[Sequence[CompanyFound]] | Unavailable | Contradictory"
CompanyAnswer: TypeAlias = "Answered[CompanyFound | None] | Unavailable | Contradictory"
YesNo: TypeAlias = "Answered[bool] | Unavailable | Contradictory"
Offices: TypeAlias = "Answered[Sequence[OfficeHeld]] | Unavailable | Contradictory"
CodeAnswer: TypeAlias = "Answered[CodeCheck] | Unavailable | Contradictory"
PersonAnswer: TypeAlias = "Answered[PersonFound | None] | Unavailable | Contradictory"

NOT_CONFIGURED = N_("this look-up is not set up at the service")
NO_ANSWER = N_("no answer in time")
NOT_UNDERSTOOD = N_("its answer is not understood")
REFUSED = N_("it refused the question")
OTHER_PERSON = N_("it answered about another person or company")
LIST_DIFFERS = N_("its list of companies and its single answer differ")


class CompanyRegister(Protocol):
    """Registro Imprese by codici fiscali (domain.md §5.4)."""

    def represented_by(self, person: str) -> Companies:
        """Return the companies that a person legally represents."""
        ...

    def represents(self, person: str, company: str) -> YesNo:
        """Tell whether a person legally represents a company."""
        ...

    def seat(self, company: str) -> CompanyAnswer:
        """Return a company with its seat, by its codice fiscale."""
        ...


class ReaRegister(Protocol):
    """REA, offices held and annual fee: no public interface (domain.md §5.4), so one of our own."""

    def company(self, rea: str) -> CompanyAnswer:
        """Return a company by its key ``RM-123456``."""
        ...

    def offices_held(self, rea: str, person: str) -> Offices:
        """Return the offices (cariche) of a person in a company."""
        ...

    def annual_fee_paid(self, rea: str, year: int) -> YesNo:
        """Tell whether a company has paid the annual fee (diritto annuale) of a year."""
        ...


class CodeRegister(Protocol):
    """The tax agency's check of a codice fiscale (domain.md §5.3)."""

    def check(self, fiscal_code: str) -> CodeAnswer:
        """Tell whether a code is valid."""
        ...


class PersonRegister(Protocol):
    """ANPR's name and residence of a person (domain.md §5.2)."""

    def person(self, fiscal_code: str, asker: Asker) -> PersonAnswer:
        """Return a resident; None: the register has no such person."""
        ...
