"""Scans: chosen as files, kept encrypted under their hash, in the draft first and then with the request."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.attaching import entered
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.attachment import MOST_BYTES, AttachmentKind
from cmsdesk.operations.attachments import NoScan, Scan, ScanNotHere, ScanTooLarge
from tests.desk.bench import Desk, approve, register, wait_for
from tests.desk.registration.test_screen import Keyboard, fill
from tests.sync.bench import BODY, CentralService

PDF = b"%PDF-1.4 a signed form of Marta Tessari"
PNG = b"\x89PNG\r\n\x1a\n an identity document"


def choose(screen: RegistrationScreen, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    screen.attaching.pick = lambda _parent, _title: str(path)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\x00", "image/tiff"),
    ],
)
def test_what_a_file_is_stands_in_it(content: bytes, media_type: str) -> None:
    assert Scan.of(content) == Scan(hashlib.sha256(content).hexdigest(), len(content), media_type)


def test_other_files_are_not_taken() -> None:
    with pytest.raises(NoScan):
        Scan.of(b"MZ\x90")
    with pytest.raises(NoScan):
        Scan.of(b"")
    with pytest.raises(ScanTooLarge):
        Scan.of(PDF + bytes(MOST_BYTES))


def test_scans_of_a_draft_become_the_request_s(
    window: DeskWindow,
    screen: RegistrationScreen,
    central: CentralService,
    desk: Desk,
    opened: list[Path],
    tmp_path: Path,
) -> None:
    choose(screen, tmp_path / "documento.png", PNG)
    fill(Keyboard())
    screen.attaching.attach(AttachmentKind.IDENTITY_DOCUMENT)
    wait_for(lambda: bool(entered(screen.view.form)))
    [draft] = window.session.drafts.all_of(desk.mandate)
    assert entered(Form.of(draft.content))[0].scan == Scan.of(PNG)
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, _)] = window.session.in_state("request", "registered")
    [(attachment, document)] = window.session.scans.of_request(identifier)
    assert document["kind"] == "identity_document"
    assert document["sha256"] == hashlib.sha256(PNG).hexdigest()
    wait_for(lambda: not window.session.pending() and window.session.sync_state.link is Link.UP)
    assert window.session.problems == ()
    assert central.things(BODY)["attachment", attachment]["request"] == identifier
    assert screen.view.form[paths.ATTACHMENTS] == ""
    assert window.session.scans.content(document["sha256"]) == PNG


def test_the_signed_form_of_an_approved_request_is_attached_looked_at_and_taken_back(
    window: DeskWindow,
    screen: RegistrationScreen,
    central: CentralService,
    desk: Desk,
    opened: list[Path],
    tmp_path: Path,
) -> None:
    mine = register(central, desk.mandate)
    approve(central, desk.mandate, mine)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", mine.id) or {}).get("state") == "approved")
    window.open("registration", request=mine.id)
    choose(screen, tmp_path / "modulo.pdf", PDF)
    screen.attaching.attach(AttachmentKind.SIGNED_FORM)
    wait_for(lambda: len(screen.attaching._shown) == 1)
    [attached] = screen.attaching._shown

    def note(path: Path) -> bool:
        opened.append(path)
        return True

    screen.attaching.papers = Papers(note)
    screen.attaching.look(attached)
    wait_for(lambda: bool(opened))
    assert opened[0].read_bytes() == PDF
    assert opened[0].suffix == ".pdf"
    screen.attaching.papers.close()
    screen.attaching.take_back(attached)
    wait_for(lambda: screen.attaching._shown == [])
    wait_for(lambda: not window.session.pending())
    assert window.session.problems == ()
    assert central.things(BODY)["attachment", attached.id]["state"] == "withdrawn"


def test_a_wrong_file_is_said_and_nothing_is_attached(screen: RegistrationScreen, tmp_path: Path) -> None:
    choose(screen, tmp_path / "tabella.xls", b"PK\x03\x04")
    screen.attaching.attach(AttachmentKind.OTHER)
    wait_for(lambda: "NO-SCAN" in screen.notice.text)
    assert entered(screen.view.form) == []
    screen.attaching.pick = lambda _parent, _title: str(tmp_path / "gone.pdf")
    screen.attaching.attach(AttachmentKind.OTHER)
    wait_for(lambda: "SCAN-UNREADABLE" in screen.notice.text)


def test_on_the_disk_it_is_not_in_clear(
    window: DeskWindow, screen: RegistrationScreen, tmp_path: Path
) -> None:
    content = b"%PDF-" + b"Marta Tessari " * 4000
    choose(screen, tmp_path / "modulo.pdf", content)
    screen.attaching.attach(AttachmentKind.SIGNED_FORM)
    wait_for(lambda: bool(entered(screen.view.form)))
    (tmp_path / "modulo.pdf").unlink()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("scans" in path.name for path in files)
    assert not [path for path in files if b"Marta Tessari" in path.read_bytes()]
    with pytest.raises(ScanNotHere):
        window.session.scans.content("0" * 64)
