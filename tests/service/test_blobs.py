"""Scans over HTTPS: in chunks, sealed at the service, resumed after a kill, shown after a recorded view."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cmsdesk.backend.journal.store import history
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.attachment import AttachmentKind
from cmsdesk.domain.commands import Command, Unknown
from cmsdesk.domain.journal import Entry
from cmsdesk.operations.attachments import Attached, Scan, ScanNotHere
from cmsdesk.operations.blobs import CHUNK_BYTES, ContentDiffers, ContentNotThere, NotViewed
from cmsdesk.operations.errors import CallMalformed, ServiceUnreachable
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import BODY, DESKS
from cmsdesk.sync.blobs import FarBlobs, ScanTraffic
from cmsdesk.sync.far import FarGateway
from cmsdesk.sync.local_store import KEY_BYTES, connect
from tests.service.conftest import Office
from tests.service.test_access import administer, grant, under
from tests.service.test_main_job import approved_request

CHUNKS = 4
MARK = b"%PDF-1.7 Perathoner Lukas, carta d'identita' CA00000AA"


class CutBlobs(FarBlobs):
    """Counts the chunks that go by; at one of them the service is killed."""

    office: Office
    kill_at = 0
    went = 0

    def _call(self, method: str, attachment: str, number: int | None = None, *rest: Any, **named: Any) -> Any:
        if number is not None:
            self.went += 1
            if self.went == self.kill_at:
                self.office.service.kill()
        return super()._call(method, attachment, number, *rest, **named)


class Scanned:
    """A request with a scan on record, whose content the service does not have."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        self.desk, self.other = office.desk(DESKS[0]), office.desk(DESKS[1])
        self.content = MARK + os.urandom((CHUNKS - 1) * CHUNK_BYTES + 1000)
        self.attachment, self.request = new_id(), approved_request(self.desk)
        self.facts = {
            "attachment": self.attachment,
            "request": self.request,
            "kind": "identity_document",
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "size": len(self.content),
            "media_type": "application/pdf",
        }
        self.scan = Attached.of(self.attachment, self.facts).scan
        gateway_of(self.desk).execute(Command(new_id(), "attachment.add", BODY, self.facts))

    def blobs(self, desk: Desk, kill_at: int = 0, gateway: FarGateway | None = None) -> CutBlobs:
        """Return a desk's end, started again on the same file."""
        path = self.folder / f"{desk.name}.db"
        made = CutBlobs(gateway or gateway_of(desk), connect(path, Secret(bytes(range(KEY_BYTES)))))
        made.office, made.kill_at = self.office, kill_at
        return made

    def viewed(self) -> list[str]:
        """Return who viewed the scan, by the journal."""
        with self.office.world.service.engine.connect() as connection:
            items = list(history(connection, BODY, "attachment", self.attachment))
        entries = [Entry.decode(item.public or b"") for item in items]
        return [entry.act.actor for entry in entries if entry.kind == "attachment.viewed"]


def gateway_of(desk: Desk) -> FarGateway:
    gateway = desk.records._gateway
    assert isinstance(gateway, FarGateway)
    return gateway


@pytest.fixture
def scanned(office: Office, tmp_path: Path) -> Iterator[Scanned]:
    made = Scanned(office, tmp_path)
    yield made
    if office.service.child.process is None:
        office.service.start()
    made.desk.close()
    made.other.close()


def test_a_transfer_that_is_killed_in_the_middle_goes_on_where_it_was(scanned: Scanned) -> None:
    sending = scanned.blobs(scanned.desk, kill_at=3)
    with pytest.raises(ServiceUnreachable):
        sending.send(scanned.attachment, scanned.content)
    scanned.office.service.start()
    again = scanned.blobs(scanned.desk)
    again.send(scanned.attachment, scanned.content)
    assert again.went == CHUNKS - 2, "the first two had arrived"

    fetching = scanned.blobs(scanned.other, kill_at=3)
    scan = Attached.of(
        scanned.attachment, gateway_of(scanned.other).get("attachment", scanned.attachment) or {}
    ).scan
    with pytest.raises(ServiceUnreachable):
        fetching.fetch(scanned.attachment, scan)
    scanned.office.service.start()
    again = scanned.blobs(scanned.other)
    assert again.fetch(scanned.attachment, scan) == scanned.content
    assert again.went == CHUNKS - 2
    assert scanned.viewed() == [f"mandate:{scanned.other.actor.mandate.id}"] * 2, "each view is on record"


