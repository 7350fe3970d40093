"""Bodies, sites, offices, operators and their mandates (ORG-1…5, ORG-7, ORG-8).

Documents of earlier releases lack what came later (an office's state, a mandate's ways of working):
they are read as what they were then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, Self

_SIGLA = re.compile(r"[A-Z]{2}")


class BodyKind(Enum):
    """What a body (ente) is (S0-023, S0-025, ANP)."""

    CHAMBER = "chamber"
    EQUIVALENT = "equivalent"
    """«Altro soggetto equiparato»: treated as a chamber."""
    MUNICIPALITY = "municipality"
    PREFETTURA = "prefettura"


class PlaceState(Enum):
    """Whether a site or an office is at work."""

    OPEN = "open"
    CLOSED = "closed"


# (from, to): what may follow what, for sites and offices alike; one that closed by mistake opens again
PLACE_TRANSITIONS: frozenset[tuple[PlaceState, PlaceState]] = frozenset(
    {(PlaceState.OPEN, PlaceState.CLOSED), (PlaceState.CLOSED, PlaceState.OPEN)}
)


class MandateState(Enum):
    """Where a mandate is in its life; that it is out of its period is the calendar's to say."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


# (from, to): what may follow what. What ended stays ended: another mandate is granted.
MANDATE_TRANSITIONS: frozenset[tuple[MandateState, MandateState]] = frozenset(
    {
        (MandateState.ACTIVE, MandateState.SUSPENDED),
        (MandateState.SUSPENDED, MandateState.ACTIVE),
        (MandateState.ACTIVE, MandateState.ENDED),
        (MandateState.SUSPENDED, MandateState.ENDED),
    }
)


class Role(Enum):
    """What a mandate lets its operator be (ORG-3)."""

    IR = "ir"
    RAO = "rao"
    HELP_DESK = "help_desk"
    ADMINISTRATOR = "administrator"
    PORTAL = "portal"
    """The body's portal: a program that holders apply through (POR-5); no operator's."""


GRANTED: tuple[Role, ...] = tuple(role for role in Role if role is not Role.PORTAL)
"""What an operator may be."""


class Permission(Enum):
    """Granular permissions inside what a role allows (ORG-2, ORG-4)."""

    DATA_ENTRY = "data_entry"
    PAYMENTS = "payments"
    WHOLE_BODY = "whole_body"
    """An IR who sees all registrations of the body, not only the office's (ORG-8)."""
    REVOKE_ONE = "revoke_one"
    """Revoke one certificate of a device alone (LCM-2)."""
    BODIES = "bodies"
    """Create other bodies: a security administrator's (ORG-1). Who has it may give it."""
    REVERSALS = "reversals"
    """Give back money that was taken, beside `PAYMENTS` (PRO-10)."""


class Way(Enum):
    """How an IR works: in the program, or on paper that a RAO types in (ORG-4, S0-086)."""

    TELEMATIC = "telematic"
    PAPER = "paper"


@dataclass(frozen=True)
class Body:
    """A body: chamber of commerce or equivalent, municipality, Prefettura (ORG-1)."""

    id: str
    name: str
    kind: BodyKind = BodyKind.CHAMBER
    sigle: tuple[str, ...] = ()
    """Provinces whose REA numbers a chamber keeps: two letters, several after mergers (domain.md §3.2)."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Its name in other languages («de»), for papers in two of them (REG-10)."""

    def document(self) -> dict[str, Any]:
        """Return the body's document."""
        said = {"body": self.id, "name": self.name, "kind": self.kind.value, "sigle": list(self.sigle)}
        return {**said, "names": dict(self.names)} if self.names else said

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Self:
        """Return the body that a document describes."""
        kind = BodyKind(document.get("kind", BodyKind.CHAMBER.value))
        names = dict(document.get("names", {}))
        return cls(identifier, document["name"], kind, tuple(document.get("sigle", ())), names)


def name_in(language: str, name: str, names: Mapping[str, str]) -> str:
    """Return a body's, site's or office's name in a language: its Italian one where it has no other."""
    return names.get(language) or name


def are_sigle(sigle: object) -> bool:
    """Tell whether a value is a list of different sigle."""
    return (
        isinstance(sigle, list)
        and all(isinstance(sigla, str) and _SIGLA.fullmatch(sigla) for sigla in sigle)
        and len(set(sigle)) == len(sigle)
    )


@dataclass(frozen=True)
class Site:
    """A site (sede) of a body: one address with one or more offices (ORG-1)."""

    id: str
    body: str
    name: str
    address: str = ""
    state: PlaceState = PlaceState.OPEN
    names: Mapping[str, str] = field(default_factory=dict)
    """Its name in other languages («de»)."""

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Self:
        """Return the site that a document describes."""
        return cls(
            identifier,
            document["body"],
            document["name"],
            document.get("address", ""),
            _state(document),
            dict(document.get("names", {})),
        )


