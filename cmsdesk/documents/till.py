"""The till's papers: receipts in two copies on one sheet, and the closing report (PRO-10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cmsdesk.base.texts import N_
from cmsdesk.documents.clauses import Clause
from cmsdesk.documents.contents import Closing, Column, TillReceipt
from cmsdesk.documents.fonts import STRONG
from cmsdesk.documents.pen import Pen
from cmsdesk.documents.pieces import (
    Field,
    Fields,
    Gap,
    Heading,
    Piece,
    Signatures,
    Spring,
    Style,
    Whole,
    Words,
    paragraphs,
)
from cmsdesk.documents.request_form import title_pieces
from cmsdesk.documents.sheet import Sheet
from cmsdesk.documents.stationery import Stationery
from cmsdesk.documents.tables import Table

RECEIPT_TITLE = N_("Receipt number {number}")
REVERSAL_TITLE = N_("Receipt number {number}, reversal of number {reversed}")
CLOSING_TITLE = N_("Closing report of the till")
_GIVEN_BACK, _GIVEN_BACK_TO = N_("Payments given back"), N_("Given back to")
_WHY = N_("Reason for giving back")
_PROVES_BACK = N_("The amount above was given back. Kept with the office’s cash records.")


def till_receipt(receipt: TillReceipt, stationery: Stationery, now: datetime) -> bytes:
    """Return the receipt as PDF/A-1b: the payer's copy and the office's, with a line to cut along."""
    say, label, name = stationery.wording, stationery.wording.label, stationery.wording.name
    message = REVERSAL_TITLE if receipt.reverses else RECEIPT_TITLE
    titles = list(say.each(message, number=receipt.number, reversed=receipt.reverses))

    def copy(style: Style, whose: str) -> Iterator[Piece]:
        for title, language, size in zip(titles, stationery.languages, (14, 11), strict=False):
            yield Words(title, size, STRONG, "H1", language)
        yield Words(label(whose), 8, grey=0.28, after=6)
        yield Fields(
            (
                Field(label(N_("Amount")), say.money(receipt.amount_cents), 1.4),
                Field(label(N_("Paid by")), label(receipt.method), 1.4),
                Field(label(N_("Date")), say.moment(receipt.collected_at), 1.6),
                *(
                    (Field(label(N_("Reference of the operation")), receipt.reference, 1.8),)
                    if receipt.reference
                    else ()
                ),
            ),
            style,
        )
        yield Fields(
            (
                Field(label(_GIVEN_BACK_TO if receipt.reverses else N_("Received from")), receipt.payer, 3),
                Field(name(N_("codice fiscale")), receipt.payer_fiscal_code, 2),
            ),
            style,
        )
        yield Fields(
            (
                Field(label(N_("Reason")), label(receipt.reason), 3),
                Field(label(N_("Request")), receipt.request_code, 2),
                Field(label(N_("Operator")), receipt.operator, 2),
            ),
            style,
        )
        if receipt.note:
            yield Fields((Field(label(_WHY), receipt.note),), style)
        yield Gap(5)
        yield paragraphs(_what_it_proves(receipt, stationery), 7.6)

    def pieces(style: Style) -> list[Piece]:
        return [
            *copy(style, N_("Copy for the payer")),
            Gap(36),
            _Cut(),
            Gap(36),
            *copy(style, N_("Copy for the office")),
        ]

    return Sheet(stationery, titles[0], now, receipt.request_code).set(pieces)


def _what_it_proves(receipt: TillReceipt, stationery: Stationery) -> list[tuple[str, Sequence[str]]]:
    """Return (language, paragraphs): the body's clause is about money taken, not about money given back."""
    if receipt.reverses:
        said = stationery.wording.each(_PROVES_BACK)
        return [(language, [text]) for language, text in zip(stationery.languages, said, strict=True)]
    return [
        (language, stationery.clause(Clause.TILL, language, body=stationery.body["it"]))
        for language in stationery.languages
    ]


class _Cut(Whole):
    """A line to cut along."""

    def height(self, across: float) -> float:
        return 2.0

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        with pen.artifact():
            pen.dashes(0, y, pen.size[0])


