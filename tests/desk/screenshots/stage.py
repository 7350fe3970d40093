"""Where scenes are played: a service with work in it, desks of every role, a window at each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock, SystemClock
from cmsdesk.base.ids import new_id
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.first_issue import FirstIssue
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.operations.errors import CaUnreachable
from cmsdesk.sandbox.outside import Outside
from tests.desk.administration.staff import some_staff
from tests.desk.administration.test_stock import supply
from tests.desk.bench import (
    NOW,
    PEOPLE,
    Desk,
    Registered,
    approve,
    make_device,
    some_work,
    wait_for,
    window_of,
)
from tests.desk.bench import register as register_at
from tests.desk.registration.registers import ask_registers
from tests.desk.screenshots.camera import still
from tests.sync.bench import BODY, CA, OFFICE, SECOND_OFFICE, CentralService

FEE = FirstIssue(first=False, computed=False, imposed=False, tariff="further", fee_cents=2500)
BODY_NAME = "Camera di commercio, industria, artigianato e agricoltura di Prova"
OFFICE_NAMES = {OFFICE: "Sportello di Bolzano", SECOND_OFFICE: "Sportello di Bressanone"}


@dataclass
class Stage:
    """A window with somebody at work, and all that stands behind it."""

    window: DeskWindow
    desk: Desk
    folder: Path
    papers: Papers
    """That open nowhere; gone with the stage."""
    outside: Outside | None = None

    @property
    def central(self) -> CentralService:
        """The service."""
        return self.desk.central

    def show(self, screen: str, **facts: object) -> Any:
        """Open a screen and wait until all of it is there."""
        self.window.open(screen, **facts)
        still()
        return self.window.current

    def know(self, thing: str, identifier: str, state: str) -> None:
        """Wait until the desk knows a thing in a state."""
        self.window.session.sync_now()
        wait_for(lambda: (self.window.session.get(thing, identifier) or {}).get("state") == state)

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something, then for the window to be still."""
        wait_for(lambda: bool(condition()))
        still()

    def registered(self, who: int, **values: Any) -> Registered:
        """Register a request at another desk, and know it here."""
        made = register_at(self.central, self.desk.mandate, PEOPLE[who], **values)
        self.know("request", made.id, "registered")
        return made

    def approved(self, who: int, **values: Any) -> Registered:
        """A request that may be produced."""
        made = self.registered(who, **values)
        approve(self.central, self.desk.mandate, made)
        self.know("request", made.id, "approved")
        return made


class Authority:
    """A CA that knows every certificate, until it does not answer."""

    def __init__(self) -> None:
        self.answers = True

    def status(self, certificate: bytes) -> CertificateStatus:
        """Return suspended for one in four."""
        if not self.answers:
            raise CaUnreachable(ca=CA, reason="no answer")
        return CertificateStatus.SUSPENDED if certificate[-1] % 4 == 0 else CertificateStatus.VALID


@contextmanager
def working_body(folder: Path) -> Iterator[CentralService]:
    """A body with offices, people, stock, a till, notices and requests in every state."""
    central = CentralService(f"sqlite:///{folder / 'service.db'}", FixedClock(NOW))
    values = default_configuration(CA).sections()
    values |= {"payments": {"methods": ["cash", "pos"], "series": {OFFICE: "BZ1"}}, "languages": ["it", "de"]}
    values["stock"] = {"body": {"smart_card": 40}, "offices": {SECOND_OFFICE: {"usb_token": 2}}}
    Configuration.of(values)
    central.administer("configuration.change", revision=0, configuration=values)
    central.administer("body.amend", name=BODY_NAME, names={"de": "Handelskammer zur Probe"})
    for office, name in OFFICE_NAMES.items():
        central.administer("office.amend", office=office, name=name)
    some_staff(central)
    rao = central.grant(Role.RAO)
    supply(central, "L-2026-04", 100, 12)
    supply(central, "L-2026-05", 200, 9, None)
    made = some_work(central, rao)
    approved = [one for one in made if state_of(central, one) == "approved"]
    opened, _ = (make_device(central, rao, one, open_only=True) for one in approved[:2])
    central.do(rao, "production.reset", production=opened.production, withdraw=[])
    central.do(rao, "production.clean", production=opened.production, failed=True)
    try:
        yield central
    finally:
        central.close()


def state_of(central: CentralService, one: Registered) -> str:
    """Return a request's state at the service."""
    return str(central.things(BODY)["request", one.id]["state"])


@contextmanager
def stage_of(
    application: QApplication,
    central: CentralService,
    folder: Path,
    role: Role,
    *permissions: Permission,
    sandbox: bool = False,
    registers: bool = False,
) -> Iterator[Stage]:
    """A window at which somebody of a role is at work; ``registers``: look-ups are answered."""
    folder.mkdir(parents=True)
    with ExitStack() as closing:
        desk = Desk(central, folder, role, *permissions)
        outside = None
        if registers:
            outside = Outside(folder / "outside", SystemClock())
            closing.callback(outside.close)
            ask_registers(desk, central, outside, closing)
        window = window_of(application, central.clock, folder, sandbox=sandbox)
        closing.callback(window.deleteLater)
        closing.callback(window.close)
        window.show()
        window.activateWindow()
        window.begin(desk.parts())
        wait_for(lambda: window.session.sync_state.link is Link.UP)
        papers = Papers(lambda _: True)
        closing.callback(papers.close)
        yield Stage(window, desk, folder, papers, outside)


def booked(stage: Stage, who: int) -> None:
    """Have somebody book an appointment of this morning."""
    surname, given_name, code = PEOPLE[who]
    values = {"holder.fiscal_code": code, "holder.surname": surname, "holder.given_name": given_name}
    at = stage.central.clock.now().isoformat()
    facts = {"id": new_id(), "values": values, "device_kind": "smart_card", "appointment": at}
    stage.central.do(stage.desk.mandate, "booking.record", booking=facts)
