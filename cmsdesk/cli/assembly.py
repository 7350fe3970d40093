"""Puts the parts of the desk together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.operations.issue import IssueSettings, Parts
from cmsdesk.operations.ports import CardReaders, CertificateAuthority, Records, Vault
from cmsdesk.sync.desk_store import DeskStore
from cmsdesk.sync.drafts import Drafts
from cmsdesk.sync.local_store import Database, LocalLog, connect, connect_to_read
from cmsdesk.sync.scans import KeptScans
from cmsdesk.sync.shown_things import ShownThings
from cmsdesk.sync.till_book import TillBook
from cmsdesk.sync.work_lists import WorkLists


@dataclass(frozen=True)
class BodySettings:
    """The body that issues."""

    administration: str
    """OU of the CNS certificate."""
    issuer_code: str
    """Issuer code in EF.Dati_personali."""
    operator_issuers: tuple[Path, ...]
    """Certificates, DER, of the CNS issuers whose cards open a production."""
    certificate_days: int = 3 * 365 + 1
    collect_wait_s: float = 60.0


@dataclass(frozen=True)
class DeskSettings:
    """The desk's settings file."""

    store: Path
    """The desk's encrypted file; its folder exists."""
    body: BodySettings

    @property
    def municipalities(self) -> Path:
        """Where the service's table of municipalities is kept."""
        return self.store.with_name(f"{self.store.stem}-municipalities.json")


@dataclass
class DeskFiles:
    """What the desk keeps in its encrypted file."""

    log: LocalLog
    store: DeskStore
    drafts: Drafts
    lists: WorkLists
    """For reading, in a thread of its own: waits for no writer."""
    tills: TillBook
    """For reading, beside the lists."""
    scans: KeptScans
    arriving: Database
    """Chunks of scans that are on their way here; in the scans' file."""
    """Contents of attachments, in an encrypted file of their own."""
    saved_filters: WorkLists
    """For keeping filters under a name."""


def open_desk(settings: DeskSettings, key: Secret, clock: Clock) -> DeskFiles:
    """Open the desk's encrypted file; make it at the first start.

    Raises:
        StoreUnreadable: the key is another, or the file is damaged.
    """
    settings.store.parent.mkdir(parents=True, exist_ok=True)
    # Connections apart: a line of the log must never ride in, and fall with, the feed's transaction;
    # what is typed must not wait for it, nor a list that is read.
    path = settings.store
    log = LocalLog(connect(path, key), clock)
    store = DeskStore(connect(path, key), connect_to_read(path, key))
    typed, read = connect(path, key), connect_to_read(path, key)
    things = ShownThings(read)
    beside = path.with_name(f"{path.stem}-scans.db")
    scans, arriving = KeptScans(connect(beside, key), things, clock), connect(beside, key)
    return DeskFiles(
        log, store, Drafts(typed, clock), WorkLists(read), TillBook(things), scans, arriving, WorkLists(typed)
    )


def assemble(
    body: BodySettings,
    files: DeskFiles,
    records: Records,
    vault: Vault,
    readers: CardReaders,
    authorities: Mapping[str, CertificateAuthority],
    clock: Clock,
) -> Parts:
    """Return what the issuing procedure stands on."""
    return Parts(
        readers=readers,
        records=records,
        log=files.log,
        vault=vault,
        authorities=authorities,
        clock=clock,
        settings=IssueSettings(
            issuer_code=body.issuer_code,
            administration=body.administration,
            operator_anchors=tuple(path.read_bytes() for path in body.operator_issuers),
            validity=timedelta(days=body.certificate_days),
            collect_wait_s=body.collect_wait_s,
        ),
    )
