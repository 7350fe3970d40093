"""Suspending a device's certificates, from the desk to the CA and back (LCM-1)."""

from __future__ import annotations

import time
from collections.abc import Callable

from cmsdesk.base.ids import new_id
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.domain.commands import Command
from cmsdesk.domain.request import enrolment_key
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import BODY
from cmsdesk.sync.far import FarLine
from tests.service.conftest import Office
from tests.service.test_access import grant, under
from tests.service.test_main_job import Production, production

__all__ = ["production"]
_LONG_S = 120.0
"""A job that was under way when its worker was killed is taken again after a minute."""


def wait(until: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + _LONG_S
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def suspension(request: str) -> Command:
    return Command(new_id(), "certificate.suspend", BODY, {"request": request, "reason": "Smarrita"})


def test_what_the_help_desk_asks_is_done_at_the_ca_though_the_service_is_killed(
    office: Office, desk: Desk, production: Production
) -> None:
    outcome = production.begin()
    production.check_issued(outcome)
    gateway = under(desk, grant(office, "help_desk"))
    line = FarLine(desk.connection)
    [answer] = line.push([suspension(production.request)])
    office.service.kill()
    office.service.start()
    assert answer["accepted"], answer
    keys = [enrolment_key(outcome.production.id, slot) for slot in Slot]

    def done() -> bool:
        found = [gateway.get("certificate", key) or {} for key in keys]
        return all(document.get("state") == "suspended" for document in found)

    wait(done)
    statuses = [office.world.authority.status(der) for der in outcome.certificates.values()]
    assert statuses == [CertificateStatus.SUSPENDED] * 2
    [again] = line.push([suspension(production.request)])
    assert again["accepted"], "asking for what is so already changes nothing"
