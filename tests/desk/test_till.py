"""The till: paid at registration and later, receipts in series, closed with its report; papers are read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from cmsdesk.base.clock import FixedClock
from cmsdesk.desk.money import cents_of
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.contact import ContactScreen
from cmsdesk.desk.screens.list_screen import ListScreen
from cmsdesk.desk.screens.pages.screens import HolderPage
from cmsdesk.desk.screens.pages.views import RequestCard
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.screens.request_detail import RequestDetail
from cmsdesk.desk.screens.till.receipts import ReceiptLines
from cmsdesk.desk.screens.till.screen import TillScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.commands import NotAllowed
from cmsdesk.domain.first_issue import FirstIssue
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.operations.body_defaults import default_configuration
from tests.desk.bench import NOW, Desk, register, wait_for, window_of
from tests.desk.registration.test_screen import Keyboard, fill
from tests.sync.bench import BODY, CA, OFFICE, CentralService

FEE = FirstIssue(first=False, computed=False, imposed=False, tariff="further", fee_cents=2500)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[CentralService]:
    """A body that takes cash and POS in one office, and has a German name."""
    service = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(NOW))
    values = default_configuration(CA).sections()
    values |= {"payments": {"methods": ["cash", "pos"], "series": {OFFICE: "BZ1"}}, "languages": ["it", "de"]}
    service.administer("configuration.change", revision=0, configuration=values)
    service.administer("body.amend", name=f"Ente {BODY}", names={"de": "Handelskammer zur Probe"})
    yield service
    service.close()


@pytest.fixture
def desk(central: CentralService, tmp_path: Path) -> Desk:
    return Desk(central, tmp_path, Role.RAO, Permission.PAYMENTS, Permission.REVERSALS)


@pytest.fixture
def window(qapp: QApplication, central: CentralService, desk: Desk, tmp_path: Path) -> Iterator[DeskWindow]:
    made = window_of(qapp, central.clock, tmp_path)
    made.show()
    made.activateWindow()
    made.begin(desk.parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def opened() -> list[Path]:
    return []


def papers(opened: list[Path]) -> Papers:
    def note(path: Path) -> bool:
        opened.append(path)
        return True

    return Papers(note)


@pytest.fixture
def till(window: DeskWindow, opened: list[Path]) -> TillScreen:
    window.open("till")
    made = window.current
    assert isinstance(made, TillScreen)
    made.cashier.papers.close()
    made.cashier.papers = papers(opened)
    return made


def said(path: Path) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True, timeout=60
    ).stdout.decode()


def settled(window: DeskWindow) -> None:
    wait_for(lambda: not window.session.pending() and window.session.sync_state.link is Link.UP)
    assert window.session.problems == ()


@pytest.mark.parametrize(
    ("text", "cents"),
    [("25", 2500), ("25,5", 2550), ("1.234,50", 123450), ("12.50", 1250), ("€ 3", 300), ("0", 0)],
)
def test_amounts_as_people_type_them(text: str, cents: int) -> None:
    assert cents_of(text) == cents


@pytest.mark.parametrize("text", ["", "x", "-3", "1,234", "1.2.3"])
def test_no_amount(text: str) -> None:
    assert cents_of(text) is None


def test_paid_at_registration_by_one_choice_and_closed_with_the_report(
    window: DeskWindow, desk: Desk, central: CentralService, opened: list[Path]
) -> None:
    window.open("registration")
    screen = window.current
    assert isinstance(screen, RegistrationScreen)
    screen.printer.papers.close()
    screen.printer.papers = screen.cashier.papers = papers(opened)
    keys = Keyboard()
    fill(keys)
    box = screen.view.boxes[paths.PAYMENT]
    assert box.isVisible()
    box.setFocus()
    keys.type("c")
    assert screen.view.form[paths.PAYMENT] == "cash"
    screen.submit()
    wait_for(lambda: len(opened) == 2)
    receipt, form = sorted((said(path) for path in opened), key=lambda text: "Copia per" not in text)
    assert "25,00" in receipt
    assert "Tessari Marta" in receipt
    assert "Handelskammer zur Probe" in receipt
    number = next(word for word in receipt.split() if word.startswith("BZ1-"))
    assert number.endswith("/000001")
    assert number in form
    settled(window)
    window.open("till")
    made = window.current
    assert isinstance(made, TillScreen)
    made.cashier.papers = papers(opened)
    assert made.cashier.balance().cash_cents == 2500
    made.closing.counted.setText("20")
    assert "−5,00" in made.closing.difference.text() or "-5,00" in made.closing.difference.text()
    made.closing.close_it()
    wait_for(lambda: len(opened) == 3)
    report = said(opened[2])
    assert number in report
    assert "5,00" in report
    settled(window)
    assert made.cashier.balance().count == 0
    assert made.cashier.balance().closing == 2
    # the series goes on
    other = register(central, desk.mandate, ("Rossi", "Mario", "RSSMRA80A01H501U"), first_issue=FEE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", other.id) is not None)
    made.search.setText(other.request.code)
    made.take()
    wait_for(lambda: made.chosen is not None)
    made.take()
    wait_for(lambda: len(opened) == 4)
    assert "/000002" in said(opened[3])
    settled(window)
    assert central.things(BODY)["request", other.id]["paid_cents"] == 2500
    assert not [one for one in central.things(BODY) if one[0] == "problem"]


def test_without_a_network_money_is_taken_and_numbered(
    window: DeskWindow, till: TillScreen, desk: Desk, central: CentralService, opened: list[Path]
) -> None:
    people = (("Rossi", "Mario", "RSSMRA80A01H501U"), ("Bianchi", "Anna", "BNCNNA85M41F205Q"))
    made = [register(central, desk.mandate, person, first_issue=FEE) for person in people]
    window.session.sync_now()
    wait_for(lambda: all(window.session.get("request", one.id) for one in made))
    desk.line.faults.extend(["request"] * 50)
    for count, one in enumerate(made, 1):
        till.activate(request=one.id)
        wait_for(lambda one=one: till.chosen is not None and till.chosen.id == one.id)
        till.method.setCurrentIndex(1)
        window.session.store.alone = count == 2  # the second when the loss has been noticed
        till.take()
        wait_for(lambda count=count: len(opened) == count)
        assert f"/00000{count}" in said(opened[-1])
    assert till.cashier.balance().pos_cents == 5000
    desk.line.faults.clear()
    window.session.sync_now()
    settled(window)
    assert not [one for one in central.things(BODY) if one[0] == "problem"]


def test_nothing_is_taken_twice(
    window: DeskWindow, till: TillScreen, desk: Desk, central: CentralService, opened: list[Path]
) -> None:
    one = register(central, desk.mandate, first_issue=FEE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", one.id) is not None)
    for _ in range(2):
        till.activate(request=one.id)
        wait_for(lambda: till.chosen is not None)
        till.take()
    assert till.cashier.balance().count == 1
    assert till.notice.text
    QTest.qWait(50)
    wait_for(lambda: len(opened) == 1)


def test_opened_paid_given_back_and_closed_with_all_of_it_on_paper(
    window: DeskWindow, till: TillScreen, desk: Desk, central: CentralService, opened: list[Path]
) -> None:
    one = register(central, desk.mandate, first_issue=FEE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", one.id) is not None)
    assert till.drawer.opening.isVisible()
    till.drawer.opening.setText("cento")
    till.drawer.record()
    assert till.drawer._field.wrong
    till.drawer.opening.setText("100")
    till.drawer.record()
    assert "100,00" in words_of(till.drawer)
    till.activate(request=one.id)
    wait_for(lambda: till.chosen is not None)
    till.take()
    wait_for(lambda: len(opened) == 1)
    assert not till.drawer.opening.isVisible()
    assert "125,00" in till.drawer._cash.text()
    # the same request again: what was paid for it is offered to be given back, with a reason
    till.activate(request=one.id)
    wait_for(lambda: till.chosen is not None and bool(backs(till.paid)))
    backs(till.paid)[0].click()
    till.paid.confirm()
    assert till.paid._field.wrong
    till.paid.reason.setText("Pagata anche {online}")
    till.paid.confirm()
    wait_for(lambda: len(opened) == 2)
    paper = said(opened[1])
    for words in ("/000002", "/000001", "−25,00", "Pagata anche {online}", "Restituito a", "Tessari Marta"):
        assert words in paper, words
    assert till.cashier.due(one.id) == 2500
    assert "100,00" in till.drawer._cash.text()
    assert "25,00" in till.drawer._told.text()
    wait_for(lambda: backs(till.receipts) == backs(till.paid) == [])
    till.closing.counted.setText("100")
    till.closing.close_it()
    wait_for(lambda: len(opened) == 3)
    report = said(opened[2])
    for words in ("Pagamenti stornati", "100,00", "−25,00", "Pagata anche {online}"):
        assert words in report, words
    settled(window)
    assert till.drawer.opening.isVisible()
    kinds = [thing for thing, _ in central.things(BODY)]
    assert kinds.count("payment") == 2
    assert "problem" not in kinds
    request = central.things(BODY)["request", one.id]
    assert request["paid_cents"] == 0
    window.open("holder", holder=one.request.holder.fiscal_code)
    page = window.current
    assert isinstance(page, HolderPage)
    wait_for(lambda: window.texts("Payment given back") in words_of(page))


def backs(lines: ReceiptLines) -> list[QPushButton]:
    """Return the buttons that offer to give a payment back."""
    wanted = lines._texts("Give back…")
    return [one for one in lines.findChildren(QPushButton) if one.text() == wanted and one.isVisibleTo(lines)]


def test_who_may_only_take_gives_nothing_back(
    central: CentralService, tmp_path: Path, qapp: QApplication, opened: list[Path]
) -> None:
    desk = Desk(central, tmp_path, Role.RAO, Permission.PAYMENTS)
    one = register(central, desk.mandate, first_issue=FEE)
    made = window_of(qapp, central.clock, tmp_path)
    made.show()
    made.begin(desk.parts())
    wait_for(lambda: made.session.get("request", one.id) is not None)
    made.open("till")
    screen = made.current
    assert isinstance(screen, TillScreen)
    screen.cashier.papers = papers(opened)
    screen.activate(request=one.id)
    wait_for(lambda: screen.chosen is not None)
    screen.take()
    wait_for(lambda: len(opened) == 1 and bool(screen.receipts.findChildren(QPushButton)))
    assert backs(screen.receipts) == []
    [(identifier, _)] = made.session.tills.payments_of(one.id)
    with pytest.raises(NotAllowed):
        screen.cashier.give_back(identifier, "x")
    made.close()


def card_of(window: DeskWindow, page: HolderPage, code: str) -> RequestCard:
    """Return the card of a request on its holder's page, once it is there."""

    def found() -> list[RequestCard]:
        cards = [one for one in page.findChildren(RequestCard) if one.isVisibleTo(page)]
        return [one for one in cards if one.accessibleName().startswith(code)]

    wait_for(lambda: bool(found()))
    return found()[0]


