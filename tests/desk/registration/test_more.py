"""Abroad, residence permit, mobile, limits of use; amendments begun and left; bookings; empty forms."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from cmsdesk.base.ids import new_id
from cmsdesk.desk import work
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.checks import missing, mobile_of, wrongs
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.booking import Booking
from cmsdesk.domain.documents import request_of
from tests.desk.bench import Desk, approve, register, wait_for
from tests.desk.registration.people import CODES, PLACES, TODAY, filled
from tests.desk.registration.test_look_ups import put
from tests.desk.registration.test_screen import Keyboard, fill
from tests.sync.bench import BODY, CentralService

_MARTA = "Tessari", "Marta", "TSSMRT87C54A952D"


def said(path: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def test_a_residence_abroad_needs_no_province_and_no_italian_municipality() -> None:
    form = filled(COUNTRY="AT", MUNICIPALITY="Innsbruck", POSTCODE="A-6020")
    assert wrongs(form, CODES, PLACES, TODAY) == {}
    assert paths.PROVINCE not in missing(form)
    assert paths.COUNTRY in wrongs(filled(COUNTRY="QQ"), CODES, PLACES, TODAY)
    assert paths.MUNICIPALITY in wrongs(filled(MUNICIPALITY="Innsbruck"), CODES, PLACES, TODAY)


def test_a_permit_is_asked_of_citizens_of_other_countries_who_live_here() -> None:
    assert set(paths.PERMIT) <= set(missing(filled(CITIZENSHIP="US")))
    assert not set(paths.PERMIT) & set(missing(filled(CITIZENSHIP="CH")))
    assert not set(paths.PERMIT) & set(missing(filled(CITIZENSHIP="US", COUNTRY="US")))
    late = filled(CITIZENSHIP="US", PERMIT_EXPIRES="01/01/2020")
    assert paths.PERMIT_EXPIRES in wrongs(late, CODES, PLACES, TODAY)


def test_mobile_numbers() -> None:
    assert mobile_of("347 123.45-67") == "+393471234567"
    assert mobile_of("0049 170 1234567") == "+491701234567"
    assert mobile_of("+43 664 1234567") == "+436641234567"
    assert mobile_of("chiamare la sera") is None
    assert paths.MOBILE in wrongs(filled(MOBILE="12"), CODES, PLACES, TODAY)


def test_an_american_in_vienna_is_registered_and_printed_with_all_that_was_entered(
    window: DeskWindow, screen: RegistrationScreen, opened: list[Path]
) -> None:
    fill(Keyboard())
    values = {
        paths.CITIZENSHIP: "US",
        paths.COUNTRY: "AT",
        paths.MUNICIPALITY: "Wien",
        paths.POSTCODE: "1010",
        paths.PROVINCE: "",
        paths.MOBILE: "+43 664 1234567",
        paths.LIMITS: "Solo per atti fino a 10.000 euro",
    }
    for path, text in values.items():
        put(screen, path, text)
    assert screen.view.wrongs() == {}
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, document)] = window.session.in_state("request", "registered")
    request = request_of(identifier, document)
    home = request.holder.residence
    assert (home.country, home.municipality, home.municipality_code, home.province) == ("AT", "Wien", "", "")
    assert request.holder.mobile == "+436641234567"
    assert request.holder.residence_permit is None
    assert request.limits_of_use == "Solo per atti fino a 10.000 euro"
    text = said(opened[0])
    for word in ("Wien – AT", "+436641234567", "Solo per atti"):
        assert word in text


def test_a_permit_is_kept_and_printed(
    window: DeskWindow, screen: RegistrationScreen, opened: list[Path]
) -> None:
    fill(Keyboard())
    put(screen, paths.CITIZENSHIP, "US")
    screen.submit()
    assert not window.session.pending()
    values = ("I12345678", "Questura di Bolzano", "01/02/2024", "01/02/2029")
    for path, text in zip(paths.PERMIT, values, strict=True):
        put(screen, path, text)
    screen.submit()
    wait_for(lambda: bool(opened))
    [(identifier, document)] = window.session.in_state("request", "registered")
    permit = request_of(identifier, document).holder.residence_permit
    assert permit is not None
    assert permit.number == "I12345678"
    assert "I12345678" in said(opened[0])


def test_an_amendment_that_was_left_is_gone_on_with_and_can_be_discarded(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk, opened: list[Path]
) -> None:
    mine = register(central, desk.mandate, _MARTA)
    window.session.sync_now()
    wait_for(lambda: window.session.get("request", mine.id) is not None)
    window.open("registration", amend=mine.id)
    put(screen, paths.STREET, "Via Nuova 9")
    window.open("home")
    window.open("registration")
    window.open("registration", request=mine.id)
    assert screen.view.form[paths.STREET] == "Via Nuova 9"
    assert screen.notice.text
    screen.discard()
    assert screen.view.form[paths.STREET] == mine.request.holder.residence.street
    assert window.session.drafts.all_of(desk.mandate) == []
    # what was begun before an approval is no longer saved, but for the address
    put(screen, paths.STREET, "Via Nuova 9")
    put(screen, paths.CONTACT_EMAIL, "altra@example.com")
    approve(central, desk.mandate, mine)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("request", mine.id) or {})["state"] == "approved")
    window.open("registration", request=mine.id)
    assert screen.view.form[paths.STREET] == mine.request.holder.residence.street
    assert screen.view.form[paths.CONTACT_EMAIL] == "altra@example.com"
    screen.submit()
    wait_for(lambda: not window.session.pending())
    document = window.session.get("request", mine.id) or {}
    assert document["holder"]["contact_email"] == "altra@example.com"
    assert window.session.drafts.all_of(desk.mandate) == []
    assert window.session.problems == ()


def test_who_is_expected_is_one_key_away(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk
) -> None:
    values = {paths.FISCAL_CODE: _MARTA[2], paths.SURNAME: "Tessari", paths.GIVEN_NAME: "Marta"}
    at = datetime(2026, 5, 28, 9, tzinfo=UTC).isoformat()
    central.do(desk.mandate, "booking.record", booking={"id": new_id(), "values": values, "appointment": at})
    window.session.sync_now()
    wait_for(lambda: bool(screen.expected.bookings))
    Keyboard().type("RSS")
    screen.expected._take(screen.expected.bookings[0])
    assert screen.view.form[paths.FISCAL_CODE] == _MARTA[2]
    assert screen.view.form[paths.BORN_ON] == "14/03/1987"
    # the one that was begun is still there
    titles = [
        draft.content["values"][paths.FISCAL_CODE] for draft in window.session.drafts.all_of(desk.mandate)
    ]
    assert "RSS" in titles


def test_an_empty_form_is_printed_and_typed_in_later_as_paper(
    window: DeskWindow, screen: RegistrationScreen, opened: list[Path]
) -> None:
    screen.printer.empty()
    wait_for(lambda: len(opened) == 1)
    assert "Permesso di soggiorno" in said(opened[0])
    keys = Keyboard()
    fill(keys)
    screen.view.boxes[paths.ENTRY].setFocus()
    keys.type("m")
    screen.submit()
    wait_for(lambda: len(opened) == 2)
    [(identifier, document)] = window.session.in_state("request", "registered")
    entry = request_of(identifier, document).entry
    assert entry is not None
    assert entry.value == "paper"


def test_an_origin_takes_no_room_from_the_fields(screen: RegistrationScreen) -> None:
    """In a small window its word is cut, and read in the tip; the fields stay where they are."""
    rows = [screen.view.rows[path] for path in (paths.BORN_ON, paths.SEX, paths.CITIZENSHIP)]
    before = [(row.x(), row.width()) for row in rows]
    for row in rows:
        row.set_origin("the register of all the companies there are in the country")
    wait_for(lambda: all(row._chip.x() > 0 and row._chip.text().endswith("…") for row in rows))
    assert [(row.x(), row.width()) for row in rows] == before
    assert all(row._chip.toolTip() == row._chip.word for row in rows)
    for row in rows:
        row.set_origin("codice fiscale")
    screen.window().resize(1920, 1080)
    wait_for(lambda: [row._chip.text() for row in rows] == ["codice fiscale"] * 3)


def test_every_value_that_a_source_gave_says_which(screen: RegistrationScreen) -> None:
    Keyboard().type(_MARTA[2])
    for path in (paths.BORN_ON, paths.SEX, paths.BIRTH_PLACE):
        assert screen.view.rows[path]._chip.word == "codice fiscale"
        assert "codice fiscale" in screen.view.rows[path].field.accessibleDescription()
        field = screen.view.rows[path].field
        assert isinstance(field, QLineEdit)
        assert not field.isReadOnly()


@pytest.mark.parametrize("gone", [False, True])
def test_bookings_that_arrive_when_their_screen_is_gone_are_dropped(
    window: DeskWindow,
    screen: RegistrationScreen,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    gone: bool,
) -> None:
    at = datetime(2026, 5, 28, 9, tzinfo=UTC).isoformat()
    booking = Booking("B-1", BODY, None, {paths.SURNAME: "Tessari"}, appointment=at)
    asked, answer = threading.Event(), threading.Event()

    def slow(session: DeskSession) -> list[Booking]:
        asked.set()
        assert answer.wait(20)
        return [booking]

    monkeypatch.setattr("cmsdesk.desk.screens.registration.expected.open_bookings", slow)
    expected = screen.expected
    expected.refresh()
    assert asked.wait(20)
    if gone:
        window.sign_out()
        wait_for(lambda: not shiboken6.isValid(expected.card))
    answer.set()
    work.finish()
    QTest.qWait(50)
    # that one which is there gets them shows that they came
    assert expected.bookings == ([] if gone else [booking])
