"""Tokens → palette and style sheet on Fusion, light and dark; the fonts that go with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from cmsdesk.desk import icons
from cmsdesk.desk.qt import Qt
from cmsdesk.desk.tokens import (
    DARK,
    GRID,
    LIGHT,
    NARROW_SIDE,
    READING,
    SIDE,
    SIZES,
    TARGET,
    Tokens,
    in_sandbox,
)

if TYPE_CHECKING:  # not on the way to the first frame
    from PySide6.QtGui import QIcon, QPixmap

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
FAMILY = "Inter"
_MIDDLE = 128
"""Of lightness: a system whose windows are below it is dark."""
_TOKEN = re.compile(r"@([a-z_]+)")
_MEASURES = {
    "grid": f"{GRID}px",
    "target": f"{TARGET}px",
    "side": f"{SIDE}px",
    "narrow_side": f"{NARROW_SIDE}px",
    "reading": f"{READING}px",
}


class Look(Enum):
    """What the person chose."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Theme(QObject):
    """The look of the whole application; `changed` when another is put on."""

    changed = Signal()

    def __init__(self, application: QApplication, look: Look = Look.SYSTEM, *, sandbox: bool = False) -> None:
        """``look``: the colours of what is built before `put_on`."""
        super().__init__(application)
        self._application = application
        self._sandbox = sandbox
        self._template = (RESOURCES / "styles" / "desk.qss").read_text(encoding="utf-8")
        self._dressed: list[tuple[QObject, Callable[[], object]]] = []
        self._pruning = False
        self._system_dark = application.palette().window().color().lightness() < _MIDDLE
        self.look = look
        self.tokens = self._tokens(look)
        application.setFont(font())
        application.styleHints().colorSchemeChanged.connect(self._system_changed)

    def put_on(self, look: Look) -> None:
        """Show the application in ``look``; at once, everywhere."""
        self.look = look
        self.tokens = self._tokens(look)
        self._application.setPalette(palette(self.tokens))
        self._application.setStyleSheet(sheet(self._template, self.tokens))
        self._prune()
        for _, put_on in list(self._dressed):
            put_on()
        self.changed.emit()

    def dress(self, owner: QObject, put_on: Callable[[], object]) -> None:
        """Have ``put_on`` colour ``owner`` now and whenever another look is put on."""
        put_on()
        self._dressed.append((owner, put_on))
        owner.destroyed.connect(self._prune_soon)

    def icon(self, name: str, colour: str = "muted", *, selected: str = "") -> QIcon:
        """Return an icon in a token's colour."""
        found = self.tokens.colours()
        chosen = found[selected] if selected else ""
        return icons.icon(name, found[colour], disabled=found["muted"], selected=chosen)

    def pixmap(self, name: str, colour: str = "muted", size: int = icons.SIZE) -> QPixmap:
        """Return an icon as a picture in a token's colour."""
        return icons.pixmap(name, self.tokens.colours()[colour], size)

    def _prune_soon(self) -> None:
        # many go together: to look at all of what is left for each of them takes long
        if not self._pruning:
            self._pruning = True
            QTimer.singleShot(0, self, self._prune)

    def _prune(self) -> None:
        self._pruning = False
        self._dressed = [(owner, put_on) for owner, put_on in self._dressed if shiboken6.isValid(owner)]

    def _tokens(self, look: Look) -> Tokens:
        tokens = DARK if look is Look.DARK or (look is Look.SYSTEM and self._system_dark) else LIGHT
        return in_sandbox(tokens) if self._sandbox else tokens

    def _system_changed(self) -> None:
        self._system_dark = self._application.styleHints().colorScheme() is Qt.ColorScheme.Dark
        if self.look is Look.SYSTEM:
            self.put_on(Look.SYSTEM)


def load_fonts() -> None:
    """Make the bundled fonts known; raises `FileNotFoundError` when one cannot be loaded."""
    for path in sorted((RESOURCES / "fonts").glob("*.otf")):
        if QFontDatabase.addApplicationFont(str(path)) < 0:
            raise FileNotFoundError(path)


def font(size: str = "base", weight: QFont.Weight = QFont.Weight.Normal, *, tabular: bool = False) -> QFont:
    """Return the application's font in a token's size; ``tabular``: all figures of one width."""
    made = QFont(FAMILY)
    made.setPointSizeF(SIZES[size])
    made.setWeight(weight)
    if tabular:
        made.setFeature(QFont.Tag("tnum"), 1)
        made.setFeature(QFont.Tag("zero"), 1)
    return made


def palette(tokens: Tokens) -> QPalette:
    """Return the palette for what the style sheet does not reach."""
    made = QPalette()
    role = QPalette.ColorRole
    colours = {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.raised,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Button: tokens.surface,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.accent_text,
        role.ToolTipBase: tokens.text,
        role.ToolTipText: tokens.surface,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.Mid: tokens.border,
        role.Dark: tokens.control,
        role.Shadow: tokens.control,
        role.Light: tokens.raised,
        role.Midlight: tokens.raised,
        role.Accent: tokens.accent,
    }
    for name, colour in colours.items():
        made.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, name, QColor(tokens.muted))
    return made


def sheet(template: str, tokens: Tokens) -> str:
    """Return the style sheet with the tokens put in; an unknown one raises `KeyError`."""
    values = {
        **tokens.colours(),
        **_MEASURES,
        **{f"{name}_size": f"{points}pt" for name, points in SIZES.items()},
        "theme": tokens.name,
        "icons": icons.FOLDER.joinpath("styles").as_posix(),
    }
    return _TOKEN.sub(lambda match: values[match[1]], template)
