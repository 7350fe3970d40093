"""What is known of a person elsewhere, as soon as the codice fiscale is whole (REG-4…7, POR-7).

Asked in threads: the desk's own records, its bookings, the registers outside. What they say is offered to
the form in the order of their rank, and never replaces what was typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from PySide6.QtCore import QObject, Signal

from cmsdesk.desk import work
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form, values_of
from cmsdesk.desk.screens.registration.layout import ORDER
from cmsdesk.desk.screens.registration.registers import Registers, of_company
from cmsdesk.desk.screens.registration.view import FormView
from cmsdesk.desk.session import DeskSession
from cmsdesk.domain.booking import Booking, BookingState
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.duplicates import Alike, Likeness, requests_alike
from cmsdesk.domain.events import Document
from cmsdesk.domain.first_issue import Finding, Found
from cmsdesk.domain.fiscal_code import undo_omocodia
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import Origin, RequestState
from cmsdesk.operations.lookups import CompanyFound
from cmsdesk.operations.places import Places
from cmsdesk.operations.register import FiscalCodes
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.work_lists import ListQuery

_EARLIER = 20
_CODE_LENGTH = 16
_ISSUED = (RequestState.PRODUCED.value, RequestState.DELIVERED.value)
_OF_OTHERS = (Origin.REGISTER, Origin.BOOKING, Origin.CERTIFICATE, Origin.ANPR)


@dataclass(frozen=True)
class Known:
    """What the desk's own files say of a person."""

    requests: list[tuple[str, Document]]
    bookings: list[Booking]


class Sources(QObject):
    """Follows the form; `changed` when something came in that the panel beside it tells."""

    changed = Signal()

    def __init__(self, session: DeskSession, view: FormView, codes: FiscalCodes, places: Places) -> None:
        super().__init__(view)
        self._session, self._view, self._codes, self._places = session, view, codes, places
        self._own, self._offers = "", True
        self._person = self._former = ""
        self._others: list[tuple[str, Document]] = []
        self._settled = self._offered = ""
        """REA keys: the one that the form began with, and the one whose company was offered."""
        self.registers = Registers(session.look_ups, session.clock, self)
        self.registers.answered.connect(self._registers_said)

    def begin(self, form: Form, own: str, *, offers: bool) -> None:
        """Another form: of the request ``own``; without ``offers`` only a new company is filled in."""
        self._own, self._offers = own, offers
        self._person = self._former = self._offered = ""
        self._settled = form.rea
        self._others = []

    def follow(self) -> None:
        """The form has changed."""
        form = self._view.form
        code = form[paths.FISCAL_CODE]
        whole = len(code) == _CODE_LENGTH and self._codes.read(code) is not None
        person = code if whole else ""
        if person != self._person:
            self._person, self._others = person, []
            if person:
                self._ask(person)
            self.changed.emit()
        rea = self._view.form.rea
        if self._offered and rea != self._offered:
            # what the register said of another company
            self._offered = ""
            self._view.withdraw(Origin.REGISTER)
        self.registers.follow(person, rea)

    @property
    def alike(self) -> list[Alike]:
        """Other requests of the person that matter."""
        kind = self._view.form.device_kind
        return requests_alike(self._person, kind, self._others, own=self._own) if self._person else []

    def found(self) -> Found | None:
        """Return the ground of the first-issue decision; None as long as nobody was asked."""
        holds = any(one.likeness is Likeness.HOLDS for one in self.alike)
        return self.registers.found(Finding.YES if holds else Finding.NO)

    def take(self, booking: Booking) -> None:
        """Somebody came for whom a booking is there: fill the form with it."""
        self._view.offer(_offered(booking), Origin.BOOKING)

    def take_company(self, company: CompanyFound) -> None:
        """The request is for this company, which the applicant represents."""
        self._view.offer(of_company(company), Origin.REGISTER)
        self._view.focus(paths.REA_OFFICE)

    # --- inside --------------------------------------------------------------------------------

    def _ask(self, person: str) -> None:
        if self._offers and self._former and undo_omocodia(self._former) != undo_omocodia(person):
            self._view.withdraw(*_OF_OTHERS)
        self._former = person
        session = self._session
        done = partial(self._records_said, person)
        work.start(self, lambda: known_of(session, person), done=done)

    def _records_said(self, person: str, known: Known) -> None:
        if person != self._person:
            return
        self._others = known.requests
        self.changed.emit()
        if not self._offers:
            return
        for booking in known.bookings[:1]:
            self.take(booking)
        earlier = next((one for one in known.requests if one[1]["state"] in _ISSUED), None)
        if earlier is not None:
            holder = request_of(*earlier).holder
            place = self._places.at(holder.birth_municipality_code, holder.born_on)
            self._view.offer(values_of(holder, place), Origin.CERTIFICATE)

    def _registers_said(self) -> None:
        resident = self.registers.resident()
        if resident and self._offers:
            self._view.offer(resident, Origin.ANPR)
        offered, rea = self.registers.offered(), self._view.form.rea
        if offered and (self._offers or rea != self._settled):
            self._offered = rea
            self._view.offer(offered, Origin.REGISTER)
        self.changed.emit()


def known_of(session: DeskSession, person: str) -> Known:
    """Return a person's requests, the latest first, and open bookings; called in a thread."""
    keys = session.lists.keys(ListQuery(WorkList.REQUESTS, contains=person), _EARLIER)
    rows = [row for row in session.lists.rows(WorkList.REQUESTS, keys) if row is not None]
    requests = [(row.id, document) for row in rows if (document := session.get("request", row.id))]
    code = undo_omocodia(person)
    bookings = [
        one for one in open_bookings(session) if undo_omocodia(one.values.get(paths.FISCAL_CODE, "")) == code
    ]
    return Known(requests, bookings)


def open_bookings(session: DeskSession) -> list[Booking]:
    """Return the bookings that wait for their applicants, the next first; called in a thread."""
    if not session.allowed(Action.BOOKING_SEE):
        return []
    found = [Booking.of(*one) for one in session.in_state("booking", BookingState.OPEN.value)]
    return sorted(found, key=lambda booking: booking.appointment or "9")


def expected(bookings: Iterable[Booking], office: str, since: datetime) -> list[Booking]:
    """Return those of an office that are expected from ``since`` on."""
    here = [one for one in bookings if one.office in (None, office) and one.appointment]
    return [one for one in here if datetime.fromisoformat(one.appointment or "") >= since]


def _offered(booking: Booking) -> dict[str, str]:
    known = {path: text for path, text in booking.values.items() if path in ORDER}
    found = {path: _as_typed(text) if path in paths.DATES else text for path, text in known.items()}
    if booking.device_kind is not None:
        found[paths.DEVICE_KIND] = booking.device_kind.value
    return {**found, paths.BOOKING: booking.id}


def _as_typed(day: str) -> str:
    try:
        return f"{date.fromisoformat(day):%d/%m/%Y}"
    except ValueError:
        return day


def is_of(form: Form, booking: Booking) -> bool:
    """Tell whether a form was filled from a booking."""
    return form[paths.BOOKING] == booking.id
