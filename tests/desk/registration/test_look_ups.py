"""Registers, bookings and earlier certificates while somebody types; real clients and doors beneath."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from cmsdesk.base.clock import SystemClock
from cmsdesk.base.ids import new_id
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.screen import PATIENCE_MS, RegistrationScreen
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.first_issue import Finding
from cmsdesk.domain.request import Origin
from cmsdesk.sandbox.outside import Outside
from tests.desk.bench import Desk, approve, produce, register, wait_for
from tests.desk.registration.people import MARTA
from tests.desk.registration.registers import ask_registers
from tests.desk.registration.test_screen import Keyboard, fill
from tests.sync.bench import CentralService

REA = "BZ", "123456"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """The sandbox's registers."""
    made = Outside(tmp_path_factory.mktemp("registers"), SystemClock())
    yield made
    made.close()


@pytest.fixture
def desk(
    central: CentralService, tmp_path: Path, outside: Outside, request: pytest.FixtureRequest
) -> Iterator[Desk]:
    """A desk whose service asks them."""
    with ExitStack() as closing:
        made = Desk(central, tmp_path)
        ask_registers(made, central, outside, closing)
        yield made
        for stand_in in (outside.imprese, outside.rea, outside.agency, outside.anpr):
            stand_in.trouble.wrong, stand_in.trouble.slow_s = "", 0.0


def put(screen: RegistrationScreen, path: str, text: str) -> None:
    field = screen.view.rows[path].field
    assert isinstance(field, QLineEdit)
    field.setText(text)


def with_company(screen: RegistrationScreen) -> None:
    fill(Keyboard())
    put(screen, paths.REA_OFFICE, REA[0])
    put(screen, paths.REA_NUMBER, REA[1])


def spoken(screen: RegistrationScreen) -> str:
    """Return all that the panel says."""
    labels = screen.summary.findChildren(type(screen.summary._name))
    return " ".join(label.text() for label in labels if label.isVisibleTo(screen.summary))


def test_the_key_of_the_company_fills_it_in_and_decides_the_fee(
    window: DeskWindow, screen: RegistrationScreen, opened: list[Path]
) -> None:
    with_company(screen)
    wait_for(lambda: screen.view.form[paths.COMPANY_NAME] == "Prova S.r.l.")
    form = screen.view.form
    assert form[paths.COMPANY_CODE] == "00743110157"
    assert form[paths.POSITION] == "Amministratore unico"
    assert form.origins[paths.COMPANY_NAME] is Origin.REGISTER
    assert "Primo rilascio" in screen.summary.spoken
    assert "0,00" in screen.summary.spoken
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, document)] = window.session.in_state("request", "registered")
    request = request_of(identifier, document)
    assert request.company is not None
    assert request.company.rea == "BZ-123456"
    assert request.first_issue is not None
    assert request.first_issue.first
    assert request.first_issue.legal_representative is Finding.YES
    assert request.first_issue.annual_fee is Finding.YES
    assert request.origins[paths.COMPANY_NAME] is Origin.REGISTER


def test_the_whole_path_with_a_company_by_few_keys(
    window: DeskWindow, screen: RegistrationScreen, opened: list[Path]
) -> None:
    keys = Keyboard()
    fill(keys)
    # Tab instead of the last Enter leads on to the company; the Enter is counted too
    screen.view.focus(paths.CONTACT_EMAIL)
    for _ in range(3):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        keys.strokes += 1
    assert QApplication.focusWidget() is screen.view.rows[paths.REA_OFFICE].field
    keys.type("bz")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    keys.strokes += 1
    keys.type("123456")
    wait_for(lambda: screen.view.form[paths.COMPANY_NAME] == "Prova S.r.l.")
    keys.enter()
    keys.enter()
    wait_for(lambda: bool(opened))
    entered = sum(len(text) for text in MARTA.values()) + len("bz123456")
    assert keys.strokes <= 1.3 * entered, keys.strokes / entered
    [(_, document)] = window.session.in_state("request", "registered")
    assert document["company"]["name"] == "Prova S.r.l."
    assert document["first_issue"]["fee_cents"] == 0


