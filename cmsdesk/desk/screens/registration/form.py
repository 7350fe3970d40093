"""The registration form as a value: what was typed, where each value came from, what is derived (REG-2…9).

Values are texts as they stand in the fields, by their paths in a request (``holder.surname``): a draft
keeps even a half-typed date. Nothing a person typed is ever replaced by a source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

from cmsdesk.base.texts import N_
from cmsdesk.domain.countries import HOME, needs_permit
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.request import Entry, Holder, Origin, Request
from cmsdesk.operations.places import Place, Places
from cmsdesk.operations.register import FiscalCodeFacts, FiscalCodes

FISCAL_CODE = "holder.fiscal_code"
SURNAME = "holder.surname"
GIVEN_NAME = "holder.given_name"
SEX = "holder.sex"
BORN_ON = "holder.born_on"
BIRTH_CODE = "holder.birth_municipality_code"
BIRTH_PLACE = "holder.birth_place"
CITIZENSHIP = "holder.citizenship"
STREET = "holder.residence.street"
MUNICIPALITY = "holder.residence.municipality"
PROVINCE = "holder.residence.province"
POSTCODE = "holder.residence.postcode"
COUNTRY = "holder.residence.country"
DOCUMENT_KIND = "holder.document.kind"
DOCUMENT_NUMBER = "holder.document.number"
DOCUMENT_ISSUER = "holder.document.issuer"
DOCUMENT_ISSUED = "holder.document.issued_on"
DOCUMENT_EXPIRES = "holder.document.expires_on"
PERMIT_NUMBER = "holder.residence_permit.number"
PERMIT_ISSUER = "holder.residence_permit.issuer"
PERMIT_ISSUED = "holder.residence_permit.issued_on"
PERMIT_EXPIRES = "holder.residence_permit.expires_on"
MOBILE = "holder.mobile"
CONTACT_EMAIL = "holder.contact_email"
CERTIFICATE_EMAIL = "holder.certificate_email"
REA_OFFICE = "company.rea_office"
REA_NUMBER = "company.rea_number"
COMPANY_NAME = "company.name"
COMPANY_CODE = "company.fiscal_code"
POSITION = "company.office_held"
DEVICE_KIND = "device_kind"
ENTRY = "entry"
LIMITS = "limits_of_use"
SCRATCH_DELIVERY = "scratch_delivery"
"""Empty: as the body's configuration says first."""
PAYMENT = "payment"
"""How it is paid at registration; empty: later. No part of the request."""
ATTACHMENTS = "attachments"
"""Not on screen as a field: scans of a request that is not registered yet, JSON."""
BOOKING = "booking"
"""Not on screen: the booking that the request comes from."""

REQUIRED = (
    FISCAL_CODE,
    SURNAME,
    GIVEN_NAME,
    SEX,
    BORN_ON,
    BIRTH_CODE,
    CITIZENSHIP,
    STREET,
    MUNICIPALITY,
    PROVINCE,
    POSTCODE,
    DOCUMENT_KIND,
    DOCUMENT_NUMBER,
    DOCUMENT_ISSUER,
    DOCUMENT_ISSUED,
    DOCUMENT_EXPIRES,
    CONTACT_EMAIL,
    DEVICE_KIND,
)
COMPANY = (REA_OFFICE, REA_NUMBER, COMPANY_NAME)
"""All of them, or none."""
PERMIT = (PERMIT_NUMBER, PERMIT_ISSUER, PERMIT_ISSUED, PERMIT_EXPIRES)
"""All of them where the citizenship asks for it, or none."""
_SIGLA = 2
DATES = (BORN_ON, DOCUMENT_ISSUED, DOCUMENT_EXPIRES, PERMIT_ISSUED, PERMIT_EXPIRES)
_OF_THE_CODE = (SEX, BORN_ON, BIRTH_CODE, BIRTH_PLACE)
_PLAIN = {
    CITIZENSHIP: HOME,
    COUNTRY: HOME,
    DOCUMENT_KIND: "identity_card",
    DEVICE_KIND: DeviceKind.SMART_CARD.value,
    ENTRY: Entry.ONLINE.value,
}

DOCUMENT_KINDS: Mapping[str, str] = {
    "identity_card": N_("identity card"),
    "driving_licence": N_("driving licence"),
    "passport": N_("passport"),
}
ORIGINS: Mapping[Origin, str] = {
    Origin.REGISTER: N_("Registro Imprese"),
    Origin.ANPR: N_("ANPR"),
    Origin.BOOKING: N_("booking"),
    Origin.CERTIFICATE: N_("last certificate"),
    Origin.FISCAL_CODE: N_("codice fiscale"),
}
"""What a chip beside a value says; a typed value has none."""
_RANK = (Origin.CERTIFICATE, Origin.BOOKING, Origin.REGISTER, Origin.ANPR, Origin.FISCAL_CODE)
"""A source may replace what one before it gave (REG-7), never what was typed; the code itself rules."""


