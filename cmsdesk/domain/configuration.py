"""The configuration of a body (ORG-5): one thing ``configuration`` whose id is the body's.

Its document holds the sections of `Configuration` as plain values beside ``body`` and ``revision``
(1, 2, …: a change names the revision it was made on). Nothing here is built in: a body begins with
the data of ``resources/body_defaults.toml`` and changes them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Self

from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.journal import KEPT_YEARS
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.domain.shapes import ShapeWrong, plain, shaped

PERSONAL_SECTIONS = frozenset({"contact", "texts"})
"""Sections that hold addresses or free text: the journal keeps them apart, erasable."""
LEAST_MONTHS = 4
"""Longer than desks and backups keep what they may hand back (ninety days, OPS-2)."""
_MOST = 1200
LOGO_MOST_BYTES = 48 * 1024
PNG = b"\x89PNG\r\n\x1a\n"
"""How a PNG file begins."""


@dataclass(frozen=True)
class DeviceProfile:
    """What a body issues on one kind of device (S0-024)."""

    ca: str
    """Name of the CA that issues; one of `Configuration.authorities`."""
    key_algorithm: KeyAlgorithm
    profile: str = ""
    """Name of the profile at that CA; empty: the one that the service's settings name for the CA."""


@dataclass(frozen=True)
class DeviceFee:
    """The fee for one kind of device, in cents."""

    first_cents: int
    """When it is the first issue to the company."""
    further_cents: int
    """When it is not."""


@dataclass(frozen=True)
class Extra:
    """An item charged beside the device, such as a certificate or the shipping."""

    code: str
    title: Mapping[str, str]
    """By language («it», «de»)."""
    fee_cents: int
    always: bool = True
    """False: where the operator adds it."""


@dataclass(frozen=True)
class Tariffs:
    """What a body charges."""

    devices: Mapping[DeviceKind, DeviceFee]
    extras: tuple[Extra, ...] = ()
    renewal_desk_cents: int | None = None
    renewal_online_cents: int | None = None


class AnnualFee(Enum):
    """What the annual fee (diritto annuale) does for the first issue (REG-5, S0-108)."""

    REQUIRED = "required"
    SHOWN = "shown"
    IGNORED = "ignored"


class EarlierIssues(Enum):
    """Which earlier issues to the company count (REG-6, S0-110)."""

    ABSOLUTE = "absolute"
    """Any device."""
    PER_DEVICE_KIND = "per_device_kind"
    """Those of the same kind."""
    IGNORED = "ignored"


class Imposed(Enum):
    """An outcome that a body imposes for an office (S0-112)."""

    FIRST = "first"
    NOT_FIRST = "not_first"


@dataclass(frozen=True)
class FirstIssueRules:
    """When an issue is the first one to a company (primo rilascio all'impresa, REG-4…6)."""

    cariche: tuple[str, ...] = ()
    """Codes of the offices held in the company that count (S0-106); none: whomever the register calls a
    legal representative."""
    annual_fee: AnnualFee = AnnualFee.SHOWN
    earlier_issues: EarlierIssues = EarlierIssues.ABSOLUTE
    one_per_company: bool = True
    """One free device per company, whoever of its representatives has it (domain.md §9)."""
    holder_without_device: bool = False
    """The applicant must not have a device already (so Verona, domain.md §9)."""
    imposed: Mapping[str, Imposed] = field(default_factory=dict)
    """By office id; the others compute the outcome."""


class FormLanguage(Enum):
    """A language of the forms; two are printed side by side (REG-10)."""

    ITALIAN = "it"
    GERMAN = "de"


class PaymentMethod(Enum):
    """How a body is paid at the desk (REG-11)."""

    CASH = "cash"
    POS = "pos"
    ONLINE = "online"
    """Through a payment service."""


@dataclass(frozen=True)
class PaymentOptions:
    """Payment and till."""

    methods: tuple[PaymentMethod, ...] = ()
    """None: payments are not recorded here."""
    series: Mapping[str, str] = field(default_factory=dict)
    """Series of the till's receipts by office id; no till elsewhere."""


class RemoteDelivery(Enum):
    """How a device issued remotely reaches its holder (POR-5)."""

    HOME = "home"
    PICK_UP = "pick_up"


@dataclass(frozen=True)
class RemoteIssue:
    """Remote issue: deliveries offered by how the holder is identified (POR-5); none: not offered."""

    cns: tuple[RemoteDelivery, ...] = ()
    webid: tuple[RemoteDelivery, ...] = ()


@dataclass(frozen=True)
class Thresholds:
    """Numbers in stock below which it is time to order; 0: never."""

    smart_card: int = 0
    usb_token: int = 0
    scratch_card: int = 0


