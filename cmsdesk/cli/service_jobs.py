"""The service's jobs, put together from its settings: what is not configured is not done."""

from __future__ import annotations

import hashlib
from datetime import time, timedelta

from sqlalchemy import Connection

from cmsdesk.backend.backup.backup import back_up
from cmsdesk.backend.jobs.certificates import StatusChanges
from cmsdesk.backend.jobs.chains import Chains
from cmsdesk.backend.jobs.daily import DailyJobs, Stamp
from cmsdesk.backend.jobs.notices import ExpiryNotices
from cmsdesk.backend.jobs.retention import Retention
from cmsdesk.backend.jobs.worker import Effect, Handler, Tick, Worker
from cmsdesk.backend.mail.smtp import Mailer
from cmsdesk.backend.services.errands import STATUS_CHANGE
from cmsdesk.backend.services.vouchers import CHAIN
from cmsdesk.backend.storage.jobs import Job
from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.cli.safekeeping import places_of
from cmsdesk.cli.service_parts import ServiceParts, ServiceSettings, TimestampSettings
from cmsdesk.signing.errors import SigningError
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps.client import HttpTimeStamper

_PROMPT_LEASE = timedelta(minutes=1)
_TICKS = (
    Tick("forget"),
    Tick("withdrawals", every=timedelta(minutes=5)),
    Tick("stamps", at=time(0, 10)),
    Tick("backup", at=time(2, 0)),
    Tick("retention", at=time(3, 0)),
    Tick("notices", at=time(8, 0)),
)


class TimestampNotHad(Mendable):
    """The time stamping authority cannot be had; it is asked again."""

    code = "TIMESTAMP"
    cause = N_("The time stamping authority gave no time stamp.")
    next_step = N_("Check its address and the contract; it is asked again by itself.")


def worker_of(parts: ServiceParts, settings: ServiceSettings) -> Worker:
    """Return the worker on the service's parts."""
    stamp = None if settings.timestamps is None else _stamper(settings.timestamps)
    daily = DailyJobs(parts.engine, parts, parts.authorities, parts.clock, stamp)
    retention = Retention(parts.engine, parts.clock)
    handlers: dict[str, Handler] = {
        "retention": retention.sweep,
        "erasure": retention.erase,
        "forget": daily.forget,
        "withdrawals": daily.find_withdrawals,
        "withdrawal": daily.withdraw,
        CHAIN: Chains(parts.engine, parts.clock).check,
        "stamps": daily.stamp_all,
        "stamp": daily.stamp,
    }
    if settings.mail is not None:
        notices = ExpiryNotices(parts.engine, Mailer(settings.mail), parts.clock)
        handlers |= {"notices": notices.sweep, "notice": notices.send}
    if settings.backups is not None:
        folder = settings.backups

        def backup(job: Job) -> Effect:
            back_up(places_of(settings), folder, parts.hsm, parts.clock)
            return _nothing

        handlers["backup"] = backup
    ticks = [tick for tick in _TICKS if tick.kind in handlers]
    return Worker(parts.engine, parts.clock, handlers, ticks, lease=timedelta(minutes=30))


def prompt_worker_of(parts: ServiceParts) -> Worker:
    """Return the worker on what a person waits for: behind no backup, and soon again at another replica.

    Another may take a job over while its CA still thinks: asking twice is asking once.
    """
    changes = StatusChanges(parts.engine, parts.authorities, parts.clock)
    return Worker(parts.engine, parts.clock, {STATUS_CHANGE: changes.change}, lease=_PROMPT_LEASE)


def _stamper(settings: TimestampSettings) -> Stamp:
    roots = None if settings.roots is None else str(settings.roots)
    stamper = HttpTimeStamper(settings.url, policy=settings.policy or None, ca_file=roots)

    def stamp(message: bytes) -> bytes:
        try:
            return stamper.token(hashlib.sha256(message).digest(), Digest.SHA256)
        except SigningError as error:
            raise TimestampNotHad() from error

    return stamp


def _nothing(connection: Connection) -> None:
    """A backup leaves nothing in the database."""
