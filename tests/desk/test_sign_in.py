"""Sign-in, lock and unlock at the window with the operator's card in a virtual reader, over HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.desk.application import create_window
from cmsdesk.desk.environment import Environment
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.status import StatusBar
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.desk.widgets.card_pin import CardPin
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.voucher import NeedsService
from cmsdesk.sandbox.desk.start import FirstSlots, Sandbox, running_sandbox
from cmsdesk.sandbox.world import BODY, CA_NAME, DESKS, OFFICE, READER_OPERATOR, Pins, World
from tests.desk.bench import wait_for
from tests.fixtures.people import MARTA, a_request
from tests.fixtures.worlds import short_folder

pytestmark = pytest.mark.own_process


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A whole sandbox: readers, cards, CA, service."""
    with running_sandbox(World(short_folder(), Pins.random())) as running:
        yield running


@pytest.fixture
def window(application: QApplication, sandbox: Sandbox, tmp_path: Path) -> Iterator[DeskWindow]:
    """A window at which nobody has signed in; the operator's card is in its reader."""
    made = create_window(
        application,
        sandbox.gate(),
        FirstSlots(),
        Preferences(tmp_path / "preferences.json"),
        Environment("sandbox", sandbox=True),
        sandbox.world.clock,
    )
    made.show()
    insert(sandbox)
    yield made
    made.close()
    remove(sandbox)


def insert(sandbox: Sandbox) -> None:
    sandbox.world.stack.emulator.insert(READER_OPERATOR, sandbox.world.operator.path, face="cns")


def remove(sandbox: Sandbox) -> None:
    sandbox.world.stack.emulator.remove(READER_OPERATOR)


def type_pin(page: CardPin, pin: Secret, *, wrong: bool = False) -> None:
    """Type the PIN, or one that differs in its last digit, and press Enter."""
    wait_for(lambda: page._card is not None and page.pin.isEnabled() and not page._busy_now)
    digits = pin.reveal_text()
    if wrong:
        digits = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    QTest.keyClicks(page.pin, digits)
    QTest.keyClick(page.pin, Qt.Key.Key_Return)


def sign_in(window: DeskWindow, sandbox: Sandbox) -> None:
    page = window.sign_in_page
    type_pin(page.card_pin, sandbox.world.operator.pin)
    wait_for(lambda: page._stack.currentIndex() == 1)
    choice = next(one for one in page.findChildren(QPushButton) if one.accessibleName().startswith("Addetto"))
    QTest.keyClick(choice, Qt.Key.Key_Space)
    wait_for(lambda: window.current is not None)


def sign_in_alone(window: DeskWindow, sandbox: Sandbox) -> None:
    """Sign in without the service: the one mandate that was worked under is not asked for."""
    type_pin(window.sign_in_page.card_pin, sandbox.world.operator.pin)
    wait_for(lambda: window._working is not None and window.session.alone)


def test_whose_card_and_tries_left_are_said_before_the_pin_is_asked_and_a_wrong_one_counts_once(
    window: DeskWindow, sandbox: Sandbox
) -> None:
    page = window.sign_in_page.card_pin
    wait_for(lambda: page._card is not None)
    card = page._card
    assert card is not None
    assert card.fiscal_code == "PRTLKS79S09F132H"
    left = card.counters.pin_tries
    assert left is not None
    assert str(left) in page._tries.text()
    assert page._tries.text() in page.pin.accessibleDescription()
    type_pin(page, sandbox.world.operator.pin, wrong=True)
    wait_for(lambda: page._card is not None and page._card.counters.pin_tries == left - 1)
    assert "CARD-WRONG-PIN" in page.notice.text
    assert page.pin.length() == 0
    QTest.qWait(500)
    assert page._card is not None
    assert page._card.counters.pin_tries == left - 1
    sign_in(window, sandbox)
    assert window.session.mandate.role.value == "rao"


