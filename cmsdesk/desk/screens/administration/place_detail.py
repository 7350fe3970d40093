"""One place beside the list: what it is, who works there, and what may be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QPushButton, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.place_forms import GERMAN_NAME
from cmsdesk.desk.screens.administration.places import Level, Place
from cmsdesk.desk.widgets.basics import Item, button, chip, column, line, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.row_button import RowButton
from cmsdesk.domain.organisation import Mandate, PlaceState
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.words import word

if TYPE_CHECKING:
    from cmsdesk.desk.screens.administration.offices import OfficesScreen


class PlaceDetail(QWidget):
    """What is known of a place; built afresh when that changes."""

    def __init__(self, screen: OfficesScreen, place: Place) -> None:
        super().__init__()
        self._screen, self._place = screen, place
        self.session, self.texts = screen.session, screen.texts
        self.notice = Notice(self.texts, screen.theme)
        state = place.state
        name = place.said(self.texts.language)
        head: list[Item] = [plain(name, "heading", wrap=True, selectable=True), self.notice]
        if place.level is not Level.BODY:
            tone = "good" if state is PlaceState.OPEN else ""
            head.append(row(chip(self.texts.begin(word(state)), tone), None))
        items: list[Item] = [*head, FactGrid(self._facts())]
        acts = self._acts() if self.session.allowed(Action.ORGANISATION_CHANGE) else []
        items += acts
        if place.level is Level.OFFICE:
            heading = plain(self.texts(N_("Who works here")), "label")
            items += [line(), heading, column(*self._people(), gap=0)]
        inside = column(*items, None)
        inside.setSpacing(12)
        inside.setContentsMargins(0, 0, 8, 0)
        self.setLayout(inside)
        self.setAccessibleName(name)

    def _facts(self) -> list[tuple[str, str]]:
        texts, places, place = self.texts, self._screen.places, self._place
        german = (texts(GERMAN_NAME), place.names.get("de", ""))
        if place.level is Level.BODY:
            return [
                german,
                (texts(N_("Kind")), texts.begin(word(places.body.kind))),
                (texts(N_("Sigle")), ", ".join(places.body.sigle)),
                (texts(N_("Sites")), texts.number(len(places.sites))),
                (texts(N_("Offices")), texts.number(len(places.staff.offices))),
            ]
        if place.level is Level.SITE:
            return [
                german,
                (texts(N_("Address")), places.sites[place.id].address),
                (texts(N_("Offices")), texts.number(len(places.offices_of(place.id)))),
            ]
        office = places.staff.offices[place.id]
        site = places.sites.get(office.site or "")
        moved = places.staff.offices.get(office.moved_to or "")
        return [
            german,
            (texts(N_("Site")), site.name if site else ""),
            (texts(N_("Code")), office.id),
            (texts(N_("Operators went to")), moved.name if moved else ""),
        ]

    def _acts(self) -> list[Item]:
        texts, screen, place = self.texts, self._screen, self._place
        made: list[QPushButton] = [button(texts, N_("Amend"), screen.amend)]
        why = ""
        opened = place.state is PlaceState.OPEN
        if place.level is Level.SITE and opened:
            made.append(button(texts, N_("New office here"), lambda: screen.new_office(place.id)))
            if any(one.state is PlaceState.OPEN for one in screen.places.offices_of(place.id)):
                why = N_("It can be closed when its offices are.")
            else:
                made.append(button(texts, N_("Close…"), screen.close_place, kind="danger"))
        elif place.level is Level.OFFICE and opened:
            if place.mandates:
                made.append(button(texts, N_("Move operators…"), screen.move_operators))
            if place.id == self.session.mandate.office:
                why = N_("You work here: another administrator closes it.")
            else:
                made.append(button(texts, N_("Close…"), screen.close_place, kind="danger"))
        elif self._site_is_closed():
            why = N_("It can be opened again when its site is.")
        elif not opened:
            made.append(button(texts, N_("Open again"), self.open_again))
        items: list[Item] = [row(*made, None)]
        if why:
            items.append(plain(texts(why), "small", wrap=True))
        return items

    def _site_is_closed(self) -> bool:
        office = self._screen.places.staff.offices.get(self._place.id)
        site = self._screen.places.sites.get((office.site if office else None) or "")
        return self._place.level is Level.OFFICE and site is not None and site.state is PlaceState.CLOSED

    def open_again(self) -> None:
        """Open a closed site or office again."""
        level = self._place.level.value
        try:
            self.session.submit(f"{level}.open", **{level: self._place.id})
        except Mendable as error:
            self.notice.error(error)

    def _people(self) -> list[Item]:
        if not self._place.mandates:
            return [plain(self.texts(N_("Nobody.")), "muted")]
        # one row each, though a mandate be followed by another of the same role
        once = {(mandate.operator, mandate.role): mandate for mandate in self._place.mandates}
        named = [(self._name(mandate), mandate) for mandate in once.values()]
        named.sort(key=lambda one: (one[0].casefold(), one[1].role.value))
        return [self._person(name, mandate) for name, mandate in named]

    def _name(self, mandate: Mandate) -> str:
        person = self._screen.places.staff.operators.get(mandate.operator)
        return f"{person.surname} {person.given_name}" if person else mandate.operator

    def _person(self, name: str, mandate: Mandate) -> QPushButton:
        role = self.texts.begin(word(mandate.role))
        words = row(plain(name), None, plain(role, "muted"))
        words.setContentsMargins(8, 8, 8, 8)
        link = RowButton(words)
        link.setAccessibleName(f"{name}, {role}")
        desk, code = self._screen.desk, mandate.operator
        link.clicked.connect(lambda _checked=False: desk.open("operators", thing=code))
        return link
