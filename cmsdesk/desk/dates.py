"""Dates as people type them; without Qt, for the models behind the screens."""

from __future__ import annotations

import re
from datetime import date

_DIGITS = re.compile(r"^(\d{2})(\d{2})(\d{4}|\d{2})$")
_PARTS = re.compile(r"^(\d{1,2})[/. -](\d{1,2})[/. -](\d{4}|\d{2})$")
_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})$")
_PIVOT = 10
"""Two figures up to this many years ahead of today are this century's."""


def read_date(text: str, today: date) -> date | None:
    """Return the date that ``text`` says, or None."""
    text = text.strip()
    if iso := _ISO.match(text):
        year, month, day = iso[1], iso[2], iso[3]
    elif parts := _DIGITS.match(text) or _PARTS.match(text):
        day, month, year = parts[1], parts[2], parts[3]
    else:
        return None
    number = int(year)
    if len(year) == 2:
        number += 2000 if number <= today.year % 100 + _PIVOT else 1900
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None
