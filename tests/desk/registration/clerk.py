"""A process that amends requests, attaches scans to them and takes payments, and says each: to be killed.

usage: python -m tests.desk.registration.clerk FOLDER

The service is reached once, then no more is sent: what is done stays in the desk's own files.
"""

import hashlib
import os
import sys
from pathlib import Path
from unittest.mock import patch

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.cli.assembly import BodySettings, DeskFiles, DeskSettings, open_desk
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.screens.till.screen import TillScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.attachment import AttachmentKind
from cmsdesk.domain.first_issue import FirstIssue
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.sync.local_store import KEY_BYTES
from cmsdesk.sync.synchroniser import Round
from tests.desk.bench import NOW, PEOPLE, Desk, register, wait_for, window_of
from tests.sync.bench import CA, OFFICE, CentralService

FEE = FirstIssue(first=False, computed=False, imposed=False, tariff="further", fee_cents=2500)
REQUESTS = 2


def files_in(folder: Path) -> DeskFiles:
    """Open the desk's files as a program does that is started again."""
    settings = DeskSettings(folder / "desk.db", BodySettings("Ente di Prova", "9999", ()))
    return open_desk(settings, Secret(bytes(range(KEY_BYTES))), FixedClock(NOW))


def scan_of(number: int) -> bytes:
    """Return a scan of which no other is like it."""
    return b"%PDF-1.4 " + bytes([number]) * 300_000


def say(*words: object) -> None:
    """Whoever reads this line may kill: what it says must be kept."""
    print(*words, sep="\t", flush=True)


def amend(screen: RegistrationScreen, request: str, street: str) -> None:
    """Type another street, letter by letter, then save it."""
    screen.window().activateWindow()
    field = screen.view.rows[paths.STREET].field
    field.setFocus()
    field.clear()
    for count, letter in enumerate(street, 1):
        QTest.keyClick(field, letter)
        say("typed", request, street[:count])
    screen.submit()
    wait_for(lambda: not screen._kept.has_one())
    say("saved", request, street)


def attach(screen: RegistrationScreen, request: str, path: Path) -> None:
    """Attach a scan and wait until it is seen."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    screen.attaching.pick = lambda _parent, _title: str(path)
    screen.attaching.attach(AttachmentKind.SIGNED_FORM)
    wait_for(lambda: digest in [one.scan.sha256 for one in screen.attaching._shown])
    say("attached", request, digest)


def take(till: TillScreen, request: str) -> None:
    """Take what is due."""
    till.activate(request=request)
    wait_for(lambda: till.chosen is not None and till.chosen.id == request)
    till.take()
    say("paid", request, till.cashier.balance().count)


def work(window: DeskWindow, folder: Path, requests: list[str]) -> None:
    """Do all of it, request after request."""
    for number, request in enumerate(requests):
        window.open("registration", request=request)
        screen = window.current
        assert isinstance(screen, RegistrationScreen)
        path = folder / f"scan-{number}.pdf"
        path.write_bytes(scan_of(number))
        attach(screen, request, path)
        amend(screen, request, f"Via Nuova {number}")
        window.open("till", request=request)
        till = window.current
        assert isinstance(till, TillScreen)
        take(till, request)


def main() -> None:
    folder, application = Path(sys.argv[1]), QApplication([])
    central = CentralService(f"sqlite:///{folder / 'service.db'}", FixedClock(NOW))
    values = default_configuration(CA).sections()
    values |= {"payments": {"methods": ["cash", "pos"], "series": {OFFICE: "BZ1"}}}
    central.administer("configuration.change", revision=0, configuration=values)
    desk = Desk(central, folder, Role.RAO, Permission.PAYMENTS)
    made = [register(central, desk.mandate, PEOPLE[0], first_issue=FEE) for _ in range(REQUESTS)]
    window = window_of(application, central.clock, folder)
    window.show()
    parts = desk.parts()
    window.begin(parts)
    wait_for(lambda: window.session.sync_state.link is Link.UP)
    wait_for(lambda: all(window.session.get("request", one.id) for one in made))
    drawn = patch.object(Papers, "make", return_value=b"%PDF"), patch.object(Papers, "show")
    with patch.object(parts.synchroniser, "run", return_value=Round()), drawn[0], drawn[1]:
        say("ready")
        work(window, folder, [one.id for one in made])
    say("done")


if __name__ == "__main__":
    main()
