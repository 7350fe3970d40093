"""Work lists: filters kept under a name, by operator, columns, on paper; home counts what stopped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from cmsdesk.base.ids import new_id
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.screens.home import HomeScreen
from cmsdesk.desk.screens.list_screen import ListScreen
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.desk.widgets.column_menu import ColumnMenu
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.request import request_code
from tests.desk.bench import PEOPLE, Desk, register, wait_for, window_of


@pytest.fixture
def requests(window: DeskWindow) -> ListScreen:
    window.open("requests")
    shown = window.current
    assert isinstance(shown, ListScreen)
    wait_for(lambda: shown._count is not None)
    return shown


def test_filters_are_kept_under_a_name_and_come_back(requests: ListScreen, window: DeskWindow) -> None:
    requests.filters.search.setText("rossi")
    requests.filters.chips[0].setChecked(True)
    requests.filters._period.setCurrentIndex(2)
    wanted = requests.filters.query()
    assert requests.saved.isHidden()
    requests.saved.ask_name()
    assert requests.window().focusWidget() is requests.saved.name
    QTest.keyClicks(requests.saved.name, "Rossi da approvare")
    QTest.keyClick(requests.saved.name, Qt.Key.Key_Return)
    assert [one.name for one in window.session.saved_filters.saved(wanted.list)] == ["Rossi da approvare"]
    requests.filters.reset()
    requests.show_query()
    assert not requests.filters.query().contains
    requests.saved.box.setCurrentIndex(1)
    requests.saved.box.activated.emit(1)
    assert requests.filters.query() == wanted
    requests.saved.forget()
    assert window.session.saved_filters.saved(wanted.list) == []


def test_what_other_filters_leave_out_is_not_shown_beside_the_list(requests: ListScreen) -> None:
    wait_for(lambda: requests._stamp is not None and not requests._right.isHidden())
    requests.filters.search.setText("nobody is called so")
    wait_for(lambda: requests.model.rowCount() == 0 and requests._right.isHidden())
    requests.filters.search.setText("perathoner")
    wait_for(lambda: requests.model.rowCount() > 0 and not requests._right.isHidden())
    assert requests._stamp is not None
    assert "Perathoner" in requests._stamp[0].name


def test_a_search_without_result_leads_back_to_the_whole_list(requests: ListScreen) -> None:
    wait_for(lambda: requests.model.rowCount() > 0)
    requests.filters.search.setText("nobody is called so")
    requests.filters.chips[0].click()
    wait_for(lambda: requests.model.rowCount() == 0)
    words = {label.text() for label in requests.findChildren(QLabel) if label.isVisible()}
    assert "Nessun risultato" in words
    assert "Ancora nessuna richiesta" not in words
    [whole] = [one for one in requests.findChildren(QPushButton) if one.text() == "Rimuovi i filtri"]
    whole.click()
    wait_for(lambda: requests.model.rowCount() > 0)
    assert not requests.filters.query().filtered
    assert requests.window().focusWidget() is requests.filters.search


def test_esc_gives_up_the_name_not_the_screen(requests: ListScreen, window: DeskWindow) -> None:
    requests.saved.ask_name()
    QTest.keyClick(requests.saved.name, Qt.Key.Key_Escape)
    assert not requests.saved.name.isVisible()
    assert window.current is requests


def test_a_list_is_filtered_by_operator(desk: Desk, window: DeskWindow) -> None:
    other = new_id()
    desk.central.administer(
        "mandate.grant",
        "uno",
        mandate=other,
        operator="BNCNNA85M41F205Q",
        office="uno-1",
        role=Role.RAO.value,
        valid_from="2026-01-01",
        valid_until="2040-01-01",
    )
    registered = register(desk.central, other, PEOPLE[2])
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", registered.id) is not None)
    window.open("requests")
    shown = window.current
    assert isinstance(shown, ListScreen)
    box = shown.filters._operator
    shown.filters._say()
    at = box.findText("BNCNNA85M41F205Q")
    assert at > 0
    box.setCurrentIndex(at)
    box.activated.emit(at)
    wait_for(lambda: shown._count == 1)
    assert shown.filters.query().operators == {other}


def test_a_request_is_found_by_its_number(requests: ListScreen, window: DeskWindow, desk: Desk) -> None:
    identifier = next(key[1] for key in desk.central.things("uno") if key[0] == "request")
    requests.filters.search.setText(request_code(identifier).lower())
    wait_for(lambda: requests._count == 1)
    found = requests.model.row_at(0)
    assert found is not None
    assert found.id == identifier


def test_columns_are_chosen_and_stay_chosen(requests: ListScreen, window: DeskWindow, tmp_path: Path) -> None:
    window.resize(1920, 1080)
    QTest.qWait(100)
    menu = requests.findChild(ColumnMenu)
    titles = [one.title for one in requests._columns]
    number, office = titles.index("number"), titles.index("office")
    assert requests.table.isColumnHidden(number)
    assert not requests.table.isColumnHidden(office)
    menu._actions[number].trigger()
    menu._actions[office].trigger()
    assert not requests.table.isColumnHidden(number)
    assert requests.table.isColumnHidden(office)
    kept = Preferences(tmp_path / "preferences.json")
    again = ColumnMenu(window.texts, requests.table, requests._columns, kept, "requests")
    assert "office" in again._hidden
    assert "number" not in again._hidden


def test_a_list_is_printed_as_it_is_shown(requests: ListScreen) -> None:
    shown: list[str] = []

    def open_paper(path: Path) -> bool:
        done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
        shown.append(done.stdout)
        return True

    requests.papers = Papers(open_paper)
    requests.filters.search.setText("perathoner")
    wait_for(lambda: requests._count is not None and requests._count < 9)
    requests.print()
    wait_for(lambda: bool(shown), 60)
    [text] = shown
    assert "Perathoner Lukas" in text
    assert "Tessari" not in text
    assert "Giulia Ferrari" in text


def test_who_may_not_take_lists_out_has_no_button_for_it(
    application: QApplication, desk: Desk, window: DeskWindow, tmp_path: Path
) -> None:
    window.open("requests")
    assert window.current is not None
    keys = {one.shortcut().toString() for one in window.current.findChildren(QPushButton)}
    assert {"Ctrl+E", "Ctrl+P"} <= keys
    folder = tmp_path / "helper"
    folder.mkdir()
    helper = Desk(desk.central, folder, Role.HELP_DESK)
    other = window_of(application, desk.clock, folder)
    other.begin(helper.parts())
    other.open("requests")
    assert other.current is not None
    keys = {one.shortcut().toString() for one in other.current.findChildren(QPushButton)}
    assert not {"Ctrl+E", "Ctrl+P"} & keys
    other.close()


def test_home_counts_what_stopped_here_and_not_what_is_under_way(window: DeskWindow) -> None:
    window.open("home")
    home = window.current
    assert isinstance(home, HomeScreen)
    log = window.session.parts.log
    log.open("P-1", "7430010000000001")
    home._count()
    wait_for(lambda: home._found.counts.get("interrupted") == 1)
    window.session.producing = frozenset({"7430010000000001"})
    home._count()
    wait_for(lambda: home._found.counts.get("interrupted") == 0)


def test_in_a_small_window_the_tools_leave_the_search_its_room(requests: ListScreen) -> None:
    """Their icons are enough where there are many choices; their words are told, and their keys work."""
    bar = requests.filters
    requests.window().resize(1280, 800)
    export, print_ = bar._folding
    wait_for(lambda: (export.text(), print_.text()) == ("", ""))
    assert export.accessibleName() == "Esporta CSV"
    assert export.toolTip() == "Esporta CSV · Ctrl+E"
    assert export.shortcut().toString() == "Ctrl+E"
    requests.window().resize(1920, 1080)
    wait_for(lambda: (export.text().strip(), print_.text().strip()) == ("Esporta CSV", "Stampa"))
    assert print_.shortcut().toString() == "Ctrl+P"