@dataclass(frozen=True)
class Form:
    """Texts by path, and their origins."""

    values: Mapping[str, str] = field(default_factory=lambda: dict(_PLAIN))
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def __getitem__(self, path: str) -> str:
        return self.values.get(path, "")

    def typed(self, path: str, text: str) -> Form:
        """Return the form after a person typed into a field; an emptied field has no origin."""
        values = {**self.values, path: text}
        origins = {**self.origins, path: Origin.TYPED}
        if not text.strip():
            del origins[path]
        return replace(self, values=values, origins=origins)

    def offered(self, found: Mapping[str, str], origin: Origin) -> Form:
        """Return the form with a source's values where nobody typed and no better source spoke."""
        values, origins = dict(self.values), dict(self.origins)
        for path, text in found.items():
            before = origins.get(path)
            if not text or before is Origin.TYPED:
                continue
            if before is None or _RANK.index(before) <= _RANK.index(origin):
                values[path], origins[path] = text, origin
        return replace(self, values=values, origins=origins)

    def without(self, origin: Origin, paths: tuple[str, ...]) -> Form:
        """Return the form without what a source gave for these paths."""
        gone = {path for path in paths if self.origins.get(path) is origin}
        values = {path: text for path, text in self.values.items() if path not in gone}
        values |= {path: _PLAIN[path] for path in gone & _PLAIN.keys()}
        origins = {path: one for path, one in self.origins.items() if path not in gone}
        return replace(self, values=values, origins=origins)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was entered yet."""
        return not any(text and text != _PLAIN.get(path) for path, text in self.values.items())

    @property
    def title(self) -> str:
        """What a list of drafts calls it."""
        return f"{self[SURNAME]} {self[GIVEN_NAME]}".strip() or self[FISCAL_CODE]

    @property
    def has_company(self) -> bool:
        """Whether anything of a company was entered."""
        return any(self[path].strip() for path in (*COMPANY, COMPANY_CODE, POSITION))

    @property
    def lives_abroad(self) -> bool:
        """Whether the residence is in another country."""
        return self[COUNTRY].strip() not in ("", HOME)

    @property
    def has_permit(self) -> bool:
        """Whether a residence permit is asked for, or anything of one was entered."""
        asked = needs_permit(self[CITIZENSHIP].strip(), self[COUNTRY].strip())
        return asked or any(self[path].strip() for path in PERMIT)

    @property
    def rea(self) -> str:
        """The company's key, ``RM-123456``; empty as long as it is not whole."""
        office, number = self[REA_OFFICE].strip(), self[REA_NUMBER].strip()
        whole = len(office) == _SIGLA and office.isalpha() and number.isdigit()
        return f"{office}-{number}" if whole else ""

    @property
    def device_kind(self) -> DeviceKind:
        """The kind of device asked for."""
        return DeviceKind(self[DEVICE_KIND] or DeviceKind.SMART_CARD.value)

    def content(self) -> dict[str, Any]:
        """Return the form as a draft keeps it."""
        origins = {path: origin.value for path, origin in self.origins.items()}
        return {"values": dict(self.values), "origins": origins}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the form that `content` gave; paths that a later release no longer knows are kept."""
        origins = {path: Origin(name) for path, name in dict(content.get("origins", {})).items()}
        return cls({**_PLAIN, **dict(content.get("values", {}))}, origins)


def derived(form: Form, codes: FiscalCodes, places: Places, today: date) -> Form:
    """Return the form with what the codice fiscale and the municipality say filled in."""
    form = form.without(Origin.FISCAL_CODE, _OF_THE_CODE)
    facts = codes.read(form[FISCAL_CODE])
    if facts is not None:
        born = born_on(facts, today)
        place = places.at(facts.birthplace_code, born)
        found = {SEX: facts.sex, BORN_ON: f"{born:%d/%m/%Y}", BIRTH_CODE: facts.birthplace_code}
        form = form.offered({**found, BIRTH_PLACE: place.written if place else ""}, Origin.FISCAL_CODE)
    if form.origins.get(PROVINCE) is not Origin.TYPED and not form.lives_abroad:
        town = places.named(form[MUNICIPALITY]) if form[MUNICIPALITY] else None
        if town is not None:
            form = replace(form, values={**form.values, PROVINCE: town.province})
    return form


def born_on(facts: FiscalCodeFacts, today: date) -> date:
    """Return the day of birth in the latest century that is possible: the code has two digits of the year."""
    year = today.year - (today.year - facts.born_on.year) % 100
    try:
        day = facts.born_on.replace(year=year)
        return day if day <= today else facts.born_on.replace(year=year - 100)
    except ValueError:
        return facts.born_on


def values_of(holder: Holder, birth_place: Place | None) -> dict[str, str]:
    """Return what an earlier request says of the same person, to be offered again (S0-115).

    The identity document is left out: it is shown and read anew each time.
    """
    home = holder.residence
    return {
        SURNAME: holder.surname,
        GIVEN_NAME: holder.given_name,
        SEX: holder.sex,
        BORN_ON: f"{holder.born_on:%d/%m/%Y}",
        BIRTH_CODE: holder.birth_municipality_code,
        BIRTH_PLACE: birth_place.written if birth_place else holder.birth_place or "",
        CITIZENSHIP: holder.citizenship,
        STREET: home.street,
        MUNICIPALITY: home.municipality,
        PROVINCE: home.province,
        POSTCODE: home.postcode,
        COUNTRY: home.country,
        MOBILE: holder.mobile or "",
        CONTACT_EMAIL: holder.contact_email,
        CERTIFICATE_EMAIL: holder.certificate_email or "",
    }


def form_of(request: Request, birth_place: Place | None) -> Form:
    """Return the form of a registered request, to amend it (PRO-2)."""
    document = request.holder.document
    values = {
        **values_of(request.holder, birth_place),
        FISCAL_CODE: request.holder.fiscal_code,
        DOCUMENT_KIND: document.kind,
        DOCUMENT_NUMBER: document.number,
        DOCUMENT_ISSUER: document.issuer,
        DOCUMENT_ISSUED: f"{document.issued_on:%d/%m/%Y}",
        DOCUMENT_EXPIRES: f"{document.expires_on:%d/%m/%Y}",
        DEVICE_KIND: request.device_kind.value,
        ENTRY: (request.entry or Entry.ONLINE).value,
        LIMITS: request.limits_of_use or "",
        SCRATCH_DELIVERY: request.scratch_delivery.value,
        BOOKING: request.booking or "",
    }
    permit = request.holder.residence_permit
    if permit is not None:
        values |= {
            PERMIT_NUMBER: permit.number,
            PERMIT_ISSUER: permit.issuer,
            PERMIT_ISSUED: f"{permit.issued_on:%d/%m/%Y}",
            PERMIT_EXPIRES: f"{permit.expires_on:%d/%m/%Y}",
        }
    if request.company is not None:
        company = request.company
        values |= {
            REA_OFFICE: company.rea_office,
            REA_NUMBER: company.rea_number,
            COMPANY_NAME: company.name,
            COMPANY_CODE: company.fiscal_code,
            POSITION: company.office_held,
        }
    origins = {path: request.origins.get(path, Origin.TYPED) for path, text in values.items() if text}
    return Form({**_PLAIN, **values}, origins)


class Editor:
    """The form under a person's hands: every change is derived, kept, and can be undone."""

    def __init__(self, form: Form, derive: Callable[[Form], Form], keep: Callable[[Form], object]) -> None:
        """``keep`` is called with the form after every change, before anything else happens."""
        self.form = form
        self._derive, self._keep = derive, keep
        self._before: list[Form] = []
        self._after: list[Form] = []
        self._field = ""

    def type(self, path: str, text: str) -> None:
        """A person typed: letters into the same field are one step to undo."""
        if self.form[path] == text:
            return
        self._change(self._derive(self.form.typed(path, text)), path)

    def offer(self, found: Mapping[str, str], origin: Origin) -> None:
        """A source answered."""
        offered = self._derive(self.form.offered(found, origin))
        if offered != self.form:
            self._change(offered, "")

    def note(self, path: str, text: str) -> None:
        """Something that is no field of the form is kept with it."""
        self._change(replace(self.form, values={**self.form.values, path: text}), "")

    def withdraw(self, *origins: Origin) -> None:
        """What these sources said was about somebody else: it goes, but for what was typed since."""
        form = self.form
        for origin in origins:
            form = form.without(origin, tuple(form.origins))
        if form != self.form:
            self._change(self._derive(form), "")

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to go back."""
        return bool(self._before)

    def undo(self) -> None:
        """Go one step back."""
        if self._before:
            self._after.append(self.form)
            self._show(self._before.pop())

    def redo(self) -> None:
        """Go one step forward again."""
        if self._after:
            self._before.append(self.form)
            self._show(self._after.pop())

    def _change(self, form: Form, path: str) -> None:
        if not path or path != self._field:
            self._before.append(self.form)
        self._after.clear()
        self._field = path
        self.form = form
        self._keep(form)

    def _show(self, form: Form) -> None:
        self._field = ""
        self.form = form
        self._keep(form)