def words_of(widget: QWidget) -> str:
    return "\n".join(one.text() for one in widget.findChildren(QLabel) if one.isVisibleTo(widget))


def press(widget: QWidget, title: str) -> None:
    next(one for one in widget.findChildren(QPushButton) if one.text().strip() == title).click()


def test_the_till_and_the_address_are_reached_from_a_request_and_its_holder(
    window: DeskWindow, desk: Desk, central: CentralService, opened: list[Path], till: TillScreen
) -> None:
    one = register(central, desk.mandate, first_issue=FEE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", one.id) is not None)
    pay, address = window.texts("Take the payment"), window.texts("Change the address")
    window.open("requests", request=one.id)
    listed = window.current
    assert isinstance(listed, ListScreen)
    wait_for(lambda: isinstance(listed._detail.widget(), RequestDetail))
    press(listed._detail.widget(), address)
    contact = window.current
    assert isinstance(contact, ContactScreen)
    assert contact.request is not None
    assert contact.request.id == one.id
    window.open("holder", holder=one.request.holder.fiscal_code)
    page = window.current
    assert isinstance(page, HolderPage)
    press(card_of(window, page, one.request.code), pay)
    assert window.current is till
    wait_for(lambda: till.chosen is not None and till.chosen.id == one.id)
    till.take()
    wait_for(lambda: len(opened) == 1)
    window.back()
    nothing_due = window.texts("Nothing is to be paid: {acts}.", acts=pay)
    wait_for(lambda: nothing_due in words_of(card_of(window, page, one.request.code)))
    window.open("requests", request=one.id)
    wait_for(lambda: nothing_due in words_of(listed._detail.widget()))


def test_where_no_money_is_taken_the_request_says_so(
    window: DeskWindow, desk: Desk, central: CentralService
) -> None:
    one = register(central, desk.mandate, first_issue=FEE)
    values = default_configuration(CA).sections()
    central.administer("configuration.change", revision=1, configuration=values)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("configuration", BODY) or {}).get("revision") == 2)
    window.open("holder", holder=one.request.holder.fiscal_code)
    page = window.current
    assert isinstance(page, HolderPage)
    why = "Not in this office, which takes no money: {acts}."
    said = window.texts(why, acts=window.texts("Take the payment"))
    assert said in words_of(card_of(window, page, one.request.code))


