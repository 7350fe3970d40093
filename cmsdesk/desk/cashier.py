"""Taking money at this desk: the receipts' numbers, what is recorded, and the papers (REG-11, PRO-10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from PySide6.QtCore import QObject

from cmsdesk.base.clock import ROME
from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.people import name_of
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.registration.paper import stationery_here
from cmsdesk.desk.session import DeskSession
from cmsdesk.documents.contents import Closing, TillReceipt
from cmsdesk.documents.papers import Paper
from cmsdesk.domain.configuration import PaymentMethod
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import request_code
from cmsdesk.operations.till import Till, due_cents, next_number, receipt_number, till_at

METHODS = {PaymentMethod.CASH: N_("cash"), PaymentMethod.POS: N_("POS")}
REASON = N_("Fee for a device with its certificates")


def till_of(session: DeskSession) -> Till | None:
    """Return this desk's till, where the mandate allows payments and the body takes money in this office."""
    if not session.allowed(Action.REQUEST_PAY):
        return None
    return till_at(session.configuration, session.mandate.office, session.actor.workstation)


@dataclass(frozen=True)
class Balance:
    """What stands in a till since its last closing."""

    closing: int
    """The number of the closing that is to come."""
    count: int = 0
    cash_cents: int = 0
    """Taken, less what was given back."""
    pos_cents: int = 0
    opening_cents: int | None = None
    """In the till before the first receipt; None: nobody said."""
    reversals: int = 0
    reversed_cents: int = 0
    """Given back, however it had been paid."""

    @property
    def expected_cents(self) -> int:
        """The cash that must be in the till."""
        return (self.opening_cents or 0) + self.cash_cents

    @classmethod
    def of(cls, document: Document | None) -> Balance:
        """Return the balance of a till's document."""
        known = document or {}
        return cls(
            known.get("closings", 0) + 1,
            known.get("count", 0),
            known.get("cash_cents", 0),
            known.get("pos_cents", 0),
            known.get("opening_cash_cents"),
            known.get("reversals", 0),
            known.get("reversed_cents", 0),
        )


