"""The sandbox's own window by keyboard: Tab goes as one reads, and stays where a card was put in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from cmsdesk.sandbox.desk.start import Sandbox
from cmsdesk.sandbox.desk.tray import Kind
from cmsdesk.sandbox.desk.window import CardTile, SandboxWindow
from tests.desk.production.driver import Driver


@pytest.fixture
def beside(sandbox: Sandbox, driver: Driver) -> Iterator[SandboxWindow]:
    made = SandboxWindow(sandbox.tray, sandbox.table, driver.window.texts, driver.window.theme)
    made.show()
    made.activateWindow()
    driver.until(made.isActiveWindow)
    yield made
    made._timer.stop()
    made.close()
    made.deleteLater()


def tabbed(window: SandboxWindow) -> list[QWidget]:
    """Where Tab goes, once around."""
    first = next(iter(window._tiles.values()))
    found: list[QWidget] = [first]
    one = first.nextInFocusChain()
    while one is not first:
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isEnabled() and one.isVisible():
            found.append(one)
        one = one.nextInFocusChain()
    return found


def test_tab_goes_as_one_reads(beside: SandboxWindow) -> None:
    for _ in range(2):
        order = tabbed(beside)
        assert all(one.accessibleName() or getattr(one, "text", str)() for one in order)
        left = [one for one in order if isinstance(one, CardTile)]
        at = order.index(left[0])
        assert order[at : at + len(left)] == left, "the cards one after another"
        assert all(
            one.mapTo(beside, QPoint(0, 0)).y() < left[0].mapTo(beside, QPoint(0, 0)).y()
            for one in order[:at]
        )
        beside._shown = None
        beside.refresh()
        QTest.qWait(1)


def test_the_keyboard_stays_on_the_card_that_was_put_in(driver: Driver, beside: SandboxWindow) -> None:
    own = next(one for one in beside.findChildren(CardTile) if one.card.kind is Kind.OPERATOR)
    own.setFocus()
    QTest.keyClick(own, Qt.Key.Key_Return)

    def stays() -> bool:
        here = beside.focusWidget()
        return isinstance(here, CardTile) and here.card.name == own_name and bool(here._reader)

    own_name = own.card.name
    driver.until(stays)
