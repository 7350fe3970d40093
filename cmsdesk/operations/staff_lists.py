"""Lists of operators with their mandates: written for a spreadsheet, read back line by line (ORG-6).

CSV, UTF-8, parted by semicolons; a line is a mandate, or a person without one. Headings, roles,
permissions and ways are the catalogue's words in any of its languages, or the codes; days are
written as people write them or ISO 8601.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, TypeVar

from cmsdesk.base.errors import Mendable
from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import LANGUAGES, N_, Texts, texts
from cmsdesk.domain.decisions.staff import MOST_TAKEN_IN
from cmsdesk.domain.figures import csv_text
from cmsdesk.domain.fiscal_code import FORM, check_letter
from cmsdesk.domain.organisation import (
    Mandate,
    MandateState,
    Office,
    Operator,
    Permission,
    PlaceState,
    Role,
    Way,
)
from cmsdesk.domain.words import word

HEADING: Mapping[str, str] = {
    "fiscal_code": N_("Codice fiscale"),
    "surname": N_("Surname"),
    "given_name": N_("Given name"),
    "email": N_("E-mail"),
    "office": N_("Office"),
    "role": N_("Role"),
    "valid_from": N_("First day"),
    "valid_until": N_("Last day"),
    "permissions": N_("Permissions"),
    "data_entry": N_("Data entry"),
    "payments": N_("Payments"),
    "state": N_("State"),
}
"""Columns by name. ``state`` is written, and not read but for this: what ended is left out."""
_NEEDED = ("fiscal_code", "surname", "given_name")
_MANDATE = ("office", "role", "valid_until")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
ReadDay = Callable[[str], date | None]
"""Returns the day that a text says, or None."""
E = TypeVar("E", bound=Enum)


class StaffListWrong(Mendable):
    """The file is no list of operators."""

    code = "STAFF-LIST"
    cause = N_("The file «{file}» cannot be used: {problem}.")
    next_step = N_("Export the list of operators once: it shows the form that is wanted.")


@dataclass(frozen=True)
class LineProblem:
    """What is wrong in one line of the file."""

    line: int
    """As a spreadsheet counts: the heading is line 1."""
    message: str
    """Of the catalogue."""
    values: Mapping[str, str]


@dataclass(frozen=True)
class Staff:
    """Who works in a body now."""

    operators: Mapping[str, Operator]
    """By codice fiscale."""
    mandates: Sequence[Mandate]
    offices: Mapping[str, Office]


@dataclass(frozen=True)
class StaffList:
    """A list as it was read: what it would record and grant, and what is wrong."""

    operators: tuple[dict[str, Any], ...]
    """Facts of `operator.record`."""
    mandates: tuple[dict[str, Any], ...]
    """Facts of `mandate.grant`."""
    problems: tuple[LineProblem, ...]
    known: int = 0
    """Lines that say what the records hold already: left as they are."""


def write_staff_list(staff: Staff, say: Texts, offices: Iterable[str] | None = None) -> str:
    """Return the list as CSV in the language of ``say``; ``offices``: of these only."""
    wanted = None if offices is None else set(offices)
    rows = []
    for mandate in staff.mandates:
        if wanted is not None and mandate.office not in wanted:
            continue
        person = staff.operators.get(mandate.operator)
        office = staff.offices.get(mandate.office)
        rows.append(
            [
                mandate.operator,
                person.surname if person else "",
                person.given_name if person else "",
                person.email if person else "",
                office.name if office else mandate.office,
                say(word(mandate.role)),
                f"{mandate.valid_from:%d/%m/%Y}",
                f"{mandate.valid_until:%d/%m/%Y}",
                ", ".join(say(word(one)) for one in Permission if one in mandate.permissions),
                say(word(mandate.data_entry)),
                say(word(mandate.payments)),
                say(word(mandate.state)),
            ]
        )
    rows.sort(key=lambda row: (row[1].casefold(), row[2].casefold(), row[0], row[4]))
    return csv_text([say(title) for title in HEADING.values()], rows)


def read_staff_list(text: str, name: str, staff: Staff, read_day: ReadDay, today: date) -> StaffList:
    """Read a list; nothing is recorded yet.

    Raises:
        StaffListWrong: it has no such columns, or no lines, or too many.
    """
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";", strict=True))
    except csv.Error:
        raise StaffListWrong(file=name, problem=N_("it is no CSV parted by semicolons")) from None
    if not lines:
        raise StaffListWrong(file=name, problem=N_("is empty"))
    columns = [_columns().get(cell.strip().casefold(), "") for cell in lines[0]]
    if not set(_NEEDED) <= set(columns):
        raise StaffListWrong(file=name, problem=N_("its first line does not name the columns"))
    reader = _Reader(staff, read_day, today)
    for number, cells in enumerate(lines[1:], 2):
        values = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        if any(values.values()):
            reader.take(number, values)
    found = reader.found()
    if len(found.operators) + len(found.mandates) > MOST_TAKEN_IN:
        raise StaffListWrong(file=name, problem=N_("it has too many lines for one list"))
    return found


class _Reader:
    """Reads line after line, remembering what the earlier ones said."""

    def __init__(self, staff: Staff, read_day: ReadDay, today: date) -> None:
        self._staff, self._read_day, self._today = staff, read_day, today
        self._people: dict[str, dict[str, Any]] = {}
        self._mandates: list[dict[str, Any]] = []
        self._problems: list[LineProblem] = []
        self._known = 0
        self._held = {
            (mandate.operator, mandate.office, mandate.role)
            for mandate in staff.mandates
            if mandate.state is not MandateState.ENDED and mandate.valid_until >= today
        }
        self._seen: set[tuple[str, str, Role]] = set()
        self._offices = {office.name.casefold(): office for office in staff.offices.values()}
        self._offices |= {identifier.casefold(): office for identifier, office in staff.offices.items()}

    def found(self) -> StaffList:
        """Return all that was read."""
        return StaffList(
            tuple(self._people.values()), tuple(self._mandates), tuple(self._problems), self._known
        )

    def take(self, line: int, values: Mapping[str, str]) -> None:
        """Take one line."""
        if _one_of(MandateState, values.get("state", "")) is MandateState.ENDED:
            self._known += 1
            return
        before = len(self._problems)
        code = values.get("fiscal_code", "").upper().removeprefix("'")
        person = self._person(line, code, values)
        mandate = self._mandate(line, code, values) if any(values.get(name) for name in _MANDATE) else None
        if len(self._problems) > before:
            return
        key = None if mandate is None else (code, mandate["office"], Role(mandate["role"]))
        new = code not in self._staff.operators and code not in self._people
        if new:
            self._people[code] = person
        if mandate is not None and key is not None and key not in self._held:
            if key in self._seen:
                self._wrong(line, N_("The same mandate stands in the file twice."))
                return
            self._seen.add(key)
            self._mandates.append(mandate)
        elif not new:
            self._known += 1

    def _wrong(self, line: int, message: str, **values: str) -> None:
        self._problems.append(LineProblem(line, message, values))

    def _person(self, line: int, code: str, values: Mapping[str, str]) -> dict[str, Any]:
        if not is_fiscal_code(code):
            self._wrong(line, N_("«{value}» is no codice fiscale of a person."), value=code)
        for name in ("surname", "given_name"):
            if not values.get(name):
                self._wrong(line, N_("{name} is missing."), name=HEADING[name])
        email = values.get("email", "")
        if email and not is_email(email):
            self._wrong(line, N_("«{value}» is no e-mail address."), value=email)
        return {
            "operator": new_id(),
            "fiscal_code": code,
            "surname": values.get("surname", ""),
            "given_name": values.get("given_name", ""),
            "email": email,
        }

    def _mandate(self, line: int, code: str, values: Mapping[str, str]) -> dict[str, Any] | None:
        office = self._office(line, values.get("office", ""))
        role = _one_of(Role, values.get("role", ""))
        if role is None:
            self._wrong(line, N_("«{value}» is no role."), value=values.get("role", ""))
        first = self._day(line, values.get("valid_from", ""), self._today)
        last = self._day(line, values.get("valid_until", ""), None)
        if first and last and last < max(first, self._today):
            self._wrong(line, N_("The last day lies before the first day or in the past."))
        permissions = self._permissions(line, values.get("permissions", ""))
        ways = {name: self._way(line, values.get(name, "")) for name in ("data_entry", "payments")}
        if office is None or role is None or first is None or last is None:
            return None
        return {
            "mandate": new_id(),
            "operator": code,
            "office": office.id,
            "role": role.value,
            "valid_from": first.isoformat(),
            "valid_until": last.isoformat(),
            "permissions": sorted(one.value for one in permissions),
            **{name: way.value for name, way in ways.items()},
        }

    def _office(self, line: int, value: str) -> Office | None:
        office = self._offices.get(value.casefold())
        if office is None:
            self._wrong(line, N_("The body has no office «{value}»."), value=value)
        elif office.state is not PlaceState.OPEN:
            self._wrong(line, N_("The office «{value}» is closed."), value=value)
            return None
        return office

    def _day(self, line: int, value: str, otherwise: date | None) -> date | None:
        day = self._read_day(value) if value else otherwise
        if day is None:
            self._wrong(line, N_("«{value}» is no day."), value=value)
        return day

    def _permissions(self, line: int, value: str) -> list[Permission]:
        found = []
        for part in filter(None, (part.strip() for part in re.split(r"[,|+]", value))):
            permission = _one_of(Permission, part)
            if permission is None:
                self._wrong(line, N_("«{value}» is no permission."), value=part)
            else:
                found.append(permission)
        return found

    def _way(self, line: int, value: str) -> Way:
        way = _one_of(Way, value) if value else Way.TELEMATIC
        if way is None:
            self._wrong(line, N_("«{value}» is no way of working."), value=value)
        return way or Way.TELEMATIC


def is_fiscal_code(code: str) -> bool:
    """Tell whether a text has the form and the check letter of a person's codice fiscale."""
    return bool(FORM.fullmatch(code)) and check_letter(code[:15]) == code[15]


def is_email(text: str) -> bool:
    """Tell whether a text is an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def _columns() -> dict[str, str]:
    """Return the names of columns by all that may stand for them in a heading."""
    found = {name: name for name in HEADING}
    for language in LANGUAGES:
        found |= {texts(language)(title).casefold(): name for name, title in HEADING.items()}
    return found


def _one_of(kind: type[E], text: str) -> E | None:
    """Return the member that a code, or a word of any language, stands for."""
    wanted = text.strip().casefold()
    for member in kind:
        said = {str(member.value), *(texts(language)(word(member)).casefold() for language in LANGUAGES)}
        if wanted in said:
            return member
    return None
