"""The till: opening it, taking a payment or giving it back, receipts, closing with its report (PRO-10)."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.cashier import METHODS, Cashier
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.screens.till.closing import ClosingCard
from cmsdesk.desk.screens.till.drawer import Drawer
from cmsdesk.desk.screens.till.receipts import Payment, ReceiptLines, line_button
from cmsdesk.desk.tokens import READING
from cmsdesk.desk.widgets.basics import card, clear, column, label, plain, row
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.desk.widgets.states import EmptyState
from cmsdesk.domain.commands import Refusal
from cmsdesk.domain.configuration import PaymentMethod
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery

_SHORTEST = 3
_MOST = 6
_SHOWN = 30
_TYPING_MS = 200
_MOST_ROOM = 1000


class TillScreen(Screen):
    """One till at one desk; where the body takes no money here, it says so."""

    _series = ""

    def __init__(self, desk: Desk, papers: Papers | None = None) -> None:
        super().__init__(desk)
        self.cashier = Cashier(desk, papers or Papers(), self.notice.error)
        # what comes when the screen is gone is dropped
        self.cashier.setParent(self)
        self.chosen: ListRow | None = None
        self.search = text_field()
        self.method = QComboBox()
        self._matches = column(gap=0)
        self.closing = ClosingCard(self.session, self.cashier, self.close_till)
        self.drawer = Drawer(self.texts, self.open_till)
        self.receipts = ReceiptLines(self.texts, self.cashier, self.give_back)
        self.paid = ReceiptLines(self.texts, self.cashier, self.give_back)
        """What was paid for the request that is chosen."""
        self._person, self._due = plain(role="heading", wrap=True), plain(role="display")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._none = EmptyState(self.texts, self.theme, "banknote", N_("No till in this office"), _NO_TILL)
        self._cards = self._build()
        self.set_main(N_("Take the payment"), self.take, icon="banknote")
        self._typing.timeout.connect(self._look)
        self.search.textEdited.connect(lambda _: self._typing.start())
        self.session.changed.connect(self.refresh)
        self._say_methods()
        self.texts.retranslate.connect(self._say_again)
        self.refresh()

    # --- what the window asks ------------------------------------------------------------------

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Till"))

    def context(self) -> str:
        """Return whose till it is."""
        said = N_("Series {series} of this desk")
        return self.texts(said, series=self._series) if self._series else ""

    def activate(self, **facts: object) -> None:
        """Show the till; ``request`` (id) is to be paid."""
        self.refresh()
        request = facts.get("request")
        if isinstance(request, str):
            self._find(request)
        self.search.setFocus()

    def end(self) -> None:
        """The session ends: take the printed files away."""
        self.cashier.papers.close()

    # --- taking --------------------------------------------------------------------------------

    def choose(self, found: ListRow) -> None:
        """This request is paid."""
        self.chosen = found
        clear(self._matches)
        self._tell_chosen()
        if self.main is not None:
            self.main.setFocus()

    def take(self) -> None:
        """Record the payment of what was chosen and print its receipt."""
        self.notice.clear()
        if self.chosen is None:
            self._look()
            self.search.setFocus()
            return
        cents, method = self.cashier.due(self.chosen.id), self.method.currentData()
        if cents == 0 or method is None:
            self.notice.say("warn", N_("Nothing is due for this request."))
            return
        try:
            payment = self.cashier.take(self.chosen.id, PaymentMethod(method), cents)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        receipt = self.cashier.receipt_of(payment)
        self.cashier.print_receipt(payment)
        self.notice.say("good", TAKEN, number=receipt.number, amount=self.texts.euro(cents))
        self.chosen = None
        self.search.clear()
        self._tell_chosen()
        self.search.setFocus()
        self._load()

    def give_back(self, payment: Payment, reason: str) -> None:
        """Record that a payment is given back, and print its receipt."""
        self.notice.clear()
        try:
            reversal = self.cashier.give_back(payment[0], reason)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        receipt = self.cashier.receipt_of(reversal)
        self.cashier.print_receipt(reversal)
        amount = self.texts.euro(-receipt.amount_cents)
        self.notice.say(
            "good", N_("Given back: {amount}, receipt {number}."), number=receipt.number, amount=amount
        )
        self.refresh()

    # --- opening and closing -------------------------------------------------------------------------------

    def open_till(self, cents: int) -> None:
        """Record the cash that is in the till before its first receipt."""
        self.notice.clear()
        try:
            self.cashier.open_till(cents)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        self.notice.say("good", N_("The till is open with {amount}."), amount=self.texts.euro(cents))
        self.refresh()

    def close_till(self, counted_cents: int) -> None:
        """Close the till with what was counted, and print the report."""
        self.notice.clear()
        try:
            closing = self.cashier.close(counted_cents)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        self.closing.counted.clear()
        self.notice.say("good", N_("The till is closed; its report opens to be printed."))
        document = self.session.get("till_closing", closing)
        if document is not None:
            self.cashier.print_closing(document)
        self.refresh()

    # --- showing -------------------------------------------------------------------------------

    def refresh(self, changed: object = None) -> None:
        """Show the till as it stands; ``changed`` things concern only a screen that is seen."""
        if changed is not None and not self.isVisible():
            return
        till, balance = self.cashier.till, self.cashier.balance()
        self._series = "" if till is None else till.series
        self._none.setVisible(till is None)
        for made in self._cards:
            made.setVisible(till is not None)
        if self.main is not None:
            self.main.setVisible(till is not None)
        self.closing.setVisible(till is not None and self.session.allowed(Action.TILL_CLOSE))
        if self.method.count() != (0 if till is None else len(till.methods)):
            self._say_methods()
        self.drawer.show_balance(balance)
        self.closing.tell_difference()
        self._tell_chosen()
        self._load()
        self.say()

    def _load(self) -> None:
        till, tills, closing = self.cashier.till, self.session.tills, self.cashier.balance().closing
        if till is None:
            return
        identifier = till.id

        def show(found: tuple[list[tuple[str, Document]], list[tuple[str, Document]]]) -> None:
            payments, closings = found
            self.receipts.show_payments(payments, N_("None yet."))
            self.closing.show_closings(closings)

        work.start(
            self,
            lambda: (tills.payments(identifier, closing), tills.closings(identifier)),
            done=show,
            failed=self.notice.error,
        )

    # --- finding what is paid ------------------------------------------------------------------

    def _look(self) -> None:
        text = self.search.text().strip()
        if len(text) < _SHORTEST:
            clear(self._matches)
            return
        self._find(text)

    def _find(self, text: str) -> None:
        lists, get = self.session.lists, self.session.get
        query = ListQuery(WorkList.REQUESTS, contains=text)

        def find() -> list[ListRow]:
            one = get("request", text)
            if one is not None:
                # an id, given by another screen
                code = str(one["holder"]["fiscal_code"])
                rows = lists.rows(WorkList.REQUESTS, lists.keys(ListQuery(WorkList.REQUESTS, contains=code)))
                return [found for found in rows if found is not None and found.id == text]
            rows = lists.rows(WorkList.REQUESTS, lists.keys(query, _MOST))
            return [found for found in rows if found is not None]

        work.start(self, find, done=self._found, failed=self.notice.error)

    def _found(self, rows: list[ListRow]) -> None:
        clear(self._matches)
        if len(rows) == 1:
            self.choose(rows[0])
            return
        for found in rows:
            due = self.texts.euro(self.cashier.due(found.id))
            said = "  ·  ".join((found.name, found.code, due))
            self._matches.addWidget(line_button(said, partial(self.choose, found)))
        if not rows:
            self._matches.addWidget(plain(self.texts(N_("No request is found by that.")), "muted"))

    # --- words ---------------------------------------------------------------------------------

    def _tell_chosen(self) -> None:
        row_ = self.chosen
        self._person.setText("" if row_ is None else f"{row_.name} · {row_.code}")
        self._due.setText("" if row_ is None else self.texts.euro(self.cashier.due(row_.id)))
        for made in (self._person, self._due, self.paid):
            made.setVisible(row_ is not None)
        if row_ is not None:
            self._load_paid(row_.id)

    def _load_paid(self, request: str) -> None:
        tills = self.session.tills

        def show(payments: list[Payment]) -> None:
            if self.chosen is not None and self.chosen.id == request:
                self.paid.show_payments(payments)

        work.start(self, lambda: tills.payments_of(request), done=show, failed=self.notice.error)

    def _say_again(self) -> None:
        """Another language: lines, sums and methods are said anew."""
        self._say_methods()
        self.refresh()

    def _say_methods(self) -> None:
        till, before = self.cashier.till, self.method.currentData()
        self.method.clear()
        for method in () if till is None else till.methods:
            self.method.addItem(self.texts.begin(METHODS[method]), method.value)
        self.method.setCurrentIndex(max(self.method.findData(before), 0))

    # --- building ------------------------------------------------------------------------------

    def _build(self) -> list[Any]:
        texts = self.texts
        taking = card(
            label(texts, N_("Take a payment"), "heading"),
            FieldRow(texts, N_("Request: number, name or codice fiscale"), self.search),
            self._matches,
            self._person,
            self._due,
            self.paid,
            FieldRow(texts, N_("Paid by"), self.method),
        )
        receipts = card(
            label(texts, N_("Receipts since the last closing: to print again"), "label"), self.receipts
        )
        cards = [self.drawer, taking, receipts, self.closing]
        for made in cards:
            made.setMaximumWidth(READING)
        left = column(self.drawer, taking, None, gap=2)
        right = column(receipts, self.closing, None, gap=2)
        sides = row(gap=2)
        # on a wide screen what is left stands beside them
        sides.addLayout(left, _MOST_ROOM)
        sides.addLayout(right, _MOST_ROOM)
        sides.addStretch(1)
        self.body.addWidget(self._none)
        self.body.addLayout(sides)
        self.body.addStretch(1)
        return cards


TAKEN = N_("Taken: {amount}, receipt {number}.")
_NO_TILL = N_("No money is taken in this office: the body’s administrator sets methods and series.")
