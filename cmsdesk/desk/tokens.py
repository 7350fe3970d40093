"""Colours and measures of the application: the only place where they are said.

Text has a contrast of at least 4.5:1 on the surface it is meant for, borders of controls and the
focus ring at least 3:1 (WCAG 2.1, 1.4.3 and 1.4.11); `tests/desk/test_tokens.py` holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

GRID = 8
"""Everything stands on multiples of it, pixels."""
TARGET = 32
"""Least height of what is clicked, pixels."""
SIDE = 232
"""Width of the navigation rail, pixels."""
NARROW_SIDE = 68
"""The same in a small window: signs without words, pixels."""
READING = 640
"""Widest line of running text, pixels (about 80 characters)."""

SIZES = {"small": 9.0, "base": 10.0, "heading": 12.0, "title": 18.0, "display": 24.0}
"""Sizes of type, points."""


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, ``#RRGGBB``."""

    name: str
    window: str
    surface: str
    raised: str
    """Headers of tables, hovered rows, wells."""
    border: str
    control: str
    """Border of what can be operated."""
    text: str
    muted: str
    accent: str
    accent_hover: str
    accent_text: str
    """On ``accent``."""
    accent_soft: str
    """Behind a selected row or chip; ``text`` and ``accent`` are read on it."""
    focus: str
    rail: str
    rail_hover: str
    rail_text: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    band: str
    """The sandbox's band."""
    band_text: str

    def colours(self) -> dict[str, str]:
        """Return the colours by name."""
        return {name: value for name, value in vars(self).items() if name != "name"}


LIGHT = Tokens(
    name="light",
    window="#F3F5F9",
    surface="#FFFFFF",
    raised="#EEF2F7",
    border="#D5DCE7",
    control="#76849A",
    text="#17212F",
    muted="#52607A",
    accent="#0B5CAD",
    accent_hover="#084A8D",
    accent_text="#FFFFFF",
    accent_soft="#E2EDFA",
    focus="#0B5CAD",
    rail="#12233D",
    rail_hover="#1D3355",
    rail_text="#DCE5F2",
    good="#17692F",
    good_soft="#E2F3E7",
    warn="#7A4F00",
    warn_soft="#FCF0D3",
    bad="#AD1F17",
    bad_soft="#FCE9E7",
    band="#F4B400",
    band_text="#221A00",
)
DARK = Tokens(
    name="dark",
    window="#12161D",
    surface="#1B212B",
    raised="#252D39",
    border="#343E4D",
    control="#74839A",
    text="#EDF1F7",
    muted="#A9B6C9",
    accent="#6CB2FF",
    accent_hover="#93C6FF",
    accent_text="#0B1220",
    accent_soft="#20344F",
    focus="#93C6FF",
    rail="#0B0E14",
    rail_hover="#1A2230",
    rail_text="#D3DCE9",
    good="#62D08A",
    good_soft="#163324",
    warn="#F2BF57",
    warn_soft="#382C12",
    bad="#FF9387",
    bad_soft="#41201D",
    band="#F4B400",
    band_text="#221A00",
)


def in_sandbox(tokens: Tokens) -> Tokens:
    """Return a theme with the sandbox's accent, so that it is never taken for production."""
    if tokens.name == "dark":
        return replace(
            tokens, accent="#4FD1C5", accent_hover="#7FE3D9", accent_soft="#173C3B", focus="#7FE3D9"
        )
    return replace(
        tokens,
        accent="#00686E",
        accent_hover="#004F54",
        accent_soft="#DDF1F1",
        focus="#00686E",
        rail="#0E2E33",
        rail_hover="#17434A",
    )
