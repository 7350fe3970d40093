"""Registration (REG-1…13) as far as a production needs it: the holder's data, checked and stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from cmsdesk.base.clock import ROME, Clock
from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.request import Holder, Request, RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.domain.words import FIELDS, word
from cmsdesk.operations.errors import (
    FiscalCodeMismatch,
    FiscalCodeWrong,
    RegistrationIncomplete,
    StaleState,
)
from cmsdesk.operations.ports import Records

# What every mail server takes: one @, no spaces, a domain with a dot (RFC 5321 §4.1.2, in part).
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True)
class FiscalCodeFacts:
    """What a codice fiscale says of its owner (domain.md §3.1)."""

    surname_code: str
    given_name_code: str
    sex: str
    born_on: date
    """Right but for its century: the code has two digits of the year."""
    birthplace_code: str


class FiscalCodes(Protocol):
    """A library of codici fiscali, municipalities and countries with their history."""

    def read(self, code: str) -> FiscalCodeFacts | None:
        """Return what ``code`` says, omocodia undone; None when it is not valid."""
        ...

    def name_codes(self, surname: str, given_name: str) -> tuple[str, str]:
        """Return the three letters each of surname and given name."""
        ...


@dataclass(frozen=True)
class Registration:
    """What the operator enters."""

    body: str
    office: str
    holder: Holder
    device_kind: DeviceKind
    key_algorithm: KeyAlgorithm
    ca: str
    scratch_delivery: ScratchDelivery


def register(
    registration: Registration, records: Records, fiscal_codes: FiscalCodes, clock: Clock
) -> Request:
    """Check and store a registration; return the registered request.

    Raises:
        RegistrationIncomplete, FiscalCodeWrong, FiscalCodeMismatch: nothing was stored.
    """
    check_complete(registration.holder, clock.now().astimezone(ROME).date())
    check_fiscal_code(registration.holder, fiscal_codes)
    request = Request(
        id=new_id(),
        body=registration.body,
        office=registration.office,
        holder=registration.holder,
        device_kind=registration.device_kind,
        key_algorithm=registration.key_algorithm,
        ca=registration.ca,
        scratch_delivery=registration.scratch_delivery,
        state=RequestState.REGISTERED,
    )
    records.save_request(request)
    return request


def approve(request: str, records: Records) -> Request:
    """Approve a registered request; its data are frozen from now on (REG-13).

    Raises:
        UnknownRequest, StaleState.
    """
    found = records.request(request)
    try:
        approved = found.approved()
    except ValueError:
        raise StaleState(
            what=N_("The request"), id=request, state=word(found.state), wanted=word(RequestState.APPROVED)
        ) from None
    records.save_request(approved)
    return approved


def check_complete(holder: Holder, today: date) -> None:
    """Check what every registration needs (REG-2, REG-9).

    Raises:
        RegistrationIncomplete: naming the field.
    """
    needed = {
        "surname": holder.surname,
        "given_name": holder.given_name,
        "contact_email": holder.contact_email,
        "document.number": holder.document.number,
        "residence.street": holder.residence.street,
        "residence.municipality": holder.residence.municipality,
    }
    for field, value in needed.items():
        if not value.strip():
            raise _incomplete(field, N_("is missing"))
    for field, address in {
        "contact_email": holder.contact_email,
        "certificate_email": holder.certificate_email,
    }.items():
        if address is not None and not _EMAIL.fullmatch(address):
            raise _incomplete(field, N_("is not an address"))
    if holder.document.expires_on < today:
        raise _incomplete("document.expires_on", N_("is past"))


def _incomplete(field: str, problem: str) -> RegistrationIncomplete:
    return RegistrationIncomplete(field=field, label=FIELDS[field], problem=problem)


def check_fiscal_code(holder: Holder, fiscal_codes: FiscalCodes) -> None:
    """Compare the codice fiscale with the personal data.

    Raises:
        FiscalCodeWrong: its check letter or form is wrong.
        FiscalCodeMismatch: it belongs to other data; names the first that differs.
    """
    facts = fiscal_codes.read(holder.fiscal_code)
    if facts is None:
        raise FiscalCodeWrong()
    surname, given_name = fiscal_codes.name_codes(holder.surname, holder.given_name)
    pairs = {
        "surname": (facts.surname_code, surname),
        "given_name": (facts.given_name_code, given_name),
        "sex": (facts.sex, holder.sex),
        "born_on": (_without_century(facts.born_on), _without_century(holder.born_on)),
        "birth_municipality_code": (facts.birthplace_code, holder.birth_municipality_code),
    }
    for field, (said, given) in pairs.items():
        if said != given:
            raise FiscalCodeMismatch(field=field, label=FIELDS[field])


def _without_century(day: date) -> tuple[int, int, int]:
    """Return what a codice fiscale can say of a day: a centenarian's code is also a child's."""
    return day.year % 100, day.month, day.day
