"""Dates as people type and say them, choices that survive a damaged file, notices, steps."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QStyle, QStyleOptionViewItem

from cmsdesk.base.errors import Bug, Mendable
from cmsdesk.desk.preferences import Choices, Preferences
from cmsdesk.desk.screens.card_tools.report import Finding, findings
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.chip_cell import ChipCells
from cmsdesk.desk.widgets.date_field import read_date
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.steps import StepList, StepState
from cmsdesk.desk.widgets.table import RowCells, Table
from cmsdesk.desk.widgets.tick import Tick
from cmsdesk.operations.errors import CardGone, DriverUnloadable, DriverWantsRestart

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 8, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("12041988", date(1988, 4, 12)),
        ("120488", date(1988, 4, 12)),
        ("12/4/88", date(1988, 4, 12)),
        ("12.04.1988", date(1988, 4, 12)),
        ("1988-04-12", date(1988, 4, 12)),
        ("010136", date(2036, 1, 1)),
        ("010137", date(1937, 1, 1)),
        ("31/02/1988", None),
        ("1988", None),
        ("", None),
    ],
)
def test_a_date_is_read_as_people_type_it(typed: str, read: date | None) -> None:
    assert read_date(typed, TODAY) == read


@pytest.mark.parametrize(
    ("language", "today", "near", "far"),
    [
        ("it", "oggi 10:42", "3 marzo 10:42", "3 marzo 2024"),
        ("de", "heute 10:42", "3. März 10:42", "3. März 2024"),
        ("en", "today 10:42", "3 March 10:42", "3 March 2024"),
    ],
)
def test_days_are_said_as_people_say_them(
    application: QApplication, language: str, today: str, near: str, far: str
) -> None:
    texts = LiveTexts(language)
    assert texts.when(NOW, NOW) == today
    assert texts.when(datetime(2026, 3, 3, 9, 42, tzinfo=UTC), NOW) == near
    assert texts.day(date(2024, 3, 3), TODAY) == far


def test_choices_are_kept_and_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "here" / "preferences.json"
    Preferences(path).choose(language="de", scale=150)
    assert Preferences(path).choices == Choices(language="de", scale=150)
    for damage in ("", "[]", "{", '{"language": "fr", "scale": 33, "look": 7, "idle_minutes": true}'):
        path.write_text(damage, encoding="utf-8")
        assert Preferences(path).choices == Choices()


def test_a_notice_says_cause_next_step_and_code_in_the_language_of_the_moment(
    application: QApplication,
) -> None:
    texts = LiveTexts("it")
    notice = Notice(texts, Theme(application))
    assert notice.text == ""
    notice.error(CardGone(reader="Lettore 2"))
    assert "Lettore 2" in notice.text
    assert "CARD-GONE" in notice.text
    assert notice.accessibleName() == notice.text
    before = notice.text
    texts.set_language("de")
    assert notice.text != before
    notice.error(Bug("wrong"))
    assert "BUG-BUG" in notice.text
    assert "wrong" not in notice.text
    notice.clear()
    assert notice.isHidden()


def test_the_first_frame_needs_no_rules_no_network_and_no_store() -> None:
    script = """
import sys
from pathlib import Path
from cmsdesk.base.clock import SystemClock
from cmsdesk.desk.application import create_app, create_window
from cmsdesk.desk.environment import Environment
from cmsdesk.desk.preferences import Preferences
class NoReaders:
    def snapshot(self): return []
    def wait(self, timeout_s): return False
    def close(self): pass