@dataclass(frozen=True)
class StockRules:
    """Thresholds of the whole body, and of offices that have their own."""

    body: Thresholds = field(default_factory=Thresholds)
    offices: Mapping[str, Thresholds] = field(default_factory=dict)
    """By office id."""


@dataclass(frozen=True)
class RetentionRules:
    """How long personal data are kept for which no legal time is known (domain.md §7); 0: for ever."""

    without_certificate_months: int = 0
    """Requests that no certificate was issued for, bookings, solved problems: from their last change."""
    earlier_issues_years: int = 0
    """Archive of earlier issues, from the day of issue; not less than the law's years (CAD 32 c. 3 j)."""


@dataclass(frozen=True)
class LegalTexts:
    """What only the body's lawyers can write, by language («it», «de»)."""

    declarations: Mapping[str, str] = field(default_factory=dict)
    """What the applicant declares on the form."""
    letter: Mapping[str, str] = field(default_factory=dict)
    """The accompanying letter's body."""


@dataclass(frozen=True)
class Contact:
    """How the body is reached: on forms and letters."""

    street: str = ""
    postcode: str = ""
    municipality: str = ""
    province: str = ""
    phone: str = ""
    email: str = ""
    pec: str = ""
    web: str = ""


@dataclass(frozen=True)
class Configuration:
    """All that a body decides for itself."""

    authorities: tuple[str, ...]
    """Names of the CAs the body issues from."""
    devices: Mapping[DeviceKind, DeviceProfile]
    """By kind of device; a kind that is not here is not issued."""
    tariffs: Tariffs
    first_issue: FirstIssueRules
    languages: tuple[FormLanguage, ...]
    """Of the forms, the first one leading."""
    scratch_delivery: tuple[ScratchDelivery, ...] = (ScratchDelivery.PAPER,)
    """How holders may get their codes; the first one where nobody chooses (S0-173)."""
    payments: PaymentOptions = field(default_factory=PaymentOptions)
    remote_issue: RemoteIssue = field(default_factory=RemoteIssue)
    stock: StockRules = field(default_factory=StockRules)
    retention: RetentionRules = field(default_factory=RetentionRules)
    texts: LegalTexts = field(default_factory=LegalTexts)
    contact: Contact = field(default_factory=Contact)
    logo: str | None = None
    """The body's logo, a PNG of at most `LOGO_MOST_BYTES`, in base 64: every desk has it with the rest."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the configuration that a document, or plain values, describe; other values are left out.

        Raises:
            ShapeWrong: a section is missing or wrong; where says which value.
        """
        own = {part.name: document[part.name] for part in fields(cls) if part.name in document}
        found = shaped(cls, own)
        found._check()
        return found

    def sections(self) -> dict[str, Any]:
        """Return the sections as plain JSON values."""
        values: dict[str, Any] = plain(self)
        return values

    def offices(self) -> set[str]:
        """Return the ids of offices that some section names."""
        return {*self.first_issue.imposed, *self.payments.series, *self.stock.offices}

    def _check(self) -> None:
        """Refuse what each value alone does not show.

        Raises:
            ShapeWrong.
        """
        _different(self.authorities, "authorities")
        for kind, profile in self.devices.items():
            if profile.ca not in self.authorities:
                raise ShapeWrong(f"devices.{kind.value}.ca")
            if kind not in self.tariffs.devices:
                raise ShapeWrong(f"tariffs.devices.{kind.value}")
        if not self.languages:
            raise ShapeWrong("languages")
        _different(self.languages, "languages")
        if not self.scratch_delivery:
            raise ShapeWrong("scratch_delivery")
        _different(self.scratch_delivery, "scratch_delivery")
        _different(self.payments.methods, "payments.methods")
        _different(tuple(extra.code for extra in self.tariffs.extras), "tariffs.extras")
        _different(tuple(self.payments.series.values()), "payments.series")
        _not_negative(plain(self.tariffs), "tariffs")
        _not_negative(plain(self.stock), "stock")
        _zero_or_within(
            self.retention.without_certificate_months, LEAST_MONTHS, "retention.without_certificate_months"
        )
        _zero_or_within(self.retention.earlier_issues_years, KEPT_YEARS, "retention.earlier_issues_years")
        if self.logo is not None and not _is_logo(self.logo):
            raise ShapeWrong("logo")


def _is_logo(text: str) -> bool:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return content.startswith(PNG) and len(content) <= LOGO_MOST_BYTES


def _different(members: tuple[object, ...], where: str) -> None:
    if len(set(members)) != len(members) or "" in members:
        raise ShapeWrong(where)


def _zero_or_within(value: int, least: int, where: str) -> None:
    if value and not least <= value <= _MOST:
        raise ShapeWrong(where)


def _not_negative(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            _not_negative(member, f"{where}.{name}")
    elif isinstance(value, list):
        for member in value:
            _not_negative(member, where)
    elif type(value) is int and value < 0:
        raise ShapeWrong(where)
