"""The address for notices: changed after delivery too, by a mandate that registers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.desk.screens.contact import ContactScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.organisation import Role
from tests.desk.bench import Desk, approve, produce, register, wait_for, window_of
from tests.sync.bench import BODY, OFFICE, CentralService


@pytest.fixture
def rao(central: CentralService) -> str:
    return central.grant(Role.RAO, OFFICE, BODY)


@pytest.fixture
def desk(central: CentralService, tmp_path: Path) -> Desk:
    return Desk(central, tmp_path, Role.HELP_DESK)


@pytest.fixture
def window(qapp: QApplication, desk: Desk, tmp_path: Path) -> Iterator[DeskWindow]:
    made = window_of(qapp, desk.clock, tmp_path)
    made.show()
    made.begin(desk.parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()


def test_the_help_desk_changes_it_after_delivery(
    window: DeskWindow, central: CentralService, rao: str
) -> None:
    mine = register(central, rao)
    approve(central, rao, mine)
    produce(central, rao, mine)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", mine.id) or {}).get("state") == "delivered")
    assert not window.can_open("registration")
    window.open("contact")
    screen = window.current
    assert isinstance(screen, ContactScreen)
    QTest.keyClicks(screen.search, mine.request.code)
    wait_for(lambda: screen.request is not None)
    QTest.keyClicks(screen.address, "senza chiocciola")
    screen.change()
    assert screen._row.wrong
    screen.address.clear()
    QTest.keyClicks(screen.address, "nuova@example.com")
    screen.change()
    wait_for(lambda: not window.session.pending() and window.session.sync_state.link is Link.UP)
    assert window.session.problems == ()
    assert central.things(BODY)["request", mine.id]["holder"]["contact_email"] == "nuova@example.com"
    assert "nuova@example.com" in screen._now.text()
    window.texts.set_language("de")
    assert screen._now.text() == "Mitteilungen gehen derzeit an nuova@example.com."
