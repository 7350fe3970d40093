"""Receipts, a line each: printed again, or given back with a reason (PRO-10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.cashier import Cashier
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, clear, column, plain, row
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.domain.events import Document
from cmsdesk.operations.till import receipt_number

Payment = tuple[str, Document]
"""Id and document."""
_SHOWN = 30
_INDENT = 10
"""Of the words below a line's button, which have the button's own margin."""


class ReceiptLines(QWidget):
    """Payments and what was given back, the newest first; what may be given back asks for its reason here."""

    def __init__(
        self, texts: LiveTexts, cashier: Cashier, give_back: Callable[[Payment, str], object]
    ) -> None:
        """``give_back``: records it, with the reason."""
        super().__init__()
        self._texts, self._cashier, self._give_back = texts, cashier, give_back
        self._chosen: Payment | None = None
        self._lines = column(gap=0)
        self._what = plain(role="label", wrap=True)
        self.reason = text_field()
        self._field = FieldRow(texts, N_("Reason"), self.reason, hint=_KEPT)
        self.reason.textEdited.connect(lambda _: self._field.set_error())
        self.reason.returnPressed.connect(self.confirm)
        self.panel = QWidget()
        confirm = button(texts, N_("Give it back and print"), self.confirm, kind="danger")
        keep = button(texts, N_("Leave it as it is"), self.leave)
        self.panel.setLayout(column(self._what, self._field, row(confirm, keep, None)))
        self.panel.hide()
        texts.bind(self._what, self._say_what)
        self.setLayout(column(self._lines, self.panel))

    def show_payments(self, payments: Sequence[Payment], none: str = "") -> None:
        """Show them, the latest first; ``none``: what is said where there are none."""
        clear(self._lines)
        for payment in sorted(payments, key=_moment, reverse=True)[:_SHOWN]:
            self._lines.addLayout(self._line(payment))
        if not payments and none:
            self._lines.addWidget(plain(self._texts(none), "muted"))

    def ask(self, payment: Payment) -> None:
        """Ask why this payment is given back."""
        self._chosen = payment
        self._say_what()
        self.panel.show()
        self.reason.setFocus()

    def confirm(self) -> None:
        """Give back what was chosen."""
        reason = self.reason.text().strip()
        if not reason:
            self._field.set_error(N_("State the reason."))
            self.reason.setFocus()
            return
        if self._chosen is not None:
            self._give_back(self._chosen, reason)
        self.leave()

    def leave(self) -> None:
        """Give nothing back."""
        self._chosen = None
        self.reason.clear()
        self.panel.hide()

    def _say_what(self) -> None:
        if self._chosen is None:
            return
        texts, document = self._texts, self._chosen[1]
        number = receipt_number(document["series"], document["number"])
        amount = texts.euro(document["amount_cents"])
        self._what.setText(texts(N_("Give back {amount} of receipt {number}"), amount=amount, number=number))

    def _line(self, payment: Payment) -> QHBoxLayout:
        texts, document = self._texts, payment[1]
        receipt = self._cashier.receipt_of(document)
        who = "  ·  ".join(filter(None, (receipt.number, receipt.payer)))
        parts = [texts.euro(receipt.amount_cents), texts(receipt.method)]
        if receipt.reverses:
            parts.append(texts(N_("gives back {number}"), number=receipt.reverses))
        elif document.get("reversed_by"):
            parts.append(texts(N_("given back")))
        how = plain("  ·  ".join(parts), "small")
        how.setContentsMargins(_INDENT, 0, 0, 0)
        made = row(column(line_button(who, partial(self._cashier.print_receipt, document)), how, gap=0), None)
        if self._cashier.may_give_back(document):
            back = button(texts, N_("Give back…"), partial(self.ask, payment), kind="flat")
            back.setAccessibleName(f"{texts(N_('Give back…'))} {receipt.number}")
            made.addWidget(back)
        return made


def line_button(words: str, run: Callable[[], object]) -> QPushButton:
    """Return a line of a list that does something when it is chosen."""
    made = QPushButton(words)
    made.setProperty("flat", True)
    made.setAccessibleName(words)
    made.setStyleSheet("text-align: left")
    made.clicked.connect(lambda _checked=False: run())
    return made


def _moment(payment: Payment) -> tuple[str, int]:
    return str(payment[1]["taken_at"]), int(payment[1]["number"])


_KEPT = N_("It stands on the receipt and in the closing’s report.")
