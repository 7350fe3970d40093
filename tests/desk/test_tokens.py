"""What can be read and seen: contrast of every pair of colours that the style sheet puts together."""

from __future__ import annotations

import re

import pytest

from cmsdesk.desk.theme import RESOURCES, sheet
from cmsdesk.desk.tokens import DARK, LIGHT, Tokens, in_sandbox

THEMES = [LIGHT, DARK, in_sandbox(LIGHT), in_sandbox(DARK)]
TEXT = 4.5
SHAPE = 3.0
READ_ON = {
    "text": ("window", "surface", "raised", "accent_soft", "bad_soft", "warn_soft", "good_soft"),
    "muted": ("window", "surface", "raised", "bad_soft", "warn_soft", "good_soft", "accent_soft"),
    "accent": ("window", "surface", "accent_soft"),
    "accent_text": ("accent", "accent_hover"),
    "good": ("surface", "good_soft"),
    "warn": ("surface", "warn_soft"),
    "bad": ("surface", "window", "bad_soft"),
    "rail_text": ("rail", "rail_hover"),
    "band_text": ("band",),
}
SEEN_ON = {"focus": ("window", "surface", "raised", "accent_soft"), "control": ("surface", "window")}


def luminance(colour: str) -> float:
    """WCAG 2.1, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: f"{tokens.name}-{tokens.accent}")
def test_what_is_read_has_contrast(tokens: Tokens) -> None:
    colours = tokens.colours()
    for pairs, least in ((READ_ON, TEXT), (SEEN_ON, SHAPE)):
        weak = {
            f"{front} on {back}": round(contrast(colours[front], colours[back]), 2)
            for front, backs in pairs.items()
            for back in backs
            if contrast(colours[front], colours[back]) < least
        }
        assert weak == {}


@pytest.mark.parametrize("tokens", THEMES, ids=lambda tokens: f"{tokens.name}-{tokens.accent}")
def test_the_sheet_names_tokens_only(tokens: Tokens) -> None:
    template = (RESOURCES / "styles" / "desk.qss").read_text(encoding="utf-8")
    made = sheet(template, tokens)
    assert "@" not in made
    assert set(re.findall(r"#[0-9A-Fa-f]{6}\b", template)) <= {"#FFFFFF"}


def test_every_control_shows_its_focus() -> None:
    template = (RESOURCES / "styles" / "desk.qss").read_text(encoding="utf-8")
    for control in (
        "QPushButton",
        "QToolButton",
        "QLineEdit",
        "QComboBox",
        "QCheckBox",
        "QTableView",
        "PinField",
    ):
        assert re.search(rf"{control}:focus", template), control
