"""Sign-in by the operator's card (ORG-10): whose card, tries left, PIN, then the mandate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QStackedWidget, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, clear, column, label, picture, plain, row
from cmsdesk.desk.widgets.card_pin import CardPin
from cmsdesk.desk.widgets.row_button import RowButton

if TYPE_CHECKING:  # not on the way to the first frame
    from cmsdesk.base.secret import Secret
    from cmsdesk.desk.gate import Arrival, CardShown, Gate, Office
    from cmsdesk.desk.preferences import Preferences
    from cmsdesk.desk.readers import ReaderWatch
    from cmsdesk.desk.session import SessionParts

_WIDTH = 440


class SignInPage(QFrame):
    """`entered` with the session's parts and the card when somebody has signed in and chosen a mandate."""

    entered = Signal(object, object)

    def __init__(
        self, texts: LiveTexts, theme: Theme, readers: ReaderWatch, gate: Gate, preferences: Preferences
    ) -> None:
        super().__init__()
        self._texts, self._gate, self._preferences = texts, gate, preferences
        self.card_pin = CardPin(texts, theme, readers, gate, N_("Sign in"))
        self.card_pin.given.connect(self._sign_in)
        self._offices = column(gap=1)
        self._alone = label(
            texts,
            N_("The central service does not answer: what is done here is sent as soon as it does."),
            "muted",
            wrap=True,
        )
        choose = QWidget()
        choose.setLayout(
            column(
                label(texts, N_("Work under which mandate?"), "heading"),
                self._alone,
                self._offices,
                row(button(texts, N_("Another card"), self.begin, kind="flat"), None),
            )
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.card_pin)
        self._stack.addWidget(choose)
        frame_page(self, theme, self._stack)
        texts.bind(self, lambda: self.setAccessibleName(texts(N_("Sign in"))))

    def begin(self) -> None:
        """Wait for a card."""
        self._stack.setCurrentIndex(0)
        self.card_pin.begin()

    def _sign_in(self, card: CardShown, pin: Secret) -> None:
        self.card_pin.work(N_("Signing in…"))

        def signed() -> Arrival:
            with pin:
                return self._gate.sign_in(card, pin)

        work.start(self, signed, done=self._arrived, failed=self.card_pin.refused)

    def _arrived(self, arrival: Arrival) -> None:
        if len(arrival.offices) == 1:
            self._enter(arrival, arrival.offices[0])
            return
        clear(self._offices)
        last = self._preferences.choices.mandate
        offices = sorted(arrival.offices, key=lambda office: office.choice.id != last)
        made = [self._office_button(arrival, office) for office in offices]
        for one in made:
            self._offices.addWidget(one)
        self._alone.setVisible(arrival.alone)
        self.card_pin.end()
        self._stack.setCurrentIndex(1)
        made[0].setFocus()

    def _office_button(self, arrival: Arrival, office: Office) -> QPushButton:
        from cmsdesk.desk.words import ROLES
        from cmsdesk.domain.organisation import Role

        texts, role = self._texts, ROLES[Role(office.choice.role)]
        where = plain(role="small", wrap=True)
        inside = column(label(texts, role, "label", wrap=True), where, gap=0)
        inside.setContentsMargins(12, 8, 12, 8)
        made = RowButton(inside)

        def say() -> None:
            where.setText(office.said(texts.language))
            made.setAccessibleName(f"{texts(role)}, {where.text()}")

        texts.bind(made, say)
        made.setAutoDefault(True)
        made.clicked.connect(lambda _checked=False: self._enter(arrival, office))
        return made

    def _enter(self, arrival: Arrival, office: Office) -> None:
        self._preferences.choose(mandate=office.choice.id)
        self._stack.setCurrentIndex(0)
        self.card_pin.work(N_("Opening the desk…"))
        work.start(
            self,
            lambda: self._gate.enter(arrival, office),
            done=lambda parts: self._in(parts, arrival.card),
            failed=self._not_in,
        )

    def _not_in(self, error: BaseException) -> None:
        self.card_pin.begin()
        self.card_pin.refused(error)

    def _in(self, parts: SessionParts, card: CardShown) -> None:
        self.card_pin.end()
        self.entered.emit(parts, card)


def frame_page(page: QFrame, theme: Theme, content: QWidget) -> None:
    """Put content into a card in the middle of a page, the program's name above it."""
    page.setObjectName("page")
    frame = QFrame()
    frame.setProperty("card", True)
    frame.setFixedWidth(_WIDTH)
    frame.setLayout(column(content, margin=4))
    brand = row(None, picture(theme, "id-card", "accent", 32), plain("cmsdesk", "display"), None)
    page.setLayout(column(None, brand, 2, row(None, frame, None), None, None))
