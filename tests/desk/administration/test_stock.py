"""Stock: where it lies, what is low, what moves, what is set aside (ORG-5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.desk.screens.administration.stock import StockScreen
from cmsdesk.desk.screens.administration.supply_form import TakeSupply
from cmsdesk.desk.screens.home import HomeScreen
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.configuration import Configuration
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice
from tests.desk.administration.conftest import OpenScreen
from tests.desk.administration.test_operators import named, press
from tests.desk.bench import Desk, wait_for
from tests.desk.test_window import nameless
from tests.sync.bench import BODY, CA, OFFICE, SECOND_OFFICE, CentralService


def supply(central: CentralService, lot: str, first: int, many: int, office: str | None = OFFICE) -> None:
    until = date(2030, 1, 1).isoformat()
    devices = [
        {"card_id": f"D-{number}", "kind": "smart_card", "ca": CA, "certified_until": until}
        for number in range(first, first + many)
    ]
    cards = [f"S-{number}" for number in range(first, first + many)]
    where = {"office": office} if office else {}
    central.administer(
        "stock.receive", lot=lot, supplier="Prova", devices=devices, scratch_cards=cards, **where
    )


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    """Two lots, in one office and in the store; the whole body and the second office want more."""
    supply(desk.central, "L-1", 100, 5)
    supply(desk.central, "L-2", 200, 4, None)
    known = Configuration.of(desk.central.things(BODY)["configuration", BODY]).sections()
    known["stock"] = {
        "body": {"smart_card": 20, "scratch_card": 3},
        "offices": {SECOND_OFFICE: {"smart_card": 2}},
    }
    desk.central.administer("configuration.change", revision=1, configuration=known)
    return desk


def where(desk: Desk, thing: str = "device") -> dict[str, str | None]:
    return {
        key: found.get("office") for (kind, key), found in desk.central.things(BODY).items() if kind == thing
    }


def rows(screen: StockScreen) -> dict[str, tuple[int, bool]]:
    return {one.key: (one.free, one.low) for one in screen.model.rows}


def test_it_shows_where_things_lie_and_what_is_low(
    stocked: Desk, opened: OpenScreen, window: DeskWindow
) -> None:
    screen: StockScreen = opened("stock")
    found = rows(screen)
    assert found["smart_card/*"] == (9, True)
    assert found["scratch_card/*"] == (9, False)
    assert found[f"smart_card/{OFFICE}"] == (5, False)
    assert found["smart_card/"] == (4, False)
    assert found[f"smart_card/{SECOND_OFFICE}"] == (0, True)
    assert nameless(window) == []


def test_home_says_what_is_low_and_leads_there(stocked: Desk, window: DeskWindow) -> None:
    window.open("home")
    home = window.current
    assert isinstance(home, HomeScreen)
    wait_for(lambda: home._rows["stock"]._count == 2)
    press(home._rows["stock"])
    screen = window.current
    assert isinstance(screen, StockScreen)
    wait_for(lambda: set(rows(screen)) == {"smart_card/*", f"smart_card/{SECOND_OFFICE}"})


def test_some_are_moved_by_keyboard_the_oldest_lot_first(stocked: Desk, opened: OpenScreen) -> None:
    screen: StockScreen = opened("stock")
    screen.activate(thing=f"smart_card/{OFFICE}")
    wait_for(lambda: screen._chosen == f"smart_card/{OFFICE}" and screen.chosen() is not None)
    press(screen.main)
    form = screen.form
    assert QApplication.focusWidget() is form.count
    form.to.setCurrentIndex(form.to.findData(SECOND_OFFICE))
    QTest.keyClicks(form.count, "6")
    QTest.keyClick(form.count, Qt.Key.Key_Return)
    assert form._count_row.wrong, "only five are there"
    form.count.setText("2")
    QTest.keyClick(form.count, Qt.Key.Key_Return)
    wait_for(
        lambda: (
            [one for one, office in where(stocked).items() if office == SECOND_OFFICE] == ["D-100", "D-101"]
        )
    )
    wait_for(lambda: rows(screen)[f"smart_card/{SECOND_OFFICE}"] == (2, False))


def test_scratch_cards_go_back_to_the_store(stocked: Desk, opened: OpenScreen) -> None:
    screen: StockScreen = opened("stock")
    screen.activate(thing=f"scratch_card/{OFFICE}")
    wait_for(lambda: screen._chosen == f"scratch_card/{OFFICE}" and screen.chosen() is not None)
    screen.move_stock()
    form = screen.form
    form.to.setCurrentIndex(form.to.findData(""))
    form.count.setText("5")
    QTest.keyClick(form.count, Qt.Key.Key_Return)
    wait_for(lambda: set(where(stocked, "scratch_card").values()) == {None})


def test_one_is_set_aside_with_its_reason_and_put_back(stocked: Desk, opened: OpenScreen) -> None:
    screen: StockScreen = opened("stock")
    press(named(screen, "Accantona…"))
    form = screen.form
    QTest.keyClicks(form.number, "D-102")
    QTest.keyClick(form.number, Qt.Key.Key_Return)
    assert form._reason_row.wrong
    QTest.keyClicks(form.reason, "chip rotto")
    QTest.keyClick(form.reason, Qt.Key.Key_Return)
    wait_for(lambda: stocked.central.things(BODY)["device", "D-102"]["state"] == "set_aside")
    screen.set_aside()
    form = screen.form
    form.number.setText("D-102")
    form.reason.setText("era il lettore")
    form.confirm()
    wait_for(lambda: stocked.central.things(BODY)["device", "D-102"]["state"] == "in_stock")
    screen.set_aside()
    form = screen.form
    form.number.setText("X-1")
    form.reason.setText("prova")
    form.confirm()
    assert form._number_row.wrong


class KeptCodes:
    """A vault that remembers; it fails when it is told to."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.parts: list[int] = []
        self.fails = False

    def put(self, devices: Sequence[SuppliedDevice], cards: Sequence[SuppliedCard]) -> None:
        if self.fails and self.parts:
            raise ServiceUnreachable(reason="no answer")
        self.parts.append(len(devices) + len(cards))
        self.kept |= {one.card_id: one.pin.reveal_text() for one in devices}
        self.kept |= {one.number: one.pin.reveal_text() for one in cards}


