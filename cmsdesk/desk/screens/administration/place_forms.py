"""The forms about places: the body's name, a site, an office, and closing one (ORG-1, ORG-7)."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.places import Level, Place, Places, new_place_id
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.widgets.basics import plain
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.domain.organisation import PlaceState, are_sigle

_NAME_WRONG = N_("Write the name.")


class BodyForm(SideForm):
    """Another name of the body, or other sigle after a merger."""

    def __init__(self, screen: Screen, places: Places) -> None:
        super().__init__(screen, N_("Amend the body"), N_("Save"))
        self.name, self.sigle = text_field(), text_field(capitals=True)
        self.name.setText(places.body.name)
        self.sigle.setText(", ".join(places.body.sigle))
        self._name_row = self.add(N_("Name"), self.name)
        self._sigle_row = self.add(
            N_("Sigle"), self.sigle, hint=N_("Provinces of its REA numbers, parted by commas: BZ, TN.")
        )

    def confirm(self) -> None:
        """Save."""
        sigle = [part.strip() for part in self.sigle.text().replace(";", ",").split(",") if part.strip()]
        name = self.name.text().strip()
        self._name_row.set_error("" if name else _NAME_WRONG)
        good = are_sigle(sigle)
        self._sigle_row.set_error("" if good else N_("Two letters each, none of them twice."))
        if name and good:
            self.submit(("body.amend", {"name": name, "sigle": sigle}))


class SiteForm(SideForm):
    """A new site, or another name or address of one."""

    def __init__(self, screen: Screen, places: Places, site: str = "") -> None:
        super().__init__(screen, N_("Amend the site") if site else N_("New site"), N_("Save"))
        self._places, self._site = places, site
        self.name, self.address = text_field(), text_field()
        self._name_row = self.add(N_("Name"), self.name)
        self.add(
            N_("Address"),
            self.address,
            optional=True,
            hint=N_("Street, postcode and town."),
        )
        if site:
            self.name.setText(places.sites[site].name)
            self.address.setText(places.sites[site].address)

    def confirm(self) -> None:
        """Save."""
        name = self.name.text().strip()
        self._name_row.set_error("" if name else _NAME_WRONG)
        if not name:
            return
        site = self._site or new_place_id(self._places.body.id, name, self._places.sites)
        facts = {"site": site, "name": name, "address": self.address.text().strip()}
        self.submit(("site.amend" if self._site else "site.open", facts))


class OfficeForm(SideForm):
    """A new office, or another name or site of one."""

    def __init__(self, screen: Screen, places: Places, office: str = "", site: str = "") -> None:
        super().__init__(screen, N_("Amend the office") if office else N_("New office"), N_("Save"))
        self._places, self._office = places, office
        known = places.staff.offices.get(office)
        self.name, self.site = text_field(), QComboBox()
        self._name_row: FieldRow = self.add(N_("Name"), self.name)
        wanted = known.site if known else site
        if known is None or known.site is None:
            self.site.addItem("", "")
        for one in sorted(places.sites.values(), key=lambda found: found.name.casefold()):
            if one.state is PlaceState.OPEN or one.id == wanted:
                self.site.addItem(one.name, one.id)
        self.site.setCurrentIndex(max(0, self.site.findData(wanted or "")))
        self.add(N_("Site"), self.site).setVisible(bool(places.sites))
        if known is not None:
            self.name.setText(known.name)
        self.texts.bind(self.site, self._say)

    def confirm(self) -> None:
        """Save."""
        name, site = self.name.text().strip(), self.site.currentData() or ""
        self._name_row.set_error("" if name else _NAME_WRONG)
        if not name:
            return
        places = self._places
        office = self._office or new_place_id(places.body.id, name, places.staff.offices)
        facts: dict[str, Any] = {"office": office, "name": name}
        known = places.staff.offices.get(office)
        if site and (known is None or known.site != site):
            facts["site"] = site
        self.submit(("office.amend" if self._office else "office.open", facts))

    def _say(self) -> None:
        at = self.site.findData("")
        if at >= 0:
            self.site.setItemText(at, self.texts(N_("The body’s only seat")))


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
            else N_("No office can be opened in it any more."),
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
