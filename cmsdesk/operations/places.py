"""Municipalities and countries with their history, as registration needs them (REG-2; domain.md §3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

ANPR = "ANPR"


@dataclass(frozen=True)
class Place:
    """A municipality, or a country for those born abroad."""

    code: str
    """Cadastral code (codice catastale); of a country it begins with Z."""
    name: str
    other_name: str = ""
    """In the other language of a bilingual place."""
    province: str = ""
    """Sigla; empty for a country."""
    istat: str = ""
    """ISTAT code, six digits, where the table says it."""
    since: date | None = None
    until: date | None = None
    """Last day; None: it is there today."""
    source: str = ""
    """Table that was imported and says so (`ANPR`); empty: built in."""

    @property
    def is_country(self) -> bool:
        """Whether it is abroad."""
        return self.code.startswith("Z")

    def existed_on(self, day: date) -> bool:
        """Tell whether it was there on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    @property
    def written(self) -> str:
        """The name as people write it: «Bolzano/Bozen (BZ)», «Argentina»."""
        if self.is_country:
            return self.name
        both = f"{self.name}/{self.other_name}" if self.other_name else self.name
        return f"{both} ({self.province})"


class Places(Protocol):
    """A directory of places."""

    def at(self, code: str, day: date | None) -> Place | None:
        """Return the place of a code as it was on ``day`` (None: today); None when there was none then."""
        ...

    def named(self, name: str) -> Place | None:
        """Return the municipality of today with this name, in either language; case does not matter."""
        ...

    def starting(self, prefix: str, limit: int = 8, near: str = "") -> list[Place]:
        """Return the municipalities of today whose name begins so: those of the province ``near`` first,
        then by the length of their names."""
        ...

    def search(self, text: str, on: date, *, limit: int = 20, countries: bool | None = None) -> list[Place]:
        """Return places of ``on`` whose name, or other name, or one of whose words begins with ``text``.

        Accents and case do not count; exact names come first. ``countries`` narrows to countries, or
        to municipalities.
        """
        ...

    def nearest(self, code: str, on: date) -> Place | None:
        """Return the place of a code on a day, or its nearest form in time: codes outlive places."""
        ...