preferences = Preferences(Path("none.json"))
application = create_app(preferences)
window = create_window(application, None, NoReaders(), preferences, Environment("x"), SystemClock())
window.show()
application.processEvents()
heavy = ("cmsdesk.domain", "cmsdesk.operations", "cmsdesk.sync", "cmsdesk.desk.session", "cryptography")
print(sorted(name for name in sys.modules if name.startswith(heavy)))
window.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_words_of_a_tick_wrap_where_there_is_no_room_for_one_line(application: QApplication) -> None:
    made = Tick()
    made.say("Sieht die Registrierungen der ganzen Körperschaft, nicht nur des Amts")
    made.resize(made.sizeHint())
    made.show()
    assert "\n" not in made.text()
    one_line = made.height()
    made.resize(200, made.heightForWidth(200))
    assert made.text().count("\n") >= 2
    assert made.height() > one_line
    assert made.text().replace("\n", " ") == made.accessibleName()
    made.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            DriverWantsRestart(card="Athena IDProtect", obtain="sito di Aruba"),
            "CARD-DRIVER-RESTART",
        ),
        (DriverUnloadable(reader="Lettore 1"), "CARD-DRIVER-LOAD"),
    ],
    ids=["to be installed", "installed and not started"],
)
@pytest.mark.parametrize(
    ("language", "browsers", "restart"),
    [("it", "browser", "riavviare"), ("de", "Browser", "neu starten"), ("en", "browsers", "restart")],
)
def test_a_driver_that_wants_browsers_closed_and_a_restart_is_diagnosed_with_its_next_step(
    application: QApplication, error: Mendable, code: str, language: str, browsers: str, restart: str
) -> None:
    made = findings(LiveTexts(language), Theme(application), [error])
    said = "\n".join(one.text() for one in made.findChildren(QLabel))
    for words in (browsers, restart, code, *(str(fact) for fact in error.facts.values())):
        assert words in said
    [finding] = made.findChildren(Finding)
    assert restart in finding.accessibleName()


@pytest.mark.parametrize("seconds", [0.01, 2.34])
def test_what_a_step_took_is_never_nought(application: QApplication, seconds: float) -> None:
    theme = Theme(application)
    steps = StepList(LiveTexts("it"), theme, [("a", "Sign the opening")])
    steps.set_state("a", StepState.DONE, seconds)
    said = [one.text() for one in steps.findChildren(QLabel) if one.text()]
    assert said == ["Firma dell’apertura", "< 0,1 s" if seconds < 0.1 else "2,3 s"]


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize(
    ("number", "figures"),
    [
        ("12A0FB714A145B366BC2A7173F4BC1A343C1B8D7", True),
        ("gunther.unterkofler.2663@example.com", False),
    ],
)
def test_long_words_stand_below_their_names_where_there_is_no_room_beside(
    application: QApplication, number: str, figures: bool, wide: bool
) -> None:
    shown = frozenset({number} if figures else ())
    made = FactGrid([("Numero", number), ("Tipo", "Smart card")], figures=shown)
    made.resize(600 if wide else made.minimumSizeHint().width(), 120)
    made.show()
    QTest.qWait(1)
    said = {one.text(): one for one in made.findChildren(QLabel)}
    beside = said[number].y() < said["Numero"].geometry().bottom()
    assert beside is wide
    assert said[number].geometry().right() <= made.width()
    assert said["Smart card"].y() == said["Tipo"].y(), "what is short stands beside its name"
    made.close()


def test_the_mouse_is_over_a_whole_row(application: QApplication) -> None:
    table, theme = Table(), Theme(application)
    model = QStandardItemModel(2, 2, table)
    table.setModel(model)
    table.setItemDelegateForColumn(1, ChipCells(theme, table))
    table.entered.emit(model.index(1, 0))

    def over(row: int, at: int) -> bool:
        index, option = model.index(row, at), QStyleOptionViewItem()
        delegate = table.itemDelegateForIndex(index)
        assert isinstance(delegate, RowCells)
        delegate.initStyleOption(option, index)
        return bool(option.state & QStyle.StateFlag.State_MouseOver)

    assert [[over(row, at) for at in (0, 1)] for row in (0, 1)] == [[False, False], [True, True]]
    table.leaveEvent(QEvent(QEvent.Type.Leave))
    assert not over(1, 0)
