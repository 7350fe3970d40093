"""The card tools on real card hosts: what is read, said, changed, tried, and left out of the file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from cmsdesk.cards.apdu import iso7816
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.desk.screens.card_tools.codes import CHANGE, TEST, UNBLOCK, CodePanel, Job
from cmsdesk.desk.screens.card_tools.screen import CardToolsScreen
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.sandbox.operator import HOLDER as OPERATOR
from cmsdesk.sandbox.readers.transport import random_order
from cmsdesk.sandbox.world import READER_CARD, READER_OPERATOR
from tests.desk.production.driver import Driver

pytestmark = [pytest.mark.own_process, pytest.mark.timeout(900)]

OTHER_PIN = "27182818"


@pytest.fixture
def tools(driver: Driver) -> CardToolsScreen:
    """The card tools, open, the operator's own card read."""
    driver.sign_in()
    driver.window.open("card_tools")
    screen = driver.window.current
    assert isinstance(screen, CardToolsScreen)
    driver.until(lambda: screen._reading is not None)
    return screen


def said(screen: CardToolsScreen) -> str:
    return "\n".join(one.text() for one in screen._inside.findChildren(QLabel) if one.isVisibleTo(screen))


def button(screen: CardToolsScreen, job: Job) -> QPushButton:
    title = screen.texts(job.title)
    return next(one for one in screen._inside.findChildren(QPushButton) if one.text() == title)


def panel(screen: CardToolsScreen, job: Job) -> CodePanel:
    button(screen, job).click()
    found = screen._panel
    assert found is not None
    assert found.fields[0].hasFocus()
    return found


def type_in(shown: CodePanel, *codes: str) -> None:
    """Each code and Enter: the last one sends them."""
    for field, code in zip(shown.fields, codes, strict=True):
        QTest.keyClicks(field, code)
        QTest.keyClick(field, Qt.Key.Key_Return)


def answered(driver: Driver, screen: CardToolsScreen) -> str:
    """Wait for the word on what was done, and until the card was read again."""
    driver.until(lambda: screen.notice.text and not screen._at_work)
    text = screen.notice.text
    screen.notice.clear()
    return text


def test_the_own_card_is_told_with_the_cas_word(driver: Driver, tools: CardToolsScreen) -> None:
    reading = tools._reading
    assert reading is not None
    assert list(reading.statuses.values()) == [CertificateStatus.VALID]
    driver.until(lambda: "RSA 2048" in said(tools))
    text = said(tools)
    for wanted in (reading.report.facts.card_id, reading.report.facts.atr.hex(" ").upper(), "RSA 2048"):
        assert wanted in text
    assert tools.texts("The device answers, and nothing is wrong with it.") in text
    assert tools.texts("{left} of {of} left", left=3, of=3) in text


def test_pin_is_changed_and_tried_by_keyboard(driver: Driver, tools: CardToolsScreen) -> None:
    old = driver.pin
    type_in(panel(tools, CHANGE), old, OTHER_PIN, OTHER_PIN)
    try:
        assert answered(driver, tools) == tools.texts("The PIN was changed.")
        type_in(panel(tools, TEST), OTHER_PIN)
        assert answered(driver, tools) == tools.texts(
            "The device signs, and the signature fits its certificate."
        )
    finally:
        type_in(panel(tools, CHANGE), OTHER_PIN, old, old)
        assert answered(driver, tools) == tools.texts("The PIN was changed.")


def test_two_unlike_pins_never_reach_the_card(driver: Driver, tools: CardToolsScreen) -> None:
    shown = panel(tools, CHANGE)
    type_in(shown, driver.pin, OTHER_PIN, OTHER_PIN[::-1])
    assert shown.rows[2].wrong
    assert not tools._at_work
    assert [field.length() for field in shown.fields] == [0, 0, 0]
    QTest.keyClick(shown.fields[0], Qt.Key.Key_Escape)
    assert tools._panel is None
    assert driver.window.current is tools


def test_a_wrong_pin_is_told_with_the_tries_left(driver: Driver, tools: CardToolsScreen) -> None:
    type_in(panel(tools, TEST), OTHER_PIN)
    assert "CARD-WRONG-PIN" in answered(driver, tools)
    assert tools._reading is not None
    assert tools._reading.report.facts.counters.pin_tries == 2
    type_in(panel(tools, TEST), driver.pin)
    assert "CARD" not in answered(driver, tools)
    assert tools._reading.report.facts.counters.pin_tries == 3


def test_a_blocked_pin_is_told_and_unblocked(driver: Driver, tools: CardToolsScreen) -> None:
    order = random_order()
    driver.world.make_card(order)
    driver.emulator.insert(READER_CARD, driver.world.places.cards / f"{order.card_id}.card")
    name = driver.world.stack.pcsc_name(READER_CARD)
    driver.until(lambda: driver.window.readers.card_in(name) and not tools._at_work)
    other = Connection(name)
    for _ in range(3):
        other.transmit(iso7816.verify(0x01, b"0" * 8))
    other.close()
    tools.choose(name)
    driver.until(lambda: tools._reading is not None and tools._reading.report.facts.card_id == order.card_id)
    driver.until(lambda: "CARD-PIN-BLOCKED" in said(tools))
    assert not button(tools, CHANGE).isEnabled()
    type_in(panel(tools, UNBLOCK), order.transport_puk, OTHER_PIN, OTHER_PIN)
    assert answered(driver, tools) == tools.texts("The PIN was unblocked: the new one holds from now on.")
    driver.until(lambda: said(tools) and "CARD-PIN-BLOCKED" not in said(tools))
    assert button(tools, CHANGE).isEnabled()


def test_an_unknown_card_is_told_with_its_next_step(driver: Driver, tools: CardToolsScreen) -> None:
    driver.emulator.set_faults(READER_CARD, atr="3B020102")
    driver.insert(driver.world.blank())
    name = driver.world.stack.pcsc_name(READER_CARD)
    driver.until(lambda: driver.window.readers.card_in(name))
    tools.choose(name)
    driver.until(lambda: "CARD-UNKNOWN" in said(tools))
    assert "3B 02 01 02" in said(tools)


def test_a_wrong_clock_is_told(driver: Driver, tools: CardToolsScreen) -> None:
    assert "CLOCK" not in said(tools)
    service = tools.session.service_time()
    assert service is not None
    assert abs(service - tools.session.clock.now()) < timedelta(minutes=5)
    tools.session.service_time = lambda: service - timedelta(hours=1)
    tools.read()
    driver.until(lambda: "CLOCK" in said(tools))


def test_the_diagnostics_file_holds_nothing_personal(
    driver: Driver, tools: CardToolsScreen, tmp_path: Path
) -> None:
    reading = tools._reading
    assert reading is not None
    path = tmp_path / "diagnosis.json"
    tools.save_to(path)
    text = path.read_text(encoding="utf-8")
    assert reading.report.facts.card_id in text
    for personal in (driver.pin, OPERATOR.fiscal_code):
        assert personal not in text


def test_no_card_and_no_reader_say_what_to_do(driver: Driver, tools: CardToolsScreen) -> None:
    tools.desk.allow_card_away(True)
    driver.remove(READER_OPERATOR)
    driver.until(lambda: tools.texts("No card in the reader") in said(tools))
    driver.world.stack.stop_service()
    try:
        driver.until(lambda: "CARD-SERVICE" in said(tools))
    finally:
        driver.world.stack.start_service()
    driver.until(lambda: "CARD-SERVICE" not in said(tools))
