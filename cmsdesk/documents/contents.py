"""What each paper says: plain values, whoever draws them. Nothing that draws is imported with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cmsdesk.documents.subjects import Company, Outcome, Person
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.scratch_card import ScratchDelivery


@dataclass(frozen=True)
class RequestForm:
    """What the form says; the empty one is printed to be filled in by hand (REG-1)."""

    code: str = ""
    """The request's code; empty on a form to fill in by hand."""
    person: Person = field(default_factory=Person)
    company: Company | None = None
    device_kind: DeviceKind | None = None
    codes_by: ScratchDelivery | None = None
    """How the codes go to the holder; None on a form to fill in by hand."""
    codes_offered: Sequence[ScratchDelivery] = tuple(ScratchDelivery)
    """The ways among which the body lets choose."""
    fee_cents: int | None = None
    first_issue: bool | None = None
    limits: str = ""
    """Limits of use that the applicant asks for."""
    paid_with: str = ""
    """Number of the till receipt or reference of the payment."""
    operator: str = ""
    registered_at: datetime | None = None
    outcome: Outcome | None = None

    @property
    def codes(self) -> Sequence[tuple[bool, ScratchDelivery]]:
        """The ways of the codes to the holder, each with whether it is ticked: the only one always is."""
        ways = tuple(dict.fromkeys((*self.codes_offered, *([self.codes_by] if self.codes_by else ()))))
        return [(way is self.codes_by or len(ways) == 1, way) for way in ways]

    @property
    def by_hand(self) -> bool:
        """Tell whether the form is to be filled in by hand."""
        return not self.code


@dataclass(frozen=True)
class Delivery:
    """A device in the hands of its holder."""

    code: str
    """The request's."""
    person: Person
    outcome: Outcome
    operator: str
    """Who hands it over."""
    delivered_at: datetime | None = None
    """Aware; None while the receipt waits for the holder."""


@dataclass(frozen=True)
class TillReceipt:
    """An amount collected at the till, or given back."""

    number: str
    """In the till's own series, as «BZ1/2026/000123»."""
    collected_at: datetime
    amount_cents: int
    """Below zero when it is given back."""
    method: str
    """A message id: cash, POS."""
    payer: str
    payer_fiscal_code: str
    reason: str
    """A message id: what the amount is for."""
    operator: str
    request_code: str = ""
    reference: str = ""
    """Of the POS operation."""
    reverses: str = ""
    """Number of the receipt that this one takes back."""
    note: str = ""
    """Why it is given back, in the words of who did."""


@dataclass(frozen=True)
class Closing:
    """The day of a till, or however long it was open."""

    till: str
    opened_at: datetime
    closed_at: datetime
    operator: str
    receipts: Sequence[TillReceipt]
    opening_cash_cents: int
    counted_cash_cents: int
    expected_cash_cents: int
    note: str = ""

    @property
    def difference_cents(self) -> int:
        """What was counted more than expected; below zero when money is short."""
        return self.counted_cash_cents - self.expected_cash_cents


@dataclass(frozen=True)
class Column:
    """A column: its heading (a message id), and how wide it is beside the others."""

    heading: str
    share: float = 1.0
    numbers: bool = False
    """Set to the right."""


@dataclass(frozen=True)
class ListPaper:
    """A list to print: operators or figures of an office, a work list as it was filtered (ORG-6, PRO-1)."""

    title: str
    """A message id."""
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    """Words already in the first language of the stationery."""
    context: str = ""
    """One line: filters, period."""
    totals: Sequence[str] = ()
