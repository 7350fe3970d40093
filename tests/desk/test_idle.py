"""The desk locks when nobody works for a while: not sooner, not while somebody does, not twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from cmsdesk.desk.readers import ReaderWatch
from cmsdesk.desk.shell import watch
from cmsdesk.desk.shell.watch import LockWatch
from tests.desk.bench import QuietReaders, wait_for

_MINUTE_MS = 2000
"""How long a minute lasts here."""


class Room:
    """A field somebody types into, and the watch."""

    def __init__(self, application: QApplication) -> None:
        self.field = QLineEdit()
        self.field.show()
        self.readers = ReaderWatch(QuietReaders())
        self.locks = 0
        self.watch = LockWatch(self.readers, "", lambda: 1, self.field)
        self.watch.locked.connect(self._on_locked)
        application.installEventFilter(self.watch)

    def _on_locked(self, why: str) -> None:
        assert why == "Nobody worked here for a while."
        self.locks += 1


@pytest.fixture
def room(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(watch, "_MINUTE_MS", _MINUTE_MS)
    made = Room(application)
    yield made
    application.removeEventFilter(made.watch)
    made.field.deleteLater()


def test_an_idle_desk_locks_once(room: Room) -> None:
    room.watch.begin()
    wait_for(lambda: room.locks == 1)
    QTest.qWait(2 * _MINUTE_MS)
    assert room.locks == 1


def test_who_types_is_not_locked_out(room: Room) -> None:
    room.watch.begin()
    for _ in range(6):
        QTest.qWait(_MINUTE_MS // 3)
        QTest.keyClick(room.field, Qt.Key.Key_A)
    assert room.locks == 0
    wait_for(lambda: room.locks == 1)


def test_a_locked_desk_counts_again_from_the_unlocking(room: Room) -> None:
    room.watch.begin()
    wait_for(lambda: room.locks == 1)
    QTest.keyClick(room.field, Qt.Key.Key_A)
    QTest.qWait(2 * _MINUTE_MS)
    assert room.locks == 1, "keys at a locked desk begin nothing"
    room.watch.begin()
    wait_for(lambda: room.locks == 2)


def test_the_mouse_counts_as_work_too(room: Room) -> None:
    room.watch.begin()
    for _ in range(4):
        QTest.qWait(_MINUTE_MS // 2)
        QTest.mouseClick(room.field, Qt.MouseButton.LeftButton)
    assert room.locks == 0
