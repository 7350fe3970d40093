"""Registering a request, amending one, changing its contact address (REG-1…9, PRO-2)."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QScrollArea, QWidget

from cmsdesk.base.clock import ROME
from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.cashier import Cashier
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.amending import Kept, amended, begun, is_frozen, still_decided
from cmsdesk.desk.screens.registration.attaching import Attaching
from cmsdesk.desk.screens.registration.checks import missing, request_of, tariff
from cmsdesk.desk.screens.registration.choices import offer_choices
from cmsdesk.desk.screens.registration.expected import Expected
from cmsdesk.desk.screens.registration.form import Form, form_of
from cmsdesk.desk.screens.registration.layout import ORDER
from cmsdesk.desk.screens.registration.printing import FormPrinter
from cmsdesk.desk.screens.registration.sources import Sources
from cmsdesk.desk.screens.registration.summary import Summary, Warned
from cmsdesk.desk.screens.registration.view import FormView
from cmsdesk.desk.widgets.basics import row
from cmsdesk.domain.booking import Booking
from cmsdesk.domain.commands import Refusal
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.documents import request_of as request_from
from cmsdesk.domain.duplicates import SENTENCES
from cmsdesk.domain.first_issue import FirstIssue
from cmsdesk.domain.request import Request, request_code
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes

PATIENCE_MS = 3000
"""So long registering waits for registers that are being asked: their answer decides the fee."""
_SCROLLBAR = 14
"""Pixels kept for the bar beside the panel."""


class RegistrationScreen(Screen):
    """One form for new requests, drafts and requests to amend; what is typed is kept at every key."""

    _amended: Request | None = None

    def __init__(self, desk: Desk, papers: Papers | None = None) -> None:
        super().__init__(desk, scrolls=False)
        self._codes, self._places = LibraryFiscalCodes(), self.session.places
        self.printer = FormPrinter(desk, papers or Papers(), self._places, self.notice.but)
        self.cashier = Cashier(desk, self.printer.papers, self.notice.error)
        # what comes when the screen is gone is dropped
        self.printer.setParent(self)
        self.cashier.setParent(self)
        self._kept = Kept(self.session.drafts, self.session.mandate.id)
        today = self.session.clock.now().astimezone(ROME).date()
        self.view = FormView(self.texts, self._codes, self._places, today, self._keep)
        self.sources = Sources(self.session, self.view, self._codes, self._places)
        self.summary = Summary(self.texts, self.theme)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self.attaching = Attaching(desk, self.view, self.printer.papers, self.notice.error)
        self.expected = Expected(desk, self._begin_with)
        self.summary.add(self.expected.card, self.attaching.card)
        self._lay_out_form()
        self._connect()
        # the tables of places are read before the first question is asked
        work.start(self, lambda: self._places.starting("Roma", 1))
        self._offer_choices()
        self._changed()

    # --- what the window asks ------------------------------------------------------------------

    def title(self) -> str:
        """Return the title."""
        if self._amended is None:
            return self.texts(N_("Registration"))
        return self.texts(N_("Request {code}"), code=self._amended.code)

    def context(self) -> str:
        """Return what happens to what is typed."""
        if self._amended is None:
            return self.texts(
                N_("Enter goes on to what is lacking. Every key is kept: nothing typed is lost.")
            )
        if self._frozen:
            return self.texts(N_("Its data are frozen: only the e-mail for notices can be changed."))
        return self.texts(N_("Amend what was registered; it is not approved yet."))

    def activate(self, **facts: object) -> None:
        """Show a new registration, the draft ``draft`` or the request ``request`` or ``amend`` (ids)."""
        request, draft = facts.get("request", facts.get("amend")), facts.get("draft")
        if isinstance(request, str):
            self.amend(request)
        elif isinstance(draft, str):
            self.open_draft(draft)
        elif self._amended is not None:
            self._start(Form(), new_id())
        self._list_drafts()
        self._follow_records()
        if self._amended is None and not self.view.form[paths.FISCAL_CODE]:
            self.view.focus(paths.FISCAL_CODE)

    def end(self) -> None:
        """The session ends: take the printed files away."""
        self.printer.papers.close()

    # --- drafts --------------------------------------------------------------------------------

    def open_draft(self, identifier: str) -> None:
        """Go on with what was begun."""
        draft = self._kept.get(identifier)
        if draft is None:
            return
        if begun(draft) and self.session.get("request", identifier) is not None:
            self.amend(identifier)
        else:
            self._start(Form.of(draft.content), identifier)

    def _begin_with(self, booking: Booking) -> None:
        self._start(Form(), new_id())
        self.sources.take(booking)
        self.view.to_first_gap()

    def discard(self) -> None:
        """Begin anew, or from what is registered; the draft is thrown away."""
        self._kept.discard()
        if self._amended is not None:
            self.amend(self._amended.id)
            return
        self._start(Form(), new_id())
        self.view.focus(paths.FISCAL_CODE)

    def _keep(self, form: Form) -> None:
        self._kept.keep(form, self._amended)

    def _start(self, form: Form, identifier: str, amends: Request | None = None) -> None:
        self._amended = amends
        self._kept.id = identifier
        self._patience.stop()
        self.notice.clear()
        self.sources.begin(form, identifier, offers=amends is None)
        self.attaching.begin(identifier, registered=amends is not None)
        self.view.lock(but=ORDER)
        self.view.begin(form)
        if self._frozen:
            self.view.lock(but=(paths.CONTACT_EMAIL,))
        self._offer_choices()
        self._say_actions()
        self._list_drafts()
        self.say()

    def _list_drafts(self) -> None:
        now = self.session.clock.now()
        self.summary.show_drafts(self._kept.others(), lambda at: self.texts.moment(at, now))

    # --- while typing --------------------------------------------------------------------------

    def _changed(self) -> None:
        self._undo.setEnabled(self.view.editor.can_undo)
        self.sources.follow()
        self.attaching.follow()
        self._tell()

    def _tell(self) -> None:
        """Put into the panel what follows from form and sources; register, if that was only waited for."""
        form, registers = self.view.form, self.sources.registers
        asking = registers.asking
        amends = self._amended is not None
        self.summary.show_form(form, self._tariff(form), asking=asking, saves=amends)
        self.expected.offer(not amends)
        self.summary.show_warnings(
            [Warned(SENTENCES[one.likeness], request_code(one.request)) for one in self.sources.alike]
        )
        self.summary.show_registers(registers.lines(), registers.companies())
        if self._patience.isActive() and not asking:
            self._patience.stop()
            self.submit()

    def _follow_records(self, changed: object = None) -> None:
        """Others may have ``changed`` what is shown here; a screen that is not seen follows when opened."""
        if changed is not None and not self.isVisible():
            return
        self._offer_choices()
        self._tell()
        self.expected.refresh()
        self.attaching.refresh()

    def _offer_choices(self) -> None:
        offer_choices(self.view, self.session.configuration, self.cashier.till, self._amended)

    def _tariff(self, form: Form) -> FirstIssue | None:
        office = self._amended.office if self._amended else self.session.mandate.office
        outcome = tariff(form, self.session.configuration, office, self.sources.found())
        return still_decided(self._amended, form, outcome)

    # --- registering ---------------------------------------------------------------------------

    def submit(self, *, patient: bool = True) -> None:
        """Register, or save what was amended; with gaps or slips, go to the first one.

        ``patient``: registers that are being asked get a moment to answer.
        """
        self.notice.clear()
        self.view.say_wrongs(everywhere=True)
        form, configuration = self.view.form, self.session.configuration
        if self._amended is not None and self._frozen:
            self._change_contact(self._amended)
            return
        if missing(form) or self.view.wrongs():
            self.notice.say("warn", N_("Something is lacking or wrong: it stands beside its field."))
            self.view.to_first_gap()
            return
        if configuration is None or form.device_kind not in configuration.devices:
            self.notice.say("warn", _NO_CONFIGURATION, _KEPT)
            return
        if patient and self._must_wait():
            return
        mandate = self.session.mandate
        office = self._amended.office if self._amended else mandate.office
        today = self.session.clock.now().astimezone(ROME).date()
        outcome = self._tariff(form)
        request = request_of(
            form, self._kept.id, mandate.body, office, configuration, self._places, today, outcome
        )
        self._send(request)

    def _must_wait(self) -> bool:
        """Tell whether the registers' answer is worth a moment; it comes, or registering goes on without."""
        if not self.sources.registers.asking:
            return False
        self.notice.say("accent", _WAITING)
        self._patience.start()
        return True

    def _send(self, request: Request) -> None:
        before = self._amended
        if before is not None:
            request = amended(before, request)
        kind = "request.register" if before is None else "request.amend"
        try:
            self.session.submit(kind, request={"id": request.id, **request_document(request)})
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        self._kept.discard()
        if before is None:
            self.attaching.register(request.id, self.view.form)
        receipt = (
            "" if before is not None else self.cashier.paid_at_once(request.id, self.view.form[paths.PAYMENT])
        )
        if before is None:
            self._start(Form(), new_id())
            self.view.focus(paths.FISCAL_CODE)
            said = _REGISTERED if not receipt else _REGISTERED_AND_PAID
            self.notice.say("good", said, _NEXT, code=request.code, name=_name(request), receipt=receipt)
        else:
            self._amended = request
            self._say_actions()
            self.notice.say("good", N_("Saved: request {code}."), code=request.code)
        self._again.setVisible(True)
        self.printer.print(request, self.session.configuration, receipt)

    def _change_contact(self, request: Request) -> None:
        if paths.CONTACT_EMAIL in self.view.wrongs() or not self.view.form[paths.CONTACT_EMAIL].strip():
            self.view.focus(paths.CONTACT_EMAIL)
            return
        address = self.view.form[paths.CONTACT_EMAIL].strip()
        try:
            self.session.submit("request.contact", request=request.id, contact_email=address)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        self._kept.discard()
        self._say_actions()
        said = N_("Notices about request {code} go to {address} from now on.")
        self.notice.say("good", said, code=request.code, address=address)

    # --- amending ------------------------------------------------------------------------------

    def amend(self, identifier: str) -> None:
        """Show a registered request, with what was begun to be amended; what approval froze is only read."""
        document = self.session.get("request", identifier)
        if document is None:
            return
        request = request_from(identifier, document)
        place = self._places.at(request.holder.birth_municipality_code, request.holder.born_on)
        self._kept.id = identifier
        registered = form_of(request, place)
        found = self._kept.begun(request, registered)
        self._start(found.form, identifier, request)
        if found.message:
            self.notice.say("warn" if found.stale else "accent", found.message)
        self.view.focus(paths.CONTACT_EMAIL if self._frozen else paths.SURNAME)

    @property
    def _frozen(self) -> bool:
        return self._amended is not None and is_frozen(self._amended)

    # --- building ------------------------------------------------------------------------------

    def _lay_out_form(self) -> None:
        inside = row(gap=3)
        inside.addWidget(_scrolling(self.view), 1)
        beside = _scrolling(self.summary)
        beside.setFixedWidth(self.summary.width() + _SCROLLBAR)
        inside.addWidget(beside)
        self.body.addLayout(inside)
        self._main = self.set_main(N_("Register and print"), self.submit, icon="check")
        self._empty = self.add_action(N_("Empty the form"), self.discard)
        self._undo = self.add_action(N_("Undo"), self.view.undo)
        self.add_action(N_("Print an empty form"), self.printer.empty, kind="flat")
        self._again = self.add_action(N_("Print the form again"), self.printer.again, shortcut="Ctrl+Shift+P")
        self._again.setVisible(False)
        self.texts.bind(self._main, self._say_actions)

    def _connect(self) -> None:
        self.view.changed.connect(self._changed)
        self.view.complete.connect(self._main.setFocus)
        # whoever comes back goes on where they were
        self.view.entered.connect(self.setFocusProxy)
        self.sources.changed.connect(self._tell)
        self.summary.wanted.connect(self.view.focus)
        self.summary.draft_wanted.connect(self.open_draft)
        self.summary.company_wanted.connect(self.sources.take_company)
        self.session.changed.connect(self._follow_records)
        self._patience.timeout.connect(lambda: self.submit(patient=False))

    def _say_actions(self) -> None:
        new = self._amended is None
        for shown, message in (
            (self._main, N_("Register and print") if new else N_("Save the changes")),
            (self._empty, N_("Empty the form") if new else N_("Discard my changes")),
        ):
            shown.setText(self.texts(message))
            shown.setAccessibleName(self.texts(message))
        self._empty.setVisible(new or self._kept.has_one())


_REGISTERED = N_("Registered: {name}, request {code}.")
_REGISTERED_AND_PAID = N_("Registered: {name}, request {code}, paid with receipt {receipt}.")
_NEXT = N_("The form opens to be printed and signed. The next registration can begin.")
_NO_CONFIGURATION = N_("The body’s configuration is not here yet, or does not issue this device.")
_KEPT = N_("The draft is kept. Synchronise, then register; else ask the body's administrator.")
_WAITING = N_("The registers are still being asked: it is registered as soon as they answer, or in a moment.")


def _scrolling(inside: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area


def _name(request: Request) -> str:
    return f"{request.holder.surname} {request.holder.given_name}"
