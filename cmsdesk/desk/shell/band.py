"""The sandbox's band: on top of every window, with the word (ux.md, Frame)."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame

from cmsdesk.desk.environment import SANDBOX_SENTENCE, SANDBOX_WORD
from cmsdesk.desk.qt import Qt
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import plain, row


class Band(QFrame):
    """One line: the word and what it means."""

    def __init__(self, texts: LiveTexts) -> None:
        super().__init__()
        self.setObjectName("band")
        words = plain()
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = row(None, words, None)
        inside.setContentsMargins(8, 4, 8, 4)
        self.setLayout(inside)
        texts.bind(words, lambda: words.setText(f"{texts(SANDBOX_WORD)}  ·  {texts(SANDBOX_SENTENCE)}"))
