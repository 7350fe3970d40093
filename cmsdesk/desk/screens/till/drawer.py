"""What stands in the till, and the cash it began with (PRO-10)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.cashier import Balance
from cmsdesk.desk.money import cents_of
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, card, column, label, plain, row
from cmsdesk.desk.widgets.field import FieldRow, text_field


class Drawer(QWidget):
    """Cash, POS, number of receipts; before the first receipt the cash at opening is written here."""

    def __init__(self, texts: LiveTexts, open_till: Callable[[int], object]) -> None:
        """``open_till`` records the cash at opening, in cents."""
        super().__init__()
        self._texts, self._open_till = texts, open_till
        self._cash, self._pos = plain(role="heading"), plain(role="heading")
        self.opening, self._told = text_field(), plain(role="muted", wrap=True)
        self._field = FieldRow(texts, N_("Cash at opening"), self.opening, hint=_BEFORE)
        self.opening.textEdited.connect(lambda _: self._field.set_error())
        self.opening.returnPressed.connect(self.record)
        self._ask = QWidget()
        self._ask.setLayout(column(self._field, row(button(texts, N_("Open the till"), self.record), None)))
        sums = row(
            label(texts, N_("Cash"), "muted"),
            self._cash,
            3,
            label(texts, N_("POS"), "muted"),
            self._pos,
            None,
        )
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(card(label(texts, N_("In the till"), "heading"), sums, self._told, self._ask))
        self.setLayout(whole)

    def show_balance(self, balance: Balance) -> None:
        """Show what stands in it."""
        texts = self._texts
        self._cash.setText(texts.euro(balance.expected_cents))
        self._pos.setText(texts.euro(balance.pos_cents))
        said = [texts(N_("Receipts since the last closing: {count}"), count=balance.count)]
        if balance.opening_cents is not None:
            said.append(texts(N_("Cash at opening: {amount}"), amount=texts.euro(balance.opening_cents)))
        if balance.reversals:
            amount = texts.euro(balance.reversed_cents)
            said.append(texts(N_("Given back: {count} ({amount})"), count=balance.reversals, amount=amount))
        self._told.setText("\n".join(said))
        self._ask.setVisible(balance.count == 0)

    def record(self) -> None:
        """Record what was counted before the first receipt."""
        cents = cents_of(self.opening.text())
        if cents is None:
            self._field.set_error(N_("An amount in euro is expected."))
            self.opening.setFocus()
            return
        self._open_till(cents)
        self.opening.clear()


_BEFORE = N_("Counted before the first receipt of the day; the closing reckons with it.")