def test_taking_the_card_out_locks_and_its_pin_unlocks(window: DeskWindow, sandbox: Sandbox) -> None:
    sign_in(window, sandbox)
    wait_for(lambda: window.session.sync_state.link is Link.UP)
    shown = window.current
    remove(sandbox)
    lock = window._lock_page
    assert lock is not None
    wait_for(lambda: window._pages.currentWidget() is lock)
    assert lock._told.text() == "La tessera dell’operatore è stata estratta."
    assert "Buongiorno" not in window.windowTitle()
    insert(sandbox)
    type_pin(lock.card_pin, sandbox.world.operator.pin)
    wait_for(lambda: window._pages.currentWidget() is window._working)
    assert window.current is shown


def test_a_card_that_may_leave_does_not_lock(window: DeskWindow, sandbox: Sandbox) -> None:
    sign_in(window, sandbox)
    window.allow_card_away(True)
    remove(sandbox)
    wait_for(lambda: not any(found.atr for found in window.readers.readers))
    assert window._pages.currentWidget() is window._working
    window.allow_card_away(False)
    assert window._pages.currentWidget() is window._lock_page
    insert(sandbox)


def window_at(application: QApplication, sandbox: Sandbox, folder: Path, name: str) -> DeskWindow:
    """Return a window at one of the sandbox's desks, the operator's card in its reader."""
    made = create_window(
        application,
        sandbox.gate(name),
        FirstSlots(),
        Preferences(folder / "preferences.json"),
        Environment("sandbox", sandbox=True),
        sandbox.world.clock,
    )
    made.show()
    return made


@pytest.fixture
def stopped(sandbox: Sandbox) -> Iterator[None]:
    """Nothing of the service is left; afterwards it is there again."""
    sandbox.service.stop()
    yield
    if sandbox.service.child.process is None:
        sandbox.service.start()


def test_a_service_that_is_down_is_said_in_a_sentence(
    application: QApplication, sandbox: Sandbox, tmp_path: Path, stopped: None
) -> None:
    window = window_at(application, sandbox, tmp_path, DESKS[1])
    insert(sandbox)
    page = window.sign_in_page.card_pin
    type_pin(page, sandbox.world.operator.pin)
    wait_for(lambda: "SERVICE" in page.notice.text.upper() or "NET" in page.notice.text.upper())
    assert page.pin.length() == 0
    window.close()
    remove(sandbox)


def test_without_the_service_the_card_opens_the_desk_by_its_voucher_and_unlocks_it(
    window: DeskWindow, sandbox: Sandbox
) -> None:
    sign_in(window, sandbox)
    wait_for(lambda: window.session.sync_state.link is Link.UP)
    before = window.session.store
    window.sign_out()
    sandbox.service.stop()
    sign_in_alone(window, sandbox)
    session = window.session
    assert session.store is before
    wait_for(lambda: session.sync_state.link is Link.DOWN)
    status = window.findChildren(StatusBar)[-1]
    assert "Senza il servizio fino alle" in status._words["link"].text()

    request = a_request(new_id(), body=BODY, office=OFFICE, ca=CA_NAME, holder=MARTA)
    session.submit("request.register", request={"id": request.id, **request_document(request)})
    with pytest.raises(NeedsService):
        session.submit("request.approve", request=request.id, digest=request.digest())

    remove(sandbox)
    lock = window._lock_page
    assert lock is not None
    wait_for(lambda: window._pages.currentWidget() is lock)
    insert(sandbox)
    type_pin(lock.card_pin, sandbox.world.operator.pin)
    wait_for(lambda: window._pages.currentWidget() is window._working)

    sandbox.service.start()
    session.sync_now()
    wait_for(lambda: session.sync_state.link is Link.TROUBLE)
    assert "accedere per inviare" in status._words["link"].text()
    window.sign_out()
    sign_in(window, sandbox)
    assert not window.session.alone
    wait_for(lambda: window.session.store.get("request", request.id) is not None)
    assert window.session.problems == ()


def test_without_the_service_a_wrong_pin_opens_nothing(window: DeskWindow, sandbox: Sandbox) -> None:
    sign_in(window, sandbox)
    window.sign_out()
    sandbox.service.stop()
    page = window.sign_in_page.card_pin
    type_pin(page, sandbox.world.operator.pin, wrong=True)
    wait_for(lambda: "CARD-WRONG-PIN" in page.notice.text)
    sign_in_alone(window, sandbox)
    sandbox.service.start()
