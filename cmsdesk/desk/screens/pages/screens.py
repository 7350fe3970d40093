"""The page of a holder and the page of a device."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from PySide6.QtWidgets import QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.request_papers import RequestPapers
from cmsdesk.desk.screens.base import Desk, Entry, Screen
from cmsdesk.desk.screens.pages.past import Known, of_device, of_person, statuses
from cmsdesk.desk.screens.pages.views import Certificates, RequestCard, Timeline
from cmsdesk.desk.widgets.basics import button, card, clear, column, label, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.states import READING, Busy
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.request import Request
from cmsdesk.domain.words import word

_Asked = tuple[dict[bytes, CertificateStatus], Mendable | None]


class Page(Screen):
    """Who or what it is, requests and certificates left, the past right; follows every change."""

    def __init__(self, desk: Desk) -> None:
        self.shown = ""
        self._known: Known | None = None
        self._asked: _Asked | None = None
        super().__init__(desk)
        self.papers = RequestPapers(desk, self)
        Refreshing(self, self.session, self._look)
        self._facts, self._requests = column(), column()
        self._certificates = Certificates(self.texts, self.theme)
        self._timeline = Timeline(self.session, self.texts, self.theme)
        self.busy = Busy(self.texts)
        self._lay_out_page()

    # --- what a page is of ----------------------------------------------------------------------

    @abstractmethod
    def gather(self, identifier: str) -> Known:
        """Return what is known; runs in a thread."""

    @abstractmethod
    def facts(self, known: Known) -> QWidget:
        """Return who or what it is."""

    # --- the screen ----------------------------------------------------------------------------

    def show_one(self, identifier: str) -> None:
        """Show another person or device."""
        if identifier != self.shown:
            self.shown, self._known, self._asked = identifier, None, None
            self.notice.clear()
            Screen.say(self)
        self._look()

    def entries(self) -> Sequence[Entry]:
        """Offer asking the CA again."""
        again = self.texts(N_("Ask again how the certificates stand"))
        return (Entry(again, self.title(), "refresh-cw", self.ask),)

    def end(self) -> None:
        """The session ends."""
        self.papers.papers.close()

    def ask(self) -> None:
        """Ask the CA how the certificates stand now."""
        known = self._known
        if known is None:
            return
        self._asked = None
        self._certificates.show_held(known.held, None)
        held, authorities, shown = known.held, dict(self.session.parts.authorities), self.shown

        def answered(found: _Asked) -> None:
            if shown == self.shown:
                self._asked = found
                self._certificates.show_held(held, *found)

        work.start(self, lambda: statuses(held, authorities), done=answered, failed=self.notice.error)

    def _look(self) -> None:
        shown = self.shown
        if not shown or not self.isVisible():
            return
        if self._known is None:
            self.busy.begin_soon(READING)
        work.start(
            self,
            lambda: self.gather(shown),
            done=self.busy.ending(lambda known: self._gathered(shown, known)),
            failed=self.busy.ending(self.notice.error),
        )

    def _gathered(self, shown: str, known: Known) -> None:
        if shown != self.shown or known == self._known:
            return
        before, self._known = self._known, known
        self._show()
        if before is None or before.held != known.held:
            self.ask()

    def _show(self) -> None:
        known = self._known
        if known is None:
            return
        clear(self._facts)
        self._facts.addWidget(self.facts(known))
        clear(self._requests)
        for identifier, document in known.requests:
            if document:
                made = RequestCard(self.desk, identifier, document, self.papers, self.notice.error)
                self._requests.addWidget(made)
        if not known.requests:
            self._requests.addWidget(plain(self.texts(N_("None at this desk.")), "muted"))
        if self._asked is not None:
            self._certificates.show_held(known.held, *self._asked)
        self._timeline.show_told(known.told, about=len(known.requests) > 1)
        Screen.say(self)

    def say(self) -> None:
        """Say also what is no bound label."""
        super().say()
        if hasattr(self, "_timeline"):
            self._show()

    def _lay_out_page(self) -> None:
        texts = self.texts
        again = button(texts, N_("Ask again"), self.ask, kind="flat")
        left = column(
            card(self._facts, margin=2),
            card(label(texts, N_("Requests"), "heading"), self._requests, margin=2),
            card(row(label(texts, N_("Certificates"), "heading"), None, again), self._certificates, margin=2),
            None,
            gap=2,
        )
        right = column(card(label(texts, N_("What happened"), "heading"), self._timeline, margin=2), None)
        both = row(gap=2)
        both.addLayout(left, 1)
        both.addLayout(right, 1)
        self.body.addWidget(self.busy)
        self.body.addLayout(both, 1)


class HolderPage(Page):
    """Everything about one person."""

    def activate(self, **facts: object) -> None:
        """Show ``holder``, a codice fiscale."""
        if isinstance(facts.get("holder"), str):
            self.show_one(str(facts["holder"]))
        else:
            self._look()

    def title(self) -> str:
        """Return the name."""
        request = self._latest()
        if request is None:
            return self.texts(N_("Holder"))
        return f"{request.holder.surname} {request.holder.given_name}"

    def context(self) -> str:
        """Return the codice fiscale."""
        return self.shown

    def gather(self, identifier: str) -> Known:
        """Return what is known of the person."""
        return of_person(self.session, identifier)

    def facts(self, known: Known) -> QWidget:
        """Return the person's data as the last request has them."""
        request = self._latest()
        if request is None:
            return plain(self.texts(N_("This desk has no request of this person.")), "muted", wrap=True)
        texts, holder = self.texts, request.holder
        home, paper = holder.residence, holder.document
        place = f"{home.postcode} {home.municipality} ({home.province})".strip()
        born = " · ".join(filter(None, (texts.day(holder.born_on), holder.birth_place)))
        values = [
            (texts(N_("Codice fiscale")), holder.fiscal_code),
            (texts(N_("Born")), born),
            (texts(N_("Residence")), f"{home.street}, {place}"),
            (texts(N_("Document")), f"{paper.number}, {paper.issuer}"),
            (texts(N_("Document valid until")), texts.day(paper.expires_on)),
            (texts(N_("Contact e-mail")), holder.contact_email),
            (texts(N_("E-mail in the CNS")), holder.certificate_email or ""),
        ]
        return FactGrid(values, figures=frozenset({holder.fiscal_code}))

    def _latest(self) -> Request | None:
        known = self._known
        found = [one for one in known.requests if one[1]] if known is not None else []
        return request_of(*found[0]) if found else None


