"""Operators and mandates: by keyboard, on the real service (ORG-2…4, ORG-7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from cmsdesk.desk.screens.administration.mandate_form import PermissionFields
from cmsdesk.desk.screens.administration.operators import OperatorsScreen
from cmsdesk.desk.screens.administration.staff_import import StaffImport
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.organisation import Mandate, Permission, Role, Way
from tests.desk.administration.conftest import OpenScreen
from tests.desk.administration.staff import some_staff
from tests.desk.bench import Desk, wait_for, window_of
from tests.desk.test_window import nameless
from tests.sync.bench import BODY, OFFICE, SECOND_OFFICE, CentralService

NEW = "VRDLGU75C10L219R"
LUKAS = "PRTLKS79S09F132H"


def mandates(central: CentralService) -> dict[str, Mandate]:
    found = central.things(BODY)
    return {key: Mandate.of(key, document) for (thing, key), document in found.items() if thing == "mandate"}


def of(central: CentralService, code: str) -> list[Mandate]:
    return [one for one in mandates(central).values() if one.operator == code]


def press(button: QPushButton) -> None:
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Return)


def named(screen: Any, words: str) -> QPushButton:
    [found] = [
        one for one in screen.findChildren(QPushButton) if one.isVisible() and one.text().strip() == words
    ]
    assert isinstance(found, QPushButton)
    return found


def test_an_operator_is_recorded_by_keyboard_alone(
    opened: OpenScreen, window: DeskWindow, desk: Desk
) -> None:
    screen: OperatorsScreen = opened("operators")
    QTest.keyClick(QApplication.focusWidget() or screen, Qt.Key.Key_Tab)
    press(screen.main)
    form = screen.form
    QTest.keyClicks(form.data.code, NEW.lower()[:-1] + "x")
    for text in ("Verdi", "Luigi", "luigi.verdi@example.com"):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        QTest.keyClicks(QApplication.focusWidget(), text)
    QTest.keyClick(form.data.email, Qt.Key.Key_Return)
    assert form.data._rows["fiscal_code"].wrong, "its check letter is wrong"
    assert QApplication.focusWidget() is form.data.code
    QTest.keyClick(form.data.code, Qt.Key.Key_Backspace)
    QTest.keyClicks(form.data.code, NEW[-1])
    form.mandate.office.setCurrentIndex(form.mandate.office.findData(SECOND_OFFICE))
    QTest.keyClick(form.data.code, Qt.Key.Key_Return)
    wait_for(lambda: bool(of(desk.central, NEW)))
    [granted] = of(desk.central, NEW)
    assert (granted.office, granted.role) == (SECOND_OFFICE, Role.IR)
    assert granted.allows(Permission.DATA_ENTRY)
    assert screen.form is None
    wait_for(lambda: NEW in {one.fiscal_code for one in screen.model.rows})
    wait_for(lambda: screen._chosen == NEW)
    assert screen.side.shown.accessibleName() == "Verdi Luigi", "who was recorded is shown"


def test_who_is_known_already_is_not_recorded_twice(opened: OpenScreen) -> None:
    screen: OperatorsScreen = opened("operators")
    screen.record()
    form = screen.form
    QTest.keyClicks(form.data.code, LUKAS)
    form.confirm()
    assert form.data._rows["fiscal_code"].wrong


def test_a_mandate_is_suspended_resumed_changed_and_ended(opened: OpenScreen, desk: Desk) -> None:
    screen: OperatorsScreen = opened("operators")
    screen.activate(thing=LUKAS)
    wait_for(
        lambda: screen.side.shown is not None and screen.side.shown.accessibleName() == "Perathoner Lukas"
    )
    press(named(screen, "Sospendi"))
    wait_for(lambda: of(desk.central, LUKAS)[0].suspended)
    wait_for(lambda: any(one.text() == "Riattiva" for one in screen.findChildren(QPushButton)))
    press(named(screen, "Riattiva"))
    wait_for(lambda: not of(desk.central, LUKAS)[0].suspended)
    press(named(screen, "Modifica"))
    form = screen.form
    form.last.setText("31/12/2029")
    box = form.permissions._ways[Permission.DATA_ENTRY][1]
    box.setCurrentIndex(box.findData(Way.PAPER.value))
    QTest.keyClick(form.last, Qt.Key.Key_Return)
    wait_for(lambda: of(desk.central, LUKAS)[0].valid_until.year == 2029)
    wait_for(lambda: of(desk.central, LUKAS)[0].data_entry is Way.PAPER)
    press(named(screen, "Cessa…"))
    QTest.qWait(20)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert screen.form is None, "the second Enter leaves"
    press(named(screen, "Cessa…"))
    QTest.qWait(20)
    press(named(screen, "Cessa definitivamente"))
    wait_for(lambda: of(desk.central, LUKAS)[0].ended)


def test_ones_own_mandate_offers_no_end(opened: OpenScreen, window: DeskWindow) -> None:
    screen: OperatorsScreen = opened("operators")
    own = window.session.mandate.operator
    screen.activate(thing=own)
    wait_for(lambda: screen._chosen == own)
    wait_for(lambda: any(one.text() == "Modifica" for one in screen.findChildren(QPushButton)))
    made = screen.side.shown
    cards = [mandate.id for mandate, _ in screen.chosen().mandates]
    ends = [one for one in made.findChildren(QPushButton) if one.text() == "Cessa…"]
    living = len(screen.chosen().living)
    assert window.session.mandate.id in cards
    assert len(ends) == living - 1


def test_operators_move_and_the_office_closes(opened: OpenScreen, desk: Desk) -> None:
    screen: OperatorsScreen = opened("operators")
    before = {one.id for one in mandates(desk.central).values() if one.office == SECOND_OFFICE}
    screen.move_operators()
    form = screen.form
    form.office.setCurrentIndex(form.office.findData(SECOND_OFFICE))
    assert form.to.currentData() == OFFICE, "another office is proposed"
    screen.texts.set_language("en")
    assert all("fficer" in form.who.item(at).text() for at in range(form.who.count()))
    screen.texts.set_language("it")
    form.who.setFocus()
    form.who.setCurrentRow(0)
    QTest.keyClick(form.who, Qt.Key.Key_Space)
    form.close_after.setChecked(True)
    QTest.keyClick(form.close_after, Qt.Key.Key_Return)
    wait_for(lambda: desk.central.things(BODY)["office", SECOND_OFFICE]["state"] == "closed")
    found = mandates(desk.central)
    moved = [one for one in found.values() if one.moved_from in before]
    assert len(moved) == len(before) - 1
    assert all(one.office == OFFICE and SECOND_OFFICE in one.carries_on for one in moved)
    assert sum(found[one].ended for one in before) == len(before) - 1


def test_a_file_with_mistakes_is_told_line_by_line_and_nothing_is_done(
    opened: OpenScreen, desk: Desk, tmp_path: Path
) -> None:
    screen: OperatorsScreen = opened("operators")
    path = tmp_path / "operatori.csv"
    heading = "Codice fiscale;Cognome;Nome;Ufficio;Ruolo;Ultimo giorno\n"
    path.write_text(
        f"{heading}{NEW};Verdi;Luigi;Sportello 2;IR;31/12/2028\nX;;Lia;Altrove;capo;mai\n", encoding="utf-8"
    )
    before = set(mandates(desk.central))
    screen.import_from(path)
    wait_for(lambda: isinstance(screen.form, StaffImport))
    form = screen.form
    assert {problem.line for problem in form._found.problems} == {3}
    assert len(form._found.problems) == 5
    QTest.keyClick(form, Qt.Key.Key_Return)
    assert screen.form is form, "nothing to take in while something is wrong"
    screen.session.sync_now()
    QTest.qWait(200)
    assert set(mandates(desk.central)) == before


def test_what_is_exported_is_read_back_and_a_file_is_taken_in_whole(
    opened: OpenScreen, desk: Desk, tmp_path: Path
) -> None:
    screen: OperatorsScreen = opened("operators")
    path = tmp_path / "operatori.csv"
    screen.export_to(path)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("Codice fiscale;Cognome;Nome;E-mail;Ufficio;Ruolo")
    screen.import_from(path)
    wait_for(lambda: isinstance(screen.form, StaffImport))
    assert not screen.form._found.operators
    more = [
        f"{NEW};Verdi;Luigi;;Sportello 2;IR;01/06/2026;31/12/2028;inserimento dati;;;",
        f"{NEW};Verdi;Luigi;;{OFFICE};RAO;;31/12/2028;;;;",
    ]
    path.write_text("\r\n".join([lines[0], *more]), encoding="utf-8-sig")
    screen.close_form()
    screen.import_from(path)
    wait_for(lambda: isinstance(screen.form, StaffImport))
    QTest.keyClick(screen.form, Qt.Key.Key_Return)
    wait_for(lambda: len(of(desk.central, NEW)) == 2)
    assert {one.role for one in of(desk.central, NEW)} == {Role.IR, Role.RAO}


def test_search_and_filters_find_people(opened: OpenScreen) -> None:
    screen: OperatorsScreen = opened("operators")
    screen.search.setText("perath")
    assert [one.fiscal_code for one in screen.model.rows] == [LUKAS]
    screen.search.clear()
    screen.role.setCurrentIndex(screen.role.findData("ir"))
    screen.show_rows()
    assert {one.name for one in screen.model.rows} == {"Bianchi Anna", "Perathoner Lukas"}
    screen.role.setCurrentIndex(0)
    screen.chips[1].setChecked(True)
    assert [one.name for one in screen.model.rows] == ["Perathoner Lukas"]


def test_every_control_has_a_name_and_esc_leaves_the_form(opened: OpenScreen, window: DeskWindow) -> None:
    screen: OperatorsScreen = opened("operators")
    assert nameless(window) == []
    for show in (screen.record, screen.amend, screen.grant, screen.move_operators):
        show()
        assert nameless(window) == []
        QTest.keyClick(QApplication.focusWidget() or screen, Qt.Key.Key_Escape)
        assert screen.form is None
    assert window.current is screen


def test_who_may_not_change_sees_no_acts(
    application: QApplication, central: CentralService, tmp_path: Path
) -> None:
    some_staff(central)
    folder = tmp_path / "rao"
    folder.mkdir()
    rao = Desk(central, folder, Role.RAO)
    window = window_of(application, rao.clock, folder)
    window.show()
    window.begin(rao.parts())
    window.open("operators")
    screen = window.current
    assert isinstance(screen, OperatorsScreen)
    wait_for(lambda: bool(screen.everything))
    words = {one.text().strip() for one in screen.findChildren(QPushButton) if one.isVisible()}
    assert not words & {"Nuovo operatore", "Sposta…", "Importa…", "Sospendi", "Cessa…", "Nuovo incarico"}
    assert "Esporta CSV" in words
    window.close()


def test_the_permissions_follow_the_role(opened: OpenScreen) -> None:
    screen: OperatorsScreen = opened("operators")
    screen.record()
    fields: PermissionFields = screen.form.mandate.permissions
    screen.form.mandate.role.setCurrentIndex(screen.form.mandate.role.findData("rao"))
    assert set(fields.facts()) == {"permissions", "payments"}
    screen.form.mandate.role.setCurrentIndex(screen.form.mandate.role.findData("administrator"))
    assert fields.facts() == {"permissions": []}
