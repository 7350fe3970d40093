"""The locked desk: nothing of the work can be seen; the same card and its PIN open it, network or not."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.gate import CardShown, Gate
from cmsdesk.desk.readers import ReaderWatch
from cmsdesk.desk.screens.sign_in import frame_page
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, column, label, picture, plain, row
from cmsdesk.desk.widgets.card_pin import CardPin


class LockPage(QFrame):
    """`unlocked` when the operator's own card has proved itself."""

    unlocked = Signal(object)

    def __init__(
        self,
        texts: LiveTexts,
        theme: Theme,
        readers: ReaderWatch,
        gate: Gate,
        operator: tuple[str, str],
        sign_out: Callable[[], object],
    ) -> None:
        """``operator``: name and codice fiscale of whoever works here."""
        super().__init__()
        self._gate, self._texts = gate, texts
        name, self._fiscal_code = operator
        self.card_pin = CardPin(texts, theme, readers, gate, N_("Unlock"))
        self.card_pin.given.connect(self._unlock)
        self._why, self._told = "", plain(role="muted", wrap=True)
        texts.bind(self._told, self._say_why)
        head = row(
            picture(theme, "lock", "accent", 24),
            column(label(texts, N_("Desk locked"), "heading"), plain(name, "muted"), gap=0),
            None,
            button(texts, N_("Sign out"), sign_out, kind="flat"),
            gap=2,
        )
        content = QWidget()
        content.setLayout(column(head, self._told, self.card_pin, gap=3))
        frame_page(self, theme, content)
        texts.bind(self, lambda: self.setAccessibleName(texts(N_("Desk locked"))))

    def begin(self, why: str = "") -> None:
        """Ask for the card and its PIN; ``why``, of the catalogue: what locked the desk, if not a person."""
        self._why = why
        self._say_why()
        self.card_pin.begin()

    def _say_why(self) -> None:
        self._told.setText(self._texts(self._why) if self._why else "")
        self._told.setVisible(bool(self._why))

    def _unlock(self, card: CardShown, pin: Secret) -> None:
        self.card_pin.work(N_("Unlocking…"))

        def proved() -> CardShown:
            with pin:
                self._gate.unlock(card, pin, self._fiscal_code)
            return card

        work.start(self, proved, done=self._in, failed=self.card_pin.refused)

    def _in(self, card: CardShown) -> None:
        self.card_pin.end()
        self.unlocked.emit(card)