class DevicePage(Page):
    """Everything about one device."""

    def activate(self, **facts: object) -> None:
        """Show ``device``, its serial."""
        if isinstance(facts.get("device"), str):
            self.show_one(str(facts["device"]))
        else:
            self._look()

    def title(self) -> str:
        """Return kind and serial."""
        kind = self._document().get("kind")
        said = self.texts.begin(word(DeviceKind(kind))) if kind else self.texts(N_("Device"))
        return f"{said} {self.shown}".strip()

    def context(self) -> str:
        """Return how it stands."""
        state = self._document().get("state")
        return self.texts.begin(word(DeviceState(state))) if state else " "

    def gather(self, identifier: str) -> Known:
        """Return what is known of the device."""
        return of_device(self.session, identifier)

    def facts(self, known: Known) -> QWidget:
        """Return what the stock knows, and the way to the holder."""
        texts, document = self.texts, self._document()
        until, office = str(document.get("certified_until", "")), str(document.get("office", ""))
        values = [
            (texts(N_("Serial")), self.shown),
            (texts(N_("Lot")), str(document.get("lot", ""))),
            (texts(N_("Certification authority")), str(document.get("ca", ""))),
            (texts(N_("Certified until")), texts.day(date.fromisoformat(until)) if until else ""),
            (texts(N_("Office")), self.session.named("office", office, texts.language) if office else ""),
        ]
        made = QWidget()
        inside = column(FactGrid(values, figures=frozenset({self.shown})), gap=2)
        for name, open_page in self._holders(known):
            inside.addLayout(row(button(texts, name, open_page, theme=self.theme, icon="users"), None))
        made.setLayout(inside)
        return made

    def _holders(self, known: Known) -> list[tuple[str, Callable[[], object]]]:
        """Return the person that has the device: the last request it was made for."""
        found = [request_of(*one) for one in known.requests if one[1].get("device") == self.shown]
        return [
            (
                f"{one.holder.surname} {one.holder.given_name}",
                partial(self.desk.open, "holder", holder=one.holder.fiscal_code),
            )
            for one in found[-1:]
            if self.desk.can_open("holder")
        ]

    def _document(self) -> Document:
        return self.session.get("device", self.shown) or {}
