"""The desk's words for roles and kinds that the rules have none for."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.base.texts import N_
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.request import RequestState

ROLES: Mapping[Role, str] = {
    Role.IR: N_("Recognition officer (IR)"),
    Role.RAO: N_("Registration officer (RAO)"),
    Role.HELP_DESK: N_("Help desk"),
    Role.ADMINISTRATOR: N_("Administrator of the body"),
}
LANGUAGE_NAMES = {"it": "Italiano", "de": "Deutsch", "en": "English"}
"""Each language in its own words: who looks for it must be able to read it."""

DEEDS: Mapping[str, str] = {
    "request.register": N_("Registration"),
    "request.amend": N_("Amendment"),
    "request.approve": N_("Approval"),
    "request.cancel": N_("Cancellation"),
    "request.contact": N_("New contact address"),
    "request.deliver": N_("Handing over"),
}
"""Commands as a person calls what they did."""

_TONES = {
    RequestState.REGISTERED: "warn",
    RequestState.READY: "accent",
    RequestState.APPROVED: "accent",
    RequestState.IN_PRODUCTION: "accent",
    RequestState.PRODUCED: "good",
    RequestState.DELIVERED: "good",
    RequestState.CANCELLED: "",
    RequestState.FAILED: "bad",
}

STATUS_TONES: Mapping[CertificateStatus, str] = {
    CertificateStatus.VALID: "good",
    CertificateStatus.SUSPENDED: "warn",
    CertificateStatus.REVOKED: "bad",
    CertificateStatus.EXPIRED: "bad",
    CertificateStatus.UNKNOWN: "",
}


def tone_of(state: RequestState) -> str:
    """Return the tone of a state's chip; its word comes first."""
    return _TONES.get(state, "")
