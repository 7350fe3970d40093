"""The papers of a request as the records know it: form, delivery receipt, letter, at any time (PRO-9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from PySide6.QtCore import QObject

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.people import operator_of
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.screens.registration.paper import form_paper, stationery_here
from cmsdesk.documents.contents import Delivery
from cmsdesk.documents.papers import Paper
from cmsdesk.documents.subjects import Certificate, Outcome
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import Request, RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.sync.certificate_facts import facts_of

FORM = N_("Print form")
RECEIPT = N_("Print receipt")
LETTER = N_("Print letter")
_FILES = {FORM: "form", RECEIPT: "receipt", LETTER: "letter"}
_MADE = frozenset({RequestState.PRODUCED, RequestState.DELIVERED})
_BY_HAND = "____________"
"""An envelope's number that this desk does not know is written by hand."""


class RequestPapers(QObject):
    """Makes papers off the window's thread and shows them to be printed."""

    def __init__(self, desk: Desk, screen: Screen, papers: Papers | None = None) -> None:
        """``screen`` tells what hindered a print; what comes when it is gone is dropped."""
        super().__init__(screen)
        self.papers = papers or Papers()
        self._desk, self._failed = desk, screen.notice.error

    def offered(self, request: Request) -> list[tuple[str, Callable[[], object]]]:
        """Return each paper's name, a message of the catalogue, and what prints it."""
        names = (FORM, RECEIPT, LETTER) if request.state in _MADE else (FORM,)
        return [(name, partial(self.print, name, request.id)) for name in names]

    def print(self, name: str, identifier: str, outcome: Outcome | None = None) -> None:
        """Make one paper and show it; ``outcome``: what was issued just now, else the records tell."""
        work.start(
            self,
            lambda: self._make(name, identifier, outcome),
            done=lambda made: self._show(f"{identifier[-12:]}-{_FILES[name]}", made),
            failed=self._failed,
        )

    def _make(self, name: str, identifier: str, outcome: Outcome | None) -> bytes:
        """Gather what the paper says and have it made; runs in a thread: the places alone take a second."""
        session = self._desk.session
        document = session.get("request", identifier) or {}
        request = request_of(identifier, document)
        stationery = stationery_here(self._desk)
        now, operator = session.clock.now(), session.operator_name
        form = form_paper(request, session.configuration, session.places, operator)
        if outcome is None and request.state in _MADE:
            outcome = self._outcome(request, document)
        if name == FORM or outcome is None:
            return self.papers.make(Paper.REQUEST_FORM, replace(form, outcome=outcome), stationery, now)
        at = document.get("delivered_at")
        handed = datetime.fromisoformat(at) if at else None
        delivery = Delivery(request.code, form.person, outcome, operator, handed)
        paper = Paper.DELIVERY_RECEIPT if name == RECEIPT else Paper.LETTER
        return self.papers.make(paper, delivery, stationery, now)

    def _outcome(self, request: Request, document: Document) -> Outcome:
        """Return what was issued; a mandate that sees no productions leaves the certificates out."""
        session = self._desk.session
        found = session.store.past.productions("request", request.id)
        issued = [one for _, one in found if one.get("state") == ProductionState.ISSUED.value]
        production = issued[-1] if issued else {}
        certificates = {
            Slot(slot): facts
            for slot, text in (production.get("certificates") or {}).items()
            if (facts := facts_of(text)) is not None
        }
        envelope = str(production.get("scratch_card") or _BY_HAND)
        at = document.get("produced_at")
        return Outcome(
            device_kind=request.device_kind,
            device_serial=str(document.get("device", "")),
            certificates=tuple(
                Certificate(slot, facts.serial, facts.expires_on) for slot, facts in certificates.items()
            ),
            envelope=envelope if request.scratch_delivery is ScratchDelivery.PAPER else "",
            issued_at=datetime.fromisoformat(at) if at else session.clock.now(),
            issued_by=operator_of(session, str(document.get("produced_by", ""))),
        )

    def _show(self, name: str, made: bytes) -> None:
        try:
            self.papers.show(name, made)
        except Exception as error:  # noqa: BLE001 - whatever hinders it is said; the request stays as it is
            self._failed(error)
