"""The papers of a production that has just ended (PRO-9), whether or not the records say it yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cryptography import x509

from cmsdesk.base.clock import ROME
from cmsdesk.desk.request_papers import FORM, LETTER, RECEIPT, RequestPapers
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.wizards.issue.flow import Flow
from cmsdesk.documents.subjects import Certificate, Outcome
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.scratch_card import ScratchDelivery


def offered(desk: Desk, papers: RequestPapers, flow: Flow) -> list[tuple[str, Callable[[], object]]]:
    """Return each paper's name, a message of the catalogue, and what prints it; none before the end."""
    outcome = _outcome(desk, flow)
    if outcome is None:
        return []
    names = (FORM, RECEIPT, LETTER)
    return [(name, partial(papers.print, name, flow.request, outcome)) for name in names]


def _outcome(desk: Desk, flow: Flow) -> Outcome | None:
    made, facts, session = flow.outcome, flow.facts, desk.session
    document = session.get("request", flow.request)
    if made is None or facts is None or document is None:
        return None
    by_paper = request_of(flow.request, document).scratch_delivery is ScratchDelivery.PAPER
    return Outcome(
        device_kind=facts.kind,
        device_serial=made.production.device,
        certificates=tuple(_certificate(slot, der) for slot, der in made.certificates.items()),
        envelope=made.production.scratch_card if by_paper else "",
        issued_at=session.clock.now(),
        issued_by=session.operator_name,
    )


def _certificate(slot: Slot, der: bytes) -> Certificate:
    found = x509.load_der_x509_certificate(der)
    return Certificate(slot, f"{found.serial_number:X}", found.not_valid_after_utc.astimezone(ROME).date())
