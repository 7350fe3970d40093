"""Whom and what papers are about, with codes already turned into words; what is empty is left to the hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.request import Holder


@dataclass(frozen=True)
class Person:
    """The applicant, later the holder (REG-2, REG-8, REG-9)."""

    fiscal_code: str = ""
    surname: str = ""
    given_name: str = ""
    sex: str = ""
    born_on: date | None = None
    birthplace: str = ""
    """As people write it: «Bolzano/Bozen (BZ)», «Argentina»."""
    citizenship: str = ""
    street: str = ""
    postcode: str = ""
    municipality: str = ""
    province: str = ""
    country: str = ""
    """Empty for Italy."""
    document_kind: str = ""
    document_number: str = ""
    document_issuer: str = ""
    document_issued_on: date | None = None
    document_expires_on: date | None = None
    contact_email: str = ""
    certificate_email: str = ""
    mobile: str = ""
    permit_number: str = ""
    """Of the residence permit; empty where none is asked for."""
    permit_issuer: str = ""
    permit_issued_on: date | None = None
    permit_expires_on: date | None = None

    @property
    def name(self) -> str:
        """Surname and given name."""
        return f"{self.surname} {self.given_name}".strip()

    @property
    def greeted(self) -> str:
        """Given name and surname, as a letter begins."""
        return f"{self.given_name} {self.surname}".strip()

    @classmethod
    def of(
        cls, holder: Holder, birthplace: str, citizenship: str, document_kind: str, country: str = ""
    ) -> Self:
        """Return the person of a request; the four words stand for codes of the records."""
        permit = holder.residence_permit
        return cls(
            fiscal_code=holder.fiscal_code,
            surname=holder.surname,
            given_name=holder.given_name,
            sex=holder.sex,
            born_on=holder.born_on,
            birthplace=birthplace,
            citizenship=citizenship,
            street=holder.residence.street,
            postcode=holder.residence.postcode,
            municipality=holder.residence.municipality,
            province=holder.residence.province,
            country=country,
            document_kind=document_kind,
            document_number=holder.document.number,
            document_issuer=holder.document.issuer,
            document_issued_on=holder.document.issued_on,
            document_expires_on=holder.document.expires_on,
            contact_email=holder.contact_email,
            certificate_email=holder.certificate_email or "",
            mobile=holder.mobile or "",
            permit_number=permit.number if permit else "",
            permit_issuer=permit.issuer if permit else "",
            permit_issued_on=permit.issued_on if permit else None,
            permit_expires_on=permit.expires_on if permit else None,
        )


@dataclass(frozen=True)
class Company:
    """The company a request is for (REG-3)."""

    name: str = ""
    fiscal_code: str = ""
    chamber: str = ""
    """Name of the chamber (CCIAA) that holds its entry."""
    rea: str = ""
    """As «RM-1234567»."""
    position: str = ""
    """The applicant's office in it (carica)."""


@dataclass(frozen=True)
class Certificate:
    """One certificate of a device."""

    slot: Slot
    serial: str
    """Hex, as the CA writes it."""
    expires_on: date


@dataclass(frozen=True)
class Outcome:
    """What an issue made (PRO-6, PRO-9)."""

    device_kind: DeviceKind
    device_serial: str
    certificates: tuple[Certificate, ...]
    envelope: str
    """Number of the sealed envelope, or empty when the codes go by e-mail."""
    issued_at: datetime
    issued_by: str
