"""What is on the way to the first frame, and what is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.desk import qt
from tests.benchmarks.desk import DESK

_WATCH = """
import enum
made, new = [], enum.EnumType.__new__
def noted(kind, name, *arguments, **named):
    made.append(name)
    return new(kind, name, *arguments, **named)
enum.EnumType.__new__ = noted
"""
_ASK = """
window.show()
application.processEvents()
window.grab()
print("GlobalColor" in made, [one for one in ("sqlcipher3", "cryptography", "urllib3") if one in sys.modules])
from PySide6.QtCore import Qt
print("GlobalColor" in made)
sys.stdout.flush()
import os; os._exit(0)
"""


def test_the_first_frame_does_without_qts_names_store_and_network(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WATCH + DESK + _ASK, str(tmp_path)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["False []", "True"], "the second line: the watch can see them"


def test_the_numbers_of_the_first_frame_are_qts() -> None:
    selectable = (
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    assert Qt.TextFormat.PlainText.value == qt.PLAIN_TEXT
    assert Qt.AlignmentFlag.AlignHCenter.value == qt.ALIGN_H_CENTER
    assert Qt.FocusPolicy.ClickFocus.value == qt.CLICK_FOCUS
    assert Qt.FocusPolicy.StrongFocus.value == qt.STRONG_FOCUS
    assert selectable.value == qt.SELECTABLE


@pytest.mark.parametrize("made", [False, True])
def test_what_is_not_seen_is_done_later_or_at_once(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    monkeypatch.setattr(qt._Names, "made", made)
    owner, done = QObject(), list[bool]()
    qt.later(owner, lambda: done.append(True))
    assert bool(done) is made
    QTest.qWait(2 * qt.LATER_MS)
    assert done == [True]
