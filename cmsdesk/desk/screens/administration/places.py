"""The body, its sites, and the offices in each, as the screen shows them (ORG-1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import TypeVar

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.staff import Standing, standing
from cmsdesk.domain.organisation import Body, Mandate, Office, PlaceState, Site, name_in
from cmsdesk.operations.staff_lists import Staff
from cmsdesk.sync.work_lists import WorkLists

P = TypeVar("P", Site, Office)
_WORKING = (Standing.WORKING, Standing.ENDING, Standing.FUTURE)


class Level(Enum):
    """What a row is."""

    BODY = "body"
    SITE = "site"
    OFFICE = "office"


LEVELS: Mapping[Level, str] = {
    Level.BODY: N_("body"),
    Level.SITE: N_("site"),
    Level.OFFICE: N_("office"),
}


@dataclass(frozen=True)
class Place:
    """One row: the body, a site, or an office."""

    level: Level
    id: str
    name: str
    order: int
    """Offices stand below their site."""
    depth: int
    state: PlaceState = PlaceState.OPEN
    mandates: tuple[Mandate, ...] = ()
    """Of an office: those that work in it, or will."""
    names: Mapping[str, str] = field(default_factory=dict)
    """In other languages."""

    def said(self, language: str) -> str:
        """Return its name in a language."""
        return name_in(language, self.name, self.names)

    @property
    def people(self) -> int:
        """How many work in it; who has several mandates is one."""
        return len({mandate.operator for mandate in self.mandates})

    @property
    def key(self) -> str:
        """What it is known by: a site may be called like an office."""
        return place_key(self.level, self.id)


def place_key(level: Level, identifier: str) -> str:
    """Return what a place's row is known by."""
    return f"{level.value}/{identifier}"


@dataclass(frozen=True)
class Places:
    """All of a body's places."""

    body: Body
    sites: Mapping[str, Site]
    staff: Staff
    rows: tuple[Place, ...]

    def offices_of(self, site: str) -> list[Office]:
        """Return the offices in a site."""
        return [office for office in self.staff.offices.values() if office.site == site]


def read_places(lists: WorkLists, body: str, staff: Staff, today: date) -> Places:
    """Return the places as the desk knows them; runs in a thread."""
    known = dict(lists.things("body")).get(body) or {"name": body}
    sites = {identifier: Site.of(identifier, document) for identifier, document in lists.things("site")}
    return arranged(Body.of(body, known), sites, staff, today)


def arranged(body: Body, sites: Mapping[str, Site], staff: Staff, today: date) -> Places:
    """Return the places in the screen's order: by name, each site with its offices, closed ones last."""
    found: list[Place] = [Place(Level.BODY, body.id, body.name, 0, 0, names=body.names)]

    def add(level: Level, place: Site | Office, depth: int) -> None:
        working = tuple(
            mandate
            for mandate in staff.mandates
            if level is Level.OFFICE
            and mandate.office == place.id
            and standing(mandate, staff.offices, today) in _WORKING
        )
        found.append(Place(level, place.id, place.name, len(found), depth, place.state, working, place.names))

    for site in _by_name(sites.values()):
        add(Level.SITE, site, 1)
        for office in _by_name(one for one in staff.offices.values() if one.site == site.id):
            add(Level.OFFICE, office, 2)
    for office in _by_name(one for one in staff.offices.values() if one.site not in sites):
        add(Level.OFFICE, office, 1)
    return Places(body, sites, staff, tuple(found))


def new_place_id(body: str, name: str, known: Iterable[str]) -> str:
    """Return an id for a new place: the letters of body and name, and a number where that is taken."""
    taken, first = set(known), f"{body}-{slug_of(name) or 1}"
    number = 1
    wanted = first
    while wanted in taken:
        number += 1
        wanted = f"{first}-{number}"
    return wanted


def slug_of(name: str) -> str:
    """Return a name's letters and digits as they may stand in an id: small, without accents."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:24].strip("-")


def _by_name(places: Iterable[P]) -> list[P]:
    return sorted(places, key=lambda one: (one.state is PlaceState.CLOSED, one.name.casefold()))
