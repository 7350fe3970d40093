"""Requests for a device and their life (PRO-1, PRO-2, REG-13)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any, Self

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.first_issue import FirstIssue
from cmsdesk.domain.scratch_card import ScratchDelivery


class RequestState(Enum):
    """Where a request is in its life."""

    DRAFT = "draft"
    REGISTERED = "registered"
    READY = "ready"
    """From the portal: signed, paid and frozen, «pronta per essere prodotta» (POR-5)."""
    APPROVED = "approved"
    IN_PRODUCTION = "in_production"
    PRODUCED = "produced"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """Given up after a production that was reset; it may be tried again with the same data."""


# (from, to): what may follow what. A reset production goes back to «approved», or to «failed» for good.
TRANSITIONS: frozenset[tuple[RequestState, RequestState]] = frozenset(
    {
        (RequestState.DRAFT, RequestState.REGISTERED),
        (RequestState.DRAFT, RequestState.READY),
        (RequestState.DRAFT, RequestState.CANCELLED),
        (RequestState.REGISTERED, RequestState.APPROVED),
        (RequestState.REGISTERED, RequestState.CANCELLED),
        (RequestState.READY, RequestState.IN_PRODUCTION),
        (RequestState.READY, RequestState.CANCELLED),
        (RequestState.APPROVED, RequestState.IN_PRODUCTION),
        (RequestState.APPROVED, RequestState.CANCELLED),
        (RequestState.IN_PRODUCTION, RequestState.APPROVED),
        (RequestState.IN_PRODUCTION, RequestState.FAILED),
        (RequestState.FAILED, RequestState.APPROVED),
        (RequestState.FAILED, RequestState.CANCELLED),
        (RequestState.IN_PRODUCTION, RequestState.PRODUCED),
        (RequestState.PRODUCED, RequestState.DELIVERED),
    }
)


PENDING: frozenset[RequestState] = frozenset(
    {
        RequestState.DRAFT,
        RequestState.REGISTERED,
        RequestState.READY,
        RequestState.APPROVED,
        RequestState.IN_PRODUCTION,
        RequestState.PRODUCED,
        RequestState.FAILED,
    }
)
"""Requests that somebody still has to do something about."""


class Entry(Enum):
    """How a registration came in (REG-1)."""

    PAPER = "paper"
    """Typed in from a form filled on paper before."""
    ONLINE = "online"
    """Entered here; the form is printed from it."""


class Origin(Enum):
    """Where a value came from, before somebody typed another one (REG-7)."""

    TYPED = "typed"
    REGISTER = "registro_imprese"
    BOOKING = "booking"
    CERTIFICATE = "certificate"
    """The holder's last certificate."""
    ANPR = "anpr"
    """The national register of residents."""
    FISCAL_CODE = "fiscal_code"
    """Read from the codice fiscale."""


@dataclass(frozen=True)
class IdentityDocument:
    """The document the holder was identified with (REG-2)."""

    kind: str
    number: str
    issuer: str
    issued_on: date
    expires_on: date


@dataclass(frozen=True)
class Address:
    """A residence (REG-2)."""

    street: str
    municipality: str
    municipality_code: str
    """Cadastral code (codice catastale), four characters; empty abroad."""
    province: str
    postcode: str
    country: str = "IT"


@dataclass(frozen=True)
class Company:
    """The company the applicant asks for (REG-3): its key is CCIAA + REA number."""

    rea_office: str
    """Sigla of the province whose register holds the number (`RM`): not the chamber (domain.md §3.2)."""
    rea_number: str
    """Digits, as text."""
    name: str
    fiscal_code: str = ""
    """Of the company: eleven digits, or a person's sixteen characters."""
    vat_number: str = ""
    seat: Address | None = None
    office_held: str = ""
    """The applicant's office in the company (carica), as the register names it."""

    @property
    def rea(self) -> str:
        """The key as it is written: ``RM-123456``."""
        return f"{self.rea_office}-{self.rea_number}"


@dataclass(frozen=True)
class Holder:
    """The person the device is for (REG-2)."""

    fiscal_code: str
    surname: str
    given_name: str
    sex: str
    """«M» or «F»."""
    born_on: date
    birth_municipality_code: str
    """Cadastral code; of the country (Z…) for those born abroad."""
    citizenship: str
    """ISO 3166-1 alpha-2 of the citizenship."""
    residence: Address
    document: IdentityDocument
    contact_email: str
    """Mandatory, for expiry notices (REG-9)."""
    certificate_email: str | None = None
    """Optional, inside the CNS certificate (REG-8)."""
    birth_place: str | None = None
    """Name of the municipality at the time of birth, or of the place abroad."""
    birth_country: str | None = None
    """Name of the country for those born abroad."""
    mobile: str | None = None
    """International form, ``+39…``."""
    height_cm: int | None = None
    """For EF.Dati_personali (domain.md §1.3)."""
    residence_permit: IdentityDocument | None = None
    """For citizens of countries outside the Union (domain.md §8)."""


