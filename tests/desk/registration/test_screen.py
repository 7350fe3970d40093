"""Registering at a real window, with the real store and service beneath."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPushButton

from cmsdesk.desk import work
from cmsdesk.desk.papers import NoViewer
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.screens.registration.view import ORDER
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.request import Origin
from cmsdesk.lookups.places import PlaceTable, combined
from cmsdesk.operations.places import ANPR, Place
from tests.desk.bench import Desk, approve, register, wait_for
from tests.desk.registration.people import MARTA
from tests.sync.bench import CentralService

_BEFORE = "Tessari", "Marta", "TSSMRT87C54A952D"


class Keyboard:
    """Types into whatever has the focus, and counts."""

    def __init__(self) -> None:
        self.strokes = 0

    def type(self, text: str) -> None:
        for letter in text:
            self._press(lambda widget, one=letter: QTest.keyClick(widget, one))

    def enter(self) -> None:
        self._press(lambda widget: QTest.keyClick(widget, Qt.Key.Key_Return))

    def undo(self) -> None:
        self._press(lambda widget: QTest.keyClick(widget, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier))

    def _press(self, press: object) -> None:
        widget = QApplication.focusWidget()
        assert widget is not None
        press(widget)  # type: ignore[operator]
        self.strokes += 1


def fill(keys: Keyboard) -> None:
    """Type Marta's data as an operator does, from the codice fiscale to the last field."""
    keys.type("tssmrt87c54a952d")
    for text in ("Tessari", "Marta", "Via dei Portici 7", "Bolz", "39100", "CA00000AA"):
        keys.type(text)
        keys.enter()
    for text in ("Comune di Bolzano", "10052022", "14032032", "marta.tessari@example.com"):
        keys.type(text)
        keys.enter()


def focused() -> str:
    widget = QApplication.focusWidget()
    return widget.objectName() if widget else ""


def test_from_the_codice_fiscale_to_the_printed_form_by_few_keys(
    window: DeskWindow, screen: RegistrationScreen, desk: Desk, opened: list[Path]
) -> None:
    keys = Keyboard()
    assert focused() == paths.FISCAL_CODE
    fill(keys)
    assert screen.view.wrongs() == {}
    keys.enter()
    wait_for(lambda: bool(opened))
    entered = sum(len(text) for text in MARTA.values())
    assert keys.strokes <= 1.3 * entered, keys.strokes / entered
    [(identifier, document)] = window.session.in_state("request", "registered")
    request = request_of(identifier, document)
    assert request.holder.residence.municipality == "Bolzano"
    assert request.holder.residence.province == "BZ"
    assert request.holder.document.expires_on.isoformat() == "2032-03-14"
    assert request.origins[paths.BORN_ON] is Origin.FISCAL_CODE
    said = subprocess.run(
        ["pdftotext", opened[0], "-"], capture_output=True, check=True, timeout=60
    ).stdout.decode()
    assert request.code in said
    assert "Tessari" in said
    # the next one at once
    assert screen.view.form.is_empty
    assert focused() == paths.FISCAL_CODE
    assert window.session.drafts.all_of(desk.mandate) == []
    wait_for(lambda: not window.session.pending() and window.session.sync_state.link is Link.UP)
    assert window.session.problems == ()


def test_a_form_that_cannot_be_shown_leaves_it_said_that_the_request_is_registered(
    window: DeskWindow, screen: RegistrationScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(name: str, content: bytes) -> None:
        raise NoViewer(folder="here")

    monkeypatch.setattr(screen.printer.papers, "show", none)
    keys = Keyboard()
    fill(keys)
    keys.enter()
    wait_for(lambda: NoViewer.code in screen.notice.text)
    [(identifier, document)] = window.session.in_state("request", "registered")
    code = request_of(identifier, document).code
    assert f"Registrata: Tessari Marta, richiesta {code}." in screen.notice.text
    screen.printer.again()
    wait_for(lambda: not work.under_way())
    assert screen.notice.text.count(NoViewer.code) == 1
    assert screen.notice.text.count("Nessun programma") == 1


@pytest.mark.parametrize("ending", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab])
def test_the_key_that_ends_a_codice_fiscale_passes_no_field(
    screen: RegistrationScreen, ending: Qt.Key
) -> None:
    """The form goes on by itself; a barcode reader sends Enter or Tab all the same."""
    keys = Keyboard()
    keys.type("TSSMRT87C54A952D")
    QTest.keyClick(QApplication.focusWidget(), ending)
    assert focused() == paths.SURNAME
    QTest.keyClick(QApplication.focusWidget(), ending)
    assert focused() == paths.GIVEN_NAME, "the second one goes on"


