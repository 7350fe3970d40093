"""What is wrong with a form, what it lacks, and the request it makes; in words of the desk, without Qt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from cmsdesk.base.texts import N_
from cmsdesk.desk.dates import read_date
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form, born_on
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.countries import CODES, HOME
from cmsdesk.domain.first_issue import FirstIssue, Found, decide
from cmsdesk.domain.request import (
    Address,
    Company,
    Entry,
    Holder,
    IdentityDocument,
    Origin,
    Request,
    RequestState,
)
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.places import Places
from cmsdesk.operations.register import FiscalCodes

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_REA = re.compile(r"\d{1,9}")
_PROVINCE = re.compile(r"[A-Z]{2}")
_MOBILE = re.compile(r"\+[1-9]\d{6,14}")
_POSTCODE = re.compile(r"\d{5}")
_CODE_LENGTH = 16
PERMIT_KIND = "residence_permit"
_OLDEST = 120
"""Years: a day of birth before is a slip."""


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one value."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)


def wrongs(form: Form, codes: FiscalCodes, places: Places, today: date) -> dict[str, Wrong]:
    """Return what is wrong, by path; an empty field is not wrong, it is missing (`missing`)."""
    found: dict[str, Wrong] = {}
    checks = (_fiscal_code(form, codes), _birth(form, codes, places, today), _home(form, places))
    papers = (
        _document(form, today, (paths.DOCUMENT_ISSUED, paths.DOCUMENT_EXPIRES)),
        _document(form, today, (paths.PERMIT_ISSUED, paths.PERMIT_EXPIRES)),
    )
    for check in (*checks, *papers, _reach(form), _company(form)):
        for path, wrong in check:
            found.setdefault(path, wrong)
    return found


def missing(form: Form) -> list[str]:
    """Return the paths that still have to be entered, in the order of the form."""
    lacking = [path for path in paths.REQUIRED if not form[path].strip()]
    if form.lives_abroad:
        # addresses abroad have no province, and not everywhere a postcode
        lacking = [path for path in lacking if path not in (paths.PROVINCE, paths.POSTCODE)]
    if form.has_permit:
        lacking += [path for path in paths.PERMIT if not form[path].strip()]
    if form.has_company:
        lacking += [path for path in paths.COMPANY if not form[path].strip()]
    return lacking


def _fiscal_code(form: Form, codes: FiscalCodes) -> Iterator[tuple[str, Wrong]]:
    code = form[paths.FISCAL_CODE]
    if not code:
        return
    if len(code) != _CODE_LENGTH:
        said = N_("{expected} characters expected, {given} given")
        yield paths.FISCAL_CODE, Wrong(said, {"expected": _CODE_LENGTH, "given": len(code)})
        return
    facts = codes.read(code)
    if facts is None:
        yield paths.FISCAL_CODE, Wrong(N_("This is no codice fiscale: one of its characters is wrong."))
        return
    surname, given_name = codes.name_codes(form[paths.SURNAME], form[paths.GIVEN_NAME])
    if form[paths.SURNAME].strip() and surname != facts.surname_code:
        yield paths.SURNAME, Wrong(_DIFFERS, {"letters": facts.surname_code})
    if form[paths.GIVEN_NAME].strip() and given_name != facts.given_name_code:
        yield paths.GIVEN_NAME, Wrong(_DIFFERS, {"letters": facts.given_name_code})


_DIFFERS = N_("Does not fit the codice fiscale, which says {letters}.")


def _birth(form: Form, codes: FiscalCodes, places: Places, today: date) -> Iterator[tuple[str, Wrong]]:
    born = read_date(form[paths.BORN_ON], today)
    if form[paths.BORN_ON] and born is None:
        yield paths.BORN_ON, Wrong(_NO_DATE)
    if born is not None and (born > today or born.year < today.year - _OLDEST):
        yield paths.BORN_ON, Wrong(N_("Nobody at the desk was born on that day."))
        born = None
    if form[paths.SEX] and form[paths.SEX] not in ("M", "F"):
        yield paths.SEX, Wrong(N_("M or F"))
    code = form[paths.BIRTH_CODE]
    if code and born is not None and places.at(code, born) is None:
        yield (
            paths.BIRTH_PLACE,
            Wrong(N_("No municipality and no country had the code {code} on that day."), {"code": code}),
        )
    facts = codes.read(form[paths.FISCAL_CODE])
    if facts is None:
        return
    if form[paths.SEX] in ("M", "F") and form[paths.SEX] != facts.sex:
        yield paths.SEX, Wrong(_DIFFERS, {"letters": facts.sex})
    said = born_on(facts, today)
    if born is not None and (born.year % 100, born.month, born.day) != (
        said.year % 100,
        said.month,
        said.day,
    ):
        yield paths.BORN_ON, Wrong(_DIFFERS, {"letters": f"{said:%d/%m/%Y}"})


_NO_DATE = N_("No date: day, month and year are expected.")


def _home(form: Form, places: Places) -> Iterator[tuple[str, Wrong]]:
    for path in (paths.CITIZENSHIP, paths.COUNTRY):
        if form[path].strip() and form[path].strip() not in CODES:
            yield path, Wrong(N_("No country has these two letters."))
    if form.lives_abroad:
        return
    town = form[paths.MUNICIPALITY].strip()
    found = places.named(town) if town else None
    if town and found is None:
        yield paths.MUNICIPALITY, Wrong(N_("No municipality of today is called so."))
    province = form[paths.PROVINCE].strip()
    if province and not _PROVINCE.fullmatch(province):
        yield paths.PROVINCE, Wrong(N_("Two letters"))
    elif found is not None and province and province != found.province:
        yield (
            paths.PROVINCE,
            Wrong(
                N_("{municipality} is in the province {province}."),
                {"municipality": found.name, "province": found.province},
            ),
        )
    if form[paths.POSTCODE] and not _POSTCODE.fullmatch(form[paths.POSTCODE].strip()):
        yield paths.POSTCODE, Wrong(N_("Five digits"))


def _document(form: Form, today: date, dates: tuple[str, str]) -> Iterator[tuple[str, Wrong]]:
    """Check the days of issue and expiry at two paths."""
    issued, expires = (read_date(form[path], today) for path in dates)
    for path, day in zip(dates, (issued, expires), strict=True):
        if form[path] and day is None:
            yield path, Wrong(_NO_DATE)
    if issued is not None and issued > today:
        yield dates[0], Wrong(N_("This day is still to come."))
    if expires is not None and expires < today:
        yield dates[1], Wrong(N_("The document has expired: another one is needed."))
    elif issued is not None and expires is not None and expires <= issued:
        yield dates[1], Wrong(N_("It cannot expire before it is issued."))


def mobile_of(text: str) -> str | None:
    """Return a telephone number in its international form, ``+39…``; None: it is none (E.164)."""
    digits = re.sub(r"[\s./()-]", "", text)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    digits = digits if digits.startswith("+") else f"+39{digits}"
    return digits if _MOBILE.fullmatch(digits) else None


def _reach(form: Form) -> Iterator[tuple[str, Wrong]]:
    if form[paths.MOBILE].strip() and mobile_of(form[paths.MOBILE]) is None:
        yield paths.MOBILE, Wrong(N_("This is no telephone number."))
    for path in (paths.CONTACT_EMAIL, paths.CERTIFICATE_EMAIL):
        if form[path] and not _EMAIL.fullmatch(form[path].strip()):
            yield path, Wrong(N_("This is no e-mail address."))


def _company(form: Form) -> Iterator[tuple[str, Wrong]]:
    if form[paths.REA_OFFICE] and not _PROVINCE.fullmatch(form[paths.REA_OFFICE].strip()):
        yield paths.REA_OFFICE, Wrong(N_("Two letters"))
    if form[paths.REA_NUMBER] and not _REA.fullmatch(form[paths.REA_NUMBER].strip()):
        yield paths.REA_NUMBER, Wrong(N_("Digits only"))
    code = form[paths.COMPANY_CODE].strip()
    if code and not (_eleven_digits_fit(code) or len(code) == _CODE_LENGTH):
        yield paths.COMPANY_CODE, Wrong(N_("Neither eleven digits that fit nor a person’s codice fiscale."))


def _eleven_digits_fit(code: str) -> bool:
    """Tell whether eleven digits bear their check digit (domain.md §3.2)."""
    if not re.fullmatch(r"\d{11}", code):
        return False
    doubled = (sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(code))
    return sum(doubled) % 10 == 0


# --- the tariff -----------------------------------------------------------------------------------


def tariff(
    form: Form, configuration: Configuration | None, office: str, found: Found | None = None
) -> FirstIssue | None:
    """Return first issue, fee and reasons (REG-6); None when the body has set no fee for this device.

    ``found`` is what registers and archive said; without it nobody asked them.
    """
    if configuration is None or form.device_kind not in configuration.tariffs.devices:
        return None
    company = f"{form[paths.REA_OFFICE]}-{form[paths.REA_NUMBER]}" if form.has_company else None
    known = found or Found(company)
    return decide(
        configuration.first_issue,
        configuration.tariffs,
        office,
        form.device_kind,
        replace(known, company=company),
    )


# --- the request ----------------------------------------------------------------------------------


def request_of(
    form: Form,
    identifier: str,
    body: str,
    office: str,
    configuration: Configuration,
    places: Places,
    today: date,
    first_issue: FirstIssue | None = None,
) -> Request:
    """Return the request that a form without wrongs and gaps describes.

    Raises:
        ValueError: something is missing or wrong; `missing` and `wrongs` say what.
        KeyError: the body does not issue this kind of device.
    """
    profile = configuration.devices[form.device_kind]
    origins = {
        path: origin
        for path, origin in form.origins.items()
        if origin is not Origin.TYPED and path != paths.BOOKING
    }
    return Request(
        id=identifier,
        body=body,
        office=office,
        holder=_holder(form, places, today),
        device_kind=form.device_kind,
        key_algorithm=profile.key_algorithm,
        ca=profile.ca,
        scratch_delivery=_codes_by(form, configuration),
        state=RequestState.REGISTERED,
        entry=Entry(form[paths.ENTRY]),
        company=_company_of(form),
        limits_of_use=" ".join(form[paths.LIMITS].split()) or None,
        booking=form[paths.BOOKING] or None,
        first_issue=first_issue,
        origins=origins,
    )


def _codes_by(form: Form, configuration: Configuration) -> ScratchDelivery:
    chosen = form[paths.SCRATCH_DELIVERY]
    return ScratchDelivery(chosen) if chosen else configuration.scratch_delivery[0]


def _holder(form: Form, places: Places, today: date) -> Holder:
    def text(path: str) -> str:
        return " ".join(form[path].split())

    town = None if form.lives_abroad else places.named(form[paths.MUNICIPALITY])
    birth = places.at(form[paths.BIRTH_CODE], _day(form, paths.BORN_ON, today))
    return Holder(
        fiscal_code=text(paths.FISCAL_CODE),
        surname=text(paths.SURNAME),
        given_name=text(paths.GIVEN_NAME),
        sex=text(paths.SEX),
        born_on=_day(form, paths.BORN_ON, today),
        birth_municipality_code=text(paths.BIRTH_CODE),
        citizenship=text(paths.CITIZENSHIP),
        residence=Address(
            street=text(paths.STREET),
            municipality=text(paths.MUNICIPALITY),
            municipality_code=town.code if town else "",
            province=text(paths.PROVINCE),
            postcode=text(paths.POSTCODE),
            country=text(paths.COUNTRY) or HOME,
        ),
        document=IdentityDocument(
            text(paths.DOCUMENT_KIND),
            text(paths.DOCUMENT_NUMBER),
            text(paths.DOCUMENT_ISSUER),
            _day(form, paths.DOCUMENT_ISSUED, today),
            _day(form, paths.DOCUMENT_EXPIRES, today),
        ),
        contact_email=text(paths.CONTACT_EMAIL),
        certificate_email=text(paths.CERTIFICATE_EMAIL) or None,
        birth_place=birth.name if birth and not birth.is_country else None,
        birth_country=birth.name if birth and birth.is_country else None,
        mobile=mobile_of(form[paths.MOBILE]) if form[paths.MOBILE].strip() else None,
        residence_permit=_permit(form, today),
    )


def _permit(form: Form, today: date) -> IdentityDocument | None:
    if not form.has_permit:
        return None
    return IdentityDocument(
        PERMIT_KIND,
        " ".join(form[paths.PERMIT_NUMBER].split()),
        " ".join(form[paths.PERMIT_ISSUER].split()),
        _day(form, paths.PERMIT_ISSUED, today),
        _day(form, paths.PERMIT_EXPIRES, today),
    )


def _company_of(form: Form) -> Company | None:
    if not form.has_company:
        return None
    return Company(
        rea_office=form[paths.REA_OFFICE].strip(),
        rea_number=form[paths.REA_NUMBER].strip(),
        name=" ".join(form[paths.COMPANY_NAME].split()),
        fiscal_code=form[paths.COMPANY_CODE].strip(),
        office_held=" ".join(form[paths.POSITION].split()),
    )


def _day(form: Form, path: str, today: date) -> date:
    found = read_date(form[path], today)
    if found is None:
        raise ValueError(path)
    return found
