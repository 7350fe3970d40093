"""A scenario's body before its registrations: sites, offices, operators, mandates, configuration, stock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from cmsdesk.domain.commands import Actor
from cmsdesk.domain.configuration import Configuration, FormLanguage
from cmsdesk.domain.decisions.stock import MOST_AT_ONCE
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.organisation import Mandate, Permission, Role, Way
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.sandbox.scenario.books import Books
from cmsdesk.sandbox.scenario.certificates import OperatorCard, PastCa
from cmsdesk.sandbox.scenario.data import BodyData, OfficeData, SiteData
from cmsdesk.sandbox.scenario.people import People

_MANDATE_YEARS = 6
_CERTIFIED_DAYS = 6 * 365
_SPARE = 60
"""Devices and scratch cards left in stock."""
SUPPLIER = "Fornitore di Prova"


@dataclass(frozen=True)
class Desk:
    """An operator under one mandate, with the card that signs openings."""

    actor: Actor
    card: OperatorCard

    @property
    def mandate(self) -> Mandate:
        """The mandate."""
        return self.actor.mandate


@dataclass
class Staff:
    """Who works in a body."""

    desks: dict[str, list[Desk]] = field(default_factory=dict)
    """Who registers, by office: IR and RAO."""
    raos: list[Desk] = field(default_factory=list)
    operators: int = 0
    stock: dict[str, list[str]] = field(default_factory=dict)
    """Devices in stock by kind; scratch cards under «scratch_card»."""


class Founding:
    """Sets one body up."""

    def __init__(self, books: Books, data: BodyData, people: People, ca: PastCa, begins: datetime) -> None:
        self._books = books
        self._data = data
        self._people = people
        self._ca = ca
        self._at = begins
        self.staff = Staff()

    def found(self, authority: str) -> Staff:
        """Open sites and offices, configure the body, grant mandates."""
        do = self._books.do
        do(self._at, None, "body.amend", **_named(self._data), sigle=list(self._data.sigle))
        for site in self._data.sites:
            do(self._at, None, "site.open", site=site.id, **_named(site), address=site.address)
        for office in self._data.offices:
            known = self._books.get("office", office.id)
            kind = "office.open" if known is None else "office.amend"
            do(self._at, None, kind, office=office.id, site=office.site, **_named(office))
        known = self._books.get("configuration", self._books.body) or {}
        do(
            self._at,
            None,
            "configuration.change",
            revision=known.get("revision", 0),
            configuration=self._configuration(authority).sections(),
        )
        self._grant_all()
        return self.staff

    def supply(self, needed: dict[str, int], authority: str, series: int) -> None:
        """Take into stock what the registrations will need, and some to spare, in the first office."""
        devices = []
        for kind in DeviceKind:
            numbers = range(needed.get(kind.value, 0) + _SPARE)
            place = list(DeviceKind).index(kind)
            ids = [f"7430019{series}{place}{number:07d}" for number in numbers]
            self.staff.stock[kind.value] = ids
            until = (self._at + timedelta(days=_CERTIFIED_DAYS)).date().isoformat()
            devices += [
                {"card_id": card, "kind": kind.value, "ca": authority, "certified_until": until}
                for card in ids
            ]
        cards = [f"SP{series}{number:011d}" for number in range(sum(needed.values()) + _SPARE)]
        self.staff.stock["scratch_card"] = cards
        common = {"supplier": SUPPLIER, "office": self._data.offices[0].id}
        for lot, start in enumerate(range(0, len(devices), MOST_AT_ONCE), 1):
            part = devices[start : start + MOST_AT_ONCE]
            self._books.do(self._at, None, "stock.receive", lot=f"D-{lot:03d}", devices=part, **common)
        for lot, start in enumerate(range(0, len(cards), MOST_AT_ONCE), 1):
            part_cards = cards[start : start + MOST_AT_ONCE]
            self._books.do(
                self._at, None, "stock.receive", lot=f"B-{lot:03d}", scratch_cards=part_cards, **common
            )

    # --- inside --------------------------------------------------------------------------------

    def _configuration(self, authority: str) -> Configuration:
        plain = default_configuration(authority).sections()
        plain["languages"] = [FormLanguage(language).value for language in self._data.languages]
        plain["scratch_delivery"] = [ScratchDelivery.PAPER.value, ScratchDelivery.EMAIL.value]
        series = {office.id: chr(ord("A") + at) for at, office in enumerate(self._data.offices)}
        plain["payments"] = {"methods": ["cash", "pos"], "series": series}
        plain["remote_issue"] = {"cns": ["home", "pick_up"], "webid": ["pick_up"]}
        plain["stock"] = {"body": {"smart_card": 40, "usb_token": 40, "scratch_card": 80}, "offices": {}}
        site = self._data.sites[0]
        street, _, town = site.address.partition(", ")
        plain["contact"] = {
            "street": street,
            "postcode": town[:5],
            "municipality": town[6:],
            "province": self._data.sigle[0],
            "email": "firma.digitale@example.com",
        }
        return Configuration.of(plain)

    def _grant_all(self) -> None:
        counts = {
            Role.ADMINISTRATOR: self._data.administrators,
            Role.RAO: self._data.rao,
            Role.IR: self._data.ir,
            Role.HELP_DESK: self._data.help_desk,
        }
        for role, count in counts.items():
            for number in range(count):
                self._operator(role, number)

    def _operator(self, role: Role, number: int) -> None:
        """Record an operator and grant what they work under: some in two offices, each a little otherwise."""
        offices = [office.id for office in self._data.offices]
        holder = self._people.holder(self._data, self._at.date())
        identifier = self._books.new_id(self._at)
        self._books.do(
            self._at,
            None,
            "operator.record",
            operator=identifier,
            fiscal_code=holder.fiscal_code,
            surname=holder.surname,
            given_name=holder.given_name,
            email=holder.contact_email,
        )
        self.staff.operators += 1
        card = self._ca.operator_card(holder, self._at, self._data.name)
        places = [offices[number % len(offices)]]
        if number == 1 and len(offices) > 1:
            places.append(offices[(number + 1) % len(offices)])
        for place in places:
            self._mandate(holder.fiscal_code, card, role, place, number)

    def _mandate(self, operator: str, card: OperatorCard, role: Role, office: str, number: int) -> None:
        until = self._at.date().replace(year=self._at.year + _MANDATE_YEARS, day=1)
        # the last IR works on paper; every second one takes payments
        paper = role is Role.IR and number == self._data.ir - 1
        held = {Permission.DATA_ENTRY, Permission.PAYMENTS} if number % 2 == 0 else {Permission.DATA_ENTRY}
        if role is Role.RAO:
            first = {Permission.REVERSALS, Permission.REVOKE_ONE} if number == 0 else set[Permission]()
            held = {Permission.PAYMENTS, *first}
        identifier = self._books.new_id(self._at)
        self._books.do(
            self._at,
            None,
            "mandate.grant",
            mandate=identifier,
            operator=operator,
            office=office,
            role=role.value,
            valid_from=self._at.date().isoformat(),
            valid_until=until.isoformat(),
            permissions=sorted(p.value for p in held) if role in (Role.IR, Role.RAO) else [],
            data_entry=(Way.PAPER if paper else Way.TELEMATIC).value,
        )
        mandate = Mandate.of(identifier, self._books.documents["mandate", identifier])
        desk = Desk(Actor(mandate, workstation_of(office, number)), card)
        if role is Role.RAO:
            self.staff.raos.append(desk)
        if role is Role.RAO or (role is Role.IR and not paper):
            self.staff.desks.setdefault(office, []).append(desk)


def _named(place: BodyData | SiteData | OfficeData) -> dict[str, Any]:
    """Return a name and its German one as commands take them."""
    return {"name": place.name, "names": {"de": place.german} if place.german else {}}


def workstation_of(office: str, number: int) -> str:
    """Return the thumbprint of an invented workstation's certificate, hex."""
    return hashlib.sha256(f"sandbox {office} {number}".encode()).hexdigest()


def working_moment(day: datetime, random: Random) -> datetime:
    """Return a moment of desk hours on a day, or on the Monday after a week-end."""
    while day.weekday() >= 5:
        day += timedelta(days=1)
    minutes = random.choice(
        (random.randrange(8 * 60 + 30, 12 * 60 + 30), random.randrange(14 * 60, 16 * 60 + 30))
    )
    return day.replace(hour=minutes // 60, minute=minutes % 60, second=random.randrange(60), microsecond=0)
