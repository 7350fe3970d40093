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
    Role.PORTAL: N_("Portal"),
}
LANGUAGE_NAMES = {"it": "Italiano", "de": "Deutsch", "en": "English"}
"""Each language in its own words: who looks for it must be able to read it."""

DEEDS: Mapping[str, str] = {
    "request.register": N_("Registration"),
    "request.ready": N_("Request from the portal"),
    "request.amend": N_("Amendment"),
    "request.approve": N_("Approval"),
    "request.cancel": N_("Cancellation"),
    "request.contact": N_("New contact address"),
    "request.deliver": N_("Handing over"),
    "request.retry": N_("Production after all"),
    "certificate.suspend": N_("Certificates suspended"),
    "payment.record": N_("Payment"),
    "payment.reverse": N_("Payment given back"),
    "till.open": N_("Opening of the till"),
    "till.close": N_("Closing of the till"),
    "booking.record": N_("Booking"),
    "booking.cancel": N_("Booking cancelled"),
    "archive.record": N_("Earlier issues taken into the archive"),
    "attachment.add": N_("Scan attached"),
    "attachment.view": N_("Scan looked at"),
    "attachment.withdraw": N_("Scan withdrawn"),
    "notice.publish": N_("Notice published"),
    "notice.archive": N_("Notice put into the archive"),
    "notice.restore": N_("Notice published again"),
    "problem.solve": N_("Problem dealt with"),
    "device.receive": N_("Device taken into stock"),
    "scratch_card.receive": N_("Scratch card taken into stock"),
    "production.open": N_("Production begun"),
    "production.certificates": N_("Certificates of a production recorded"),
    "production.confirm": N_("Certificates proved on the device"),
    "production.bind": N_("Scratch card bound to the device"),
    "production.complete": N_("Production completed"),
    "production.reset": N_("Reset begun"),
    "production.withdrawal": N_("Withdrawal of a certificate confirmed"),
    "production.clean": N_("Reset done"),
    "stock.receive": N_("Supply taken into stock"),
    "stock.move": N_("Stock moved to another office"),
    "device.set_aside": N_("Device set aside"),
    "device.put_back": N_("Device put back into stock"),
    "scratch_card.void": N_("Scratch card made void"),
    "body.amend": N_("Body amended"),
    "configuration.change": N_("Configuration changed"),
    "site.open": N_("Site opened"),
    "site.amend": N_("Site amended"),
    "site.close": N_("Site closed"),
    "office.open": N_("Office opened"),
    "office.amend": N_("Office amended"),
    "office.close": N_("Office closed"),
    "office.move_operators": N_("Operators moved to another office"),
    "operator.record": N_("Operator recorded"),
    "operator.take_in": N_("Operators and mandates taken in"),
    "operator.amend": N_("Operator’s data amended"),
    "mandate.grant": N_("Mandate granted"),
    "mandate.suspend": N_("Mandate suspended"),
    "mandate.resume": N_("Mandate resumed"),
    "mandate.end": N_("Mandate ended"),
    "mandate.extend": N_("Mandate’s last day changed"),
    "mandate.change": N_("Mandate’s permissions changed"),
    "workstation.block": N_("Workstation blocked"),
    "workstation.unblock": N_("Workstation unblocked"),
    "workstation.revoke": N_("Workstation revoked"),
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