def test_gaps_and_slips_are_said_and_enter_goes_to_them(
    window: DeskWindow, screen: RegistrationScreen
) -> None:
    keys = Keyboard()
    keys.type("TSSMRT87C54A952D")
    keys.type("Rossi")
    screen.submit()
    assert screen.view.rows[paths.SURNAME].wrong
    assert focused() == paths.SURNAME
    assert screen.notice.text
    assert window.session.pending() == []


def test_every_key_is_in_the_draft_and_the_draft_can_be_gone_on_with(
    window: DeskWindow, screen: RegistrationScreen, desk: Desk
) -> None:
    keys = Keyboard()
    for count, letter in enumerate("TSSMRT87C5", 1):
        keys.type(letter)
        [draft] = window.session.drafts.all_of(desk.mandate)
        assert draft.content["values"][paths.FISCAL_CODE] == "TSSMRT87C5"[:count]
    window.open("home")
    window.open("registration")
    assert screen.view.form[paths.FISCAL_CODE] == "TSSMRT87C5"
    keys.type("4A952D")
    keys.type("Tess")
    [draft] = window.session.drafts.all_of(desk.mandate)
    screen.view.begin(paths.Form())
    screen.open_draft(draft.id)
    assert screen.view.form[paths.SURNAME] == "Tess"
    assert screen.view.rows[paths.BORN_ON].field.property("text") == "14/03/1987"


def test_ctrl_z_takes_back_a_field_and_the_fields_it_filled(screen: RegistrationScreen) -> None:
    keys = Keyboard()
    keys.type("TSSMRT87C54A952D")
    assert screen.view.form[paths.SEX] == "F"
    keys.type("Tess")
    keys.undo()
    assert screen.view.form[paths.SURNAME] == ""
    assert screen.view.form[paths.SEX] == "F"
    keys.undo()
    assert screen.view.form.is_empty
    field = screen.view.rows[paths.FISCAL_CODE].field
    assert isinstance(field, QLineEdit)
    assert field.text() == ""


def test_without_the_network_registering_goes_on(
    window: DeskWindow, screen: RegistrationScreen, desk: Desk, opened: list[Path]
) -> None:
    desk.line.faults.extend(["request"] * 50)
    keys = Keyboard()
    fill(keys)
    keys.enter()
    wait_for(lambda: bool(opened))
    assert len(window.session.in_state("request", "registered")) == 1
    wait_for(lambda: window.session.sync_state.link is Link.DOWN)
    desk.line.faults.clear()
    window.session.sync_now()
    wait_for(lambda: window.session.sync_state.link is Link.UP and not window.session.pending())


