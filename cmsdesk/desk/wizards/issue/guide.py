"""What the hands do now: the reader's picture, a heading for the hands, a sentence for the head."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import column, plain, row
from cmsdesk.desk.widgets.reader_picture import ReaderPicture

_SMALL, _LARGE = 0.6, 1.4
_NARROW = 460
"""Pixels: below, the words stand under the picture, not beside it."""
_WIDE = 900
"""Pixels: from here on the picture is larger, so that it is seen from where the hands are."""


class Guide(QWidget):
    """Picture and words, side by side where there is room."""

    def __init__(self, theme: Theme, *, token: bool) -> None:
        super().__init__()
        self.picture = ReaderPicture(theme, token=token)
        self.heading, self.sentence = plain(role="heading", wrap=True), plain(role="muted", wrap=True)
        self._inside = row(self.picture, column(None, self.heading, self.sentence, None, gap=1), gap=3)
        self._inside.setStretch(1, 1)
        self._inside.addStretch(0)
        self._inside.setAlignment(self.picture, Qt.AlignmentFlag.AlignLeft)
        self._small = False
        self.setLayout(self._inside)

    def show_small(self, small: bool) -> None:
        """Leave the room to what is below."""
        self._small = small
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the words beside the picture or under it."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < _NARROW
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._inside.setDirection(down if narrow and not self._small else across)
        self._inside.setSpacing(8 if narrow else 24)
        large = _LARGE if self.width() >= _WIDE else 1.0
        self.picture.set_scale(_SMALL if self._small or narrow else large)
