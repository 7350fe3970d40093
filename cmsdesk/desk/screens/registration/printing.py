"""Makes the form of a request and shows it to be printed, off the window's thread."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from cmsdesk.desk import work
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.registration.paper import form_by_hand, form_paper, stationery_here
from cmsdesk.documents.papers import Paper
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.request import Request
from cmsdesk.operations.places import Places


class FormPrinter(QObject):
    """The last printed form can be printed again."""

    def __init__(
        self, desk: Desk, papers: Papers, places: Places, failed: Callable[[BaseException], object]
    ) -> None:
        """``failed`` is told what hindered a print; the request is registered all the same."""
        super().__init__()
        self.papers = papers
        self._desk, self._places, self._failed = desk, places, failed
        self._last: tuple[Request, Configuration | None, str] | None = None

    def print(self, request: Request, configuration: Configuration | None, paid_with: str = "") -> None:
        """Make the form and show it; ``paid_with``: number of the till's receipt."""
        self._last = request, configuration, paid_with
        session = self._desk.session
        content = form_paper(request, configuration, self._places, session.operator_name, paid_with)
        paper = stationery_here(self._desk)
        now, papers = session.clock.now(), self.papers
        work.start(
            self,
            lambda: papers.make(Paper.REQUEST_FORM, content, paper, now),
            done=lambda made: self._show(request.code, made),
            failed=self._failed,
        )

    def empty(self) -> None:
        """Make a form to be filled in by hand, at home or in the queue, and show it (REG-1)."""
        session, papers, paper = self._desk.session, self.papers, stationery_here(self._desk)
        now, content = session.clock.now(), form_by_hand(session.configuration)
        work.start(
            self,
            lambda: papers.make(Paper.REQUEST_FORM, content, paper, now),
            done=lambda made: self._show("form", made),
            failed=self._failed,
        )

    def again(self) -> None:
        """Show the last one once more."""
        if self._last is not None:
            self.print(*self._last)

    def _show(self, code: str, made: bytes) -> None:
        try:
            self.papers.show(code, made)
        except Exception as error:  # noqa: BLE001 - whatever hinders it is said; the request is registered
            self._failed(error)
