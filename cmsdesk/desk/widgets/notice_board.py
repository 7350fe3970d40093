"""A body's notices to its operators: dated, the latest first (S2-014)."""

from __future__ import annotations

from datetime import date
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import clear, column, label, line, plain, row
from cmsdesk.domain.events import Document
from cmsdesk.domain.notice import NoticeState


class NoticeBoard(QWidget):
    """Follows the session; says so when there is none."""

    def __init__(
        self,
        session: DeskSession,
        texts: LiveTexts,
        theme: Theme,
        *,
        state: NoticeState = NoticeState.PUBLISHED,
        most: int = 0,
    ) -> None:
        """``most``: how many are shown; 0: all."""
        super().__init__()
        self._session, self._texts, self._state, self._most = session, texts, state, most
        self._entries = QVBoxLayout()
        self._entries.setSpacing(12)
        self._entries.setContentsMargins(0, 0, 0, 0)
        self._shown: list[tuple[str, Document]] | None = None
        self.setLayout(self._entries)
        Refreshing(self, session, self._look)
        texts.bind(self, self._say)

    def _look(self) -> None:
        found = self._session.in_state("notice", self._state.value)
        if found != self._shown:
            self._say()

    def _say(self) -> None:
        clear(self._entries)
        found = self._session.in_state("notice", self._state.value)
        self._shown = found
        latest = sorted(found, key=lambda one: str(one[1].get("on", "")), reverse=True)
        for number, (_, document) in enumerate(latest[: self._most] if self._most else latest):
            if number:
                self._entries.addWidget(line())
            self._entries.addWidget(self._entry(document))
        if not found:
            self._entries.addWidget(label(self._texts, N_("No notices."), "muted"))

    def _entry(self, document: Document) -> QWidget:
        title, text = (in_language(document.get(name), self._texts.language) for name in ("title", "text"))
        today = self._session.clock.now().astimezone(ROME).date()
        day = self._texts.day(date.fromisoformat(str(document["on"])), today)
        head = row(plain(title, "label", wrap=True), plain(day, "small"))
        head.setStretch(0, 1)
        made = QWidget()
        body = [] if text == title else [plain(text, wrap=True, selectable=True)]
        made.setLayout(column(head, *body, gap=0))
        made.setAccessibleName(f"{title}, {day}. {text}")
        return made


def in_language(words: Any, language: str) -> str:
    """Return the text in a language, else in Italian, else in any that there is."""
    if not isinstance(words, dict):
        return str(words or "")
    return str(words.get(language) or words.get("it") or next(iter(words.values()), ""))
