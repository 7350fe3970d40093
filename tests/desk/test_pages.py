"""The pages of holders and devices: the past, certificates with the CA's word, acts or why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from cmsdesk.desk.screens.list_screen import ListScreen
from cmsdesk.desk.screens.pages.screens import DevicePage, HolderPage, Page
from cmsdesk.desk.screens.pages.views import RequestCard
from cmsdesk.desk.screens.request_detail import RequestDetail
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import CaUnreachable
from tests.desk.bench import PEOPLE, Desk, Produced, approve, make_device, register, wait_for
from tests.sync.bench import CA

ANNA = PEOPLE[3]


class Authority:
    """A CA that knows every certificate, until it does not answer."""

    def __init__(self) -> None:
        self.word: CertificateStatus | None = CertificateStatus.SUSPENDED

    def status(self, certificate: bytes) -> CertificateStatus:
        if self.word is None:
            raise CaUnreachable(ca=CA, reason="no answer")
        return self.word


@pytest.fixture
def authority(window: DeskWindow) -> Authority:
    made = Authority()
    authorities: Any = window.session.parts.authorities
    authorities[CA] = made
    return made


@pytest.fixture
def made(window: DeskWindow, desk: Desk) -> Produced:
    """A person with a request that was amended, approved, produced."""
    central, mandate = desk.central, desk.mandate
    registered = register(central, mandate, ANNA)
    holder = replace(registered.request.holder, contact_email="nuovo.indirizzo@example.com")
    registered.request = replace(registered.request, holder=holder)
    document = {"id": registered.id, **request_document(registered.request)}
    central.do(mandate, "request.amend", request=document)
    approve(central, mandate, registered)
    produced = make_device(central, mandate, registered)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", registered.id) or {}).get("state") == "produced")
    return produced


def text_of(page: Page) -> str:
    return "\n".join(one.text() for one in page.findChildren(QLabel) if one.isVisibleTo(page))


def holder_page(window: DeskWindow) -> HolderPage:
    window.open("holder", holder=ANNA[2])
    page = window.current
    assert isinstance(page, HolderPage)
    return page


def test_a_holders_page_tells_who_when_what_and_from_which_desk(
    window: DeskWindow, made: Produced, authority: Authority
) -> None:
    page = holder_page(window)
    said = window.texts.begin(word(CertificateStatus.SUSPENDED))
    wait_for(lambda: said in text_of(page))
    text = text_of(page)
    for message in (
        "Registered",
        "Data amended",
        "Approved",
        "Produced",
        "Certificates issued by the authority",
    ):
        assert window.texts(message) in text, message
    known = page._known
    assert known is not None
    assert [one.at for one in known.told] == sorted((one.at for one in known.told), reverse=True)
    amended = next(one for one in known.told if one.what == "Data amended")
    assert amended.mandate
    assert amended.desk == "abababab"
    [change] = amended.changes
    assert change.after == "nuovo.indirizzo@example.com"
    assert "nuovo.indirizzo@example.com" in text
    assert page.title() == "Bianchi Anna"


def test_acts_are_offered_or_the_reason_is_told(
    window: DeskWindow, made: Produced, authority: Authority
) -> None:
    page = holder_page(window)
    wait_for(lambda: page._known is not None)

    code = made.registered.request.code

    def shown() -> RequestCard:
        cards = page.findChildren(RequestCard)
        return next(one for one in cards if one.accessibleName().startswith(code) and one.isVisibleTo(page))

    def titles() -> set[str]:
        return {one.text().strip() for one in shown().findChildren(QPushButton)}

    wait_for(lambda: any(one.isVisibleTo(page) for one in page.findChildren(RequestCard)))

    wait_for(lambda: window.texts("Hand over") in titles())
    assert window.texts("Approve") not in titles()
    said = [one.text() for one in shown().findChildren(QLabel)]
    [why] = [line for line in said if window.texts("Approve") in line]
    assert f"«{window.texts('produced')}»" in why


def test_a_ca_that_does_not_answer_is_told_and_asked_again(
    window: DeskWindow, made: Produced, authority: Authority
) -> None:
    authority.word = None
    page = holder_page(window)
    wait_for(lambda: CA in text_of(page) and window.texts("state not known now") in text_of(page))
    assert CaUnreachable.code not in text_of(page)
    authority.word = CertificateStatus.VALID
    page.ask()
    wait_for(lambda: page._asked is not None and page._asked[1] is None)
    assert page._asked is not None
    assert set(page._asked[0].values()) == {CertificateStatus.VALID}


def test_a_devices_page_leads_to_its_holder(window: DeskWindow, made: Produced, authority: Authority) -> None:
    window.open("device", device=made.device)
    page = window.current
    assert isinstance(page, DevicePage)
    wait_for(lambda: window.texts("Taken into stock") in text_of(page))
    assert window.texts("Certificates issued by the authority") in text_of(page)
    link = next(one for one in page.findChildren(QPushButton) if "Bianchi Anna" in one.text())
    link.click()
    assert isinstance(window.current, HolderPage)


def test_the_page_follows_what_happens_elsewhere(
    window: DeskWindow, desk: Desk, made: Produced, authority: Authority
) -> None:
    page = holder_page(window)
    wait_for(lambda: page._known is not None)
    desk.central.do(desk.mandate, "request.deliver", request=made.registered.id)
    window.session.sync_now()
    wait_for(lambda: page._known is not None and page._known.told[0].what == "Handed over")


def test_erasure_takes_what_amendments_changed(window: DeskWindow, made: Produced) -> None:
    store = window.session.store
    before = store.past.of("request", made.registered.id)
    assert any(one.changes for one in before)
    with store._transaction():
        store.past.erase("request", made.registered.id)
    after = store.past.of("request", made.registered.id)
    assert [one.kind for one in after] == [one.kind for one in before]
    assert not any(one.changes for one in after)


def test_a_page_is_reached_from_the_list_and_from_the_palette(
    window: DeskWindow, made: Produced, authority: Authority
) -> None:
    window.activateWindow()
    wait_for(window.isActiveWindow)
    window.open("holders")
    shown = window.current
    assert isinstance(shown, ListScreen)
    shown.choose(ANNA[2])
    wait_for(lambda: shown._stamp is not None and shown._stamp[0].id == ANNA[2])
    open_it = window.texts("Page of the holder")
    wait_for(lambda: any(open_it in one.text() for one in shown._right.findChildren(QPushButton)))

    def goes_to_the_button() -> bool:
        # what arrives from the service builds the side anew, and the focus goes with what stood there
        QTest.keyClick(shown.table, Qt.Key.Key_Return)
        focused = QApplication.focusWidget()
        return isinstance(focused, QPushButton) and open_it in focused.text()

    wait_for(goes_to_the_button)
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Return)
    wait_for(lambda: isinstance(window.current, HolderPage))
    window.activateWindow()
    wait_for(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(window._palette.line, made.device)
    wait_for(lambda: window._palette.list.count() >= 2)
    window._palette.list.setCurrentRow(window._palette.list.count() - 1)
    QTest.keyClick(window._palette.line, Qt.Key.Key_Return)
    wait_for(lambda: isinstance(window.current, DevicePage))


def test_a_failed_request_has_a_way_back(window: DeskWindow, desk: Desk) -> None:
    central, mandate = desk.central, desk.mandate
    registered = register(central, mandate, ANNA)
    approve(central, mandate, registered)
    made = make_device(central, mandate, registered, open_only=True)
    central.do(mandate, "production.reset", production=made.production, withdraw=[])
    central.do(mandate, "production.clean", production=made.production, failed=True)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", registered.id) or {}).get("state") == "failed")
    window.open("requests", request=registered.id)
    shown = window.current
    assert isinstance(shown, ListScreen)
    detail = shown._detail.widget()
    assert isinstance(detail, RequestDetail)
    again = window.texts("Produce after all")
    next(one for one in detail.findChildren(QPushButton) if again in one.text()).click()
    wait_for(lambda: central.things("uno")["request", registered.id]["state"] == "approved")


def _seen(page: QWidget, texts: set[str]) -> list[QLabel]:
    return [one for one in page.findChildren(QLabel) if one.text() in texts and one.isVisible()]


def test_the_number_of_a_certificate_is_whole_in_the_smallest_window(
    window: DeskWindow, made: Produced, authority: Authority
) -> None:
    window.resize(window.minimumSize())
    for screen, facts in (("holder", {"holder": ANNA[2]}), ("device", {"device": made.device})):
        window.open(screen, **facts)
        page = window.current
        assert isinstance(page, Page)
        wait_for(lambda page=page: page._known is not None and bool(page._known.held))
        numbers = {one.facts.serial for one in page._known.held}
        assert all(len(number) > 30 for number in numbers)
        wait_for(lambda page=page, numbers=numbers: {one.text() for one in _seen(page, numbers)} == numbers)
        QTest.qWait(100)
        labels = _seen(page, numbers)
        for one in labels:
            assert one.width() >= one.fontMetrics().horizontalAdvance(one.text())
            assert one.mapTo(window, one.rect().topRight()).x() <= window.width()
