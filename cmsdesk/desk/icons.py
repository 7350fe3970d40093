"""Icons from files, in the theme's colours."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QRectF, QSize
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

if TYPE_CHECKING:  # not on the way to the first frame
    from PySide6.QtGui import QIcon

FOLDER = Path(__file__).resolve().parents[2] / "resources" / "icons"
SIZE = 20
"""Pixels at 100 %."""


def icon(name: str, colour: str, *, disabled: str, selected: str = "", size: int = SIZE) -> QIcon:
    """Return the icon of file ``name`` in ``colour``: another where it is ``disabled`` or ``selected``."""
    from PySide6.QtGui import QIcon

    made = QIcon(pixmap(name, colour, size))
    made.addPixmap(pixmap(name, disabled, size), QIcon.Mode.Disabled)
    if selected:
        chosen = pixmap(name, selected, size)
        made.addPixmap(chosen, QIcon.Mode.Normal, QIcon.State.On)
        made.addPixmap(chosen, QIcon.Mode.Selected, QIcon.State.On)
    return made


def pixmap(name: str, colour: str, size: int = SIZE) -> QPixmap:
    """Return the icon as a picture, sharp on this screen; raises `FileNotFoundError`."""
    screen = QGuiApplication.primaryScreen()
    return _drawn(name, colour, size, screen.devicePixelRatio() if screen else 1.0)


@lru_cache(maxsize=512)
def _drawn(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    picture = QPixmap(QSize(size, size) * ratio)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode())).render(
        painter, QRectF(0, 0, size * ratio, size * ratio)
    )
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
