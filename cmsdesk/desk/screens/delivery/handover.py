"""One device and its holder: what is checked before it is handed over, and what was."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.desk.people import operator_of
from cmsdesk.desk.request_papers import RECEIPT
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.widgets.basics import Item, button, chip, column, label, line, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.tick import Tick
from cmsdesk.desk.words import tone_of
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import RequestState, request_code
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.domain.words import word

_IDENTITY = N_("The holder is here and was identified by a valid document")
_ENVELOPE = N_("The holder has the envelope with the codes, still sealed")
_RECEIPT = N_("The holder has signed the receipt")
_WHY_NOT = {
    RequestState.DELIVERED: N_("This device was handed over already."),
    RequestState.CANCELLED: N_("This request was cancelled."),
}
_NOT_YET = N_("As far as this desk knows the device is not produced yet.")
_ALL_THE_SAME = N_(
    "If the holder has the device all the same, record it: the fact is kept, and somebody will look into it."
)


class Handover(QWidget):
    """`checked` whenever a check was made or taken back."""

    checked = Signal()

    def __init__(self, screen: Screen, identifier: str, print_receipt: Callable[[], object]) -> None:
        super().__init__()
        self._screen, self.id = screen, identifier
        self.session, self.texts = screen.session, screen.texts
        self.language = self.texts.language
        self.document = self.session.get("request", identifier) or {}
        self.request = request_of(identifier, self.document)
        self.state = self.request.state
        self.allowed = self.session.allowed(Action.REQUEST_DELIVER, self.request.office)
        self.checks: dict[str, Tick] = {}
        self.notice = Notice(self.texts, screen.theme)
        holder = self.request.holder
        self.name = f"{holder.surname} {holder.given_name}"
        items: list[Item] = [
            plain(self.name, "heading", wrap=True, selectable=True),
            row(chip(self.texts.begin(word(self.state)), tone_of(self.state)), None),
            self.notice,
            FactGrid(self._facts(), figures=frozenset({holder.fiscal_code, self._device()})),
        ]
        if self.ready:
            items += [line(), *self._checks(print_receipt)]
        else:
            items.append(plain(self.texts(self._why_not()), "muted", wrap=True))
        inside = column(*items, None, gap=2, margin=2)
        self.setLayout(inside)
        self.setAccessibleName(self.name)
        if self.ready:
            self._warn_of_document()

    @property
    def ready(self) -> bool:
        """Whether the records say that it can be handed over, here."""
        return self.state is RequestState.PRODUCED and self.allowed

    @property
    def out_of_turn(self) -> bool:
        """Whether handing over would not fit what this desk knows, and can be recorded all the same."""
        known = (RequestState.PRODUCED, RequestState.DELIVERED)
        return self.allowed and self.state not in known

    @property
    def complete(self) -> bool:
        """Whether every check was made."""
        return self.ready and all(one.isChecked() for one in self.checks.values())

    def facts(self) -> dict[str, bool]:
        """Return what was checked, as the command reports it."""
        return {name: True for name, one in self.checks.items() if one.isChecked()}

    def take_focus(self) -> None:
        """Put the keyboard on the first check that is open."""
        first = next((one for one in self.checks.values() if not one.isChecked()), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)

    # --- inside --------------------------------------------------------------------------------

    def _device(self) -> str:
        return str(self.document.get("device", ""))

    def _facts(self) -> list[tuple[str, str]]:
        texts, holder, now = self.texts, self.request.holder, self.session.clock.now()
        paper = holder.document
        born = " · ".join(filter(None, (texts.day(holder.born_on), holder.birth_place)))
        made = texts.moment(str(self.document.get("produced_at", "")), now)
        handed = texts.moment(str(self.document.get("delivered_at", "")), now)
        by = operator_of(self.session, str(self.document.get("delivered_by", "")))
        return [
            (texts(N_("Codice fiscale")), holder.fiscal_code),
            (texts(N_("Born")), born),
            (texts(N_("Document")), f"{paper.number}, {paper.issuer}"),
            (texts(N_("Document valid until")), texts.day(paper.expires_on)),
            (texts(N_("Device")), texts.begin(word(self.request.device_kind))),
            (texts(N_("Serial")), self._device()),
            (texts(N_("Number")), request_code(self.id)),
            (texts(N_("Produced")), made),
            (texts(N_("Handed over")), " · ".join(filter(None, (handed, by)))),
        ]

    def _checks(self, print_receipt: Callable[[], object]) -> list[Item]:
        wanted = [("identity_checked", _IDENTITY), ("receipt_signed", _RECEIPT)]
        if self.request.scratch_delivery is ScratchDelivery.PAPER:
            wanted.insert(1, ("envelope_given", _ENVELOPE))
        made: list[Item] = []
        for name, message in wanted:
            one = Tick()
            one.say(self.texts(message))
            one.toggled.connect(lambda _: self.checked.emit())
            self.checks[name] = one
            made.append(one)
        if self.request.scratch_delivery is ScratchDelivery.EMAIL:
            made.append(label(self.texts, N_("The codes go to the holder by e-mail."), "muted", wrap=True))
        receipt = button(
            self.texts,
            RECEIPT,
            print_receipt,
            shortcut="Ctrl+P",
            theme=self._screen.theme,
            icon="printer",
        )
        return [*made, row(receipt, None)]

    def _why_not(self) -> str:
        if self.state in _WHY_NOT:
            return _WHY_NOT[self.state]
        if not self.allowed:
            return N_("The mandate does not allow handing over devices of this office.")
        return _NOT_YET

    def _warn_of_document(self) -> None:
        today = self.session.clock.now().astimezone(ROME).date()
        expires = self.request.holder.document.expires_on
        if expires < today:
            self.notice.say(
                "warn",
                N_("The document on record expired on {day}."),
                N_("Identify the holder by another, valid one."),
                day=self.texts.day(expires),
            )

    def warn_out_of_turn(self) -> None:
        """Say what recording it all the same means."""
        self.notice.say("warn", _WHY_NOT.get(self.state, _NOT_YET), _ALL_THE_SAME)
