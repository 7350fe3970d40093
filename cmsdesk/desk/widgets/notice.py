"""What happened, said in place: cause, next step, and a code for the help desk (ux.md, Errors)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, column, plain, restyle, row

_ICONS = {
    "bad": "circle-alert",
    "warn": "triangle-alert",
    "good": "circle-check",
    "accent": "info",
    "": "info",
}
_MOST = 1000
"""Of the room: the words take all they can use."""


class Notice(QFrame):
    """A place for one message on a screen; hidden while there is none."""

    def __init__(self, texts: LiveTexts, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts, self._theme = texts, theme
        self._say: Callable[[], tuple[str, str, str]] | None = None
        self._before: Callable[[], tuple[str, str, str]] | None = None
        self._tone = ""
        self._picture = plain()
        self._picture.setFixedSize(20, 20)
        self._cause = plain(role="cause", wrap=True, selectable=True)
        self._next = plain(wrap=True, selectable=True)
        self._code = plain(role="small", wrap=True, selectable=True)
        self._close = button(texts, N_("Close"), self.clear, kind="flat", theme=theme, icon="x", bare=True)
        self.setProperty("notice", True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        words = column(self._cause, self._next, self._code, None, gap=0)
        words.setSpacing(4)
        # picture, first line and button stand on one height
        words.setContentsMargins(0, 8, 0, 6)
        picture = column(self._picture, None)
        picture.setContentsMargins(0, 6, 0, 0)
        # what the words leave free is beside them, so that the button stands at the edge
        inside = row(picture, words, None, column(self._close, None), gap=1)
        inside.setStretch(1, _MOST)
        inside.setContentsMargins(16, 6, 8, 6)
        self.setLayout(inside)
        texts.bind(self, self._show)
        theme.changed.connect(self._dress)

    def error(self, error: BaseException) -> None:
        """Say what went wrong."""
        self._begin("bad", lambda: self._texts.failure(error))

    def but(self, error: BaseException) -> None:
        """What went well stays said, but for this that went wrong after it."""
        before = self._before or (self._say if self._tone == "good" else None)
        if before is None:
            self.error(error)
            return

        def said() -> tuple[str, str, str]:
            cause, next_step, code = self._texts.failure(error)
            return f"{before()[0]} {cause}", next_step, code

        self._begin("warn", said)
        self._before = before

    def say(self, tone: str, message: str, next_step: str = "", /, **values: object) -> None:
        """Say a message of the catalogue; ``tone``: ``good``, ``warn``, ``bad``, ``accent`` or none."""
        texts = self._texts
        self._begin(
            tone, lambda: (texts(message, **values), texts(next_step, **values) if next_step else "", "")
        )

    def clear(self) -> None:
        """Say nothing."""
        self._say = self._before = None
        self._show()

    @property
    def text(self) -> str:
        """What is said now, as one text; empty when nothing is."""
        return " ".join(filter(None, self._say())) if self._say else ""

    def _begin(self, tone: str, say: Callable[[], tuple[str, str, str]]) -> None:
        self._tone, self._say, self._before = tone, say, None
        restyle(self, tone=tone)
        self._dress()
        self._show()
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.text))

    def _dress(self) -> None:
        colour = self._tone or "muted"
        self._picture.setPixmap(self._theme.pixmap(_ICONS[self._tone], colour))

    def _show(self) -> None:
        self.setVisible(self._say is not None)
        if self._say is None:
            return
        cause, next_step, code = self._say()
        self._cause.setText(cause)
        self._next.setText(next_step)
        self._next.setVisible(bool(next_step))
        self._code.setText(self._texts(N_("Code for the help desk: {code}"), code=code) if code else "")
        self._code.setVisible(bool(code))
        self.setAccessibleName(self.text)
