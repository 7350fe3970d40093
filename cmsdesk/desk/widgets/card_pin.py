"""A card and its PIN: waits for a card in any reader, says whose it is and how many tries are left, asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.qt import ALIGN_H_CENTER
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, column, label, picture, plain, row
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.pin_field import PinField
from cmsdesk.desk.widgets.states import Busy

if TYPE_CHECKING:  # not on the way to the first frame
    from cmsdesk.desk.gate import CardShown, Gate
    from cmsdesk.desk.readers import ReaderWatch

LEAST_PIN = 4
_LAST_TRIES = 1


class CardPin(QWidget):
    """`given` with the card and the PIN, once for each press of Enter; whoever takes the PIN wipes it."""

    given = Signal(object, object)

    def __init__(self, texts: LiveTexts, theme: Theme, readers: ReaderWatch, gate: Gate, verb: str) -> None:
        """``verb``: what the button says."""
        super().__init__()
        self._texts, self._theme, self._readers, self._gate = texts, theme, readers, gate
        self._card: CardShown | None = None
        self._looking = ""
        self._passed: frozenset[str] = frozenset()
        self._busy_now = False
        self._active = False
        self.notice = Notice(texts, theme)
        self.busy = Busy(texts)
        self.pin = PinField()
        self._stack = QStackedWidget()
        self._fill(verb)
        readers.changed.connect(self._follow)

    # --- life ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Look for a card from now on."""
        self._active = True
        self._forget()
        self._passed = frozenset()
        self._follow()

    def end(self) -> None:
        """Look no more; nothing typed stays."""
        self._active = False
        self._set_busy("")
        self._forget()

    def work(self, message: str) -> None:
        """Something takes time with the card or the service."""
        self.notice.clear()
        self._set_busy(message)

    def refused(self, error: BaseException) -> None:
        """Say what went wrong, and read the tries left again: the card knows them, not the program."""
        self._set_busy("")
        self.notice.error(error)
        card, self._card = self._card, None
        if card is not None and self._readers.card_in(card.reader):
            self._read(card.reader)
        else:
            self._stack.setCurrentIndex(0)

    def submit(self) -> None:
        """Hand the PIN over, once."""
        if self._card is None or self._busy_now or self.pin.length() < LEAST_PIN:
            return
        self.given.emit(self._card, self.pin.take())

    # --- building ------------------------------------------------------------------------------

    def _fill(self, verb: str) -> None:
        texts, theme = self._texts, self._theme
        self._name, self._code = plain(role="heading", wrap=True), plain(role="muted")
        self._tries = plain(role="muted", wrap=True)
        self._go = button(texts, verb, self.submit, kind="main")
        heading = label(texts, N_("Insert the operator's card"), "heading", wrap=True)
        where = label(
            texts, N_("The card or token may be put into any reader of this computer."), "muted", wrap=True
        )
        for words in (heading, where):
            words.setProperty("alignment", ALIGN_H_CENTER)
        insert = column(
            None, row(None, picture(theme, "id-card", "accent", 64), None), 1, heading, where, None
        )
        holder = row(
            picture(theme, "id-card", "accent", 32), column(self._name, self._code, gap=0), None, gap=2
        )
        ask = column(
            holder,
            2,
            label(texts, N_("PIN of the card"), "label"),
            self.pin,
            self._tries,
            1,
            row(None, self._go),
            gap=0,
        )
        ask.setSpacing(6)
        for made in (insert, ask):
            page = QWidget()
            page.setLayout(made)
            self._stack.addWidget(page)
        self.setLayout(column(self._stack, self.busy, self.notice, gap=2))
        self.pin.entered.connect(self.submit)
        self.pin.changed.connect(lambda _: self._say())
        texts.bind(self, self._say)

    def _say(self) -> None:
        texts, card = self._texts, self._card
        self.pin.setAccessibleName(texts(N_("PIN of the card")))
        self._go.setEnabled(card is not None and not self._busy_now and self.pin.length() >= LEAST_PIN)
        if card is None:
            return
        self._name.setText(card.name or card.fiscal_code)
        self._code.setText(card.fiscal_code)
        self._code.setVisible(bool(card.name) and card.name != card.fiscal_code)
        left, of = card.counters.pin_tries, card.counters.pin_tries_max
        if left is None:
            said = ""
        elif of is None:
            said = texts(N_("Tries left: {left}"), left=left)
        else:
            said = texts(N_("Tries left: {left} of {of}"), left=left, of=of)
        if left == _LAST_TRIES:
            said += ". " + texts(N_("A wrong PIN now blocks the card."))
        self._tries.setText(said)
        self.pin.setAccessibleDescription(said)

    # --- the card ------------------------------------------------------------------------------

    def _follow(self) -> None:
        if not self._active:
            return
        readers = self._readers
        if readers.trouble is not None and self._card is None:
            self.notice.error(readers.trouble)
        inserted = frozenset(found.name for found in readers.readers if found.atr is not None)
        self._passed &= inserted
        if self._card is not None and self._card.reader not in inserted and not self._busy_now:
            self._forget()
        if self._card is not None or self._looking:
            return
        fresh = sorted(inserted - self._passed)
        if fresh:
            self.notice.clear()
            self._read(fresh[0])
        elif readers.trouble is None and not inserted:
            self.notice.clear()

    def _read(self, reader: str) -> None:
        self._looking = reader
        self.busy.begin(N_("Reading the card…"))
        work.start(self, lambda: self._gate.look(reader), done=self._shown, failed=self._unreadable)

    def _shown(self, card: CardShown) -> None:
        self._looking = ""
        self.busy.end()
        if not self._active or not self._readers.card_in(card.reader):
            self._stack.setCurrentIndex(0)
            self._follow()
            return
        self._card = card
        self._stack.setCurrentIndex(1)
        blocked = card.counters.pin_tries == 0
        self.pin.setEnabled(not blocked)
        if blocked:
            from cmsdesk.operations.errors import PinBlocked

            self.notice.error(PinBlocked(reader=card.reader))
        self._say()
        self.pin.setFocus()

    def _unreadable(self, error: BaseException) -> None:
        self._passed |= {self._looking}
        self._looking = ""
        self.busy.end()
        self._stack.setCurrentIndex(0)
        if self._active:
            self.notice.error(error)
            self._follow()

    def _forget(self) -> None:
        self._card = None
        self.pin.clear()
        self.pin.setEnabled(True)
        self.notice.clear()
        self._stack.setCurrentIndex(0)

    def _set_busy(self, message: str) -> None:
        self._busy_now = bool(message)
        if message:
            self.busy.begin(message)
        else:
            self.busy.end()
        self.pin.setEnabled(not message)
        self._say()