def test_who_may_not_has_no_till(central: CentralService, tmp_path: Path, qapp: QApplication) -> None:
    made = window_of(qapp, central.clock, tmp_path)
    made.begin(Desk(central, tmp_path).parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    assert not made.can_open("till")
    made.open("registration")
    screen = made.current
    assert isinstance(screen, RegistrationScreen)
    assert screen.cashier.till is None
    assert not screen.view.rows[paths.PAYMENT].isVisibleTo(screen.view)
    made.close()


def test_every_line_follows_the_language(
    window: DeskWindow, till: TillScreen, desk: Desk, central: CentralService
) -> None:
    one = register(central, desk.mandate, first_issue=FEE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", one.id) is not None)
    till.activate(request=one.id)
    wait_for(lambda: till.chosen is not None)
    till.take()
    wait_for(lambda: "contanti" in words_of(till.receipts))
    assert "Ancora nessuna." in words_of(till.closing)
    window.texts.set_language("de")
    wait_for(lambda: "Bargeld" in words_of(till.receipts) and "Ancora nessuna." not in words_of(till.closing))


def test_at_sign_out_nothing_printed_is_left(
    window: DeskWindow, till: TillScreen, desk: Desk, central: CentralService, opened: list[Path]
) -> None:
    one = register(central, desk.mandate, first_issue=FEE)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", one.id) is not None)
    till.activate(request=one.id)
    wait_for(lambda: till.chosen is not None)
    till.take()
    wait_for(lambda: bool(opened))
    assert opened[0].exists()
    window.sign_out()
    assert not opened[0].parent.exists()
