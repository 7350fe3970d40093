"""A line that was found and can be chosen: its words side by side, one key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from PySide6.QtWidgets import QPushButton

Chosen = TypeVar("Chosen")


def found_button(words: Sequence[str], chosen: Callable[[Chosen], object], what: Chosen) -> QPushButton:
    """Return a flat button that calls ``chosen`` with ``what``."""
    made = QPushButton("  ·  ".join(filter(None, words)))
    made.setProperty("flat", True)
    made.setAccessibleName(made.text())
    made.setStyleSheet("text-align: left")
    made.clicked.connect(partial(_choose, chosen, what))
    return made


def _choose(chosen: Callable[[Chosen], object], what: Chosen, _checked: bool = False) -> None:
    chosen(what)
