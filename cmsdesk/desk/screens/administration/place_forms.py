"""The forms about places: the body's name, a site, an office, and closing one (ORG-1, ORG-7)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from PySide6.QtWidgets import QComboBox, QLineEdit

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.places import Level, Place, Places, new_place_id, place_key
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.widgets.basics import plain
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.domain.organisation import PlaceState, are_sigle

_NONE: Mapping[str, str] = MappingProxyType({})
GERMAN_NAME = N_("Name in German")
SIGLE_HINT = N_("Provinces of its REA numbers, parted by commas: BZ, TN.")
_NAME_WRONG = N_("Write the name.")


class NameFields:
    """The names of a body, a site or an office: the Italian one, and the German one for papers in German."""

    def __init__(self, form: SideForm, name: str = "", names: Mapping[str, str] = _NONE) -> None:
        self.name, self.german = text_field(), text_field()
        self.name.setText(name)
        self.german.setText(names.get("de", ""))
        self._others = {language: said for language, said in names.items() if language != "de"}
        self._form, self._row = form, form.add(N_("Name"), self.name)

    def add_german(self) -> None:
        """Add the German one, below what else the form asks."""
        self._form.add(GERMAN_NAME, self.german, optional=True, hint=N_("For papers and screens in German."))

    def facts(self) -> dict[str, Any] | None:
        """Return the names as commands take them; None where there is none."""
        name, german = self.name.text().strip(), self.german.text().strip()
        self._row.set_error("" if name else _NAME_WRONG)
        names = {**self._others, **({"de": german} if german else {})}
        return {"name": name, "names": names} if name else None


class BodyForm(SideForm):
    """Another name of the body, or other sigle after a merger."""

    def __init__(self, screen: Screen, places: Places) -> None:
        super().__init__(screen, N_("Amend the body"), N_("Save"))
        self._names = NameFields(self, places.body.name, places.body.names)
        self.name, self.sigle = self._names.name, text_field(capitals=True)
        self.sigle.setText(", ".join(places.body.sigle))
        self._sigle_row = self.add(N_("Sigle"), self.sigle, hint=SIGLE_HINT)
        self._names.add_german()

    def confirm(self) -> None:
        """Save."""
        names, sigle = self._names.facts(), read_sigle(self._sigle_row)
        if names is not None and sigle is not None:
            self.submit(("body.amend", {**names, "sigle": sigle}))


class SiteForm(SideForm):
    """A new site, or another name or address of one."""

    def __init__(self, screen: Screen, places: Places, site: str = "") -> None:
        super().__init__(screen, N_("Amend the site") if site else N_("New site"), N_("Save"))
        self._places, self._site = places, site
        known = places.sites.get(site)
        self._names = NameFields(self, known.name, known.names) if known else NameFields(self)
        self.name, self.address = self._names.name, text_field()
        self.add(
            N_("Address"),
            self.address,
            optional=True,
            hint=N_("Street, postcode and town."),
        )
        self._names.add_german()
        if known is not None:
            self.address.setText(known.address)

    def confirm(self) -> None:
        """Save."""
        names = self._names.facts()
        if names is None:
            return
        site = self._site or new_place_id(self._places.body.id, names["name"], self._places.sites)
        facts = {"site": site, **names, "address": self.address.text().strip()}
        if self._site:
            self.submit(("site.amend", facts))
        else:
            self.submit(("site.open", facts), made=place_key(Level.SITE, site))


class OfficeForm(SideForm):
    """A new office, or another name or site of one."""

    def __init__(self, screen: Screen, places: Places, office: str = "", site: str = "") -> None:
        super().__init__(screen, N_("Amend the office") if office else N_("New office"), N_("Save"))
        self._places, self._office = places, office
        known = places.staff.offices.get(office)
        self._names = NameFields(self, known.name, known.names) if known else NameFields(self)
        self.name, self.site = self._names.name, QComboBox()
        wanted = known.site if known else site
        if known is None or known.site is None:
            self.site.addItem("", "")
        for one in sorted(places.sites.values(), key=lambda found: found.name.casefold()):
            if one.state is PlaceState.OPEN or one.id == wanted:
                self.site.addItem(one.name, one.id)
        self.site.setCurrentIndex(max(0, self.site.findData(wanted or "")))
        self.add(N_("Site"), self.site).setVisible(bool(places.sites))
        self._names.add_german()
        self.texts.bind(self.site, self._say)

    def confirm(self) -> None:
        """Save."""
        names, site = self._names.facts(), self.site.currentData() or ""
        if names is None:
            return
        places = self._places
        office = self._office or new_place_id(places.body.id, names["name"], places.staff.offices)
        facts: dict[str, Any] = {"office": office, **names}
        known = places.staff.offices.get(office)
        if site and (known is None or known.site != site):
            facts["site"] = site
        if self._office:
            self.submit(("office.amend", facts))
        else:
            self.submit(("office.open", facts), made=place_key(Level.OFFICE, office))

    def _say(self) -> None:
        at = self.site.findData("")
        if at >= 0:
            self.site.setItemText(at, self.texts(N_("No particular site")))


def read_sigle(row: FieldRow) -> list[str] | None:
    """Return the sigle that stand in a field, parted by commas; None: they are none, which is said there."""
    text = row.field.text() if isinstance(row.field, QLineEdit) else ""
    sigle = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    good = are_sigle(sigle)
    row.set_error("" if good else N_("Two letters each, none of them twice."))
    return sigle if good else None


class ClosePlace(SideForm):
    """A site or an office closes: what that stops is said first."""

    def __init__(self, screen: Screen, place: Place) -> None:
        office = place.level is Level.OFFICE
        super().__init__(
            screen,
            N_("Close the office?") if office else N_("Close the site?"),
            N_("Close it"),
            danger=True,
            words=N_("Registrations and history stay attributed to it. An office can be opened again.")
            if office
            else N_("No office opens in it while it is closed. It can be opened again."),
        )
        self._place = place
        if place.mandates:
            said = plain(role="warn", wrap=True)
            count = len(place.mandates)
            self.fields.addWidget(said)
            self.texts.bind(
                said,
                lambda: said.setText(
                    self.texts(
                        N_(
                            "{count} mandates in it stop working at once."
                            " Move the operators first to keep them at work."
                        ),
                        count=count,
                    )
                ),
            )

    def confirm(self) -> None:
        """Close it."""
        level = self._place.level.value
        self.submit((f"{level}.close", {level: self._place.id}))
