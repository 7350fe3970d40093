"""Amounts as people type them."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"(\d{1,3}(?:[.\u2019' ]\d{3})+|\d+)(?:[,.](\d{1,2}))?")


def cents_of(text: str) -> int | None:
    """Return an amount in cents: «25», «25,5», «1.234,50», «12.50», «€» or not; None: it is none."""
    found = _AMOUNT.fullmatch(text.replace("€", "").strip())
    if found is None:
        return None
    whole, rest = re.sub(r"\D", "", found[1]), (found[2] or "").ljust(2, "0")
    return int(whole) * 100 + int(rest)
