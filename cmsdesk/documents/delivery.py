"""The delivery receipt for the holder's signature, and the letter that goes with the device (PRO-9, PRO-11).

Neither holds a secret: PIN, PUK and emergency code are in the sealed envelope alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cmsdesk.base.texts import N_
from cmsdesk.documents.clauses import Clause
from cmsdesk.documents.contents import Delivery
from cmsdesk.documents.fonts import STRONG
from cmsdesk.documents.pieces import (
    Beside,
    Field,
    Fields,
    Gap,
    Heading,
    Piece,
    Signatures,
    Spring,
    Style,
    Words,
    paragraphs,
)
from cmsdesk.documents.request_form import CERTIFICATES, outcome_pieces, title_pieces
from cmsdesk.documents.sheet import Sheet
from cmsdesk.documents.stationery import Stationery, Term
from cmsdesk.documents.subjects import Person
from cmsdesk.domain.words import WORDS

TITLE = N_("Delivery receipt of the device")
LETTER_TITLE = N_("Your device with CNS and digital signature")

_GREETING = N_("Dear {holder},")
_ENCLOSED = N_(
    "this letter comes with the {kind} number {serial}, made on request {code}. It holds these certificates:"
)
_CERTIFICATE = N_("{certificate}, valid until {day}")
_ENVELOPE = N_("The secret codes are in the sealed envelope number {envelope}.")
_BY_MAIL = N_("The secret codes come by e-mail, to the address given for notices.")
_OPEN_ENVELOPE = N_("Open the envelope alone and keep it in a safe place.")
_OPEN_MAIL = N_("Read the e-mail with the codes alone and keep them in a safe place.")
_STEPS = (
    N_("Install the software of the card reader, then insert the device."),
    N_("Try the PIN once and choose a new one that only the holder knows."),
)


def delivery_receipt(delivery: Delivery, stationery: Stationery, now: datetime) -> bytes:
    """Return the receipt as PDF/A-1b.

    Raises:
        ClauseWrong: a text of the body names a value that there is not.
    """

    def pieces(style: Style) -> Iterator[Piece]:
        say, label, name = stationery.wording, stationery.wording.label, stationery.wording.name
        yield from title_pieces(say, TITLE, style)
        yield Heading(label(N_("Holder")), style)
        person = delivery.person
        yield Fields(
            (
                Field(name(N_("surname")), person.surname, 3),
                Field(name(N_("given name")), person.given_name, 3),
                Field(name(N_("codice fiscale")), person.fiscal_code, 2.4),
            ),
            style,
        )
        yield Fields(
            (
                Field(label(N_("Identity document")), person.document_kind, 2),
                Field(label(N_("Number")), person.document_number, 2),
                Field(label(N_("Valid until")), say.day(person.document_expires_on), 1.4),
            ),
            style,
        )
        yield Gap(style.gap)
        yield from outcome_pieces(delivery.outcome, say, style)
        yield _clause(Clause.DELIVERY, delivery, stationery, style.body * 1.05)
        yield Gap(style.gap * 2)
        when = say.moment(delivery.delivered_at) if delivery.delivered_at else ""
        yield Fields(
            (
                Field(label(N_("Place")), stationery.office_said, 3),
                Field(label(N_("Date")), when, 1.5),
                Field(label(N_("Handed over by the operator")), delivery.operator, 3),
            ),
            style,
        )
        yield Gap(style.gap)
        yield Signatures(
            (label(N_("Signature of the holder")), label(N_("Signature of the operator who hands over"))),
            style,
        )

    title = stationery.wording.first(TITLE)
    return Sheet(stationery, title, now, delivery.code).set(lambda style: list(pieces(style)))


def accompanying_letter(delivery: Delivery, stationery: Stationery, now: datetime) -> bytes:
    """Return the letter as PDF/A-1b, its address where a window envelope shows it (UNI 8354, right window).

    Raises:
        ClauseWrong: a text of the body names a value that there is not.
    """

    def pieces(style: Style) -> Iterator[Piece]:
        yield Gap(38)
        yield Beside(((), _address(delivery.person)), gutter=40)
        yield Gap(44)
        yield from title_pieces(stationery.wording, LETTER_TITLE, style)
        yield Beside(
            [list(_letter(delivery, stationery, language, style)) for language in stationery.languages], 18
        )
        yield Spring(style.gap * 2)
        yield Words(stationery.office_said, style.body, STRONG)
        for line in stationery.office_lines:
            yield Words(line, style.body)

    title = stationery.wording.first(LETTER_TITLE)
    return Sheet(stationery, title, now, delivery.code).set(lambda style: list(pieces(style)))


def _address(person: Person) -> list[Piece]:
    town = " ".join(part for part in (person.postcode, person.municipality, person.province) if part)
    lines = (person.name, person.street, town, person.country)
    return [Words(line, 11, leading=1.4) for line in lines if line]


def _letter(delivery: Delivery, stationery: Stationery, language: str, style: Style) -> Iterator[Piece]:
    one = replace(stationery, languages=(language,))
    say, outcome, size = one.wording, delivery.outcome, style.body * 1.12
    if len(stationery.languages) > 1:
        size = style.body

    def words(text: str, after: float = 6, face: str = "") -> Words:
        return Words(text, size, face or Words.face, language=language, after=after, leading=1.45)

    yield words(say.label(_GREETING, holder=delivery.person.greeted))
    yield words(
        say.label(
            _ENCLOSED, kind=Term(WORDS[outcome.device_kind]), serial=outcome.device_serial, code=delivery.code
        )
    )
    for certificate in outcome.certificates:
        line = say.label(
            _CERTIFICATE,
            certificate=Term(CERTIFICATES[certificate.slot]),
            day=say.day(certificate.expires_on),
        )
        yield words(f"–  {line}", after=2)
    yield Gap(6)
    yield words(say.label(_ENVELOPE, envelope=outcome.envelope) if outcome.envelope else say.label(_BY_MAIL))
    yield _clause(Clause.LETTER, delivery, one, size)
    yield Gap(6)
    for number, step in enumerate((_OPEN_ENVELOPE if outcome.envelope else _OPEN_MAIL, *_STEPS), 1):
        yield words(f"{number}.  {say.label(step)}", after=3)
    yield Gap(6)
    yield _clause(Clause.LETTER_HELP, delivery, one, size)


def _clause(clause: Clause, delivery: Delivery, stationery: Stationery, size: float) -> Piece:
    values = {
        "holder": delivery.person.name,
        "body": stationery.body["it"],
        "office": stationery.office_said,
        "serial": delivery.outcome.device_serial,
        "envelope": delivery.outcome.envelope,
    }
    columns = [(language, stationery.clause(clause, language, **values)) for language in stationery.languages]
    return paragraphs(columns, size, after=4)
