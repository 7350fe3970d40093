"""One holder from the sign-in to the hand-over, on the real window: form, approval, issue, delivery."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from cmsdesk.base.ids import new_id
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.request_papers import RECEIPT
from cmsdesk.desk.screens.delivery.screen import DeliveryScreen
from cmsdesk.desk.screens.list_screen import ListScreen
from cmsdesk.desk.screens.pages.screens import HolderPage
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.screens.request_detail import RequestDetail
from cmsdesk.desk.session import Link
from cmsdesk.desk.wizards.issue.flow import Stage
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.commands import Command
from cmsdesk.domain.request import RequestState, request_code
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.sandbox.world import CA_NAME
from tests.desk.production.driver import Driver
from tests.desk.registration.test_screen import Keyboard, fill

pytestmark = [pytest.mark.own_process, pytest.mark.timeout(900)]


def read(path: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
    return done.stdout


def configure(driver: Driver) -> None:
    """Give the body a configuration, as its administrator: registrations need one."""
    administrator = driver.world.near.records._administrator
    if driver.window.session.get("configuration", administrator.body) is not None:
        return
    facts = {"revision": 0, "configuration": default_configuration(CA_NAME).sections()}
    administrator.execute(Command(new_id(), "configuration.change", administrator.body, facts))
    driver.window.session.sync_now()
    driver.until(lambda: driver.window.session.get("configuration", administrator.body) is not None)


def register(driver: Driver) -> str:
    """Fill the form, register, print; return the request."""
    driver.window.open("registration")
    screen = driver.window.current
    assert isinstance(screen, RegistrationScreen)
    printed: list[str] = []
    screen.printer.papers = Papers(lambda path: bool(printed.append(read(path))) or True)
    before = {one for one, _ in driver.window.session.in_state("request", "registered")}
    keys = Keyboard()
    fill(keys)
    assert screen.view.wrongs() == {}
    keys.enter()
    driver.until(lambda: bool(printed))
    assert "Tessari" in printed[0]
    [made] = {one for one, _ in driver.window.session.in_state("request", "registered")} - before
    return made


def approve(driver: Driver, request: str) -> None:
    """In the list, by its main action."""
    driver.until(lambda: driver.window.session.sync_state.waiting == 0)
    driver.window.open("requests", request=request)
    shown = driver.window.current
    assert isinstance(shown, ListScreen)

    def detail() -> RequestDetail | None:
        found = shown._detail.widget()
        ready = isinstance(found, RequestDetail) and found._id == request
        return found if ready and isinstance(found, RequestDetail) else None

    driver.until(lambda: detail() is not None)
    made = detail()
    assert made is not None
    title = driver.window.texts("Approve")
    next(one for one in made.findChildren(QPushButton) if one.text().strip() == title).click()
    driver.until(lambda: driver.state(request) == RequestState.APPROVED.value)


def issue(driver: Driver, request: str) -> str:
    """On a blank device, to its outcome; return the device's serial."""
    blank = driver.world.blank()
    driver.window.open("production", request=request)
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.say_pin()
    driver.reach(Stage.ISSUED)
    driver.remove()
    driver.until(lambda: (driver.window.session.get("request", request) or {}).get("device") == blank.card_id)
    return blank.card_id


def hand_over(driver: Driver, request: str, device: str) -> str:
    """Found by the device's serial, checked, its receipt printed; return the receipt's words."""
    driver.window.open("delivery", text=device)
    screen = driver.window.current
    assert isinstance(screen, DeliveryScreen)
    driver.until(lambda: screen._handover is not None and screen._handover.id == request)
    receipt: list[str] = []
    screen.papers.papers = Papers(lambda path: bool(receipt.append(read(path))) or True)
    screen.papers.print(RECEIPT, request)
    driver.until(lambda: bool(receipt))
    handover = screen._handover
    assert handover is not None
    for one in handover.checks.values():
        one.setFocus()
        QTest.keyClick(one, Qt.Key.Key_Space)
    driver.enter()
    driver.until(lambda: driver.state(request) == RequestState.DELIVERED.value)
    return receipt[0]


def test_a_holder_leaves_with_a_working_device(driver: Driver) -> None:
    driver.sign_in()
    driver.until(lambda: driver.window.session.sync_state.link is Link.UP)
    configure(driver)
    request = register(driver)
    approve(driver, request)
    device = issue(driver, request)
    receipt = hand_over(driver, request, device)
    assert device in receipt
    assert "Tessari" in receipt
    driver.window.open("holder", holder="TSSMRT87C54A952D")
    page = driver.window.current
    assert isinstance(page, HolderPage)
    driver.until(lambda: page._known is not None and page._known.told[0].what == "Handed over")
    driver.until(lambda: page._asked is not None)
    assert page._asked is not None
    statuses, error = page._asked
    assert error is None
    assert set(statuses.values()) == {CertificateStatus.VALID}
    assert page._known is not None
    mine = [one for one in reversed(page._known.told) if one.about == request_code(request)]
    whats = [one.what for one in mine]
    for earlier, later in (("Registered", "Approved"), ("Approved", "Produced"), ("Produced", "Handed over")):
        assert whats.index(earlier) < whats.index(later)