def closing_report(closing: Closing, stationery: Stationery, now: datetime) -> bytes:
    """Return the report as PDF/A-1b: sums by method, count of the cash, every receipt."""
    title = stationery.wording.first(CLOSING_TITLE)
    return Sheet(stationery, title, now).set(lambda style: list(_closing(closing, stationery, style)))


def _closing(closing: Closing, stationery: Stationery, style: Style) -> Iterator[Piece]:
    say, label = stationery.wording, stationery.wording.label
    yield from title_pieces(say, CLOSING_TITLE, style)
    yield Fields(
        (
            Field(label(N_("Till")), closing.till, 2),
            Field(label(N_("Opened")), say.moment(closing.opened_at), 1.6),
            Field(label(N_("Closed")), say.moment(closing.closed_at), 1.6),
            Field(label(N_("Operator")), closing.operator, 2.2),
        ),
        style,
    )
    yield Gap(style.gap)
    yield Heading(label(N_("Cash")), style)
    cash = (
        (N_("At opening"), closing.opening_cash_cents),
        (N_("Expected"), closing.expected_cash_cents),
        (N_("Counted"), closing.counted_cash_cents),
        (N_("Difference"), closing.difference_cents),
    )
    yield Fields([Field(label(name), say.money(cents)) for name, cents in cash], style)
    if closing.note:
        yield Fields((Field(label(N_("Note")), closing.note),), style)
    yield Gap(style.gap)
    yield Heading(label(N_("Collected")), style)
    yield _sums(closing.receipts, stationery)
    yield Gap(style.gap)
    yield Heading(label(N_("Receipts")), style)
    yield _receipts(closing.receipts, stationery)
    given_back = [receipt for receipt in closing.receipts if receipt.reverses]
    if given_back:
        yield Gap(style.gap)
        yield Heading(label(_GIVEN_BACK), style)
        yield _reversals(given_back, stationery)
    yield Spring(style.gap * 2)
    yield Signatures(
        (label(N_("Signature of the operator")), label(N_("Seen by the person in charge"))), style
    )


def _sums(receipts: Sequence[TillReceipt], stationery: Stationery) -> Table:
    say = stationery.wording
    methods = dict.fromkeys(receipt.method for receipt in receipts)
    rows = []
    for method in methods:
        cents = [receipt.amount_cents for receipt in receipts if receipt.method == method]
        rows.append((say.label(method), str(len(cents)), say.money(sum(cents))))
    total = say.money(sum(receipt.amount_cents for receipt in receipts))
    columns = (Column(N_("Paid by"), 3), Column(N_("Receipts"), 1, True), Column(N_("Amount"), 1.4, True))
    return Table(columns, rows, say, (say.label(N_("Total")), str(len(receipts)), total))


def _receipts(receipts: Sequence[TillReceipt], stationery: Stationery) -> Table:
    say = stationery.wording
    columns = (
        Column(N_("Number"), 2.2),
        Column(N_("Date"), 1.7),
        Column(N_("Received from"), 3),
        Column(N_("Request"), 1.8),
        Column(N_("Paid by"), 1.4),
        Column(N_("Amount"), 1.3, True),
    )
    rows = [
        (
            receipt.number,
            say.moment(receipt.collected_at),
            receipt.payer,
            receipt.request_code,
            say.first(receipt.method),
            say.money(receipt.amount_cents),
        )
        for receipt in receipts
    ]
    return Table(columns, rows, say)


def _reversals(receipts: Sequence[TillReceipt], stationery: Stationery) -> Table:
    say = stationery.wording
    columns = (
        Column(N_("Number"), 2.2),
        Column(N_("Gives back"), 2.2),
        Column(_GIVEN_BACK_TO, 2.4),
        Column(_WHY, 3.4),
        Column(N_("Amount"), 1.3, True),
    )
    rows = [
        (receipt.number, receipt.reverses, receipt.payer, receipt.note, say.money(receipt.amount_cents))
        for receipt in receipts
    ]
    total = say.money(sum(receipt.amount_cents for receipt in receipts))
    return Table(columns, rows, say, (say.label(N_("Total")), str(len(receipts)), "", "", total))
