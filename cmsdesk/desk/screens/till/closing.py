"""Closing the till: what was counted against what must be there, and earlier closings (PRO-10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtWidgets import QVBoxLayout, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.cashier import Cashier
from cmsdesk.desk.money import cents_of
from cmsdesk.desk.screens.till.receipts import line_button
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.widgets.basics import button, card, clear, column, label, plain, row
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.domain.events import Document

_SHOWN = 30


class ClosingCard(QWidget):
    """The cash counted, its difference as one types, and the closings that were, to be printed again."""

    def __init__(self, session: DeskSession, cashier: Cashier, close_till: Callable[[int], object]) -> None:
        """``close_till`` is given what was counted, in cents."""
        super().__init__()
        self._session, self._texts, self._cashier = session, session.texts, cashier
        self._close_till = close_till
        self.counted, self.difference = text_field(), plain(role="muted", wrap=True)
        self._field = FieldRow(self._texts, N_("Cash counted"), self.counted)
        self._closings = column(gap=0)
        self.counted.textChanged.connect(lambda _: self.tell_difference())
        made = card(
            label(self._texts, N_("Close the till"), "heading"),
            self._field,
            self.difference,
            row(button(self._texts, N_("Close the till and print"), self.close_it), None),
            label(self._texts, N_("Earlier closings: to print again"), "label"),
            self._closings,
        )
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(made)
        self.setLayout(whole)

    def close_it(self) -> None:
        """Close the till with what was counted."""
        counted = cents_of(self.counted.text())
        if counted is None:
            self._field.set_error(N_("An amount in euro is expected."))
            self.counted.setFocus()
            return
        self._close_till(counted)

    def tell_difference(self) -> None:
        """Say how far what was counted is from what must be there."""
        counted = cents_of(self.counted.text())
        self._field.set_error()
        if counted is None:
            self.difference.setText("")
            return
        difference = counted - self._cashier.balance().expected_cents
        message = N_("Difference: {amount}") if difference else N_("The cash is what the till must hold.")
        self.difference.setText(self._texts(message, amount=self._texts.euro(difference)))

    def show_closings(self, closings: Sequence[tuple[str, Document]]) -> None:
        """Show the closings that were, the latest first."""
        texts = self._texts
        clear(self._closings)
        for _, closing in closings[:_SHOWN]:
            at = texts.moment(closing["closed_at"], self._session.clock.now())
            sums = texts.euro(closing["cash_cents"] + closing["pos_cents"])
            said = "  ·  ".join((texts(N_("Closing {number}"), number=closing["number"]), at, sums))
            self._closings.addWidget(line_button(said, partial(self._cashier.print_closing, closing)))
        if not closings:
            self._closings.addWidget(plain(texts(N_("None yet.")), "muted"))
