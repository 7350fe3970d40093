"""A list of operators from a file: what it would do, what is wrong in which line; all of it or nothing."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.widgets.basics import chip, clear, column, plain, row
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.words import word
from cmsdesk.operations.staff_lists import LineProblem, StaffList

_SHOWN = 50


class StaffImport(SideForm):
    """The file as it was read; Enter takes all of it in, when nothing in it is wrong."""

    def __init__(self, screen: Screen, file: str, found: StaffList) -> None:
        super().__init__(
            screen,
            N_("Operators from a file"),
            N_("Take all in"),
            words=N_("All lines are taken in together, or none."),
        )
        self._found, self._file = found, file
        self._lines = column(gap=1)
        self.fields.addLayout(self._lines)
        self.allow(bool(found.operators or found.mandates) and not found.problems)
        self.texts.bind(self, self._fill)

    def confirm(self) -> None:
        """Take the list in."""
        found = self._found
        facts = {"operators": list(found.operators), "mandates": list(found.mandates)}
        if self.submit(("operator.take_in", facts)):
            self.page.notice.say(
                "good",
                N_("{people} operators and {mandates} mandates of «{file}» were taken in."),
                people=len(found.operators),
                mandates=len(found.mandates),
                file=self._file,
            )

    def _fill(self) -> None:
        texts, found = self.texts, self._found
        inside = self._lines
        clear(inside)
        inside.addWidget(plain(self._file, "label", wrap=True, selectable=True))
        for count, words in (
            (len(found.operators), N_("New operators")),
            (len(found.mandates), N_("New mandates")),
            (found.known, N_("Lines that change nothing")),
            (len(found.problems), N_("Mistakes")),
        ):
            tone = "bad" if words == "Mistakes" and count else ""
            inside.addLayout(row(plain(texts(words), "muted"), None, chip(texts.number(count), tone)))
        if found.problems:
            inside.addWidget(
                plain(
                    texts(N_("Correct these in the file and choose it again; nothing was taken in.")),
                    wrap=True,
                )
            )
        for problem in found.problems[:_SHOWN]:
            inside.addWidget(self._problem(problem))
        if len(found.problems) > _SHOWN:
            more = len(found.problems) - _SHOWN
            inside.addWidget(plain(texts(N_("and {count} more"), count=texts.number(more)), "muted"))
        if not found.problems:
            for mandate in found.mandates[:_SHOWN]:
                role = texts.begin(word(Role(mandate["role"])))
                inside.addWidget(plain(f"{mandate['operator']} · {role}", "muted"))

    def _problem(self, problem: LineProblem) -> QWidget:
        texts = self.texts
        values = {name: texts(value) for name, value in problem.values.items()}
        said = texts(problem.message, **values)
        where = texts(N_("Line {line}"), line=problem.line)
        made = plain(f"{where}: {said}", "error", wrap=True, selectable=True)
        made.setAccessibleName(f"{where}: {said}")
        return made
