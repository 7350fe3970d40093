"""Who is expected: the bookings of this office that wait, one key away from the form (REG-7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from PySide6.QtWidgets import QFrame, QPushButton

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.sources import expected, open_bookings
from cmsdesk.desk.widgets.basics import card, clear, column, label
from cmsdesk.domain.booking import Booking

_MOST = 5
_LATE = timedelta(hours=4)
"""Who is so late is still expected."""


class Expected:
    """A card with the next bookings; hidden while there are none."""

    def __init__(self, desk: Desk, taken: Callable[[Booking], object]) -> None:
        """``taken`` is called with the booking of the person who came."""
        self._session, self._texts, self._taken = desk.session, desk.texts, taken
        self._list = column(gap=0)
        self.bookings: list[Booking] = []
        self._offered = True
        self.card: QFrame = card(label(desk.texts, N_("Expected"), "label"), self._list, gap=1)
        desk.texts.bind(self.card, self._show)
        self.refresh()

    def offer(self, offered: bool) -> None:
        """Show who is expected, or not: whoever amends a request does not begin another."""
        self._offered = offered
        self.card.setVisible(offered and bool(self.bookings))

    def refresh(self) -> None:
        """Look for who is expected."""
        session = self._session
        since = session.clock.now() - _LATE

        def done(found: list[Booking]) -> None:
            self.bookings = expected(found, session.mandate.office, since)[:_MOST]
            self._show()

        work.start(self.card, lambda: open_bookings(session), done=done)

    def _show(self) -> None:
        clear(self._list)
        now = self._session.clock.now()
        for booking in self.bookings:
            values = booking.values
            name = f"{values.get(paths.SURNAME, '')} {values.get(paths.GIVEN_NAME, '')}".strip()
            at = self._texts.when(datetime.fromisoformat(booking.appointment or ""), now)
            made = QPushButton(f"{at}  ·  {name or values.get(paths.FISCAL_CODE, '')}")
            made.setProperty("flat", True)
            made.setAccessibleName(made.text())
            made.setStyleSheet("text-align: left")
            made.clicked.connect(partial(self._take, booking))
            self._list.addWidget(made)
        self.card.setVisible(self._offered and bool(self.bookings))

    def _take(self, booking: Booking, _checked: bool = False) -> None:
        self._taken(booking)
