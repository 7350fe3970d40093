"""Handing over (PRO-11): found by number, serial or name; checked; recorded whatever the network does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox

from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.delivery.handover import Handover
from cmsdesk.desk.screens.delivery.screen import DeliveryScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.request import request_code
from tests.desk.bench import PEOPLE, Desk, Produced, approve, make_device, register, wait_for


@pytest.fixture
def made(window: DeskWindow, desk: Desk) -> Produced:
    """A device that waits for its holder, known at the desk."""
    registered = register(desk.central, desk.mandate, PEOPLE[3])
    approve(desk.central, desk.mandate, registered)
    produced = make_device(desk.central, desk.mandate, registered)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", registered.id) or {}).get("state") == "produced")
    return produced


@pytest.fixture
def screen(window: DeskWindow, made: Produced) -> DeliveryScreen:
    window.open("delivery")
    found = window.current
    assert isinstance(found, DeliveryScreen)
    wait_for(lambda: found._count is not None and found._count >= 1)
    return found


def chosen(screen: DeliveryScreen, made: Produced) -> Handover:
    wait_for(lambda: screen._handover is not None and screen._handover.id == made.registered.id)
    assert screen._handover is not None
    return screen._handover


def look_for(screen: DeliveryScreen, text: str) -> None:
    assert screen.window().focusWidget() is screen.search
    QTest.keyClicks(screen.search, text)
    QTest.keyClick(screen.search, Qt.Key.Key_Return)


def check_all(handover: Handover) -> None:
    """By keyboard: Space makes a check, Tab goes on."""
    for one in handover.checks.values():
        one.setFocus()
        QTest.keyClick(one, Qt.Key.Key_Space)


def state(desk: Desk, made: Produced) -> str:
    return str(desk.central.things("uno")["request", made.registered.id]["state"])


def test_a_device_is_handed_over_by_its_barcode_and_the_keyboard(
    screen: DeliveryScreen, desk: Desk, made: Produced
) -> None:
    look_for(screen, request_code(made.registered.id).replace("-", "").lower())
    handover = chosen(screen, made)
    first = next(iter(handover.checks.values()))
    assert screen.window().focusWidget() is first
    assert screen.main is not None
    assert not screen.main.isEnabled()
    check_all(handover)
    assert screen.main.isEnabled()
    QTest.keyClick(list(handover.checks.values())[-1], Qt.Key.Key_Return)
    wait_for(lambda: state(desk, made) == "delivered")
    document = desk.central.things("uno")["request", made.registered.id]
    assert document["identity_checked"] is True
    assert document["envelope_given"] is True
    assert document["receipt_signed"] is True
    assert "Bianchi Anna" in screen.notice.text
    assert screen.window().focusWidget() is screen.search
    assert not screen.search.text()


@pytest.mark.parametrize("text", ["serial", "name"])
def test_a_device_is_found_by_its_serial_and_its_holder(
    screen: DeliveryScreen, made: Produced, text: str
) -> None:
    look_for(screen, made.device if text == "serial" else "bianchi anna")
    chosen(screen, made)


def test_without_every_check_nothing_is_recorded(screen: DeliveryScreen, desk: Desk, made: Produced) -> None:
    screen.choose(made.registered.id)
    handover = chosen(screen, made)
    first = next(iter(handover.checks.values()))
    QTest.keyClick(first, Qt.Key.Key_Space)
    screen.hand_over()
    assert not window_commands(screen)
    assert state(desk, made) == "produced"


def window_commands(screen: DeliveryScreen) -> list[str]:
    return [queued.command.kind for queued in screen.session.pending()]


def test_a_delivery_without_network_is_kept_and_said(
    screen: DeliveryScreen, desk: Desk, made: Produced
) -> None:
    desk.line.faults.extend(["request"] * 100)
    screen.session.sync_now()
    wait_for(lambda: screen.session.sync_state.link is Link.DOWN)
    screen.choose(made.registered.id)
    check_all(chosen(screen, made))
    screen.hand_over()
    assert (
        screen.texts("It is kept here and sent as soon as the service can be reached.") in screen.notice.text
    )
    assert window_commands(screen) == ["request.deliver"]
    assert state(desk, made) == "produced"
    desk.line.faults.clear()
    screen.session.sync_now()
    wait_for(lambda: state(desk, made) == "delivered")


def test_what_does_not_fit_the_records_is_recorded_as_a_problem(
    screen: DeliveryScreen, desk: Desk, window: DeskWindow
) -> None:
    registered = register(desk.central, desk.mandate, PEOPLE[5])
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", registered.id) is not None)
    look_for(screen, request_code(registered.id))
    wait_for(lambda: screen._handover is not None and screen._handover.id == registered.id)
    assert screen.same.isVisible()
    screen.same.click()
    assert not window_commands(screen)
    screen.same.click()
    wait_for(lambda: any(key[0] == "problem" for key in desk.central.things("uno")))


def test_the_receipt_names_device_and_certificates(
    screen: DeliveryScreen, made: Produced, tmp_path: Path
) -> None:
    shown: list[str] = []

    def open_paper(path: Path) -> bool:
        done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
        shown.append(done.stdout)
        return True

    screen.choose(made.registered.id)
    screen.papers.papers = Papers(open_paper)
    screen.print_receipt()
    wait_for(lambda: bool(shown), 60)
    screen.papers.papers.close()
    [text] = shown
    for wanted in (made.device, made.scratch_card, "Bianchi", request_code(made.registered.id)):
        assert wanted in text


def test_a_check_is_not_lost_to_a_change_elsewhere(
    screen: DeliveryScreen, desk: Desk, made: Produced
) -> None:
    screen.choose(made.registered.id)
    handover = chosen(screen, made)
    box = handover.findChildren(QCheckBox)[0]
    box.setChecked(True)
    register(desk.central, desk.mandate, PEOPLE[0])
    screen.session.sync_now()
    QTest.qWait(600)
    assert screen._handover is handover
    assert box.isChecked()


def test_another_language_says_the_checks_again_and_keeps_them(
    screen: DeliveryScreen, window: DeskWindow, made: Produced
) -> None:
    screen.choose(made.registered.id)
    handover = chosen(screen, made)
    name, first = next(iter(handover.checks.items()))
    first.setChecked(True)
    said = first.text()
    window.texts.set_language("de")
    after = screen._handover
    assert after is not None
    assert after.checks[name].text() != said
    assert after.facts() == {name: True}