LATER_OF_HOLDER = ("birth_place", "birth_country", "mobile", "height_cm", "residence_permit")
"""What earlier releases did not know of a holder: written only where it says something."""


@dataclass(frozen=True)
class Request:
    """A request for one device with its two certificates (PRO-5)."""

    id: str
    body: str
    office: str
    holder: Holder
    device_kind: DeviceKind
    key_algorithm: KeyAlgorithm
    ca: str
    """Name of the CA that will issue."""
    scratch_delivery: ScratchDelivery
    state: RequestState
    approved_digest: str | None = None
    """SHA-256, hex, of `frozen_part` at approval; production refuses any other (REG-13)."""
    entry: Entry | None = None
    company: Company | None = None
    limits_of_use: str | None = None
    """Limits of use to be stated in the qualified certificate, as the applicant asked for them."""
    first_issue: FirstIssue | None = None
    """What was found out about the tariff when it was registered (REG-6)."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Source of a value by its path (``holder.residence.street``); what is not named was typed (REG-7)."""
    booking: str | None = None
    """The on-line booking (prenotazione) that this request came from."""
    notes: str | None = None
    created_at: str | None = None
    """When the service registered it, ISO 8601, UTC."""
    registered_by: str | None = None
    """Id of the mandate that registered it."""

    @property
    def code(self) -> str:
        """Its number for people: printed as a barcode, read out, typed (`request_code`)."""
        return request_code(self.id)

    def frozen_part(self) -> bytes:
        """Return what approval freezes, as canonical JSON (RFC 8785 rules as far as they apply).

        The contact address stays changeable (REG-9) and is left out; what earlier releases did not
        know is there only where it says something, so that what they approved stays as approved.
        """
        holder = asdict(self.holder)
        del holder["contact_email"]
        for name in LATER_OF_HOLDER:
            if holder[name] is None:
                del holder[name]
        part: dict[str, Any] = {
            "id": self.id,
            "body": self.body,
            "holder": holder,
            "device_kind": self.device_kind.value,
            "key_algorithm": self.key_algorithm.value,
            "ca": self.ca,
            "scratch_delivery": self.scratch_delivery.value,
        }
        if self.company is not None:
            part["company"] = asdict(self.company)
        if self.limits_of_use is not None:
            part["limits_of_use"] = self.limits_of_use
        return json.dumps(
            part, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=date.isoformat
        ).encode()

    def digest(self) -> str:
        """Return the SHA-256 of `frozen_part`, hex."""
        return hashlib.sha256(self.frozen_part()).hexdigest()

    def moved(self, to: RequestState) -> Self:
        """Return the request in state ``to``.

        Raises:
            ValueError: the transition table does not allow it.
        """
        if (self.state, to) not in TRANSITIONS:
            raise ValueError(f"a request cannot go from {self.state.value} to {to.value}")
        return replace(self, state=to)

    def approved(self) -> Self:
        """Return the request approved, its data frozen as they are now (REG-13).

        Raises:
            ValueError: it is not merely registered; one that a reset gave back stays approved as it was.
        """
        if self.state is not RequestState.REGISTERED:
            raise ValueError(f"a request cannot be approved when {self.state.value}")
        return replace(self, state=RequestState.APPROVED, approved_digest=self.digest())

    def is_as_approved(self) -> bool:
        """Tell whether the frozen data are still those that were approved."""
        return self.approved_digest is not None and self.approved_digest == self.digest()


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_DIGITS = 11
_CODE_GROUP = 4
_CHECK_MODULUS = 37
_MISREAD = str.maketrans("ILO", "110")


def request_code(identifier: str) -> str:
    """Return a request's number for people, ``XXXX-XXXX-XXXX``, from its id alone: so it exists offline.

    Crockford's base 32: eleven digits of SHA-256 and his check character. Those whose check would be
    a sign and no letter or digit are passed over.
    """
    seed = identifier.encode()
    while True:
        seed = hashlib.sha256(seed).digest()
        value = int.from_bytes(seed[:8], "big") >> 9
        check = value % _CHECK_MODULUS
        if check < len(_CROCKFORD):
            digits = [_CROCKFORD[value >> 5 * place & 31] for place in reversed(range(_CODE_DIGITS))]
            return _grouped("".join(digits) + _CROCKFORD[check])


def read_request_code(text: str) -> str | None:
    """Return a number that was typed or scanned as `request_code` writes it; None: a slip, or no number."""
    digits = "".join(text.split()).replace("-", "").upper().translate(_MISREAD)
    if len(digits) != _CODE_DIGITS + 1 or any(digit not in _CROCKFORD for digit in digits):
        return None
    value = 0
    for digit in digits[:-1]:
        value = value << 5 | _CROCKFORD.index(digit)
    return _grouped(digits) if value % _CHECK_MODULUS == _CROCKFORD.index(digits[-1]) else None


def _grouped(digits: str) -> str:
    return "-".join(digits[at : at + _CODE_GROUP] for at in range(0, len(digits), _CODE_GROUP))


def enrolment_key(production: str, slot: Slot) -> str:
    """Return the idempotency key of one certificate of a production."""
    return f"{production}-{slot.value}"
