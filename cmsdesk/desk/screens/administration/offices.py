"""The body, its sites and its offices (ORG-1, ORG-7): names, addresses, opening and closing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.models.plain_list import PlainColumn
from cmsdesk.desk.screens.administration.body_form import NewBodyForm
from cmsdesk.desk.screens.administration.operator_forms import MoveOperators, today_of
from cmsdesk.desk.screens.administration.place_detail import PlaceDetail
from cmsdesk.desk.screens.administration.place_forms import BodyForm, ClosePlace, OfficeForm, SiteForm
from cmsdesk.desk.screens.administration.places import LEVELS, Level, Place, Places, read_places
from cmsdesk.desk.screens.administration.side import SideScreen, filter_chip
from cmsdesk.desk.screens.administration.staff import read_staff
from cmsdesk.desk.screens.base import Desk, Entry
from cmsdesk.desk.widgets.basics import row
from cmsdesk.domain.organisation import Body, PlaceState
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.words import word
from cmsdesk.operations.staff_lists import Staff

_INDENT = "      "


class OfficesScreen(SideScreen):
    """The body with its sites, each with its offices."""

    def __init__(self, desk: Desk) -> None:
        body = desk.session.mandate.body
        self.places = Places(Body(body, desk.session.body_name), {}, Staff({}, (), {}), ())
        super().__init__(desk, ("building-2", N_("No office"), N_("Take filters away, or open an office.")))

    def fill(self) -> None:
        """Add the filter and what may be done."""
        self.closed = filter_chip(self.texts, N_("Closed ones too"), self.show_rows)
        self.body.insertLayout(1, row(self.closed, None))
        self.tool(N_("New site"), self.new_site, "plus")
        if self._may_create_bodies():
            self.tool(N_("New body"), self.new_body, "plus")
        self.set_main(N_("New office"), self.new_office, icon="plus")

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Sites and offices"))

    def columns(self) -> Sequence[PlainColumn]:
        """Return the columns."""
        say, begin = self.texts, self.texts.begin

        def name(one: Place) -> str:
            return f"{_INDENT * one.depth}{one.said(say.language)}"

        return (
            PlainColumn(N_("name"), name, lambda one: one.order),
            PlainColumn(N_("kind"), lambda one: begin(LEVELS[one.level]), width=112, spare=True),
            PlainColumn(
                N_("operators"),
                lambda one: self.texts.number(one.people) if one.level is Level.OFFICE else "",
                lambda one: one.people,
                width=128,
                figures=True,
            ),
            PlainColumn(
                N_("state"),
                lambda one: "" if one.level is Level.BODY else begin(word(one.state)),
                lambda one: one.state.value,
                lambda one: "good" if one.state is PlaceState.OPEN else "",
                width=112,
            ),
        )

    def read(self) -> Sequence[Place]:
        """Return all places."""
        today = today_of(self)
        lists = self.session.lists
        self.places = read_places(lists, self.session.mandate.body, read_staff(lists), today)
        return self.places.rows

    def key(self, found: Place) -> str:
        """Return level and id."""
        return found.key

    def words_of(self, found: Place) -> str:
        """Return name and id."""
        return " ".join((found.name, *found.names.values(), found.id))

    def fits(self, found: Place) -> bool:
        """Closed places are shown when they are asked for."""
        return found.state is PlaceState.OPEN or self.closed.isChecked()

    def detail(self, found: Place) -> QWidget:
        """Return the place's side."""
        return PlaceDetail(self, found)

    def entries(self) -> Sequence[Entry]:
        """Offer the acts in the palette."""
        say = self.texts
        body = Entry(say(N_("New body")), "", "plus", self.new_body)
        return (
            Entry(say(N_("New office")), "", "plus", self.new_office),
            Entry(say(N_("New site")), "", "plus", self.new_site),
            *((body,) if self._may_create_bodies() else ()),
        )

    def show_rows(self) -> None:
        """The body has neither operators nor a state of its own: its name has their room."""
        super().show_rows()
        self.table.clearSpans()
        for at, place in enumerate(self.model.rows):
            if place.level is Level.BODY:
                self.table.setSpan(at, 0, 1, len(self.model.columns))

    # --- acting --------------------------------------------------------------------------------

    def _may_create_bodies(self) -> bool:
        return self.session.bodies is not None and self.session.allowed(Action.BODY_CREATE)

    def new_body(self) -> None:
        """Ask for a new body."""
        if self.session.bodies is not None:
            form = NewBodyForm(self, self.session.bodies, today_of(self))
            self.show_form(form, form.names.name)

    def new_site(self) -> None:
        """Ask for a new site."""
        form = SiteForm(self, self.places)
        self.show_form(form, form.name)

    def new_office(self, site: str = "") -> None:
        """Ask for a new office, in a site if one is given."""
        form = OfficeForm(self, self.places, site=site)
        self.show_form(form, form.name)

    def amend(self) -> None:
        """Ask for other values of the chosen place."""
        place = self.chosen()
        if not isinstance(place, Place):
            return
        form: BodyForm | SiteForm | OfficeForm
        if place.level is Level.BODY:
            form = BodyForm(self, self.places)
        elif place.level is Level.SITE:
            form = SiteForm(self, self.places, place.id)
        else:
            form = OfficeForm(self, self.places, place.id)
        self.show_form(form, form.name)

    def close_place(self) -> None:
        """Ask whether the chosen place is to close."""
        place = self.chosen()
        if isinstance(place, Place):
            form = ClosePlace(self, place)
            # a second Enter must not close it
            self.show_form(form, form.leave)

    def move_operators(self) -> None:
        """Ask who moves from the chosen office, and where to."""
        place = self.chosen()
        if isinstance(place, Place):
            form = MoveOperators(self, self.places.staff, place.id)
            self.show_form(form, form.to)
