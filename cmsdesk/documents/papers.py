"""The papers of the desk by name: whoever asks for one loads nothing that draws."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from importlib import import_module
from typing import Any

from cmsdesk.documents.stationery import Stationery


class Paper(Enum):
    """A paper; the value is the module of this package and the function that makes it."""

    REQUEST_FORM = "request_form", "request_form"
    DELIVERY_RECEIPT = "delivery", "delivery_receipt"
    LETTER = "delivery", "accompanying_letter"
    TILL_RECEIPT = "till", "till_receipt"
    CLOSING_REPORT = "till", "closing_report"
    LIST = "tables", "list_paper"


def make(paper: Paper, content: Any, stationery: Stationery, now: datetime) -> bytes:
    """Return a paper as PDF/A-1b; loads what draws it.

    Args:
        paper: which.
        content: what it says, of `documents.contents`.
        stationery: the office's.
        now: when it is made.

    Raises:
        ClauseWrong: a text of the body names a value that there is not.
    """
    module, function = paper.value
    made: bytes = getattr(import_module(f"{__package__}.{module}"), function)(content, stationery, now)
    return made