def test_nothing_of_a_scan_is_readable_in_the_services_database(scanned: Scanned) -> None:
    scanned.blobs(scanned.desk).send(scanned.attachment, scanned.content)
    with scanned.office.world.service.engine.connect() as connection:
        kept = [bytes(row[0]) for row in connection.execute(text("SELECT sealed FROM blob_chunks"))]
    assert len(kept) >= CHUNKS
    assert not any(MARK[:12] in sealed or scanned.content[-64:] in sealed for sealed in kept)


def test_without_a_recorded_view_nothing_is_shown(scanned: Scanned) -> None:
    scanned.blobs(scanned.desk).send(scanned.attachment, scanned.content)
    path = f"/attachments/{scanned.attachment}/content/0"
    for view in (new_id(), "x"):
        with pytest.raises(NotViewed):
            scanned.desk.connection.call("GET", path, query={"view": view})
    recorded = Command(new_id(), "attachment.view", BODY, {"attachment": scanned.attachment})
    gateway_of(scanned.desk).execute(recorded)
    assert scanned.desk.connection.call("GET", path, query={"view": recorded.id})["content"]


def test_what_did_not_arrive_whole_or_is_another_content_is_not_kept(scanned: Scanned) -> None:
    blobs, scan = scanned.blobs(scanned.desk), scanned.scan
    with pytest.raises(ContentNotThere):
        blobs.fetch(scanned.attachment, scan)
    with pytest.raises(ContentDiffers):
        blobs.send(scanned.attachment, scanned.content + b"x")
    with pytest.raises(ContentDiffers):
        blobs.send(scanned.attachment, b"x" + scanned.content[1:])
    state = scanned.desk.connection.call("GET", f"/attachments/{scanned.attachment}/content")
    assert (state["have"], state["complete"]) == ([], False)
    with pytest.raises(CallMalformed):
        blobs._call("PUT", scanned.attachment, 0, {"content": "QUJD" * CHUNK_BYTES})
    blobs.send(scanned.attachment, scanned.content)
    assert blobs.fetch(scanned.attachment, scan) == scanned.content


def test_another_offices_ir_and_a_withdrawn_scan_get_nothing(office: Office, scanned: Scanned) -> None:
    scanned.blobs(scanned.desk).send(scanned.attachment, scanned.content)
    elsewhere = f"o-{new_id()[-8:]}"
    administer(office, "office.open", office=elsewhere, name="Altrove")
    stranger = under(scanned.desk, grant(office, "ir", elsewhere), elsewhere)
    for call in (
        lambda: scanned.blobs(scanned.desk, gateway=stranger).fetch(scanned.attachment, scanned.scan),
        lambda: scanned.blobs(scanned.desk, gateway=stranger).send(scanned.attachment, scanned.content),
    ):
        with pytest.raises(Unknown):
            call()
    gateway = under(scanned.desk, scanned.desk.actor.mandate.id)
    withdrawn = {"attachment": scanned.attachment, "reason": "altra persona"}
    gateway.execute(Command(new_id(), "attachment.withdraw", BODY, withdrawn))
    with pytest.raises(Unknown):
        scanned.blobs(scanned.desk, gateway=gateway).fetch(scanned.attachment, scanned.scan)


def test_what_was_attached_at_one_desk_is_sent_after_its_record_and_seen_at_another(
    scanned: Scanned,
) -> None:
    here, there = scanned.desk, scanned.other
    content = MARK + os.urandom(CHUNK_BYTES + 7)
    attached = Attached(new_id(), AttachmentKind.SIGNED_FORM, Scan.of(content))
    here.files.scans.keep(attached.scan, content)
    command = Command(new_id(), "attachment.add", BODY, attached.facts(scanned.request))
    at = here.parts.clock.now().isoformat()
    here.files.store.queue(command, here.actor.mandate.id, at)
    traffic = ScanTraffic(FarBlobs(gateway_of(here), here.files.arriving), here.files.scans)
    traffic.send()
    here.synchroniser.run()
    assert here.files.scans.unsent() != []
    traffic.send()
    assert here.files.scans.unsent() == []
    elsewhere = ScanTraffic(FarBlobs(gateway_of(there), there.files.arriving), there.files.scans)
    with pytest.raises(ScanNotHere):
        there.files.scans.content(attached.scan.sha256)
    assert elsewhere.fetch(attached) == content
    assert there.files.scans.content(attached.scan.sha256) == content
