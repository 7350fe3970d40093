"""What the service refused: what was wanted, why not, and what to do about it."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.session import DeskSession, Problem
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, clear, column, label, picture, plain, row
from cmsdesk.desk.words import DEEDS
from cmsdesk.domain.events import Document


class ProblemList(QFrame):
    """One entry for each refused command of this mandate; follows the session."""

    def __init__(self, session: DeskSession, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self._session, self._texts, self._theme = session, texts, theme
        self._entries = QVBoxLayout()
        self._entries.setSpacing(12)
        self.setProperty("notice", True)
        self.setProperty("tone", "bad")
        head = row(
            picture(theme, "circle-alert", "bad"),
            label(texts, N_("The service refused what was done here"), "heading"),
            None,
        )
        inside = column(head, self._entries, gap=2)
        inside.setContentsMargins(16, 12, 16, 16)
        self.setLayout(inside)
        session.problems_changed.connect(self._show)
        texts.bind(self, self._show)

    def _show(self) -> None:
        clear(self._entries)
        for problem in self._session.problems:
            self._entries.addWidget(self._entry(problem))

    def _entry(self, problem: Problem) -> QWidget:
        texts = self._texts
        cause, next_step, code = texts.failure(problem.error)
        deed = texts(DEEDS.get(problem.command.kind, N_("An act of this desk")))
        who = " · ".join(filter(None, (deed, _person(self._session, problem))))
        title = plain(who, "label")
        words = column(
            title,
            plain(f"{cause} {next_step}", wrap=True, selectable=True),
            plain(texts(N_("Code for the help desk: {code}"), code=code), "small", selectable=True),
            gap=0,
        )
        made = QWidget()
        done = button(texts, N_("Dealt with"), lambda: self._session.dismiss(problem))
        done.setAccessibleDescription(who)
        inside = row(words, column(done, None))
        inside.setStretch(0, 1)
        made.setLayout(inside)
        made.setAccessibleName(f"{who}. {cause}")
        return made


def _person(session: DeskSession, problem: Problem) -> str:
    """Return the name of the holder that a command was about, if the desk knows."""
    wanted = problem.command.facts.get("request")
    document: Document | None = wanted if isinstance(wanted, dict) else None
    if isinstance(wanted, str):
        document = session.get("request", wanted)
    holder = (document or {}).get("holder") or {}
    return " ".join(filter(None, (holder.get("surname"), holder.get("given_name"))))
