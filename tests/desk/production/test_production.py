"""End to end: the window, its worker, the card hosts, the service process, the CA."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from cmsdesk.desk.papers import Papers
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.request_papers import FORM, LETTER, RECEIPT
from cmsdesk.desk.theme import load_fonts
from cmsdesk.desk.wizards.issue.flow import Event, Hands, Mark, Stage
from cmsdesk.desk.wizards.issue.outcome import OutcomeView
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.request import request_code
from cmsdesk.operations.errors import ScratchCardNotFree, WrongPin
from cmsdesk.sandbox.desk.start import Sandbox
from cmsdesk.sandbox.world import READER_CARD, READER_TOKEN, Blank
from tests.desk.production.driver import Driver, OneReader

# the PC/SC client library keeps the first socket it was told for as long as its process lives
# (the whole file runs while its first test is waited for)
pytestmark = [pytest.mark.own_process, pytest.mark.timeout(900)]


def produce_until_running(driver: Driver, request: str) -> str:
    """From the list to the first steps; return the device's serial."""
    blank = driver.world.blank()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.say_pin()
    return blank.card_id


def check_prints(driver: Driver, request: str, blank: Blank) -> None:
    """The outcome offers form, receipt and letter (PRO-9); each names the device, none a code."""
    shown: dict[str, str] = {}

    def open_paper(path: Path) -> bool:
        text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
        shown[path.stem.rpartition("-")[2]] = text.stdout
        return True

    driver.screen.prints.papers = Papers(open_paper)
    for name in (FORM, RECEIPT, LETTER):
        buttons = driver.screen.findChildren(QPushButton)
        next(one for one in buttons if one.text() == driver.window.texts(name)).click()
    driver.until(lambda: len(shown) == 3)
    driver.screen.prints.papers.close()
    assert set(shown) == {"form", "receipt", "letter"}
    for text in shown.values():
        assert blank.card_id in text
        assert request_code(request) in text
        assert "AMBIENTE DI PROVA" in text.upper()


def test_a_device_is_issued_by_keyboard(driver: Driver) -> None:
    request, blank = driver.request(), driver.world.blank()
    driver.sign_in()
    driver.know(request)
    driver.window.open("production")
    table = driver.screen.table
    rows = [driver.screen._model.item(at).data() for at in range(driver.screen._model.rowCount())]
    table.selectRow(rows.index(request))
    table.setFocus()
    driver.enter()
    driver.reach(Stage.READER)
    assert driver.lane.flow.hands is Hands.INSERT_DEVICE
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.say_pin()
    driver.reach(Stage.ISSUED)
    assert driver.state(request) == "produced"
    assert {one.mark for one in driver.lane.flow.steps} == {Mark.DONE}
    shown = driver.view.findChild(OutcomeView)
    texts = " ".join(label.text() for label in shown.findChildren(QLabel))
    assert blank.card_id in texts
    assert blank.scratch_card in texts
    assert f"TSSMRT87C54A952D/{blank.card_id}" in texts.split(), "without the sum behind it"
    check_prints(driver, request, blank)
    driver.remove()
    driver.until(lambda: driver.screen._shown is None)


def test_a_wrong_pin_is_told_and_asked_for_again(driver: Driver) -> None:
    request, blank = driver.request(), driver.world.blank()
    driver.sign_in()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.say_pin("00000000")
    driver.until(lambda: isinstance(driver.lane.flow.error, WrongPin))
    assert driver.lane.flow.tries_left == 2
    assert driver.view.notice.isVisible()
    driver.say_pin()
    driver.reach(Stage.ISSUED)


def test_a_used_envelope_is_told_in_place(driver: Driver) -> None:
    request, blank = driver.request(), driver.world.blank()
    driver.sign_in()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(blank)
    driver.say_number("SC000000000000")
    driver.until(lambda: isinstance(driver.lane.flow.error, ScratchCardNotFree))
    driver.say_number(blank.scratch_card)
    driver.reach(Stage.PIN)
    driver.lane.do(Event.STOP)
    driver.until(lambda: driver.screen._shown is None)
    assert driver.state(request) == "approved"


def test_back_before_anything_was_signed_leads_to_the_list(driver: Driver) -> None:
    request = driver.request()
    driver.sign_in()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(driver.world.blank())
    driver.reach(Stage.SCRATCH)
    back = driver.window.texts("Back")
    next(one for one in driver.screen.findChildren(QPushButton) if one.text() == back).click()
    driver.until(lambda: driver.screen._shown is None)
    assert driver.state(request) == "approved"
    assert request in {driver.screen._model.item(at).data() for at in range(driver.screen._model.rowCount())}


def test_another_kind_of_device_is_refused_and_swapped(driver: Driver) -> None:
    request = driver.request(DeviceKind.USB_TOKEN)
    card, token = driver.world.blank(), driver.world.blank(DeviceKind.USB_TOKEN)
    driver.sign_in()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(card)
    driver.reach(Stage.REFUSED)
    assert driver.view.notice.isVisible()
    driver.remove()
    driver.reach(Stage.READER)
    driver.screen.production.pick(driver.lane, driver.world.stack.pcsc_name(READER_TOKEN))
    driver.insert(token, READER_TOKEN)
    driver.reach(Stage.SCRATCH)


