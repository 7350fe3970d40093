"""A desk at work in this process: the real service, a real store, a real window; no card is needed."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PySide6.QtCore import QThread
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.cli.assembly import BodySettings, DeskFiles, DeskSettings, assemble, open_desk
from cmsdesk.desk.application import create_window
from cmsdesk.desk.environment import Environment
from cmsdesk.desk.gate import Gate
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.session import SessionParts
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.figures import Grain, OfficeFigures
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.domain.request import Holder, Request
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.attachments import Attached, ScanNotHere
from cmsdesk.operations.company_check import LookUps
from cmsdesk.operations.errors import NoReader
from cmsdesk.operations.issue import Parts
from cmsdesk.operations.ports import CardReaders, ReaderInfo, Vault
from cmsdesk.sync.local_store import KEY_BYTES
from cmsdesk.sync.records import CommandRecords
from cmsdesk.sync.synchroniser import Synchroniser
from tests.fixtures.people import MARTA, a_request
from tests.sync.bench import BODY, CA, OFFICE, SECOND_OFFICE, CentralService, NearLine

NOW = datetime(2026, 5, 28, 8, 42, tzinfo=UTC)
NOTICES = (
    (
        "2026-05-20",
        "Chiusura estiva degli sportelli",
        "Gli sportelli restano chiusi dal 10 al 21 agosto; le consegne riprendono il 24.",
    ),
    ("2026-05-26", "Nuova fornitura di dispositivi", "Il lotto 2026-05 è disponibile in tutti gli uffici."),
)
STEP = timedelta(hours=5)
"""Between two registrations of `some_work`."""
PEOPLE = (
    ("Tessari", "Marta", "TSSMRT87C54A952D"),
    ("Rossi", "Mario", "RSSMRA80A01H501U"),
    ("Perathoner", "Lukas", "PRTLKS79S09F132H"),
    ("Bianchi", "Anna", "BNCNNA85M41F205Q"),
    ("D’Angelo", "Lucia", "DNGLCU90A41H501N"),
    ("Müller", "Jürgen", "MLLJGN70A01A952P"),
)


def not_here(attached: Attached) -> bytes:
    """Nothing is fetched: what was attached elsewhere stays there."""
    raise ScanNotHere()


class Desk:
    """A mandate, its store, and the line to the service, whose faults a test chooses."""

    def __init__(
        self, central: CentralService, folder: Path, role: Role = Role.RAO, *permissions: Permission
    ) -> None:
        self.central, self.clock = central, central.clock
        self.mandate = central.grant(role, OFFICE, BODY, *permissions)
        self.actor = central.actor(self.mandate)
        settings = DeskSettings(folder / "desk.db", BodySettings("Ente di Prova", "9999", ()))
        self.files: DeskFiles = open_desk(settings, Secret(bytes(range(KEY_BYTES))), central.clock)
        self.line = NearLine(central, self.mandate)
        self.look_ups: LookUps | None = None
        """What answers look-ups; a test may give one."""

    def parts(self) -> SessionParts:
        """Return what a session stands on; productions are not made here."""
        gateway: Any = None
        nobody = cast(CardReaders, None)
        issuing: Parts = assemble(
            BodySettings("Ente di Prova", "9999", ()),
            self.files,
            CommandRecords(gateway),
            cast(Vault, None),
            nobody,
            {},
            self.clock,
        )
        return SessionParts(
            actor=self.actor,
            operator_name="Giulia Ferrari",
            body_name="Camera di Commercio di Prova",
            office_name="Sportello 1",
            store=self.files.store,
            drafts=self.files.drafts,
            lists=self.files.lists,
            tills=self.files.tills,
            scans=self.files.scans,
            fetch_scan=not_here,
            saved_filters=self.files.saved_filters,
            synchroniser=Synchroniser(self.files.store, self.line, self.mandate, BODY, self.central.keys),
            issuing=issuing,
            look_ups=self.look_ups,
            figures=NearFigures(self.central, self.mandate),
        )


class NearFigures:
    """The service's count, without HTTPS."""

    def __init__(self, central: CentralService, mandate: str) -> None:
        self._central, self._mandate = central, mandate

    def figures(self, first: date, last: date, grain: Grain) -> list[OfficeFigures]:
        """Return the figures as the service counts them."""
        return self._central.service.figures(first, last, grain, self._central.actor(self._mandate))


class QuietReaders:
    """A computer with two empty readers; `put` changes it."""

    def __init__(self) -> None:
        self.found: list[ReaderInfo] = [ReaderInfo("Lettore 1", None), ReaderInfo("Lettore 2", None)]
        self._ended = False
        self._changed = False

    def put(self, *found: ReaderInfo) -> None:
        """From now on these."""
        self.found, self._changed = list(found), True

    def snapshot(self) -> list[ReaderInfo]:
        """Return them."""
        if not self.found:
            raise NoReader()
        return self.found

    def wait(self, timeout_s: float) -> bool:
        """Wait for `put`."""
        while not self._ended and not self._changed:
            QThread.msleep(5)
        changed, self._changed = self._changed, False
        return changed

    def close(self) -> None:
        """End the waiting."""
        self._ended = True


