"""Every screen: by keyboard alone, with a name for every control, in both themes and three languages."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QWidget,
)

from cmsdesk.base.texts import LANGUAGES
from cmsdesk.desk import work
from cmsdesk.desk.screens.administration.catalogue import ADMINISTRATION
from cmsdesk.desk.screens.catalogue import SCREENS
from cmsdesk.desk.screens.list_screen import ListScreen
from cmsdesk.desk.screens.request_detail import RequestDetail
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.rail import Rail
from cmsdesk.desk.shell.window import DeskWindow, key_text
from cmsdesk.desk.theme import Look
from cmsdesk.desk.tokens import TARGET
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.desk_store import DeskStore
from tests.desk.bench import Desk, wait_for, window_of

OWN = ("home", "requests", "holders", "devices", "certificates", "card_tools", "delivery", "settings")
CONTROLS = {
    QAccessible.Role.Button,
    QAccessible.Role.PushButton,
    QAccessible.Role.CheckBox,
    QAccessible.Role.RadioButton,
    QAccessible.Role.ComboBox,
    QAccessible.Role.EditableText,
    QAccessible.Role.Table,
    QAccessible.Role.List,
}


def tree(widget: QWidget) -> Iterator[QAccessibleInterface]:
    """Yield the visible accessible things below a widget."""
    found = QAccessible.queryAccessibleInterface(widget)
    waiting = [found] if found is not None else []
    while waiting:
        one = waiting.pop()
        if one is None or one.state().invisible:
            continue
        yield one
        if one.role() not in (QAccessible.Role.Table, QAccessible.Role.List, QAccessible.Role.ComboBox):
            waiting += [one.child(number) for number in range(one.childCount())]


def nameless(widget: QWidget) -> list[str]:
    return [
        str(one.object())
        for one in tree(widget)
        if one.role() in CONTROLS and not one.text(QAccessible.Text.Name).strip()
    ]


def settled(window: DeskWindow, screen: str) -> None:
    window.activateWindow()
    wait_for(window.isActiveWindow)
    window.open(screen)
    shown = window.current
    if isinstance(shown, ListScreen):
        wait_for(lambda: shown._count is not None)
    still = words(window)

    def nothing_more_comes() -> bool:
        """What a screen counts in threads has come when its words stay as they are."""
        nonlocal still
        before, still = still, (QTest.qWait(300), words(window))[1]
        return before == still

    wait_for(nothing_more_comes)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("look", [Look.LIGHT, Look.DARK])
def test_no_control_is_without_a_name(window: DeskWindow, language: str, look: Look) -> None:
    window.texts.set_language(language)
    window.theme.put_on(look)
    for screen in OWN:
        settled(window, screen)
        assert nameless(window) == [], screen


@pytest.mark.parametrize("screen", OWN)
def test_tab_reaches_every_control_and_targets_are_large_enough(window: DeskWindow, screen: str) -> None:
    settled(window, screen)
    kinds = (QPushButton, QComboBox, QLineEdit, QTableView)
    wanted = {one for one in window.findChildren(QWidget) if isinstance(one, kinds) and one.isVisible()}
    wanted = {one for one in wanted if one.isEnabled()}
    reached: list[QWidget] = []
    window.activateWindow()
    focused = QApplication.focusWidget()
    for _ in range(200):
        QTest.keyClick(focused or window, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        if focused is None or focused in reached:
            break
        reached.append(focused)
    missed = wanted - set(reached)
    assert not missed, [one.accessibleName() for one in missed]
    small = [
        (type(one).__name__, one.accessibleName(), one.height()) for one in wanted if one.height() < TARGET
    ]
    assert small == []


def test_every_word_follows_the_language(window: DeskWindow) -> None:
    for screen in OWN:
        settled(window, screen)
        said: dict[str, list[str]] = {}

        def comes_back(said: dict[str, list[str]] = said) -> bool:
            """Through all languages and back; what is counted in threads may change it once or twice."""
            for language in LANGUAGES:
                window.texts.set_language(language)
                QTest.qWait(20)
                said[language] = words(window)
            window.texts.set_language("it")
            QTest.qWait(20)
            return said["it"] == words(window)

        wait_for(comes_back)
        assert window.texts.language == "it"
        assert len({tuple(found) for found in said.values()}) == len(LANGUAGES), screen


def words(window: DeskWindow) -> list[str]:
    return [one.text() for one in window.findChildren(QLabel) if one.isVisible() and one.text()]


def test_a_request_is_approved_by_keyboard_alone(window: DeskWindow, desk: Desk) -> None:
    settled(window, "home")
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Return)
    shown = window.current
    assert isinstance(shown, ListScreen)
    assert shown.filters.query().states == {"registered"}
    wait_for(lambda: shown._count is not None and isinstance(detail(shown), RequestDetail))
    request = detail(shown)._id
    QTest.keyClick(shown.table, Qt.Key.Key_Return)
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Return)
    wait_for(lambda: desk.central.things("uno")["request", request]["state"] == "approved")


def test_a_cancellation_wants_its_reason_and_is_not_lost_to_a_change_elsewhere(
    window: DeskWindow, desk: Desk
) -> None:
    settled(window, "requests")
    shown = window.current
    assert isinstance(shown, ListScreen)
    wait_for(lambda: isinstance(detail(shown), RequestDetail))
    made = detail(shown)
    made._ask_reason()
    QTest.keyClick(made.reason, Qt.Key.Key_Return)
    assert made._cancelling.isVisible()
    QTest.keyClicks(made.reason, "Ritirata dal richiedente")
    window.session.changed.emit(frozenset())
    QTest.qWait(400)
    assert detail(shown) is made
    QTest.keyClick(made.reason, Qt.Key.Key_Return)
    wait_for(lambda: desk.central.things("uno")["request", made._id]["state"] == "cancelled")
    assert desk.central.things("uno")["request", made._id]["reason"] == "Ritirata dal richiedente"


def detail(screen: ListScreen) -> RequestDetail:
    found = screen._detail.widget()
    assert found is None or isinstance(found, RequestDetail)
    return found  # type: ignore[return-value]


def test_the_palette_finds_a_person_and_esc_gives_the_focus_back(window: DeskWindow) -> None:
    settled(window, "home")
    before = QApplication.focusWidget()
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    line = window._palette.line
    assert line.hasFocus()
    first = window._palette.list.item(0)
    assert first.data(Qt.ItemDataRole.AccessibleTextRole) == "Inizio Ctrl+1", "read aloud with its shortcut"
    QTest.keyClicks(line, "perath")
    wait_for(lambda: window._palette.list.count() > 0)
    QTest.keyClicks(line, " qqq")
    wait_for(window._palette._nothing.isVisible)
    QTest.keyClick(line, Qt.Key.Key_Backspace)
    assert not window._palette._nothing.isVisible(), "it is being looked for"
    for _ in range(3):
        QTest.keyClick(line, Qt.Key.Key_Backspace)
    wait_for(lambda: window._palette.list.count() > 0)
    palette = window._palette
    wait_for(lambda: palette._asked == "perath" and palette.list.count() > 0 and not work.under_way())
    people = palette._find("perath")
    for _ in range(2):  # it is looked for again while an answer is under way
        palette._add("perath", people)
    assert palette.list.count() == len(people), "whoever was looked for twice is found once"
    window.texts.set_language("de")
    window.texts.set_language("it")
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert not window._palette.isVisible()
    assert QApplication.focusWidget() is before
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(line, "perath")
    wait_for(lambda: window._palette.list.count() > 0)
    QTest.keyClick(line, Qt.Key.Key_Return)
    shown = window.current
    assert isinstance(shown, ListScreen)
    wait_for(lambda: shown._stamp is not None and "Perathoner" in shown._stamp[0].name)


def test_esc_goes_back_and_shortcuts_open_screens(window: DeskWindow) -> None:
    settled(window, "home")
    QTest.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window._history[-1] == "requests"
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Escape)
    assert window._history[-1] == "home"
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert window._shortcuts.isVisible()
    QTest.keyClick(window._shortcuts, Qt.Key.Key_Escape)
    assert not window._shortcuts.isVisible()


def test_every_screen_of_the_rail_has_keys_of_its_own_told_in_rail_palette_and_overlay(
    application: QApplication, desk: Desk, tmp_path: Path
) -> None:
    keys = [kind.shortcut for kind in SCREENS if kind.shortcut]
    assert len(set(keys)) == len(keys)
    assert [kind.id for kind in SCREENS if kind.rail and not kind.shortcut] == []
    folder = tmp_path / "administrator"
    folder.mkdir()
    window = window_of(application, desk.clock, folder)
    window.show()
    window.begin(Desk(desk.central, folder, Role.ADMINISTRATOR).parts())
    settled(window, "home")
    offered = {entry.words: entry.shortcut for entry in window._offered()}
    shown = dict(window._shortcut_rows())
    tips = {one.accessibleName(): one.toolTip() for one in window.findChildren(QPushButton)}
    for kind in ADMINISTRATION:
        name, written = window.texts(kind.title), key_text(kind.shortcut)
        assert offered[name] == shown[name] == tips[name] == written
    for kind in ADMINISTRATION:
        keys_of = QKeySequence(kind.shortcut)[0]
        QTest.keyClick(window, keys_of.key(), keys_of.keyboardModifiers())
        assert window._history[-1] == kind.id
    QTest.keyClick(window, Qt.Key.Key_F1)
    rows = [one for one in window._shortcuts.findChildren(QLabel) if one.text() in set(shown.values())]
    assert rows
    assert all(window._shortcuts.card.rect().contains(one.geometry()) for one in rows)
    assert all(one.height() >= one.sizeHint().height() for one in rows)
    window.close()


def test_in_a_small_window_the_rail_leaves_the_room_to_the_screens(window: DeskWindow) -> None:
    def rail() -> tuple[int, list[str]]:
        [found] = window.findChildren(Rail)
        QApplication.processEvents()
        return found.width(), [one.text().strip() for one in found.findChildren(QPushButton)]

    window.resize(1280, 800)
    width, wide = rail()
    assert all(wide)
    window.resize(1024, 680)
    narrow_width, narrow = rail()
    assert narrow_width < width / 3
    assert not any(narrow)
    assert nameless(window) == []
    window.resize(1280, 800)
    assert rail() == (width, wide)


def test_what_the_mandate_does_not_allow_is_not_there(
    application: QApplication, desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "administrator"
    folder.mkdir()
    administrator = Desk(desk.central, folder, Role.ADMINISTRATOR)
    window = window_of(application, desk.clock, folder)
    window.begin(administrator.parts())
    assert not window.can_open("requests")
    window.open("requests")
    assert window._history == ["home"]
    assert "Richieste" not in {entry.words for entry in window._offered()}
    window.close()


def test_the_sandbox_is_named_on_the_window_and_its_title(
    application: QApplication, desk: Desk, tmp_path: Path
) -> None:
    window = window_of(application, desk.clock, tmp_path, sandbox=True)
    window.show()
    assert "AMBIENTE DI PROVA" in window.windowTitle()
    assert any("AMBIENTE DI PROVA" in said for said in words(window))
    window.begin(desk.parts())
    assert "AMBIENTE DI PROVA" in window.windowTitle()
    assert any("AMBIENTE DI PROVA" in said for said in words(window))
    window.texts.set_language("de")
    assert "TESTUMGEBUNG" in window.windowTitle()
    window.close()


def test_a_lost_network_is_said_in_words_and_work_goes_on(window: DeskWindow, desk: Desk) -> None:
    desk.line.faults.extend(["request"] * 4)
    window.session.sync_now()
    wait_for(lambda: window.session.sync_state.link is Link.DOWN)
    assert any("Rete assente" in said for said in words(window))
    cause = window.texts.error(ServiceUnreachable(reason="no answer"))[0]
    assert any(cause[:20] in said for said in words(window))
    desk.line.faults.clear()
    window.session.sync_now()
    wait_for(lambda: window.session.sync_state.link is Link.UP)
    assert not any("Rete assente" in said for said in words(window))


def test_a_list_is_exported_as_it_is_shown(window: DeskWindow, desk: Desk, tmp_path: Path) -> None:
    settled(window, "requests")
    shown = window.current
    assert isinstance(shown, ListScreen)
    shown.activate(states=frozenset({"approved"}))
    path = tmp_path / "richieste.csv"
    shown.export_to(path)
    wait_for(lambda: bool(shown.notice.text))
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("Nome;Codice fiscale;Stato")
    things = desk.central.things("uno").items()
    approved = [one for (thing, _), one in things if thing == "request" and one["state"] == "approved"]
    assert approved
    assert len(lines) == 1 + len(approved)
    assert all("Approvata" in line for line in lines[1:])


def test_a_session_that_has_ended_leaves_nothing_open(window: DeskWindow, desk: Desk) -> None:
    before = _kept()
    for _ in range(3):
        window.open("requests")
        window.sign_out()
        QTest.qWait(100)
        window.begin(desk.parts())
        wait_for(lambda: window.session.sync_state.link is Link.UP)
    stores, screens = (now - then for now, then in zip(_kept(), before, strict=True))
    assert stores <= 0
    assert screens <= 1, "the list of requests was not open at first"


def _kept() -> tuple[int, int]:
    """Return how many stores and lists are there, those that wait to be collected too."""
    gc.unfreeze()
    there = gc.get_objects()
    return tuple(sum(isinstance(one, kind) for one in there) for kind in (DeskStore, ListScreen))
