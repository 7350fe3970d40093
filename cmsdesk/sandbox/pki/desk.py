"""The production adapter, set up for a running sandbox CA: what an installation does by configuration."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from cmsdesk.base.clock import Clock, SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.ca.ejbca_settings import EjbcaSettings, SlotProfile
from cmsdesk.ca.hours import EnrolmentHours
from cmsdesk.ca.transport import Endpoint
from cmsdesk.domain.certificate import Slot
from cmsdesk.sandbox.pki.config import Hours
from cmsdesk.sandbox.pki.process import SandboxCa

NAME = "Ente di Prova"
_SECRET_BYTES = 32


def settings(sandbox: SandboxCa, *, answer_timeout_s: float = 10.0) -> EjbcaSettings:
    """Return the adapter's settings for a running `SandboxCa`."""
    config, tls = sandbox.config, sandbox.tls
    profiles = {}
    for slot in Slot:
        issuer = config.issuer(slot.value)
        profiles[slot] = SlotProfile(issuer.name, issuer.certificate_profile, issuer.end_entity_profile)
    return EjbcaSettings(
        name=NAME,
        endpoint=Endpoint(
            url=sandbox.url,
            roots=tls / "ca.pem",
            client_certificate=tls / "desk.pem",
            client_key=tls / "desk.key",
            connect_timeout_s=2.0,
            answer_timeout_s=answer_timeout_s,
        ),
        profiles=profiles,
        trust_anchors=(sandbox.certificate(config.root.name),),
        hours=_hours(config.hours),
        poll_after_s=0.05,
    )


def _hours(hours: Hours | None) -> EnrolmentHours | None:
    return None if hours is None else EnrolmentHours(hours.opens, hours.closes, ZoneInfo(hours.zone))


def adapter(
    sandbox: SandboxCa,
    clock: Clock | None = None,
    *,
    secret: Secret | None = None,
    answer_timeout_s: float = 10.0,
) -> EjbcaRest:
    """Return a ready adapter; ``secret`` (32 bytes) is kept by whoever resumes orders after a restart."""
    code_secret = secret or Secret(b"sandbox-enrolment-codes".ljust(_SECRET_BYTES, b"."))
    return EjbcaRest(
        settings(sandbox, answer_timeout_s=answer_timeout_s), code_secret, clock or SystemClock()
    )
