"""Screens follow the records once for many changes, and only while somebody sees them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.session import DeskSession
from tests.desk.bench import wait_for

_SETTLE_MS = 30


@pytest.fixture
def looks(session: DeskSession) -> Iterator[tuple[QWidget, list[int]]]:
    """A widget, not shown yet, and how often it was refreshed."""
    widget, found = QWidget(), list[int]()
    Refreshing(widget, session, lambda: found.append(1), _SETTLE_MS)
    yield widget, found
    widget.close()


def test_many_changes_are_one(session: DeskSession, looks: tuple[QWidget, list[int]]) -> None:
    widget, found = looks
    widget.show()
    for _ in range(50):
        session.changed.emit(frozenset())
    assert not found
    wait_for(lambda: bool(found))
    QTest.qWait(3 * _SETTLE_MS)
    assert len(found) == 1


def test_changes_that_go_on_are_followed_all_the_same(
    session: DeskSession, looks: tuple[QWidget, list[int]]
) -> None:
    widget, found = looks
    widget.show()

    def change() -> bool:
        session.changed.emit(frozenset())
        return len(found) >= 3

    wait_for(change)


def test_what_is_hidden_follows_when_it_is_shown(
    session: DeskSession, looks: tuple[QWidget, list[int]]
) -> None:
    widget, found = looks
    session.changed.emit(frozenset())
    QTest.qWait(3 * _SETTLE_MS)
    assert not found
    widget.show()
    wait_for(lambda: bool(found))
    widget.hide()
    widget.show()
    QTest.qWait(3 * _SETTLE_MS)
    assert len(found) == 1, "nothing has changed since"