def test_the_same_person_asked_already_is_told(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk
) -> None:
    earlier = register(central, desk.mandate, _BEFORE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", earlier.id) is not None)
    Keyboard().type("TSSMRT87C54A952D")
    shown: list[str] = []

    def warned() -> bool:
        shown[:] = [made.text() for made in screen.summary.findChildren(type(screen.summary._name))]
        return any(earlier.request.code in text for text in shown)

    wait_for(warned)


def test_a_registered_request_is_amended_and_an_approved_one_only_in_its_address(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk, opened: list[Path]
) -> None:
    mine = register(central, desk.mandate, _BEFORE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", mine.id) is not None)
    window.open("registration", request=mine.id)
    assert mine.request.code in screen.title()
    street = screen.view.rows[paths.STREET].field
    assert isinstance(street, QLineEdit)
    street.setText("Via Roma 1")
    screen.submit()
    wait_for(lambda: not window.session.pending() and bool(opened))
    document = window.session.get("request", mine.id)
    assert document is not None
    assert document["holder"]["residence"]["street"] == "Via Roma 1"
    changed = request_of(mine.id, document)
    central.do(desk.mandate, "request.approve", request=mine.id, digest=changed.digest())
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", mine.id) or {})["state"] == "approved")
    window.open("registration", request=mine.id)
    assert street.isReadOnly()
    mail = screen.view.rows[paths.CONTACT_EMAIL].field
    assert isinstance(mail, QLineEdit)
    assert not mail.isReadOnly()
    mail.setText("nuova@example.com")
    screen.submit()
    wait_for(lambda: not window.session.pending())
    document = window.session.get("request", mine.id)
    assert document is not None
    assert document["holder"]["contact_email"] == "nuova@example.com"
    assert window.session.problems == ()


def test_the_last_certificate_is_offered_and_what_was_typed_stays(
    window: DeskWindow, screen: RegistrationScreen
) -> None:
    keys = Keyboard()
    keys.type("TSSMRT87C54A952D")
    keys.type("Tessari")
    screen.view.offer({paths.SURNAME: "Altra", paths.STREET: "Via Roma 1"}, Origin.CERTIFICATE)
    assert screen.view.form[paths.SURNAME] == "Tessari"
    assert screen.view.form[paths.STREET] == "Via Roma 1"
    assert screen.view.rows[paths.STREET]._chip.word == "ultimo certificato"


def test_the_fee_is_told_in_a_sentence(screen: RegistrationScreen) -> None:
    assert "€" in screen.summary.spoken
    assert "Nessun primo rilascio" in screen.summary.spoken
    field = screen.view.rows[paths.REA_NUMBER].field
    assert isinstance(field, QLineEdit)
    field.setText("123456")
    assert "Registro Imprese" in screen.summary.spoken


def test_everything_has_a_name_and_the_tab_order_is_the_reading_order(
    window: DeskWindow, screen: RegistrationScreen
) -> None:
    for kind in (QLineEdit, QComboBox, QPushButton):
        for made in screen.findChildren(kind):
            assert made.accessibleName(), made.objectName()
    screen.view.focus(paths.FISCAL_CODE)
    walked = [focused()]
    # not asked: a residence permit of an Italian, a payment without a till, the codes where they go one way
    seen = [path for path in ORDER if path not in (*paths.PERMIT, paths.PAYMENT, paths.SCRATCH_DELIVERY)]
    for _ in seen[1:]:
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        walked.append(focused())
    assert walked == seen


def test_it_fits_the_smallest_window_and_changes_its_language(
    window: DeskWindow, screen: RegistrationScreen
) -> None:
    window.resize(1280, 800)
    screen.view.offer(
        dict.fromkeys((paths.STREET, paths.POSTCODE, paths.MUNICIPALITY), "x"), Origin.CERTIFICATE
    )
    company = (paths.COMPANY_NAME, paths.COMPANY_CODE, paths.POSITION)
    screen.view.offer(dict.fromkeys(company, "Amministratore unico"), Origin.REGISTER)
    for language in ("de", "en", "it"):
        window.texts.set_language(language)
        QApplication.processEvents()
        area = screen.view.parentWidget()
        assert area is not None
        wide = {path: row.minimumSizeHint().width() for path, row in screen.view.rows.items()}
        assert screen.view.width() <= area.width() + 1, (language, wide)
    assert screen.view.form[paths.STREET] == "x"


def test_an_approved_request_of_another_person_is_no_matter(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk
) -> None:
    other = register(central, desk.mandate, ("Rossi", "Mario", "RSSMRA80A01H501U"))
    approve(central, desk.mandate, other)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", other.id) is not None)
    Keyboard().type("TSSMRT87C54A952D")
    QTest.qWait(300)
    texts = [made.text() for made in screen.summary.findChildren(type(screen.summary._name))]
    assert not any(other.request.code in text for text in texts)


def test_the_municipalities_that_the_service_handed_out_are_offered(window: DeskWindow, desk: Desk) -> None:
    new = Place("M999", "Nuovo Comune", "Neudorf", "BZ", "021999", date(2024, 1, 1), source=ANPR)
    window.sign_out()
    window.begin(replace(desk.parts(), places=lambda: PlaceTable(lambda: combined([new]))))
    window.open("registration")
    screen = window.current
    assert isinstance(screen, RegistrationScreen)
    screen.view.rows[paths.MUNICIPALITY].field.setFocus()
    keys = Keyboard()
    keys.type("Neud")
    keys.enter()
    assert screen.view.form[paths.MUNICIPALITY] == "Nuovo Comune"
    assert screen.view.form[paths.PROVINCE] == "BZ"
