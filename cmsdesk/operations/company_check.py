"""What the registers say of an applicant and a company, together: the ground of the first-issue decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeAlias

from cmsdesk.domain.first_issue import Earlier, Finding, Found
from cmsdesk.domain.shapes import plain, shaped
from cmsdesk.operations.lookups import (
    Answered,
    CodeAnswer,
    CodeCheck,
    Companies,
    CompanyAnswer,
    CompanyFound,
    Contradictory,
    OfficeHeld,
    Offices,
    PersonAnswer,
    PersonFound,
    Unavailable,
    YesNo,
)

_Answer: TypeAlias = "Answered[Any] | Unavailable | Contradictory"


@dataclass(frozen=True)
class CompanyCheck:
    """Four answers about one person and one company, and the earlier issues on record."""

    company: CompanyAnswer
    represents: YesNo
    """By Registro Imprese."""
    offices: Offices
    """Of the person in the company, by the REA registry."""
    annual_fee: YesNo
    earlier: tuple[Earlier, ...]

    def found(self, rea: str, holder_has_device: Finding = Finding.NOT_ASKED) -> Found:
        """Return what `first_issue.decide` asks for."""
        held = self.offices.value if isinstance(self.offices, Answered) else ()
        return Found(
            company=rea,
            legal_representative=self._representative(),
            cariche=tuple(office.code for office in held),
            annual_fee=finding_of(self.annual_fee),
            earlier=self.earlier,
            holder_has_device=holder_has_device,
        )

    def _representative(self) -> Finding:
        """Return what both registers say together; two that differ contradict each other."""
        says = finding_of(self.represents)
        if not isinstance(self.offices, Answered):
            other = finding_of(self.offices)
        else:
            other = _finding(any(office.represents for office in self.offices.value))
        known = {finding for finding in (says, other) if finding in (Finding.YES, Finding.NO)}
        if Finding.CONTRADICTORY in (says, other) or len(known) > 1:
            return Finding.CONTRADICTORY
        return known.pop() if known else Finding.UNAVAILABLE

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        answers = {
            "company": self.company,
            "represents": self.represents,
            "offices": self.offices,
            "annual_fee": self.annual_fee,
        }
        written: dict[str, Any] = {name: answer_document(answer) for name, answer in answers.items()}
        return {**written, "earlier": [plain(issue) for issue in self.earlier]}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> CompanyCheck:
        """Return what a `document` says.

        Raises:
            KeyError, ValueError: it is none.
        """
        return cls(
            company=_answer(document["company"], CompanyFound),
            represents=_answer(document["represents"], bool),
            offices=_answers(document["offices"], OfficeHeld),
            annual_fee=_answer(document["annual_fee"], bool),
            earlier=tuple(shaped(Earlier, issue) for issue in document["earlier"]),
        )


class LookUps(Protocol):
    """What a desk asks the registers through the service; each call blocks and may raise."""

    def represented_by(self, person: str) -> Companies:
        """Return the companies that a person legally represents."""
        ...

    def check(self, person: str, rea: str, year: int) -> CompanyCheck:
        """Return what is known of a person and a company; ``year`` is the annual fee's."""
        ...

    def check_code(self, fiscal_code: str) -> CodeAnswer:
        """Return what the tax agency says of a codice fiscale."""
        ...

    def person(self, fiscal_code: str) -> PersonAnswer:
        """Return name and residence of a person as ANPR knows them."""
        ...


def annual_fee_year(today: date) -> int:
    """Return the last year whose annual fee is due: it is paid until 30 June (DM 359/2001, art. 8)."""
    return today.year if today >= date(today.year, *_DUE_AFTER) else today.year - 1


_DUE_AFTER = (7, 1)
"""Month and day from which a year's fee has been due."""


def finding_of(answer: _Answer) -> Finding:
    """Return a yes-or-no answer as a finding."""
    if isinstance(answer, Answered):
        return _finding(answer.value)
    return Finding.CONTRADICTORY if isinstance(answer, Contradictory) else Finding.UNAVAILABLE


def answer_document(answer: _Answer) -> dict[str, Any]:
    """Return an answer as JSON values: ``outcome`` and ``value`` or ``reason``."""
    if isinstance(answer, Answered):
        value = tuple(answer.value) if isinstance(answer.value, list) else answer.value
        return {"outcome": "answered", "value": plain(value)}
    outcome = "contradictory" if isinstance(answer, Contradictory) else "unavailable"
    return {"outcome": outcome, "reason": answer.reason}


def companies_of(document: Mapping[str, Any]) -> Companies:
    """Return the companies of an answer's document."""
    companies: Companies = _answers(document, CompanyFound)
    return companies


def code_check_of(document: Mapping[str, Any]) -> CodeAnswer:
    """Return what the tax agency said, of an answer's document."""
    answer: CodeAnswer = _answer(document, CodeCheck)
    return answer


def person_of(document: Mapping[str, Any]) -> PersonAnswer:
    """Return what ANPR said, of an answer's document."""
    answer: PersonAnswer = _answer(document, PersonFound)
    return answer


def _finding(says: bool) -> Finding:
    return Finding.YES if says else Finding.NO


def _answer(document: Mapping[str, Any], kind: type[Any]) -> Any:
    if document["outcome"] != "answered":
        return _unanswered(document)
    value = document["value"]
    if kind is bool:
        return Answered(bool(value))
    return Answered(None if value is None else shaped(kind, value))


def _answers(document: Mapping[str, Any], kind: type[Any]) -> Any:
    if document["outcome"] != "answered":
        return _unanswered(document)
    return Answered(tuple(shaped(kind, one) for one in document["value"]))


def _unanswered(document: Mapping[str, Any]) -> Unavailable | Contradictory:
    reason = str(document["reason"])
    if document["outcome"] == "contradictory":
        return Contradictory(reason)
    if document["outcome"] == "unavailable":
        return Unavailable(reason)
    raise ValueError("no outcome of a look-up")