def test_amending_the_street_while_the_registers_are_silent_keeps_the_fee(
    window: DeskWindow, screen: RegistrationScreen, outside: Outside, opened: list[Path]
) -> None:
    with_company(screen)
    wait_for(lambda: screen.view.form[paths.COMPANY_NAME] == "Prova S.r.l.")
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, _)] = window.session.in_state("request", "registered")
    for stand_in in (outside.imprese, outside.rea, outside.agency, outside.anpr):
        stand_in.trouble.wrong = "error"
    window.open("registration", request=identifier)
    put(screen, paths.STREET, "Via Nuova 9")
    wait_for(lambda: screen.sources.registers.check is not None)
    assert "0,00" in screen.summary.spoken
    screen.submit()
    wait_for(lambda: len(opened) == 2)
    document = window.session.get("request", identifier) or {}
    assert document["holder"]["residence"]["street"] == "Via Nuova 9"
    assert document["first_issue"]["fee_cents"] == 0
    put(screen, paths.REA_NUMBER, "9")
    wait_for(lambda: "25,00" in screen.summary.spoken)


def test_another_number_takes_the_former_company_away(screen: RegistrationScreen) -> None:
    with_company(screen)
    wait_for(lambda: screen.view.form[paths.COMPANY_NAME] == "Prova S.r.l.")
    put(screen, paths.POSITION, "Presidente")
    put(screen, paths.REA_NUMBER, "654321")
    wait_for(lambda: screen.view.form[paths.COMPANY_NAME].startswith("Falegnameria"))
    assert screen.view.form[paths.POSITION] == "Presidente"
    assert "non è legale rappresentante" in screen.summary.spoken
    wait_for(lambda: "Procuratore" in spoken(screen))
    put(screen, paths.REA_NUMBER, "1")
    wait_for(lambda: "BZ-1" in spoken(screen))
    assert screen.view.form[paths.COMPANY_NAME] == ""


def test_a_company_that_the_applicant_represents_is_taken_by_a_key(screen: RegistrationScreen) -> None:
    Keyboard().type("TSSMRT87C54A952D")
    wait_for(lambda: bool(screen.sources.registers.companies()))
    screen.summary.company_wanted.emit(screen.sources.registers.companies()[0])
    assert screen.view.form[paths.COMPANY_NAME] == "Prova S.r.l."
    assert QApplication.focusWidget() is screen.view.rows[paths.REA_OFFICE].field


@pytest.mark.parametrize("wrong", ["error", "garbage", "contradiction", "other_person", "cut"])
def test_registers_in_trouble_never_block(
    window: DeskWindow, screen: RegistrationScreen, outside: Outside, opened: list[Path], wrong: str
) -> None:
    for stand_in in (outside.imprese, outside.rea, outside.agency, outside.anpr):
        stand_in.trouble.wrong = wrong
    with_company(screen)
    put(screen, paths.COMPANY_NAME, "Scritta a mano S.r.l.")
    wait_for(lambda: not screen.sources.registers.asking)
    assert "Nessun primo rilascio" in screen.summary.spoken or wrong == "contradiction"
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, document)] = window.session.in_state("request", "registered")
    request = request_of(identifier, document)
    assert request.first_issue is not None
    assert request.first_issue.legal_representative in (Finding.UNAVAILABLE, Finding.CONTRADICTORY)
    assert request.company is not None
    assert request.company.name == "Scritta a mano S.r.l."


def test_slow_registers_are_waited_for_a_moment_and_no_longer(
    window: DeskWindow, screen: RegistrationScreen, outside: Outside, opened: list[Path]
) -> None:
    screen._patience.setInterval(300)
    outside.rea.trouble.slow_s = 1.5
    with_company(screen)
    put(screen, paths.COMPANY_NAME, "Prova S.r.l.")
    QTest.qWait(400)
    screen.submit()
    assert not window.session.pending()
    assert screen.notice.text
    wait_for(lambda: bool(opened))
    [(_, document)] = window.session.in_state("request", "registered")
    assert document["first_issue"]["legal_representative"] == "not_asked"
    assert PATIENCE_MS <= 3000


def test_registering_goes_on_by_itself_when_the_answer_comes(
    window: DeskWindow, screen: RegistrationScreen, outside: Outside, opened: list[Path]
) -> None:
    outside.rea.trouble.slow_s = 0.5
    with_company(screen)
    put(screen, paths.COMPANY_NAME, "Prova S.r.l.")
    screen.submit()
    wait_for(lambda: bool(opened))
    [(_, document)] = window.session.in_state("request", "registered")
    assert document["first_issue"]["legal_representative"] == "yes"


