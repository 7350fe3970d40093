"""The archive of earlier issues, other suppliers' included (emissioni pregresse, S0-007, REG-6).

It is imported from a table (CSV, UTF-8, one issue a line, the first line names the columns):
``fiscal_code, surname, given_name, rea, company_fiscal_code, device_kind, issued_on, supplier, serial``;
company, names and serial may be empty, but a line says a person or a company.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date

from cmsdesk.base.texts import N_
from cmsdesk.domain.device import DeviceKind

COLUMNS = (
    "fiscal_code",
    "surname",
    "given_name",
    "rea",
    "company_fiscal_code",
    "device_kind",
    "issued_on",
    "supplier",
    "serial",
)
_NEEDED = ("device_kind", "issued_on", "supplier")
_REA = re.compile(r"[A-Z]{2}-[0-9]{1,20}")
_PERSON = re.compile(r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]")
_COMPANY = re.compile(r"[0-9]{11}")
_KINDS: Mapping[str, DeviceKind] = {
    "smart_card": DeviceKind.SMART_CARD,
    "smart card": DeviceKind.SMART_CARD,
    "usb_token": DeviceKind.USB_TOKEN,
    "usb token": DeviceKind.USB_TOKEN,
    "token usb": DeviceKind.USB_TOKEN,
}


@dataclass(frozen=True)
class EarlierIssue:
    """A device that was issued before."""

    device_kind: DeviceKind
    issued_on: date
    supplier: str
    fiscal_code: str = ""
    """Of the holder."""
    surname: str = ""
    given_name: str = ""
    rea: str = ""
    """Key of the company, ``RM-123456``."""
    company_fiscal_code: str = ""
    serial: str = ""

    def id(self, body: str) -> str:
        """Return an id made of the content: the same line again is the same issue."""
        values = {**asdict(self), "device_kind": self.device_kind.value, "body": body}
        text = json.dumps(values, sort_keys=True, default=date.isoformat)
        return hashlib.sha256(text.encode()).hexdigest()[:40]


@dataclass(frozen=True)
class LineWrong:
    """What is wrong with a line: a message of the catalogue that may name ``column`` and ``value``."""

    line: int
    """From 1, as an editor counts."""
    problem: str
    column: str = ""
    value: str = ""


def read_archive(lines: Iterable[str]) -> Iterator[tuple[int, EarlierIssue] | LineWrong]:
    """Yield (line number, issue) or what is wrong with the line; commas or semicolons part the values."""
    rows = iter(lines)
    head = next(rows, "").lstrip("\ufeff")
    delimiter = ";" if head.count(";") > head.count(",") else ","
    columns = [name.strip().lower() for name in head.split(delimiter)]
    if set(_NEEDED) - set(columns):
        missing = min(set(_NEEDED) - set(columns))
        yield LineWrong(1, N_("the column «{column}» is missing"), column=missing)
        return
    reader = csv.reader(rows, delimiter=delimiter)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield LineWrong(reader.line_num + 1, N_("the line is no line of a table"))
            continue
        number = reader.line_num + 1
        if not any(value.strip() for value in row):
            continue
        if len(row) != len(columns):
            yield LineWrong(number, N_("the line has too many or too few values"))
            continue
        values = {name: value.strip() for name, value in zip(columns, row, strict=True)}
        found = _issue({name: values.get(name, "") for name in COLUMNS})
        if isinstance(found, EarlierIssue):
            yield number, found
        else:
            yield LineWrong(number, *found)


def _issue(values: dict[str, str]) -> EarlierIssue | tuple[str, str, str]:
    """Return the issue of a line, or (problem, column, value)."""
    for name in ("fiscal_code", "rea", "company_fiscal_code"):
        values[name] = values[name].upper().replace(" ", "")
    for name, form in (("fiscal_code", _PERSON), ("rea", _REA)):
        if values[name] and not form.fullmatch(values[name]):
            return N_("«{value}» is not of the form of «{column}»"), name, values[name]
    company = values["company_fiscal_code"]
    if company and not (_PERSON.fullmatch(company) or _COMPANY.fullmatch(company)):
        return N_("«{value}» is not of the form of «{column}»"), "company_fiscal_code", company
    if not values["fiscal_code"] and not values["rea"] and not company:
        return N_("the line names neither a person nor a company"), "", ""
    kind = _KINDS.get(values["device_kind"].lower())
    if kind is None:
        return N_("«{value}» is no type of device"), "device_kind", values["device_kind"]
    day = _day(values["issued_on"])
    if day is None:
        return N_("«{value}» is not a date"), "issued_on", values["issued_on"]
    if not values["supplier"]:
        return N_("«{column}» is empty"), "supplier", ""
    rest = {name: values[name] for name in COLUMNS if name not in ("device_kind", "issued_on")}
    return EarlierIssue(device_kind=kind, issued_on=day, **rest)


def _day(text: str) -> date | None:
    """Return a date written ``2019-05-31`` or ``31/05/2019``."""
    parts = text.split("/")
    written = "-".join(reversed(parts)) if len(parts) == 3 else text
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
