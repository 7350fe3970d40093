"""The till: what stands in it, taking a payment, the receipts since the last closing, closing (PRO-10)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QComboBox, QPushButton

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.cashier import METHODS, Balance, Cashier
from cmsdesk.desk.money import cents_of
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.tokens import READING
from cmsdesk.desk.widgets.basics import button, card, clear, column, label, plain, row
from cmsdesk.desk.widgets.field import FieldRow, text_field
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
        self.counted = text_field()
        self._matches, self._receipts, self._closings = column(gap=0), column(gap=0), column(gap=0)
        self._person, self._due = plain(role="heading", wrap=True), plain(role="display")
        self._cash, self._pos, self._count = plain(role="heading"), plain(role="heading"), plain(role="muted")
        self._difference = plain(role="muted", wrap=True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._none = label(self.texts, _NO_TILL, wrap=True)
        self._cards = self._build()
        self.set_main(N_("Take the payment"), self.take, icon="banknote")
        self._typing.timeout.connect(self._look)
        self.search.textEdited.connect(lambda _: self._typing.start())
        self.counted.textChanged.connect(lambda _: self._tell_difference())
        self.session.changed.connect(self.refresh)
        self.texts.bind(self.method, self._say_methods)
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

    def closeEvent(self, event: QCloseEvent) -> None:
        """Take the printed files away."""
        self.cashier.papers.close()
        super().closeEvent(event)

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

    # --- closing -------------------------------------------------------------------------------

    def close_till(self) -> None:
        """Close the till with what was counted, and print the report."""
        self.notice.clear()
        counted = cents_of(self.counted.text())
        if counted is None:
            self._counted_row.set_error(N_("An amount in euro is expected."))
            self.counted.setFocus()
            return
        try:
            closing = self.cashier.close(counted)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        self.counted.clear()
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
        self._closing_card.setVisible(till is not None and self.session.allowed(Action.TILL_CLOSE))
        if self.method.count() != (0 if till is None else len(till.methods)):
            self._say_methods()
        self._tell_balance(balance)
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
            self._show_lines(self._receipts, [self._receipt_line(one) for _, one in reversed(payments)])
            self._show_lines(self._closings, [self._closing_line(one) for _, one in closings])

        work.start(
            self,
            lambda: (tills.payments(identifier, closing), tills.closings(identifier)),
            done=show,
            failed=self.notice.error,
        )

    def _receipt_line(self, payment: Document) -> tuple[str, Callable[[], object]]:
        receipt = self.cashier.receipt_of(payment)
        said = (
            receipt.number,
            receipt.payer,
            self.texts(receipt.method),
            self.texts.euro(receipt.amount_cents),
        )
        return "  ·  ".join(filter(None, said)), partial(self.cashier.print_receipt, payment)

    def _closing_line(self, closing: Document) -> tuple[str, Callable[[], object]]:
        at = self.texts.moment(closing["closed_at"], self.session.clock.now())
        sums = self.texts.euro(closing["cash_cents"] + closing["pos_cents"])
        said = self.texts(N_("Closing {number}"), number=closing["number"])
        return "  ·  ".join((said, at, sums)), partial(self.cashier.print_closing, closing)

    def _show_lines(self, box: Any, lines: list[tuple[str, Callable[[], object]]]) -> None:
        clear(box)
        for words, run in lines[:_SHOWN]:
            box.addWidget(self._link(words, run))
        if not lines:
            box.addWidget(plain(self.texts(N_("None yet.")), "muted"))

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
            self._matches.addWidget(self._link(said, partial(self.choose, found)))
        if not rows:
            self._matches.addWidget(plain(self.texts(N_("No request is found by that.")), "muted"))

    # --- words ---------------------------------------------------------------------------------

    def _tell_balance(self, balance: Balance) -> None:
        self._cash.setText(self.texts.euro(balance.cash_cents))
        self._pos.setText(self.texts.euro(balance.pos_cents))
        self._count.setText(self.texts(N_("Receipts since the last closing: {count}"), count=balance.count))
        self._tell_difference()

    def _tell_difference(self) -> None:
        counted = cents_of(self.counted.text())
        self._counted_row.set_error()
        if counted is None:
            self._difference.setText("")
            return
        difference = counted - self.cashier.balance().cash_cents
        message = N_("Difference: {amount}") if difference else N_("The cash is what the receipts say.")
        self._difference.setText(self.texts(message, amount=self.texts.euro(difference)))

    def _tell_chosen(self) -> None:
        row_ = self.chosen
        self._person.setText("" if row_ is None else f"{row_.name} · {row_.code}")
        self._due.setText("" if row_ is None else self.texts.euro(self.cashier.due(row_.id)))
        for made in (self._person, self._due):
            made.setVisible(row_ is not None)

    def _say_methods(self) -> None:
        till, before = self.cashier.till, self.method.currentData()
        self.method.clear()
        for method in () if till is None else till.methods:
            self.method.addItem(self.texts.begin(METHODS[method]), method.value)
        self.method.setCurrentIndex(max(self.method.findData(before), 0))

    # --- building ------------------------------------------------------------------------------

    def _build(self) -> list[Any]:
        texts = self.texts
        self._counted_row = FieldRow(texts, N_("Cash counted"), self.counted)
        stands = card(
            label(texts, N_("In the till"), "heading"),
            row(
                label(texts, N_("Cash"), "muted"),
                self._cash,
                3,
                label(texts, N_("POS"), "muted"),
                self._pos,
                None,
            ),
            self._count,
        )
        taking = card(
            label(texts, N_("Take a payment"), "heading"),
            FieldRow(texts, N_("Request: number, name or codice fiscale"), self.search),
            self._matches,
            self._person,
            self._due,
            FieldRow(texts, N_("Paid by"), self.method),
        )
        close = button(texts, N_("Close the till and print"), self.close_till)
        self._closing_card = card(
            label(texts, N_("Close the till"), "heading"),
            self._counted_row,
            self._difference,
            row(close, None),
            label(texts, N_("Earlier closings: to print again"), "label"),
            self._closings,
        )
        receipts = card(
            label(texts, N_("Receipts since the last closing: to print again"), "label"), self._receipts
        )
        cards = [stands, taking, receipts, self._closing_card]
        for made in cards:
            made.setMaximumWidth(READING)
        left = column(stands, taking, None, gap=2)
        right = column(receipts, self._closing_card, None, gap=2)
        sides = row(gap=2)
        sides.addLayout(left, 1)
        sides.addLayout(right, 1)
        self.body.addWidget(self._none)
        self.body.addLayout(sides)
        self.body.addStretch(1)
        return cards

    def _link(self, words: str, run: Callable[[], object]) -> QPushButton:
        made = QPushButton(words)
        made.setProperty("flat", True)
        made.setAccessibleName(words)
        made.setStyleSheet("text-align: left")
        made.clicked.connect(lambda _checked=False: run())
        return made


TAKEN = N_("Taken: {amount}, receipt {number}.")
_NO_TILL = N_("No money is taken in this office: the body’s administrator sets methods and series.")
