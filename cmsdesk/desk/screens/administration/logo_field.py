"""The body's logo on the configuration screen: chosen from a file, looked at, taken away (ORG-5)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFileDialog, QLabel, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, column, label, plain, row

_ACROSS, _DOWN = 260, 96
_FILES = "PNG, SVG (*.png *.svg)"


class LogoField(QWidget):
    """Its value is the logo's PNG in base 64; None: papers show the body's name alone."""

    def __init__(self, texts: LiveTexts, changed: Callable[[], object]) -> None:
        """``changed`` is called when another logo stands here, or none any more."""
        super().__init__()
        self._texts, self._changed = texts, changed
        self._value: str | None = None
        self.picture, self.wrong = QLabel(), plain(role="error", wrap=True)
        self.picture.setFixedHeight(_DOWN)
        # papers are white in every theme
        self.picture.setStyleSheet("background: white; padding: 8px")
        self._none = label(texts, N_("No logo: papers begin with the body’s name."), "muted", wrap=True)
        choose = button(texts, N_("Choose a file…"), self.choose)
        self._away = button(texts, N_("Take the logo away"), lambda: self._take(None), kind="flat")
        self.setLayout(column(row(self.picture, None), self._none, self.wrong, row(choose, self._away, None)))
        texts.bind(self, self._show)

    def value(self) -> str | None:
        """Return what stands here."""
        return self._value

    def set_value(self, value: str | None) -> None:
        """Show a logo, or that there is none."""
        self._value = value
        self.wrong.setText("")
        self._show()

    def words(self, value: str | None) -> str:
        """Return a logo in words: its size in dots."""
        found = _pixmap(value)
        return f"{found.width()} × {found.height()}" if value else ""

    def choose(self) -> None:
        """Ask for a file."""
        path, _ = QFileDialog.getOpenFileName(self, self._texts(N_("Logo of the body")), "", _FILES)
        if path:
            self.read(Path(path))

    def read(self, path: Path) -> None:
        """Take the logo from a file; one that cannot be is told here."""
        from cmsdesk.desk.logo import LogoWrong, logo_of

        try:
            self._take(base64.b64encode(logo_of(path.read_bytes())).decode())
        except OSError:
            self._refuse(LogoWrong(reason=N_("it cannot be read from where it is")))
        except LogoWrong as wrong:
            self._refuse(wrong)

    def _refuse(self, error: Mendable) -> None:
        self.wrong.setText(" ".join(self._texts.failure(error)[:2]))
        self.wrong.show()

    def _take(self, value: str | None) -> None:
        self.set_value(value)
        self._changed()

    def _show(self) -> None:
        found = _pixmap(self._value)
        self.picture.setPixmap(
            found.scaled(
                _ACROSS,
                _DOWN - 16,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            if self._value
            else found
        )
        self.picture.setAccessibleName(self._texts(N_("Logo of the body")))
        self.picture.setVisible(self._value is not None)
        self._away.setVisible(self._value is not None)
        self._none.setVisible(self._value is None)
        self.wrong.setVisible(bool(self.wrong.text()))


def _pixmap(value: str | None) -> QPixmap:
    made = QPixmap()
    if value:
        made.loadFromData(QByteArray(base64.b64decode(value)), "PNG")
    return made