@dataclass(frozen=True)
class Office:
    """An office (ufficio) in a site; operators work in it (ORG-1)."""

    id: str
    body: str
    name: str
    site: str | None = None
    """None: at the body's only seat."""
    state: PlaceState = PlaceState.OPEN
    moved_to: str | None = None
    """The office that its operators went to when it closed (ORG-7)."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Its name in other languages («de»), for papers in two of them (REG-10)."""

    def said(self, language: str) -> str:
        """Return its name in a language."""
        return name_in(language, self.name, self.names)

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Self:
        """Return the office that a document describes."""
        return cls(
            identifier,
            document["body"],
            document["name"],
            document.get("site"),
            _state(document),
            document.get("moved_to"),
            dict(document.get("names", {})),
        )


def _state(document: Mapping[str, Any]) -> PlaceState:
    return PlaceState(document.get("state", PlaceState.OPEN.value))


@dataclass(frozen=True)
class Operator:
    """A person as one body knows them (S0-005): all but the id is personal data."""

    id: str
    """UUIDv7: a codice fiscale may not stand in a journal's public part."""
    body: str
    fiscal_code: str
    surname: str
    given_name: str
    email: str = ""

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Self:
        """Return the operator that a document describes."""
        return cls(
            identifier,
            document["body"],
            document["fiscal_code"],
            document["surname"],
            document["given_name"],
            document.get("email", ""),
        )


@dataclass(frozen=True)
class Mandate:
    """A mandate (incarico): one operator, one office, one role, for a time (ORG-2)."""

    id: str
    operator: str
    """Codice fiscale."""
    body: str
    office: str
    role: Role
    valid_from: date
    valid_until: date
    permissions: frozenset[Permission] = frozenset()
    suspended: bool = False
    ended: bool = False
    data_entry: Way = Way.TELEMATIC
    """How data are entered, where `Permission.DATA_ENTRY` is held (ORG-4)."""
    payments: Way = Way.TELEMATIC
    """How payments are taken, where `Permission.PAYMENTS` is held (ORG-4)."""
    carries_on: frozenset[str] = field(default=frozenset())
    """Offices that closed or moved, whose things this mandate reaches like its own office's (ORG-7)."""
    moved_from: str | None = None
    """The mandate that this one continues after such a move (ORG-7)."""

    @property
    def state(self) -> MandateState:
        """Where the mandate is in its life."""
        if self.ended:
            return MandateState.ENDED
        return MandateState.SUSPENDED if self.suspended else MandateState.ACTIVE

    def works_on(self, day: date) -> bool:
        """Tell whether the mandate works on ``day``; a suspended or expired one stops at once (ORG-4)."""
        return self.state is MandateState.ACTIVE and self.valid_from <= day <= self.valid_until

    def allows(self, permission: Permission) -> bool:
        """Tell whether a permission is held for work in the program: work on paper is not (ORG-4)."""
        if permission is Permission.REVERSALS and not self.allows(Permission.PAYMENTS):
            return False
        ways = {Permission.DATA_ENTRY: self.data_entry, Permission.PAYMENTS: self.payments}
        return permission in self.permissions and ways.get(permission, Way.TELEMATIC) is Way.TELEMATIC

    def is_of(self, office: str) -> bool:
        """Tell whether an office is the mandate's own, or one that it carries on."""
        return office == self.office or office in self.carries_on

    def document(self) -> dict[str, Any]:
        """Return the mandate's document; what is as it always was is left out, as of old."""
        written: dict[str, Any] = {
            "operator": self.operator,
            "body": self.body,
            "office": self.office,
            "role": self.role.value,
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until.isoformat(),
            "permissions": names(self.permissions),
            "suspended": self.suspended,
        }
        if self.ended:
            written["ended"] = True
        if self.data_entry is not Way.TELEMATIC:
            written["data_entry"] = self.data_entry.value
        if self.payments is not Way.TELEMATIC:
            written["payments"] = self.payments.value
        if self.carries_on:
            written["carries_on"] = sorted(self.carries_on)
        if self.moved_from is not None:
            written["moved_from"] = self.moved_from
        return written

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Self:
        """Return the mandate that a document describes."""
        return cls(
            id=identifier,
            operator=document["operator"],
            body=document["body"],
            office=document["office"],
            role=Role(document["role"]),
            valid_from=date.fromisoformat(document["valid_from"]),
            valid_until=date.fromisoformat(document["valid_until"]),
            permissions=frozenset(map(Permission, document["permissions"])),
            suspended=document["suspended"],
            ended=document.get("ended", False),
            data_entry=Way(document.get("data_entry", Way.TELEMATIC.value)),
            payments=Way(document.get("payments", Way.TELEMATIC.value)),
            carries_on=frozenset(document.get("carries_on", ())),
            moved_from=document.get("moved_from"),
        )


PORTAL_MANDATE = "portal"
"""The mandate that a portal acts under; which portal it was, its certificate tells."""


def portal_mandate(body: str, office: str) -> Mandate:
    """Return a portal's mandate: no operator holds it, and it lasts as long as its certificate is let in."""
    return Mandate(PORTAL_MANDATE, "", body, office, Role.PORTAL, date.min, date.max)


def names(permissions: Iterable[Permission]) -> list[str]:
    """Return permissions as documents hold them."""
    return sorted(permission.value for permission in permissions)