class Cashier(QObject):
    """This desk's till under this mandate; `till` is None where no money is taken."""

    def __init__(self, desk: Desk, papers: Papers, failed: Callable[[BaseException], object]) -> None:
        """``failed`` is told what hindered a print; the payment is recorded all the same."""
        super().__init__()
        self._desk, self._session, self._failed = desk, desk.session, failed
        self.papers = papers

    @property
    def till(self) -> Till | None:
        """The till, where the mandate allows payments and the body takes money in this office."""
        return till_of(self._session)

    def balance(self) -> Balance:
        """Return what stands in the till."""
        till = self.till
        return Balance.of(None if till is None else self._session.get("till", till.id))

    def take(self, request: str, method: PaymentMethod, cents: int) -> Document:
        """Record a payment; return its document.

        Raises:
            Refusal: nothing was recorded.
            ValueError: there is no till here.
        """
        return self._record("payment.record", request=request, method=method.value, amount_cents=cents)

    def may_give_back(self, payment: Document) -> bool:
        """Tell whether a payment can be given back here."""
        whole = "reverses" not in payment and "reversed_by" not in payment
        allowed = self._session.allowed(Action.PAYMENT_REVERSE, payment.get("office"))
        return whole and allowed and self.till is not None

    def give_back(self, payment: str, reason: str) -> Document:
        """Give a payment back, whole; return the document of the reversal.

        Raises:
            Refusal: nothing was recorded.
            ValueError: there is no till here.
        """
        return self._record("payment.reverse", reverses=payment, reason=reason)

    def _record(self, kind: str, **facts: object) -> Document:
        """Record a receipt under the next number of the series; return its document."""
        session, till = self._session, self._need_till()
        queued = [one.command for one in session.store.queued(limit=-1)]
        payment = new_id()
        session.submit(
            kind,
            payment=payment,
            till=till.id,
            series=till.series,
            number=next_number(till, session.get("till", till.id), queued),
            taken_at=session.clock.now().astimezone(ROME).isoformat(),
            **facts,
        )
        return session.get("payment", payment) or {}

    def _need_till(self) -> Till:
        till = self.till
        if till is None:
            raise ValueError("no till")
        return till

    def paid_at_once(self, request: str, method: str) -> str:
        """Take and print what is due for a request; return the receipt's number, empty where there is none.

        Args:
            request: its id.
            method: value of a `PaymentMethod`; empty: it is paid later.

        Raises:
            Refusal: nothing was recorded.
        """
        cents = self.due(request)
        if not method or not cents or self.till is None:
            return ""
        payment = self.take(request, PaymentMethod(method), cents)
        self.print_receipt(payment)
        return self.receipt_of(payment).number

    def due(self, request: str) -> int:
        """Return what is still to be paid for a request, in cents."""
        return due_cents(self._session.get("request", request) or {})

    def open_till(self, cents: int) -> None:
        """Record the cash in the till before its first receipt.

        Raises:
            Refusal: nothing was recorded.
            ValueError: there is no till here.
        """
        till = self._need_till()
        self._session.submit("till.open", till=till.id, series=till.series, opening_cash_cents=cents)

    def close(self, counted_cents: int) -> str:
        """Close the till: what was counted against what must be in it; return the closing's id.

        Raises:
            Refusal: nothing was recorded.
            ValueError: there is no till here.
        """
        till, closing = self._need_till(), new_id()
        self._session.submit("till.close", closing=closing, till=till.id, counted_cash_cents=counted_cents)
        return closing

    # --- papers --------------------------------------------------------------------------------

    def print_receipt(self, payment: Document) -> None:
        """Make a receipt, in two copies, and show it."""
        receipt = self.receipt_of(payment)
        stationery, now = stationery_here(self._desk), self._session.clock.now()
        work.start(
            self,
            lambda: self.papers.make(Paper.TILL_RECEIPT, receipt, stationery, now),
            done=partial(self._show, receipt.number.replace("/", "-")),
            failed=self._failed,
        )

    def print_closing(self, closing: Document) -> None:
        """Make a closing's report and show it."""
        session = self._session
        stationery, now = stationery_here(self._desk), session.clock.now()
        tills, till, number = session.tills, closing["till"], closing["number"]

        def gathered(payments: list[tuple[str, Document]]) -> None:
            report = self._report(closing, [document for _, document in payments])
            work.start(
                self,
                lambda: self.papers.make(Paper.CLOSING_REPORT, report, stationery, now),
                done=partial(self._show, f"{closing['series']}-{number:04d}"),
                failed=self._failed,
            )

        work.start(self, lambda: tills.payments(till, number), done=gathered, failed=self._failed)

    def receipt_of(self, payment: Document) -> TillReceipt:
        """Return what a payment's receipt says."""
        document = self._session.get("request", payment["request"])
        holder = None if document is None else request_of(payment["request"], document).holder
        return TillReceipt(
            number=receipt_number(payment["series"], payment["number"]),
            collected_at=datetime.fromisoformat(payment["taken_at"]),
            amount_cents=payment["amount_cents"],
            method=METHODS[PaymentMethod(payment["method"])],
            payer="" if holder is None else f"{holder.surname} {holder.given_name}",
            payer_fiscal_code="" if holder is None else holder.fiscal_code,
            reason=REASON,
            operator=self._operator(payment.get("recorded_by", "")),
            request_code=request_code(payment["request"]),
            reverses=self._number_of(payment.get("reverses")),
            note=str(payment.get("reason", "")),
        )

    def _number_of(self, payment: str | None) -> str:
        document = None if payment is None else self._session.get("payment", payment)
        return "" if document is None else receipt_number(document["series"], document["number"])

    def _report(self, closing: Document, payments: list[Document]) -> Closing:
        closed_at = datetime.fromisoformat(closing["closed_at"])
        begun = [datetime.fromisoformat(payment["taken_at"]) for payment in payments]
        begun += [datetime.fromisoformat(closing["opened_at"])] if "opened_at" in closing else []
        opening = closing.get("opening_cash_cents", 0)
        return Closing(
            till=closing["series"],
            opened_at=min(begun, default=closed_at),
            closed_at=closed_at,
            operator=self._operator(closing.get("closed_by", "")),
            receipts=[self.receipt_of(payment) for payment in payments],
            opening_cash_cents=opening,
            counted_cash_cents=closing["counted_cash_cents"],
            expected_cash_cents=opening + closing["cash_cents"],
        )

    def _operator(self, mandate: str) -> str:
        session = self._session
        if mandate in ("", session.mandate.id):
            return session.operator_name
        code = str((session.get("mandate", mandate) or {}).get("operator", ""))
        return name_of(session, code)

    def _show(self, name: str, made: bytes) -> None:
        try:
            self.papers.show(name, made)
        except Exception as error:  # noqa: BLE001 - whatever hinders it is said; the payment is recorded
            self._failed(error)