def supplier_file(folder: Path, many: int = 25) -> Path:
    path = folder / "fornitura.csv"
    lines = ["type;id;ca;certified_until;pin;puk;emergency_code"]
    lines += [f"smart_card;N-{one:03d};{CA};2031-01-01;1234{one:04d};8765{one:04d};" for one in range(many)]
    lines += ["scratch_card;SC-1;;;11112222;33334444;EMERGENZA1"]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_suppliers_file_comes_into_vault_and_stock(
    stocked: Desk, opened: OpenScreen, tmp_path: Path
) -> None:
    screen: StockScreen = opened("stock")
    vault = KeptCodes()
    screen.session.supplies = vault
    screen.take_supply(supplier_file(tmp_path))
    wait_for(lambda: isinstance(screen.form, TakeSupply))
    form = screen.form
    QTest.keyClick(form.lot, Qt.Key.Key_Return)
    assert form._lot_row.wrong
    QTest.keyClicks(form.lot, "L-9")
    form.supplier.setText("Fornitore di Prova")
    form.office.setCurrentIndex(form.office.findData(SECOND_OFFICE))
    QTest.keyClick(form.supplier, Qt.Key.Key_Return)
    wait_for(lambda: ("scratch_card", "SC-1") in stocked.central.things(BODY))
    wait_for(lambda: where(stocked).get("N-024") == SECOND_OFFICE)
    assert vault.parts == [20, 5, 1]
    assert vault.kept["N-007"] == "12340007"
    assert "fornitura.csv" in screen.notice.text
    assert not any("1234" in str(document) for document in stocked.central.things(BODY).values())


def test_nothing_is_in_stock_when_a_part_fails_and_again_takes_all(
    stocked: Desk, opened: OpenScreen, tmp_path: Path
) -> None:
    screen: StockScreen = opened("stock")
    vault = KeptCodes()
    vault.fails = True
    screen.session.supplies = vault
    screen.take_supply(supplier_file(tmp_path))
    wait_for(lambda: isinstance(screen.form, TakeSupply))
    form = screen.form
    form.lot.setText("L-9")
    form.supplier.setText("Fornitore di Prova")
    form.confirm()
    wait_for(lambda: bool(form.notice.text))
    assert "N-000" not in where(stocked)
    vault.fails = False
    form.confirm()
    wait_for(lambda: "N-024" in where(stocked))


def test_what_is_in_stock_already_is_refused_before_any_code_leaves(
    stocked: Desk, opened: OpenScreen, tmp_path: Path
) -> None:
    supply(stocked.central, "L-8", 300, 1)
    screen: StockScreen = opened("stock")
    path = supplier_file(tmp_path, 1)
    path.write_text(path.read_text().replace("N-000", "D-100"), encoding="utf-8")
    vault = KeptCodes()
    screen.session.supplies = vault
    screen.take_supply(path)
    wait_for(lambda: isinstance(screen.form, TakeSupply))
    form = screen.form
    form.lot.setText("L-9")
    form.supplier.setText("P")
    form.confirm()
    assert "D-100" in form.notice.text
    assert vault.parts == []


def test_a_wrong_file_is_told_in_place(stocked: Desk, opened: OpenScreen, tmp_path: Path) -> None:
    screen: StockScreen = opened("stock")
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1;2\n", encoding="utf-8")
    screen.take_supply(path)
    wait_for(lambda: bool(screen.notice.text))
    assert screen.form is None