@pytest.mark.parametrize("choice", [Event.RESUME, Event.RESET])
def test_a_pulled_card_is_resumed_or_reset(driver: Driver, choice: Event) -> None:
    request, blank = driver.request(), driver.world.blank()
    driver.sign_in()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.reach(Stage.PIN)
    driver.sandbox.table.pull_at(READER_CARD, 60)
    driver.say_pin()
    driver.reach(Stage.INTERRUPTED)
    assert Mark.STOPPED in {one.mark for one in driver.lane.flow.steps}
    driver.emulator.wait_cut(READER_CARD)
    driver.emulator.set_faults(READER_CARD)
    driver.remove()
    driver.insert(blank)
    driver.reach(Stage.UNFINISHED)
    assert choice in driver.lane.flow.choices
    driver.lane.do(choice)
    if choice is Event.RESUME:
        driver.reach(Stage.ISSUED)
        assert driver.state(request) == "produced"
        return
    driver.reach(Stage.WAS_RESET)
    assert driver.state(request) == "approved"
    driver.enter()
    driver.say_number(blank.scratch_card)
    driver.say_pin()
    driver.reach(Stage.ISSUED)
    assert driver.state(request) == "produced"


def test_stopping_leaves_a_production_that_can_be_resumed(driver: Driver) -> None:
    request = driver.request()
    driver.sign_in()
    driver.sandbox.table.slow(READER_CARD, on=True)
    device = produce_until_running(driver, request)
    driver.reach(Stage.RUNNING)
    driver.lane.do(Event.STOP)
    driver.reach(Stage.INTERRUPTED)
    driver.sandbox.table.slow(READER_CARD, on=False)
    assert device in driver.window.session.parts.log.all_unfinished()
    driver.until(lambda: driver.view.may_go_on)
    driver.enter()
    driver.reach(Stage.UNFINISHED)
    driver.window.texts.set_language("de")
    chosen = driver.window.focusWidget()
    assert isinstance(chosen, QPushButton)
    assert chosen.hasFocus()
    assert chosen.text() == "Produktion wieder aufnehmen", "another language leaves the keyboard where it is"
    driver.enter()
    driver.reach(Stage.ISSUED)


def test_two_are_produced_one_after_another_without_the_mouse(driver: Driver) -> None:
    requests = [driver.request(), driver.request()]
    blanks = [driver.world.blank(), driver.world.blank()]
    driver.sign_in()
    driver.know(*requests)
    driver.window.open("production")
    driver.screen.produce(requests)
    for blank in blanks:
        driver.insert(blank)
        driver.say_number(blank.scratch_card)
        driver.say_pin()
        driver.reach(Stage.ISSUED)
        driver.remove()
        driver.until(lambda: driver.screen._shown is None or driver.lane.flow.stage is Stage.READER)
    assert [driver.state(request) for request in requests] == ["produced"] * 2
    assert driver.screen._shown is None


def test_two_readers_work_in_parallel(driver: Driver) -> None:
    card, token = driver.request(), driver.request(DeviceKind.USB_TOKEN)
    blanks = driver.world.blank(), driver.world.blank(DeviceKind.USB_TOKEN)
    driver.sign_in()
    driver.know(card, token)
    driver.window.open("production")
    driver.sandbox.table.slow(READER_CARD, on=True)
    driver.screen.produce([card, token])
    driver.insert(blanks[0])
    driver.say_number(blanks[0].scratch_card)
    driver.say_pin()
    driver.reach(Stage.RUNNING)
    first = driver.lane
    driver.insert(blanks[1], READER_TOKEN)
    driver.until(lambda: len(driver.screen.production.lanes) == 2)
    driver.until(lambda: driver.lane is not first and driver.lane.flow.stage is Stage.SCRATCH)
    assert first.flow.stage is Stage.RUNNING, "the first works on meanwhile"
    assert driver.screen.context().endswith("2 di 2")
    assert driver.screen._tabs.isVisible()
    tabs = driver.screen._tabs.said()
    assert [READER_CARD in one for one in tabs] == [True, False]
    assert tabs[1].endswith(": Leggere il numero della busta cieca"), "each says what it waits for"
    driver.say_number(blanks[1].scratch_card)
    driver.say_pin()
    second = driver.lane
    driver.until(lambda: {first.flow.stage, second.flow.stage} == {Stage.ISSUED})
    assert (driver.state(card), driver.state(token)) == ("produced", "produced")


def test_a_desk_with_one_reader(sandbox: Sandbox, qapp: QApplication, tmp_path: Path) -> None:
    load_fonts()
    with Driver(sandbox, Preferences(tmp_path / "desk.json"), OneReader()) as driver:
        request, blank = driver.request(), driver.world.blank()
        driver.sign_in(READER_CARD)
        driver.know(request)
        driver.window.open("production", request=request)
        driver.until(lambda: driver.screen._shown)
        assert driver.lane.flow.reader.startswith(READER_CARD), "there is no other to choose"
        driver.remove()
        driver.insert(blank)
        driver.say_number(blank.scratch_card)
        driver.reach(Stage.OPERATOR)
        assert driver.lane.flow.hands is Hands.SWAP_FOR_OWN_CARD
        driver.remove()
        driver.insert_own(READER_CARD)
        driver.say_pin()
        driver.reach(Stage.DEVICE_BACK)
        driver.remove()
        driver.insert(blank)
        driver.reach(Stage.ISSUED)
        assert driver.state(request) == "produced"
        driver.remove()
        lock = driver.window._lock_page
        assert lock is not None
        driver.until(lambda: driver.window._pages.currentWidget() is lock)
        assert lock._told.text().startswith("La produzione è conclusa: ")
