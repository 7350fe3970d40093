"""The scenario's file, ``samples/scenario.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cmsdesk.base.settings import load_settings

SAMPLE = Path(__file__).parents[1] / "samples" / "scenario.toml"


@dataclass(frozen=True)
class SiteData:
    """A site."""

    id: str
    name: str
    address: str
    german: str = ""
    """Its name in German; empty: it has none."""


@dataclass(frozen=True)
class OfficeData:
    """An office."""

    id: str
    site: str
    name: str
    weight: int
    """Its part of the body's registrations."""
    german: str = ""


@dataclass(frozen=True)
class BodyData:
    """A body, and how many operators of each role it has."""

    id: str
    name: str
    kind: str
    sigle: tuple[str, ...]
    languages: tuple[str, ...]
    share_percent: int
    """Its part of all registrations."""
    places: tuple[str, ...]
    """Cadastral codes of the municipalities its holders live in."""
    rao: int
    ir: int
    help_desk: int
    administrators: int
    sites: tuple[SiteData, ...]
    offices: tuple[OfficeData, ...]
    closing: str = ""
    """An office that closed some weeks ago."""
    german: str = ""


@dataclass(frozen=True)
class Municipality:
    """A real municipality."""

    code: str
    name: str
    province: str
    postcode: str
    german: str = ""


@dataclass(frozen=True)
class Country:
    """A country that people were born in, with names in use there."""

    code: str
    name: str
    citizenship: str
    union: bool
    male: tuple[str, ...]
    female: tuple[str, ...]
    surnames: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """What people, streets and companies are made of."""

    male: tuple[str, ...]
    female: tuple[str, ...]
    surnames: tuple[str, ...]
    german_male: tuple[str, ...]
    german_female: tuple[str, ...]
    german_surnames: tuple[str, ...]
    streets: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    offices_held: tuple[str, ...]
    cancellations: tuple[str, ...]


@dataclass(frozen=True)
class States:
    """How registrations stand, in parts of 1000."""

    delivered: int
    produced: int
    approved: int
    registered: int
    in_production: int
    cancelled: int
    failed: int
    ready: int
    """From the portal, ready to be produced."""
    undone: int
    """Produced at the second attempt: the first was reset."""


@dataclass(frozen=True)
class ScenarioData:
    """The whole file."""

    seed: int
    months: int
    recent_months: int
    recent_percent: int
    registrations: int
    states: States
    bodies: tuple[BodyData, ...]
    municipalities: tuple[Municipality, ...]
    countries: tuple[Country, ...]
    names: Names

    def municipality(self, code: str) -> Municipality:
        """Return a municipality by its cadastral code."""
        return next(place for place in self.municipalities if place.code == code)


def load(path: Path = SAMPLE) -> ScenarioData:
    """Read the file.

    Raises:
        SettingsWrong: naming the place of a mistake.
    """
    return load_settings(path, ScenarioData)
