"""One application for all; the real service in this process and a desk at work on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from cmsdesk.base.clock import FixedClock
from cmsdesk.desk import work
from cmsdesk.desk.session import DeskSession, Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import load_fonts
from tests.desk.bench import NOW, Desk, some_work, wait_for, window_of
from tests.fixtures.own_process import *  # noqa: F403
from tests.sync.bench import CentralService


@pytest.fixture(autouse=True)
def no_call_left() -> Iterator[None]:
    """A call that never comes back would hold a thread from the tests that follow."""
    yield
    work.finish(20.0)
    assert work.under_way() == 0


@pytest.fixture(scope="session")
def application(qapp: QApplication) -> QApplication:
    """The application with the bundled fonts."""
    load_fonts()
    return qapp


@pytest.fixture
def central(tmp_path: Path) -> Iterator[CentralService]:
    """The central service on SQLite."""
    made = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def desk(central: CentralService, tmp_path: Path) -> Desk:
    """A RAO's desk."""
    return Desk(central, tmp_path)


@pytest.fixture
def session(application: QApplication, desk: Desk) -> Iterator[DeskSession]:
    """A RAO's session, synchronised once."""
    made = DeskSession(desk.parts(), LiveTexts("it"), desk.clock)
    made.start()
    wait_for(lambda: made.sync_state.link is Link.UP)
    yield made
    made.end()


@pytest.fixture
def window(application: QApplication, desk: Desk, tmp_path: Path) -> Iterator[DeskWindow]:
    """The window at work, with something in every list."""
    some_work(desk.central, desk.mandate, many=9)
    for other in application.topLevelWidgets():
        other.hide()  # a window that another test left would keep the keyboard
    made = window_of(application, desk.clock, tmp_path)
    made.show()
    made.activateWindow()
    made.begin(desk.parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()
