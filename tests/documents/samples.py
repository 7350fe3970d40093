"""Papers of invented people for the tests of this room."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

from PIL import Image, ImageDraw

from cmsdesk.base.texts import N_
from cmsdesk.documents.contents import Closing, Column, Delivery, ListPaper, RequestForm, TillReceipt
from cmsdesk.documents.delivery import accompanying_letter, delivery_receipt
from cmsdesk.documents.journal import (
    ClosingSheet,
    HeadShown,
    JournalProof,
    ProvedEntry,
    closing_sheet,
    journal_proof,
)
from cmsdesk.documents.request_form import request_form
from cmsdesk.documents.stationery import Stationery
from cmsdesk.documents.subjects import Certificate, Company, Outcome, Person
from cmsdesk.documents.tables import list_paper
from cmsdesk.documents.till import closing_report, till_receipt
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.journal import TreeState
from cmsdesk.domain.scratch_card import ScratchDelivery

NOW = datetime(2026, 11, 26, 9, 42, 7, tzinfo=UTC)
CODE = "R-2026-004711"
NAMES = {
    "it": "Camera di commercio, industria, artigianato e agricoltura di Bolzano",
    "de": "Handels-, Industrie-, Handwerks- und Landwirtschaftskammer Bozen",
}


def logo() -> bytes:
    """Return a picture with transparent parts: PDF/A-1 takes none as they are."""
    image = Image.new("RGBA", (400, 160), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((4, 4, 396, 156), 20, fill=(12, 64, 120, 255))
    pen.ellipse((30, 30, 130, 130), fill=(255, 255, 255, 128))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def stationery(*languages: str, sandbox: bool = False) -> Stationery:
    return Stationery(
        body=NAMES,
        office="Ufficio di Bolzano",
        office_lines=("Via Alto Adige 60, 39100 Bolzano", "0471 000000 · firma@example.com"),
        languages=languages or ("it",),
        logo=logo() if sandbox else None,
        sandbox=sandbox,
    )


PERSON = Person(
    fiscal_code="MLLHNS80A01A952Z",
    surname="Müller Oberhofer",
    given_name="Hans Jürgen",
    sex="M",
    born_on=date(1980, 1, 1),
    birthplace="Bolzano/Bozen (BZ)",
    citizenship="Italia",
    street="Via della Mostra 12/A",
    postcode="39100",
    municipality="Bolzano/Bozen",
    province="BZ",
    document_kind="Carta d’identità",
    document_number="CA12345AB",
    document_issuer="Comune di Bolzano",
    document_issued_on=date(2020, 5, 1),
    document_expires_on=date(2030, 1, 1),
    contact_email="hans.mueller@example.com",
    certificate_email="h.mueller@example.org",
)
COMPANY = Company(
    name="Müller & Söhne di Müller Hans Jürgen e C. S.n.c.",
    fiscal_code="01234567897",
    chamber="Bolzano",
    rea="BZ-123456",
    position="Socio amministratore",
)
OUTCOME = Outcome(
    device_kind=DeviceKind.SMART_CARD,
    device_serial="7430010024925855",
    certificates=(
        Certificate(Slot.AUTHENTICATION, "4A3F90B1C2D3E4F5061728394A5B6C7D", date(2029, 11, 25)),
        Certificate(Slot.SIGNATURE, "0B3F90B1C2D3E4F5061728394A5B6C7E", date(2029, 11, 25)),
    ),
    envelope="BC-000412",
    issued_at=NOW,
    issued_by="Giulia Bianchi",
)
FORM = RequestForm(
    code=CODE,
    person=PERSON,
    company=COMPANY,
    device_kind=DeviceKind.SMART_CARD,
    codes_by=ScratchDelivery.PAPER,
    fee_cents=2500,
    first_issue=False,
    paid_with="BZ1/2026/000123",
    operator="Giulia Bianchi",
    registered_at=NOW,
)
DELIVERY = Delivery(CODE, PERSON, OUTCOME, "Giulia Bianchi", NOW)


def receipt(number: int = 123) -> TillReceipt:
    return TillReceipt(
        number=f"BZ1/2026/{number:06}",
        collected_at=NOW,
        amount_cents=2500 if number % 3 else 7000,
        method=N_("Cash") if number % 2 else "POS",
        payer=PERSON.name,
        payer_fiscal_code=PERSON.fiscal_code,
        reason=N_("Fee"),
        operator="Giulia Bianchi",
        request_code=CODE,
        reference="" if number % 2 else "0012",
    )


BACK = replace(
    receipt(60), amount_cents=-7000, reverses=receipt(48).number, note="Pagata due volte, {anche} al POS"
)
CLOSING = Closing(
    till="BZ1",
    opened_at=NOW,
    closed_at=NOW,
    operator="Giulia Bianchi",
    receipts=[*(receipt(number) for number in range(1, 60)), BACK],
    opening_cash_cents=10000,
    counted_cash_cents=140000,
    expected_cash_cents=140500,
)
OPERATORS = ListPaper(
    title=N_("Operator"),
    columns=(Column(N_("Operator"), 2), Column(N_("Place")), Column(N_("Amount"), 1, numbers=True)),
    rows=[(f"Rossi Giulia {number}", "Ufficio di Bolzano", f"{number * 7}") for number in range(300)],
    context="Ufficio di Bolzano",
    totals=("300", "", "314"),
)
HEAD = HeadShown(
    line=TreeState("cciaa-bz", 1, 70213, bytes(range(32))).paper(),
    signed_at=NOW,
    key_id=bytes(range(32, 64)).hex(),
    signature=bytes(range(64, 128)),
    stamped=True,
)
SHEET = ClosingSheet(
    date(2026, 11, 26), "cciaa-bz", 70213, HEAD, [(N_("The request"), 311), (N_("The device"), 87)]
)
PROOF = JournalProof(
    "7430010024925855",
    "cciaa-bz",
    [
        ProvedEntry(
            41 + number,
            NOW,
            kind,
            f'{{"at":"2026-11-26T09:42:07.000Z","kind":"{kind}","v":1}}',
            bytes(32),
            [bytes([step]) * 32 for step in range(17)],
        )
        for number, kind in enumerate(("device.stocked", "device.produced", "device.delivered"))
    ],
    HEAD,
)

PAPERS: dict[str, Callable[[Stationery], bytes]] = {
    "form": lambda paper: request_form(FORM, paper, NOW),
    "form by hand": lambda paper: request_form(RequestForm(), paper, NOW),
    "form with issue": lambda paper: request_form(replace(FORM, outcome=OUTCOME), paper, NOW),
    "delivery receipt": lambda paper: delivery_receipt(DELIVERY, paper, NOW),
    "letter": lambda paper: accompanying_letter(DELIVERY, paper, NOW),
    "till receipt": lambda paper: till_receipt(receipt(), paper, NOW),
    "till reversal": lambda paper: till_receipt(BACK, paper, NOW),
    "closing": lambda paper: closing_report(CLOSING, paper, NOW),
    "journal sheet": lambda paper: closing_sheet(SHEET, paper, NOW),
    "journal proof": lambda paper: journal_proof(PROOF, paper, NOW),
    "list": lambda paper: list_paper(OPERATORS, paper, NOW),
}