def test_a_code_that_the_tax_agency_does_not_know_is_said(
    screen: RegistrationScreen, outside: Outside
) -> None:
    outside.agency.close()
    try:
        Keyboard().type("TSSMRT87C54A952D")
        wait_for(lambda: "Agenzia delle Entrate" in spoken(screen))
    finally:
        outside.agency.door.open()


def test_the_booking_fills_the_form_and_is_used_up(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk, opened: list[Path]
) -> None:
    booking = new_id()
    values = {
        paths.FISCAL_CODE: MARTA[paths.FISCAL_CODE],
        paths.SURNAME: "Tessari",
        paths.GIVEN_NAME: "Marta",
        paths.STREET: "Via Prenotata 1",
        paths.CONTACT_EMAIL: "prenotata@example.com",
        paths.DOCUMENT_EXPIRES: "2032-03-14",
    }
    facts = {
        "id": booking,
        "values": values,
        "device_kind": DeviceKind.USB_TOKEN.value,
        "appointment": datetime(2026, 5, 28, 10, tzinfo=UTC).isoformat(),
    }
    central.do(desk.mandate, "booking.record", booking=facts)
    window.session.sync_now()
    wait_for(lambda: window.session.get("booking", booking) is not None)
    keys = Keyboard()
    keys.type("TSSMRT87C54A952D")
    wait_for(lambda: screen.view.form[paths.STREET] == "Via Prenotata 1")
    form = screen.view.form
    assert form.origins[paths.STREET] is Origin.BOOKING
    assert form[paths.DEVICE_KIND] == "usb_token"
    assert form[paths.DOCUMENT_EXPIRES] == "14/03/2032"
    for path in (
        paths.MUNICIPALITY,
        paths.POSTCODE,
        paths.DOCUMENT_NUMBER,
        paths.DOCUMENT_ISSUER,
        paths.DOCUMENT_ISSUED,
    ):
        put(screen, path, MARTA[path])
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, document)] = window.session.in_state("request", "registered")
    assert request_of(identifier, document).booking == booking
    assert (window.session.get("booking", booking) or {})["state"] == "used"


def test_the_last_certificate_fills_the_form_all_the_way_and_leaves_with_its_person(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk
) -> None:
    earlier = register(central, desk.mandate, ("Tessari", "Marta", "TSSMRT87C54A952D"))
    approve(central, desk.mandate, earlier)
    produce(central, desk.mandate, earlier)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", earlier.id) or {}).get("state") == "delivered")
    Keyboard().type("TSSMRT87C54A952D")
    wait_for(lambda: screen.view.form[paths.SURNAME] == "Tessari")
    form, residence = screen.view.form, earlier.request.holder.residence
    assert form[paths.STREET] == residence.street
    assert form.origins[paths.STREET] is Origin.CERTIFICATE
    assert form[paths.DOCUMENT_NUMBER] == ""
    assert screen.view.rows[paths.STREET]._chip.word == "ultimo certificato"
    put(screen, paths.FISCAL_CODE, "RSSMRA80A01H501U")
    assert screen.view.form[paths.SURNAME] == ""
    assert screen.view.form[paths.STREET] == ""


def test_anpr_offers_name_and_residence_with_their_origin_and_what_is_typed_stays(
    screen: RegistrationScreen,
) -> None:
    Keyboard().type("TSSMRT87C54A952D")
    wait_for(lambda: screen.view.form[paths.STREET] == "Via dei Portici 7")
    form = screen.view.form
    assert (form[paths.SURNAME], form[paths.GIVEN_NAME]) == ("Tessari", "Marta")
    assert (form[paths.MUNICIPALITY], form[paths.PROVINCE], form[paths.POSTCODE]) == (
        "Bolzano",
        "BZ",
        "39100",
    )
    assert form.origins[paths.STREET] is Origin.ANPR
    put(screen, paths.STREET, "Via Roma 1")
    screen.sources.registers.answered.emit()
    assert screen.view.form[paths.STREET] == "Via Roma 1"


def test_anpr_that_does_not_answer_or_knows_nobody_is_said(
    screen: RegistrationScreen, outside: Outside
) -> None:
    outside.anpr.trouble.wrong = "other_person"
    Keyboard().type("TSSMRT87C54A952D")
    wait_for(lambda: "ANPR: ha risposto su un’altra persona" in spoken(screen))
    assert screen.view.form[paths.STREET] == ""
    outside.anpr.trouble.wrong = ""
    put(screen, paths.FISCAL_CODE, "PRTLKS79S09F132H")
    wait_for(lambda: "ANPR non conosce" in spoken(screen))