def window_of(
    application: QApplication,
    clock: FixedClock,
    folder: Path,
    *,
    language: str = "it",
    look: str = "light",
    sandbox: bool = False,
    readers: QuietReaders | None = None,
    gate: Gate | None = None,
) -> DeskWindow:
    """Return a window nobody has signed in at."""
    preferences = Preferences(folder / "preferences.json")
    preferences.choose(language=language, look=look)
    environment = Environment("sandbox" if sandbox else "Esercizio", sandbox=sandbox)
    return create_window(
        application, cast(Gate, gate), readers or QuietReaders(), preferences, environment, clock
    )


@dataclass
class Registered:
    """A request that was registered."""

    id: str
    request: Request


def register(
    central: CentralService,
    mandate: str,
    person: tuple[str, str, str] = PEOPLE[0],
    office: str = OFFICE,
    **values: Any,
) -> Registered:
    """Have a request registered at the service."""
    holder = person_of(*person)
    request = replace(a_request(new_id(), body=BODY, office=office, ca=CA, holder=holder), **values)
    central.do(mandate, "request.register", request={"id": request.id, **request_document(request)})
    return Registered(request.id, request)


def approve(central: CentralService, mandate: str, registered: Registered) -> None:
    """Have it approved."""
    central.do(mandate, "request.approve", request=registered.id, digest=registered.request.digest())


@dataclass
class Produced:
    """A device that was produced at another desk."""

    registered: Registered
    device: str
    scratch_card: str
    production: str


def make_device(
    central: CentralService,
    mandate: str,
    registered: Registered,
    *,
    days: int = 1096,
    open_only: bool = False,
) -> Produced:
    """Have an approved request produced; ``days``: how long its certificates live from now."""
    made = Produced(
        registered,
        f"743001{secrets.randbelow(10**10):010d}",
        f"SC{secrets.randbelow(10**12):012d}",
        new_id(),
    )
    stock = {"ca": CA, "lot": "LOTTO-2026-05", "certified_until": "2031-12-31", "kind": "smart_card"}
    central.administer("device.receive", BODY, card_id=made.device, **stock)
    central.administer("scratch_card.receive", BODY, number=made.scratch_card, lot="LOTTO-2026-05")
    opening = dict.fromkeys(("opening", "opening_signature", "opening_certificate"), "AA==")
    production = {"production": made.production}
    central.do(
        mandate,
        "production.open",
        **production,
        request=registered.id,
        device=made.device,
        scratch_card=made.scratch_card,
        operator=central.actor(mandate).mandate.operator,
        **opening,
    )
    if open_only:
        return made
    now, name = central.clock.now(), registered.request.holder.fiscal_code
    certificates = {slot.value: _certificate(name, now, days) for slot in Slot}
    central.do(mandate, "production.certificates", **production, certificates=certificates)
    for kind in ("production.confirm", "production.bind", "production.complete"):
        central.do(mandate, kind, **production)
    return made


_KEY = ec.generate_private_key(ec.SECP256R1())


def _certificate(name: str, now: datetime, days: int) -> str:
    """Return a certificate, DER in base 64, as the records hold it."""
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{CA} CNS CA")])
    made = x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
        public_key=_KEY.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + timedelta(days=days),
    ).sign(_KEY, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def produce(central: CentralService, mandate: str, registered: Registered) -> None:
    """Have an approved request produced and handed over."""
    make_device(central, mandate, registered)
    central.do(mandate, "request.deliver", request=registered.id)


def person_of(surname: str, given_name: str, fiscal_code: str) -> Holder:
    """Return a holder of that name, born as the code says, else as Marta."""
    born = LibraryFiscalCodes().read(fiscal_code)
    assert born is not None
    mail = f"{given_name}.{surname}@example.com".lower().replace("ü", "ue").replace("’", "")
    return replace(
        MARTA,
        surname=surname,
        given_name=given_name,
        fiscal_code=fiscal_code,
        sex=born.sex,
        born_on=born.born_on,
        birth_municipality_code=born.birthplace_code,
        contact_email=mail,
        certificate_email=mail,
    )


def some_work(central: CentralService, mandate: str, *, many: int = 18) -> list[Registered]:
    """Register, approve and cancel requests, so that every list has something; the clock goes on."""
    made = []
    for on, title, text in NOTICES:
        facts = {"title": {"it": title}, "text": {"it": text}}
        central.administer("notice.publish", BODY, notice=new_id(), on=on, **facts)
    for number in range(many):
        central.clock.advance(STEP)
        office = SECOND_OFFICE if number % 5 == 4 else OFFICE
        registered = register(central, mandate, PEOPLE[number % len(PEOPLE)], office)
        made.append(registered)
        if number % 3 == 1:
            approve(central, mandate, registered)
        if number % 3 == 1 and number % 9 != 1:
            make_device(central, mandate, registered)
        if number % 7 == 6 and number % 3 != 1:
            central.do(mandate, "request.cancel", request=registered.id, reason="Ritirata dal richiedente")
    return made


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Let the window work until ``condition`` holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        QTest.qWait(5)
