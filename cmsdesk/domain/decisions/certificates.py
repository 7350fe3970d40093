"""Rules about the status of certificates (LCM-1): asked for at a desk, brought about at the CA by a job.

A certificate is a thing of its own from the first change of its status on; its id is its enrolment key.
``wanted`` is the status that its CA is asked for; until the CA has confirmed it, ``state`` is what it
was (CAD art. 36: what counts is the publication). Both certificates of a device go together (PRO-5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cmsdesk.domain.certificate import TRANSITIONS, CertificateStatus, Slot
from cmsdesk.domain.commands import Case, WrongState
from cmsdesk.domain.decisions.moves import within_reach
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.problem import CHANGE_REFUSED, ProblemState
from cmsdesk.domain.request import enrolment_key

_THING = "certificate"
_NEW: Mapping[str, str] = {"state": CertificateStatus.VALID.value}


def suspend(case: Case) -> list[Event]:
    """Ask for the suspension of the certificates that were issued for a request; asked again: no event.

    Raises:
        WrongState: nothing was issued, or none of it can be suspended any more.
    """
    identifier, reason = case.text("request"), case.text("reason")
    request = within_reach(case, Action.CERTIFICATE_SUSPEND, "request", identifier)
    if "production" not in request:
        wanted = CertificateStatus.SUSPENDED.value
        raise WrongState(thing="request", id=identifier, state=request["state"], wanted=wanted)
    keys = [(slot, enrolment_key(request["production"], slot)) for slot in Slot]
    known = {key: case.view.get(_THING, key) or dict(_NEW) for _, key in keys}
    if not any(_can_be(document, CertificateStatus.SUSPENDED) for document in known.values()):
        key, document = next(iter(known.items()))
        raise WrongState(
            thing=_THING, id=key, state=document["state"], wanted=CertificateStatus.SUSPENDED.value
        )
    asked = {
        "wanted": CertificateStatus.SUSPENDED.value,
        "asked_by": case.actor.mandate.id,
        "asked_at": case.now.isoformat(),
        "refused": None,
    }
    return [
        Event(
            "certificate.suspension_asked",
            _THING,
            key,
            {**_identity(case, request, slot), "state": known[key]["state"], **asked},
            # free text may name a person: it must be erasable
            {"reason": reason},
        )
        for slot, key in keys
        if _can_be(known[key], CertificateStatus.SUSPENDED) and not _is_or_will_be_suspended(known[key])
    ]


def changed(key: str, known: Document, at: datetime) -> list[Event]:
    """Return what the CA's confirmation of the wanted status brings about; none, if it is known."""
    if "wanted" not in known:
        return []
    to = CertificateStatus(known["wanted"])
    changes = {"state": to.value, "wanted": None, "effective_at": at.isoformat()}
    return [Event(f"certificate.{to.value}", _THING, key, changes)]


def refused(key: str, known: Document, command: str, code: str, at: datetime) -> list[Event]:
    """Return what a CA's refusal brings about: the status stays, and somebody has to see to it."""
    if "wanted" not in known:
        return []
    problem = {
        "body": known["body"],
        "office": known["office"],
        "about_thing": _THING,
        "about": key,
        "command": "certificate.suspend",
        "reasons": [CHANGE_REFUSED],
        "code": code,
        "state": ProblemState.OPEN.value,
        "noted_by": known["asked_by"],
        "noted_at": at.isoformat(),
    }
    return [
        Event("certificate.change_refused", _THING, key, {"wanted": None, "refused": code}),
        Event("problem.noted", "problem", f"{command}-{known['slot']}", problem),
    ]


def _identity(case: Case, request: Document, slot: Slot) -> dict[str, str]:
    """Return what a certificate's document says of itself."""
    return {
        "body": case.command.body,
        "office": request["office"],
        "request": case.text("request"),
        "production": request["production"],
        "device": request["device"],
        "slot": slot.value,
    }


def _can_be(document: Document, status: CertificateStatus) -> bool:
    now = CertificateStatus(document["state"])
    return now is status or (now, status) in TRANSITIONS


def _is_or_will_be_suspended(document: Document) -> bool:
    return bool(document.get("wanted", document["state"]) == CertificateStatus.SUSPENDED.value)
