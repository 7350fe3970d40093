"""Takes pictures of a window in every look, language and size, and says what cannot be read on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from cmsdesk.desk import work
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Look, Theme
from tests.desk.legible import flaws

SIZES = (QSize(1280, 800), QSize(1920, 1080))
_STEP_MS = 20
_STILL_MS = 60
_LONGEST_MS = 4000


def still(least_ms: int = _STILL_MS) -> None:
    """Wait until no thread is at work for the window, and what it found is shown."""
    QTest.qWait(least_ms)
    waited = 0
    while work.under_way() and waited < _LONGEST_MS:
        QTest.qWait(_STEP_MS)
        waited += _STEP_MS
    QTest.qWait(least_ms)


@dataclass
class Camera:
    """What is wanted of every scene."""

    folder: Path | None
    """None: nothing is kept, only read."""
    looks: Sequence[Look] = (Look.LIGHT, Look.DARK)
    languages: Sequence[str] = ("it", "de", "en")
    sizes: Sequence[QSize] = SIZES
    only: Sequence[str] = ()
    """Beginnings of the names of scenes; none: all."""
    wrong: dict[str, list[str]] = field(default_factory=dict)
    """Found by scene, language and size: what cannot be read there."""

    def wants(self, scene: str) -> bool:
        """Tell whether a scene is asked for."""
        return not self.only or any(scene.startswith(one) for one in self.only)

    def take(
        self, name: str, window: QWidget, texts: LiveTexts, theme: Theme, *, resize: bool = True
    ) -> None:
        """Take a scene as it stands in every look, language and size."""
        if not self.wants(name):
            return
        before = texts.language
        for language in self.languages:
            texts.set_language(language)
            for size in self.sizes if resize else (window.size(),):
                window.resize(size)
                still()
                taken = f"{name}-{language}-{size.width()}"
                for look in self.looks:
                    if theme.look is not look:
                        theme.put_on(look)
                        still()
                    found = flaws(window, language)
                    if found:
                        self.wrong[f"{taken}-{look.value}"] = found
                    if self.folder is not None:
                        picture_of(window).save(str(self.folder / f"{taken}-{look.value}.png"))
        texts.set_language(before)
        still()


def picture_of(window: QWidget) -> QPixmap:
    """Return a window as it is seen, with the lists and menus that hang over it."""
    made = window.grab()
    painter = QPainter(made)
    for one in QApplication.topLevelWidgets():
        if one is not window and one.isVisible() and one.isWindow() and _hangs_over(one, window):
            painter.drawPixmap(window.mapFromGlobal(one.mapToGlobal(QPoint(0, 0))), one.grab())
    painter.end()
    return made


def _hangs_over(one: QWidget, window: QWidget) -> bool:
    here = QRect(window.mapToGlobal(QPoint(0, 0)), window.size())
    return one.windowFlags() & one.windowType().Popup == one.windowType().Popup and here.intersects(
        QRect(one.mapToGlobal(QPoint(0, 0)), one.size())
    )


Scene = Callable[..., Iterator[str]]
"""Leads a stage from state to state; yields the name of each, when it is to be seen."""
