"""First issue to a company (primo rilascio, REG-6): what was found out, the rule, and the tariff.

`decide` is pure: what registers and archive said comes in, the outcome and why comes out. A register
that did not answer never blocks: the outcome is then the dearer one, and the reason says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from cmsdesk.base.errors import Fact
from cmsdesk.base.texts import N_
from cmsdesk.domain.configuration import (
    AnnualFee,
    EarlierIssues,
    FirstIssueRules,
    Imposed,
    Tariffs,
)
from cmsdesk.domain.device import DeviceKind


class Finding(Enum):
    """What a register said to a question that is answered by yes or no."""

    YES = "yes"
    NO = "no"
    UNAVAILABLE = "unavailable"
    """It did not answer."""
    CONTRADICTORY = "contradictory"
    """Its answers do not fit one another, or do not fit what was entered."""
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Reason:
    """Why: a message of the catalogue and its facts, told in the reader's language."""

    text: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class FirstIssue:
    """The outcome, as it is shown, counted and kept with the request."""

    first: bool
    """What counts for the tariff."""
    computed: bool
    """What the rules alone say; differs from ``first`` where the chamber imposes the outcome."""
    imposed: bool
    tariff: str
    """Code of the chamber's tariff."""
    fee_cents: int
    legal_representative: Finding = Finding.NOT_ASKED
    annual_fee: Finding = Finding.NOT_ASKED
    """Whether the annual fee (diritto annuale) is paid."""
    reasons: tuple[Reason, ...] = ()


FIRST, FURTHER = "first", "further"
"""Codes of the two tariffs of a device."""


@dataclass(frozen=True)
class Earlier:
    """A device that was issued for the company before, by whomever (REG-6)."""

    kind: DeviceKind
    to_applicant: bool = False
    """To the same person that asks now."""


@dataclass(frozen=True)
class Found:
    """What is known when the tariff is decided."""

    company: str | None
    """Key of the company (CCIAA + REA); None: the applicant asks for none."""
    legal_representative: Finding = Finding.NOT_ASKED
    """As the register says; see `cariche` for the chamber's own set."""
    cariche: Sequence[str] = ()
    """Codes of the offices (cariche) the applicant holds in the company."""
    annual_fee: Finding = Finding.NOT_ASKED
    earlier: Sequence[Earlier] | None = None
    """Devices issued before for the company; None: the archive could not be asked."""
    holder_has_device: Finding = Finding.NOT_ASKED


def decide(
    rules: FirstIssueRules, tariffs: Tariffs, office: str, kind: DeviceKind, found: Found
) -> FirstIssue:
    """Return whether this is a first issue to the company, why, and what it costs (domain.md §9).

    Raises:
        KeyError: the body has no tariff for this kind of device.
    """
    fee = tariffs.devices[kind]
    representative = _representative(rules, found)
    reasons = [reason for reason in _against(rules, kind, found, representative) if reason is not None]
    computed = not reasons
    if computed:
        reasons = [Reason(_FIRST)]
    imposed = rules.imposed.get(office)
    first = computed if imposed is None else imposed is Imposed.FIRST
    if imposed is not None:
        reasons.insert(0, Reason(_IMPOSED[imposed]))
    extras = sum(extra.fee_cents for extra in tariffs.extras if extra.always)
    return FirstIssue(
        first=first,
        computed=computed,
        imposed=imposed is not None,
        tariff=FIRST if first else FURTHER,
        fee_cents=(fee.first_cents if first else fee.further_cents) + extras,
        legal_representative=representative,
        annual_fee=found.annual_fee,
        reasons=(*reasons, *_shown(rules, found)),
    )


_FIRST = N_("All conditions of a first issue to the company are met.")
_NO_COMPANY = N_("The applicant asks for no company.")
_IMPOSED = {
    Imposed.FIRST: N_("The chamber imposes the first issue for this office."),
    Imposed.NOT_FIRST: N_("The chamber imposes the full tariff for this office."),
}
_REPRESENTATIVE = {
    Finding.NO: N_("The applicant is no legal representative of the company, as the chamber counts them."),
    Finding.UNAVAILABLE: N_("Registro Imprese did not answer: the legal representative is not ascertained."),
    Finding.CONTRADICTORY: N_("Registro Imprese contradicts itself or the data entered."),
    Finding.NOT_ASKED: N_("Registro Imprese was not asked about the legal representative."),
}
_ANNUAL_FEE = {
    Finding.NO: N_("The company has not paid the annual fee."),
    Finding.UNAVAILABLE: N_("The annual fee could not be ascertained: the service did not answer."),
    Finding.CONTRADICTORY: N_("The answers about the annual fee contradict each other."),
    Finding.NOT_ASKED: N_("The annual fee was not asked about."),
}
_HAS_DEVICE = {
    Finding.YES: N_("The applicant has a device already."),
    Finding.UNAVAILABLE: N_("It could not be ascertained whether the applicant has a device already."),
    Finding.CONTRADICTORY: N_("It is contradictory whether the applicant has a device already."),
    Finding.NOT_ASKED: N_("It was not looked up whether the applicant has a device already."),
}
_ARCHIVE = N_("The archive of earlier issues could not be asked.")
_EARLIER = N_("Devices issued to the company before: {count}.")
_EARLIER_OF_KIND = N_("Devices of this type issued to the company before: {count}.")
_FEE_SHOWN = N_("Annual fee, for information only: not paid.")


def _representative(rules: FirstIssueRules, found: Found) -> Finding:
    """Return whether the applicant represents the company, as the chamber counts cariche (S0-106)."""
    if rules.cariche and found.legal_representative in (Finding.YES, Finding.NO):
        return Finding.YES if set(rules.cariche) & set(found.cariche) else Finding.NO
    return found.legal_representative


def _against(
    rules: FirstIssueRules, kind: DeviceKind, found: Found, representative: Finding
) -> list[Reason | None]:
    """Return what speaks against a first issue, one reason a condition."""
    if found.company is None:
        return [Reason(_NO_COMPANY)]
    against = [_unless(representative, Finding.YES, _REPRESENTATIVE)]
    if rules.annual_fee is AnnualFee.REQUIRED:
        against.append(_unless(found.annual_fee, Finding.YES, _ANNUAL_FEE))
    if rules.earlier_issues is not EarlierIssues.IGNORED:
        against.append(_earlier(rules, kind, found.earlier))
    if rules.holder_without_device:
        against.append(_unless(found.holder_has_device, Finding.NO, _HAS_DEVICE))
    return against


def _unless(finding: Finding, wanted: Finding, reasons: Mapping[Finding, str]) -> Reason | None:
    return None if finding is wanted else Reason(reasons[finding])


def _earlier(rules: FirstIssueRules, kind: DeviceKind, earlier: Sequence[Earlier] | None) -> Reason | None:
    if earlier is None:
        return Reason(_ARCHIVE)
    per_kind = rules.earlier_issues is EarlierIssues.PER_DEVICE_KIND
    counted = [issue for issue in earlier if issue.to_applicant or rules.one_per_company]
    count = sum(1 for issue in counted if issue.kind is kind or not per_kind)
    return Reason(_EARLIER_OF_KIND if per_kind else _EARLIER, {"count": count}) if count else None


def _shown(rules: FirstIssueRules, found: Found) -> list[Reason]:
    """Return what the operator is told although it does not count (REG-5)."""
    told = rules.annual_fee is AnnualFee.SHOWN and found.annual_fee is Finding.NO
    return [Reason(_FEE_SHOWN)] if told and found.company is not None else []
