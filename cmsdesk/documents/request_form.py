"""The request form to sign, and the same form with what was issued (REG-10, PRO-9; domain.md §8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cmsdesk.base.texts import N_
from cmsdesk.documents.clauses import Clause
from cmsdesk.documents.contents import RequestForm
from cmsdesk.documents.fonts import STRONG
from cmsdesk.documents.pieces import (
    Field,
    Fields,
    Gap,
    Heading,
    Piece,
    Signatures,
    Spring,
    Style,
    Ticks,
    Words,
    paragraphs,
)
from cmsdesk.documents.sheet import Sheet
from cmsdesk.documents.stationery import Stationery, Wording
from cmsdesk.documents.subjects import Company, Outcome, Person
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.words import WORDS

TITLE = N_("Request for a device with CNS and digital signature")
TITLE_ISSUED = N_("Request for a device, with data of issue")
_BOTH = N_("with CNS authentication certificate and qualified signature certificate")
CERTIFICATES = {
    Slot.AUTHENTICATION: N_("CNS authentication certificate"),
    Slot.SIGNATURE: N_("Qualified signature certificate"),
}


def request_form(form: RequestForm, stationery: Stationery, now: datetime) -> bytes:
    """Return the form as PDF/A-1b, on one page where one will do.

    Raises:
        ClauseWrong: a text of the body names a value that there is not.
    """
    setter = _Form(form, stationery)
    title = stationery.wording.first(TITLE_ISSUED if form.outcome else TITLE)
    return Sheet(stationery, title, now, form.code).set(setter.pieces)


class _Form:
    def __init__(self, form: RequestForm, stationery: Stationery) -> None:
        self._form = form
        self._stationery = stationery
        self._say: Wording = stationery.wording

    def pieces(self, style: Style) -> list[Piece]:
        return [
            *title_pieces(self._say, TITLE_ISSUED if self._form.outcome else TITLE, style),
            *self._person(style),
            *self._document(style),
            *self._company(style),
            *self._device(style),
            *(outcome_pieces(self._form.outcome, self._say, style) if self._form.outcome else ()),
            *self._declarations(style),
            Spring(style.gap),
            *self._signatures(style),
        ]

    def _person(self, style: Style) -> Iterator[Piece]:
        person, label, name, day = self._form.person, self._say.label, self._say.name, self._say.day
        yield Heading(label(N_("Applicant")), style)
        yield Fields(
            (
                Field(name(N_("surname")), person.surname, 3),
                Field(name(N_("given name")), person.given_name, 3),
                Field(name(N_("codice fiscale")), person.fiscal_code, 3),
            ),
            style,
        )
        yield Fields(
            (
                Field(name(N_("sex")), person.sex, 1),
                Field(name(N_("date of birth")), day(person.born_on), 2),
                Field(name(N_("place of birth")), person.birthplace, 4),
                Field(name(N_("citizenship")), person.citizenship, 2),
            ),
            style,
        )
        yield Fields(
            (
                Field(label(N_("Residence: street and number")), person.street, 4),
                Field(label(N_("Postcode")), person.postcode, 1.1),
                Field(label(N_("Municipality")), _with_country(person), 3),
                Field(label(N_("Province")), person.province, 0.9),
            ),
            style,
        )
        yield Fields(
            (
                Field(label(N_("E-mail for notices")), person.contact_email),
                Field(label(N_("E-mail in the CNS certificate (optional)")), person.certificate_email),
                *((Field(label(N_("Mobile")), person.mobile, 0.7),) if self._says(person.mobile) else ()),
            ),
            style,
        )
        yield Gap(style.gap)

    def _document(self, style: Style) -> Iterator[Piece]:
        person, label, day = self._form.person, self._say.label, self._say.day
        yield Heading(label(N_("Identity document")), style)
        yield Fields(
            (
                Field(label(N_("Kind")), person.document_kind, 2.2),
                Field(label(N_("Number")), person.document_number, 2),
                Field(label(N_("Issued by")), person.document_issuer, 2.4),
                Field(label(N_("Issued on")), day(person.document_issued_on), 1.4),
                Field(label(N_("Valid until")), day(person.document_expires_on), 1.4),
            ),
            style,
        )
        if self._says(person.permit_number):
            yield Fields(
                (
                    Field(label(N_("Residence permit")), person.permit_number, 2.4),
                    Field(label(N_("Issued by")), person.permit_issuer, 2.4),
                    Field(label(N_("Issued on")), day(person.permit_issued_on), 1.4),
                    Field(label(N_("Valid until")), day(person.permit_expires_on), 1.4),
                ),
                style,
            )
        yield Gap(style.gap)

    def _says(self, value: str) -> bool:
        """Tell whether a field that not everybody has stands on this form: by hand it always does."""
        return self._form.by_hand or bool(value)

    def _company(self, style: Style) -> Iterator[Piece]:
        company, label, name = self._form.company, self._say.label, self._say.name
        if company is None and not self._form.by_hand:
            return
        company = company or Company()
        yield Heading(label(N_("Company")), style)
        yield Fields(
            (
                Field(label(N_("Company name")), company.name, 5),
                Field(name(N_("codice fiscale")), company.fiscal_code, 2),
            ),
            style,
        )
        yield Fields(
            (
                Field(label(N_("Chamber (CCIAA)")), company.chamber, 3),
                Field(name(N_("REA number")), company.rea, 1.6),
                Field(label(N_("Position in the company")), company.position, 2.4),
            ),
            style,
        )
        yield Gap(style.gap)

    def _device(self, style: Style) -> Iterator[Piece]:
        form, label = self._form, self._say.label
        yield Heading(label(N_("What is asked for")), style)
        yield Gap(2)
        kinds = [(form.device_kind is kind, self._say.name(WORDS[kind])) for kind in DeviceKind]
        yield Ticks(kinds, style)
        yield Words(label(_BOTH), style.body, after=2)
        ways = [(ticked, self._say.name(WORDS[way])) for ticked, way in form.codes]
        yield Ticks(ways, style, label(N_("Secret codes")))
        if form.limits:
            yield Fields(
                (Field(label(N_("Limits of use in the signature certificate")), form.limits),), style
            )
        if form.fee_cents is not None:
            yield Fields(tuple(self._fee(form.fee_cents)), style)
        yield Gap(style.gap)

    def _fee(self, cents: int) -> Iterator[Field]:
        label = self._say.label
        yield Field(label(N_("Fee")), self._say.money(cents), 1)
        if self._form.first_issue is not None:
            said = N_("yes") if self._form.first_issue else N_("no")
            yield Field(label(N_("First issue to the company")), label(said), 1.4)
        if self._form.paid_with:
            yield Field(label(N_("Receipt or payment")), self._form.paid_with, 2)

    def _declarations(self, style: Style) -> Iterator[Piece]:
        yield Heading(self._say.label(N_("Declarations")), style)
        yield Gap(3)
        yield self._clauses((Clause.TRUTH, Clause.TERMS, Clause.PRIVACY), style)
        yield Gap(style.gap / 2)

    def _clauses(self, clauses: Sequence[Clause], style: Style) -> Piece:
        values = {"holder": self._form.person.name, "body": self._stationery.body["it"]}
        columns = [
            (
                language,
                [text for clause in clauses for text in self._stationery.clause(clause, language, **values)],
            )
            for language in self._stationery.languages
        ]
        size = style.body * (0.92 if len(columns) == 1 else 0.82)
        return paragraphs(columns, size)

    def _signatures(self, style: Style) -> Iterator[Piece]:
        form, label = self._form, self._say.label
        local = self._say.moment(form.registered_at) if form.registered_at else ""
        where = self._stationery.office_said if form.registered_at else ""
        yield Fields(
            (
                Field(label(N_("Place")), where, 3),
                Field(label(N_("Date")), local, 1.5),
                Field(label(N_("Identified by the operator")), form.operator, 3),
            ),
            style,
        )
        yield Gap(style.gap)
        yield Signatures(
            (label(N_("Signature of the applicant")), label(N_("Signature of the operator who identified"))),
            style,
        )
        yield Gap(style.gap / 2)
        yield self._clauses((Clause.UNFAIR,), style)
        yield Gap(style.gap / 3)
        yield Signatures((label(N_("Signature of the applicant")), label(N_("Stamp of the office"))), style)


def _with_country(person: Person) -> str:
    return f"{person.municipality} – {person.country}" if person.country else person.municipality


def title_pieces(wording: Wording, title: str, style: Style) -> list[Piece]:
    """Return a paper's title, in each language on a line of its own."""
    sizes = (style.body * 1.75, style.body * 1.45)
    said = dict.fromkeys(wording.each(title))
    pieces: list[Piece] = [
        Words(text, sizes[min(index, 1)], STRONG, "H1", language, leading=1.3)
        for index, (text, language) in enumerate(zip(said, wording.languages, strict=False))
    ]
    return [*pieces, Gap(style.gap)]


def outcome_pieces(outcome: Outcome, wording: Wording, style: Style) -> Iterator[Piece]:
    """Yield the section that says what was issued."""
    label = wording.label
    yield Heading(label(N_("Device and certificates issued")), style)
    yield Fields(
        (
            Field(label(N_("Device")), wording.name(WORDS[outcome.device_kind]), 1.9),
            Field(label(N_("Serial number of the device")), outcome.device_serial, 2.2),
            Field(label(N_("Sealed envelope number")), outcome.envelope or label(N_("codes by e-mail")), 1.9),
            Field(label(N_("Issued on")), wording.moment(outcome.issued_at), 1.7),
        ),
        style,
    )
    for certificate in outcome.certificates:
        yield Fields(
            (
                Field(label(CERTIFICATES[certificate.slot]), certificate.serial, 5),
                Field(label(N_("Valid until")), wording.day(certificate.expires_on), 1.8),
            ),
            style,
        )
    yield Fields((Field(label(N_("Issued by the operator")), outcome.issued_by),), style)
    yield Gap(style.gap)
