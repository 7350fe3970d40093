"""All notices of the body: those in force, then the archive."""

from __future__ import annotations

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.tokens import READING
from cmsdesk.desk.widgets.basics import card, label
from cmsdesk.desk.widgets.notice_board import NoticeBoard
from cmsdesk.domain.notice import NoticeState

_MARGINS = 48


class NoticesScreen(Screen):
    """To read; publishing is the administrator's."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        for message, state in (
            (N_("In force"), NoticeState.PUBLISHED),
            (N_("Archive"), NoticeState.ARCHIVED),
        ):
            board = NoticeBoard(self.session, self.texts, self.theme, state=state)
            made = card(label(self.texts, message, "heading"), board, gap=2, margin=3)
            made.setMaximumWidth(READING + _MARGINS)
            self.body.addWidget(made)
        self.body.addStretch(1)

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Notices"))

    def context(self) -> str:
        """Return whose they are."""
        return self.session.body_in(self.texts.language)
