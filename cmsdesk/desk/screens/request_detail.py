"""One request, beside the list: who, what, what happened, and the acts allowed now (PRO-2, PRO-11)."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.screens.pages.past import of_request
from cmsdesk.desk.screens.pages.views import Timeline
from cmsdesk.desk.screens.request_acts import Act, acts_of, reasons_of
from cmsdesk.desk.widgets.basics import Item, button, chip, column, line, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.words import tone_of
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import Request, RequestState, request_code
from cmsdesk.domain.words import word

_CANCELLABLE = frozenset(
    {RequestState.REGISTERED, RequestState.APPROVED, RequestState.READY, RequestState.FAILED}
)
_WHY_NOT = {
    RequestState.REGISTERED: N_("It waits for approval by somebody whose mandate allows it."),
    RequestState.READY: N_("It waits to be produced."),
    RequestState.APPROVED: N_("It waits to be produced by somebody whose mandate allows it."),
    RequestState.IN_PRODUCTION: N_("A production is under way, or was interrupted and is to be resumed."),
    RequestState.PRODUCED: N_("It waits to be handed over."),
    RequestState.DELIVERED: N_("The holder has the device: nothing is left to do."),
    RequestState.CANCELLED: N_("It was cancelled: register a new one if it is still wanted."),
    RequestState.FAILED: N_("Its production was given up: it can be produced after all, or cancelled."),
}


class RequestDetail(QWidget):
    """What is known of a request; rebuilt when that changes."""

    def __init__(self, screen: Screen, identifier: str, *, pending: bool = False) -> None:
        """``pending``: an act of this desk on it is still on its way to the service."""
        super().__init__()
        self._screen, self._id = screen, identifier
        self.session, self.texts = screen.session, screen.texts
        self.document: Document = self.session.get("request", identifier) or {}
        self.request: Request = request_of(identifier, self.document)
        self.state = self.request.state
        self._pending = pending
        self.notice = Notice(self.texts, screen.theme)
        self.reason = QLineEdit()
        self._cancelling = QWidget()
        self._fill()

    # --- building ------------------------------------------------------------------------------

    def _fill(self) -> None:
        texts, holder = self.texts, self.request.holder
        chips = row(chip(texts.begin(word(self.state)), tone_of(self.state)), gap=1)
        if self._pending:
            chips.addWidget(chip(texts(N_("to be sent")), "warn"))
        chips.addStretch(1)
        name = plain(f"{holder.surname} {holder.given_name}", "heading", wrap=True, selectable=True)
        items: list[Item] = [
            name,
            chips,
            self.notice,
            *self._acts(),
            line(),
            FactGrid(self._holder(), figures=frozenset({holder.fiscal_code})),
            line(),
            FactGrid(self._wanted(), figures=frozenset({request_code(self._id)})),
            line(),
            self._past(),
            None,
        ]
        inside = column(*items, gap=1)
        inside.setSpacing(12)
        inside.setContentsMargins(0, 0, 8, 0)
        self.setLayout(inside)
        self.setAccessibleName(name.text())

    def _acts(self) -> list[Item]:
        """Return the acts that this state and mandate allow, or why there is none."""
        desk, state = self._screen.desk, self.state
        acts = acts_of(desk, self._id, self.document, self._refused) if self.document else []
        possible = [act for act in acts if not act.why]
        said: list[Item] = []
        if all(not act.step for act in possible) and state in _WHY_NOT:
            said.append(plain(self.texts(_WHY_NOT[state]), "muted", wrap=True))
        steps = [self._button(act) for act in possible if act.step]
        if steps:
            said.append(row(*steps, None, gap=1))
        errands = [self._button(act, "flat") for act in possible if not act.step]
        if errands:
            said.append(row(*errands, None, gap=1))
        why_not = reasons_of(self.texts, [act for act in acts if not act.step])
        said += [plain(one, "small", wrap=True) for one in why_not]
        below = row(gap=1)
        if state in _CANCELLABLE and self.session.allowed(Action.REQUEST_CANCEL, self.request.office):
            below.addWidget(button(self.texts, N_("Cancel it…"), self._ask_reason, kind="danger"))
        if desk.can_open("holder"):
            page = partial(desk.open, "holder", holder=self.request.holder.fiscal_code)
            below.addWidget(button(self.texts, N_("Page of the holder"), page, kind="flat"))
        below.addStretch(1)
        return [*said, below, self._reason_panel()]

    def _button(self, act: Act, kind: str = "") -> QPushButton:
        kind = act.kind or kind
        icon = act.icon if kind else ""
        return button(self.texts, act.title, act.run, kind=kind, theme=self._screen.theme, icon=icon)

    def _reason_panel(self) -> QWidget:
        field = FieldRow(
            self.texts,
            N_("Reason for the cancellation"),
            self.reason,
            hint=N_("It is kept with the request and cannot be undone."),
        )
        confirm = button(self.texts, N_("Cancel the request"), lambda: self.cancel(field), kind="danger")
        keep = button(self.texts, N_("Keep it"), self._cancelling.hide)
        self.reason.returnPressed.connect(lambda: self.cancel(field))
        inside = column(field, row(confirm, keep, None))
        self._cancelling.setLayout(inside)
        self._cancelling.hide()
        return self._cancelling

    # --- what is shown -------------------------------------------------------------------------

    def _holder(self) -> list[tuple[str, str]]:
        texts, holder = self.texts, self.request.holder
        home, paper = holder.residence, holder.document
        place = f"{home.postcode} {home.municipality} ({home.province})".strip()
        return [
            (texts(N_("Codice fiscale")), holder.fiscal_code),
            (texts(N_("Born")), " · ".join(filter(None, (self._day(holder.born_on), holder.birth_place)))),
            (texts(N_("Residence")), f"{home.street}, {place}"),
            (texts(N_("Document")), f"{paper.number}, {paper.issuer}"),
            (texts(N_("Document valid until")), self._day(paper.expires_on)),
            (texts(N_("Contact e-mail")), holder.contact_email),
            (texts(N_("E-mail in the CNS")), holder.certificate_email or ""),
        ]

    def _wanted(self) -> list[tuple[str, str]]:
        texts, request = self.texts, self.request
        company, tariff = request.company, request.first_issue
        office = self.session.named("office", request.office, texts.language)
        return [
            (texts(N_("Number")), request_code(self._id)),
            (texts(N_("Device")), texts.begin(word(DeviceKind(request.device_kind)))),
            (texts(N_("Certification authority")), request.ca),
            (texts(N_("Secret codes")), texts.begin(word(request.scratch_delivery))),
            (texts(N_("Office")), str(office)),
            (texts(N_("Company")), f"{company.name} · {company.rea}" if company else ""),
            (texts(N_("Fee")), texts.euro(tariff.fee_cents) if tariff else ""),
            (texts(N_("Notes")), request.notes or ""),
            (texts(N_("Reason")), str(self.document.get("reason", ""))),
        ]

    def _past(self) -> Timeline:
        """Return who did what and when, and what an amendment changed."""
        made = Timeline(self.session, self.texts, self._screen.theme)
        made.show_told(of_request(self.session, self._id), about=False)
        return made

    def _day(self, day: date) -> str:
        return self.texts.day(day)

    # --- acting --------------------------------------------------------------------------------

    def cancel(self, field: FieldRow) -> None:
        """Cancel, with the reason."""
        reason = self.reason.text().strip()
        if not reason:
            field.set_error(N_("State the reason."))
            self.reason.setFocus()
            return
        self._submit("request.cancel", reason=reason)

    def is_typing(self) -> bool:
        """Tell whether something typed here would be lost by building afresh."""
        return self._cancelling.isVisible() and bool(self.reason.text())

    def _ask_reason(self) -> None:
        self._cancelling.show()
        self.reason.setFocus()

    def _submit(self, kind: str, **facts: Any) -> None:
        self.reason.clear()
        try:
            self.session.submit(kind, request=self._id, **facts)
        except Mendable as error:
            self._refused(error)

    def _refused(self, error: BaseException) -> None:
        self.notice.error(error)
