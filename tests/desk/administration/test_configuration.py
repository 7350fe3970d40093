"""The configuration as a form: validated, what changes shown, saved whole (ORG-5)."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QScrollArea, QWidget

from cmsdesk.base.texts import LANGUAGES
from cmsdesk.desk.screens.administration.configuration import ConfigurationScreen
from cmsdesk.desk.screens.administration.configuration_words import rules_in_sentences
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.configuration import AnnualFee, Configuration, EarlierIssues, FirstIssueRules, Imposed
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.events import Document
from tests.desk.administration.conftest import OpenScreen
from tests.desk.bench import Desk, wait_for
from tests.desk.test_window import nameless
from tests.sync.bench import BODY, OFFICE


def decided(desk: Desk) -> Document:
    found: Document = desk.central.things(BODY)["configuration", BODY]
    return found


def field(screen: ConfigurationScreen, *path: str) -> QWidget:
    [found] = [one for one in screen.fields.bound if one.path == path]
    assert found.row is not None
    return found.row.field


def words(screen: QWidget) -> list[str]:
    return [one.text() for one in screen.findChildren(QLabel) if one.isVisible()]


def test_it_opens_as_decided_and_has_nothing_to_save(opened: OpenScreen) -> None:
    screen: ConfigurationScreen = opened("configuration")
    assert screen.changes() == []
    assert not screen.main.isEnabled()
    assert "Nulla: ciò che si legge qui è già deciso." in words(screen)


def test_what_was_never_decided_is_said_in_words(opened: OpenScreen) -> None:
    screen: ConfigurationScreen = opened("configuration")
    fields = screen.fields
    changes = fields.changes({}, fields.values({})[0])
    assert "annual_fee" in {part for one in changes for part in one.path}, changes
    assert not [one for one in changes if "None" in (one.before, one.after)]


def test_a_fee_is_changed_by_keyboard_shown_and_saved(opened: OpenScreen, desk: Desk) -> None:
    screen: ConfigurationScreen = opened("configuration")
    fee = field(screen, "tariffs", "devices", "smart_card", "further_cents")
    fee.setFocus()
    fee.selectAll()
    QTest.keyClicks(fee, "venti")
    assert not screen.main.isEnabled()
    assert any("importo in euro" in said for said in words(screen))
    fee.selectAll()
    QTest.keyClicks(fee, "31,5")
    [change] = screen.changes()
    assert (change.before, change.after) == ("25,00 €", "31,50 €")
    wait_for(lambda: "25,00 €  →  31,50 €" in words(screen))
    QTest.keyClick(fee, Qt.Key.Key_Return)
    assert decided(desk)["revision"] == 1, "Enter in a field goes on to the next one"
    QTest.keyClick(fee, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    wait_for(lambda: decided(desk)["revision"] == 2)
    tariffs = Configuration.of(decided(desk)).tariffs
    assert tariffs.devices[DeviceKind.SMART_CARD].further_cents == 3150
    assert screen.changes() == []


def test_every_section_is_saved_and_the_rest_is_left_alone(opened: OpenScreen, desk: Desk) -> None:
    screen: ConfigurationScreen = opened("configuration")
    before = Configuration.of(decided(desk))
    fields = {one.path: one for one in screen.fields.bound}
    fields["languages",].put(["de", "it"])
    fields["scratch_delivery",].put(["paper", "email"])
    fields["payments", "methods"].put(["cash"])
    fields["payments", "series", OFFICE].put("A")
    fields["remote_issue", "cns"].put(["home"])
    fields["stock", "offices", OFFICE, "usb_token"].put(7)
    fields["first_issue", "imposed", OFFICE].put("first")
    fields["first_issue", "annual_fee"].put("shown")
    fields["contact", "email"].put("firma@example.com")
    fields["retention", "without_certificate_months"].put(24)
    assert len(screen.changes()) == 10
    screen.main.click()
    wait_for(lambda: decided(desk)["revision"] == 2)
    after = Configuration.of(decided(desk))
    assert [one.value for one in after.languages] == ["de", "it"]
    assert [one.value for one in after.scratch_delivery] == ["paper", "email"]
    assert after.payments.series == {OFFICE: "A"}
    assert after.stock.offices[OFFICE].usb_token == 7
    assert after.first_issue.imposed == {OFFICE: Imposed.FIRST}
    assert after.first_issue.annual_fee is AnnualFee.SHOWN
    assert after.retention.without_certificate_months == 24
    assert (after.tariffs, after.texts, after.devices) == (before.tariffs, before.texts, before.devices)
    fields["payments", "series", OFFICE].put(None)
    screen.main.click()
    wait_for(lambda: decided(desk)["revision"] == 3)
    assert Configuration.of(decided(desk)).payments.series == {}


def test_what_was_typed_is_there_again_after_signing_in(
    opened: OpenScreen, window: DeskWindow, desk: Desk, application: QApplication, tmp_path: Path
) -> None:
    screen: ConfigurationScreen = opened("configuration")
    QTest.keyClicks(field(screen, "contact", "phone"), "0471 000000")
    window.sign_out()
    window.begin(desk.parts())
    wait_for(lambda: window.session.sync_state.link is Link.UP)
    again: ConfigurationScreen = opened("configuration")
    assert again is not screen
    assert [change.after for change in again.changes()] == ["0471 000000"]
    again.undo()
    assert again.changes() == []


def test_a_change_made_elsewhere_is_told_and_not_overwritten(opened: OpenScreen, desk: Desk) -> None:
    screen: ConfigurationScreen = opened("configuration")
    QTest.keyClicks(field(screen, "contact", "phone"), "1")
    sections = {**Configuration.of(decided(desk)).sections(), "languages": ["de"]}
    desk.central.administer("configuration.change", revision=1, configuration=sections)
    screen.session.sync_now()
    wait_for(lambda: "altrove" in screen.notice.text)
    screen.main.click()
    QTest.qWait(300)
    assert decided(desk)["languages"] == ["de"]
    assert decided(desk)["revision"] == 2


def test_the_rules_are_said_in_sentences() -> None:
    said = rules_in_sentences(FirstIssueRules(), {})
    assert len(said) == 5
    strict = FirstIssueRules(
        cariche=("AU", "PCA"),
        annual_fee=AnnualFee.IGNORED,
        earlier_issues=EarlierIssues.IGNORED,
        holder_without_device=True,
        imposed={"b": Imposed.NOT_FIRST, "a": Imposed.FIRST},
    )
    said = rules_in_sentences(strict, {"a": "Sportello"})
    assert said[0][1] == {"codes": "AU, PCA"}
    assert [facts["office"] for _, facts in said if "office" in facts] == ["Sportello", "b"]


def test_every_control_has_a_name_of_its_own(opened: OpenScreen, window: DeskWindow) -> None:
    screen: ConfigurationScreen = opened("configuration")
    assert nameless(window) == []
    names = [one.row.field.accessibleName() for one in screen.fields.bound if one.row is not None]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_section_is_wider_than_its_place_in_the_smallest_window(
    opened: OpenScreen, window: DeskWindow, language: str
) -> None:
    window.resize(window.minimumSize())
    window.texts.set_language(language)
    screen: ConfigurationScreen = opened("configuration")
    card = fields_of(screen)[0]
    areas = [area for area in screen.findChildren(QScrollArea) if area.isAncestorOf(card)]
    room = min(area.viewport().width() for area in areas)
    wide = {one.accessibleName(): one.minimumSizeHint().width() for one in fields_of(screen)}
    assert {name: width for name, width in wide.items() if width > room} == {}


def fields_of(screen: ConfigurationScreen) -> list[QFrame]:
    """Return the sections' cards."""
    found = [one for one in screen.findChildren(QFrame) if one.property("card") and one.accessibleName()]
    assert len(found) > 8
    return found
