"""Body, sites and offices: by keyboard, on the real service (ORG-1, ORG-7)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from cmsdesk.backend.services.administration import Administration
from cmsdesk.desk.screens.administration.body_form import NewBodyForm
from cmsdesk.desk.screens.administration.offices import OfficesScreen
from cmsdesk.desk.screens.administration.places import Level, new_place_id
from cmsdesk.desk.screens.registration.paper import stationery_here
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.commands import AlreadyThere, Refusal
from cmsdesk.domain.events import Document
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.operations.administration import NewBody
from tests.desk.administration.conftest import OpenScreen
from tests.desk.administration.test_operators import named, press
from tests.desk.bench import Desk, wait_for, window_of
from tests.desk.test_window import nameless
from tests.sync.bench import BODY, OFFICE, SECOND_OFFICE, CentralService


def places(desk: Desk, thing: str) -> dict[str, Document]:
    return {key: document for (kind, key), document in desk.central.things(BODY).items() if kind == thing}


def choose(screen: OfficesScreen, key: str) -> None:
    screen.activate(thing=key)
    wait_for(lambda: screen._chosen == key and screen.chosen() is not None)
    name = screen.chosen().name
    wait_for(lambda: screen.side.shown is not None and screen.side.shown.accessibleName() == name)


def test_a_site_and_an_office_in_it_are_opened_by_keyboard(opened: OpenScreen, desk: Desk) -> None:
    screen: OfficesScreen = opened("offices")
    press(named(screen, "Nuova sede"))
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert screen.form is not None, "a name is wanted"
    QTest.keyClicks(QApplication.focusWidget(), "Sede di Bressanone")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    QTest.keyClicks(QApplication.focusWidget(), "Via Prova 1, 39042 Bressanone")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    wait_for(lambda: bool(places(desk, "site")))
    [(site, document)] = places(desk, "site").items()
    assert document["address"] == "Via Prova 1, 39042 Bressanone"
    wait_for(lambda: screen._chosen == f"site/{site}")
    press(named(screen, "Nuovo ufficio qui"))
    QTest.keyClicks(QApplication.focusWidget(), "Sportello 2")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    wait_for(lambda: len(places(desk, "office")) == 3)
    [made] = [office for office in places(desk, "office").values() if office.get("site") == site]
    assert made["name"] == "Sportello 2"
    wait_for(lambda: [one.level for one in screen.model.rows][:3] == [Level.BODY, Level.SITE, Level.OFFICE])


def test_the_body_gets_another_name_and_sigle(opened: OpenScreen, desk: Desk) -> None:
    screen: OfficesScreen = opened("offices")
    choose(screen, f"body/{BODY}")
    press(named(screen, "Modifica"))
    form = screen.form
    form.name.setText("Camera di Prova")
    form.sigle.setText("BZ, B")
    QTest.keyClick(form.sigle, Qt.Key.Key_Return)
    assert form._sigle_row.wrong
    form.sigle.setText("BZ, TN")
    QTest.keyClick(form.sigle, Qt.Key.Key_Return)
    wait_for(lambda: desk.central.things(BODY)["body", BODY]["name"] == "Camera di Prova")
    assert desk.central.things(BODY)["body", BODY]["sigle"] == ["BZ", "TN"]


def test_an_office_closes_after_asking_and_opens_again(opened: OpenScreen, desk: Desk) -> None:
    screen: OfficesScreen = opened("offices")
    choose(screen, f"office/{SECOND_OFFICE}")
    press(named(screen, "Chiudi…"))
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert screen.form is None, "the second Enter leaves it"
    assert places(desk, "office")[SECOND_OFFICE]["state"] == "open"
    press(named(screen, "Chiudi…"))
    QTest.qWait(20)
    press(named(screen, "Chiudi"))
    wait_for(lambda: places(desk, "office")[SECOND_OFFICE]["state"] == "closed")
    wait_for(lambda: f"office/{SECOND_OFFICE}" not in {one.key for one in screen.model.rows})
    screen.closed.setChecked(True)
    choose(screen, f"office/{SECOND_OFFICE}")
    wait_for(lambda: any(one.text() == "Riapri" for one in screen.findChildren(QPushButton)))
    press(named(screen, "Riapri"))
    wait_for(lambda: places(desk, "office")[SECOND_OFFICE]["state"] == "open")


def test_a_closed_site_opens_again_and_its_office_after_it(opened: OpenScreen, desk: Desk) -> None:
    desk.central.administer("site.open", site="sede-1", name="Sede")
    desk.central.administer("office.open", office="sportello-9", name="Sportello 9", site="sede-1")
    desk.central.administer("office.close", office="sportello-9")
    desk.central.administer("site.close", site="sede-1")
    screen: OfficesScreen = opened("offices")
    screen.session.sync_now()
    wait_for(lambda: "office/sportello-9" in {one.key for one in screen.everything})
    screen.closed.setChecked(True)
    choose(screen, "office/sportello-9")

    def offered() -> set[str]:
        return {one.text() for one in screen.side.findChildren(QPushButton) if one.isVisible()}

    assert "Riapri" not in offered()
    said = [one.text() for one in screen.side.findChildren(QLabel) if one.isVisible()]
    assert screen.texts("It can be opened again when its site is.") in said
    for key, thing in (("site/sede-1", "site"), ("office/sportello-9", "office")):
        choose(screen, key)
        wait_for(lambda: "Riapri" in offered())
        press(named(screen, "Riapri"))
        wait_for(lambda thing=thing, key=key: places(desk, thing)[key.partition("/")[2]]["state"] == "open")


def test_body_site_and_office_get_german_names_shown_in_german(
    opened: OpenScreen, window: DeskWindow, desk: Desk
) -> None:
    desk.central.administer("site.open", site="sede-1", name="Sede di Bolzano")
    screen: OfficesScreen = opened("offices")
    screen.session.sync_now()
    wait_for(lambda: "site/sede-1" in {one.key for one in screen.everything})
    german = {f"body/{BODY}": "Handelskammer", "site/sede-1": "Sitz Bozen", f"office/{OFFICE}": "Schalter 1"}
    for key, name in german.items():
        choose(screen, key)
        # none of them is closed
        assert "Riapri" not in {one.text() for one in screen.findChildren(QPushButton) if one.isVisible()}
        press(named(screen, "Modifica"))
        screen.form._names.german.setText(name)
        QTest.keyClick(screen.form.name, Qt.Key.Key_Return)
        level, _, identifier = key.partition("/")
        wait_for(
            lambda level=level, identifier=identifier, name=name: (
                places(desk, level)[identifier].get("names") == {"de": name}
            )
        )
    wait_for(lambda: {one.names.get("de") for one in screen.everything} >= {*german.values()})
    window.texts.set_language("de")
    shown = {screen.model.index(at, 0).data().strip() for at in range(screen.model.rowCount())}
    assert shown >= {*german.values()}
    # where one works is said so everywhere: in the rail, and in the line below
    said = {label.text() for label in window.findChildren(QLabel)}
    assert said >= {"Schalter 1", "Administrator der Körperschaft · Schalter 1"}
    assert screen.session.body_in("de") == "Handelskammer"
    # on papers: in each of their languages
    paper = stationery_here(window)
    assert paper.office_said == screen.session.office_name
    assert replace(paper, languages=("it", "de")).office_said.endswith(" / Schalter 1")
    assert replace(paper, languages=("de",)).office_said == "Schalter 1"
    # taken away again
    choose_again = f"office/{OFFICE}"
    screen.activate(thing=choose_again)
    wait_for(lambda: screen._chosen == choose_again)
    screen.amend()
    screen.form._names.german.clear()
    QTest.keyClick(screen.form.name, Qt.Key.Key_Return)
    wait_for(lambda: places(desk, "office")[OFFICE]["names"] == {})


def test_ones_own_office_offers_no_closing_and_leads_to_its_people(
    opened: OpenScreen, window: DeskWindow
) -> None:
    screen: OfficesScreen = opened("offices")
    choose(screen, f"office/{OFFICE}")
    words = {one.text().strip() for one in screen.findChildren(QPushButton) if one.isVisible()}
    assert "Chiudi…" not in words
    [link] = [
        one
        for one in screen.findChildren(QPushButton)
        if one.isVisible() and one.accessibleName().startswith("Müller Jürgen")
    ]
    press(link)
    shown = window.current
    assert shown is not None
    assert shown is not screen
    wait_for(lambda: getattr(shown, "_chosen", "") == "MLLJGN70A01A952P")


def test_every_control_has_a_name(opened: OpenScreen, window: DeskWindow) -> None:
    screen: OfficesScreen = opened("offices")
    for key in (f"body/{BODY}", f"office/{SECOND_OFFICE}"):
        choose(screen, key)
        assert nameless(window) == []
        for show in (screen.amend, screen.new_site, screen.new_office, screen.move_operators):
            show()
            assert nameless(window) == []
            screen.close_form()


def test_ids_of_new_places_are_free_and_readable() -> None:
    assert new_place_id("uno", "Sede di Brunico – Öst", ()) == "uno-sede-di-brunico-ost"
    assert new_place_id("uno", "Sede", ("uno-sede", "uno-sede-2")) == "uno-sede-3"
    assert new_place_id("uno", "—", ()) == "uno-1"


class Founder:
    """Creates bodies: notes what was asked, and refuses what it is told to."""

    def __init__(self) -> None:
        self.asked: list[NewBody] = []
        self.refusal: Refusal | None = None

    def create(self, new: NewBody) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(new)


def test_a_security_administrator_creates_a_body_at_the_desk(
    application: QApplication, central: CentralService, tmp_path: Path
) -> None:
    desk = Desk(central, tmp_path, Role.ADMINISTRATOR)
    right = {"mandate": desk.mandate, "permissions": [Permission.BODIES.value]}
    Administration(central.engine, central.clock, BODY).execute("mandate.change", **right)
    desk.actor = central.actor(desk.mandate)
    founder = Founder()
    window = window_of(application, desk.clock, tmp_path)
    window.show()
    window.begin(replace(desk.parts(), bodies=founder))
    wait_for(lambda: window.session.sync_state.link is Link.UP)
    window.open("offices")
    screen = window.current
    assert isinstance(screen, OfficesScreen)
    assert any(one.words == "Nuovo ente" for one in screen.entries())
    press(named(screen, "Nuovo ente"))
    form = screen.form
    assert isinstance(form, NewBodyForm)
    assert nameless(window) == []
    form.confirm()
    assert founder.asked == []
    assert all(row.wrong for row in (form.names._row, form._code, form._rows["surname"]))
    form.names.name.setText("Camera di Trento – Prova")
    form.names.german.setText("Handelskammer Trient")
    form._sigle.field.setText("TN")
    for field, text in (
        (form.office, "Sportello 1"),
        (form.authority, "CA di prova"),
        (form.code, "TSSMRT87C54A952D"),
        (form.surname, "Tessari"),
        (form.given, "Marta"),
    ):
        field.setText(text)
    founder.refusal = AlreadyThere(thing="body", id="camera-di-trento-prova")
    form.confirm()
    wait_for(lambda: bool(form.notice.text))
    assert screen.form is form, "what was typed stays"
    founder.refusal = None
    form.confirm()
    wait_for(lambda: screen.form is None)
    assert "Camera di Trento" in screen.notice.text
    [new] = founder.asked
    new.check(desk.clock.now().date())
    assert (new.id, new.office) == ("camera-di-trento-prova", "camera-di-trento-prova-1")
    assert (new.names, new.sigle) == ({"de": "Handelskammer Trient"}, ("TN",))
    window.close()


def test_another_administrator_is_not_offered_it(opened: OpenScreen, window: DeskWindow) -> None:
    window.session.bodies = Founder()
    screen: OfficesScreen = opened("offices")
    assert "Nuovo ente" not in {one.text().strip() for one in screen.findChildren(QPushButton)}
    assert "Nuovo ente" not in {one.words for one in screen.entries()}
