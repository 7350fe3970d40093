"""The address for notices of one request, changed at any time, by whoever may (REG-9, S0-119)."""

from __future__ import annotations

import re

from PySide6.QtCore import QTimer

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.tokens import READING
from cmsdesk.desk.widgets.basics import card, clear, column, plain
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.desk.widgets.found import found_button
from cmsdesk.domain.commands import Refusal
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.request import Request
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_SHORTEST, _MOST, _TYPING_MS = 3, 6, 200


class ContactScreen(Screen):
    """Find a request by number, name or codice fiscale; type the address; Enter."""

    request: Request | None = None

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.search, self.address = text_field(), text_field()
        self._matches = column(gap=0)
        self._who, self._now = plain(role="heading", wrap=True), plain(role="muted", wrap=True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._row = FieldRow(self.texts, N_("New address for notices"), self.address)
        made = card(
            FieldRow(self.texts, N_("Request: number, name or codice fiscale"), self.search),
            self._matches,
            self._who,
            self._now,
            self._row,
            gap=2,
        )
        made.setMaximumWidth(READING)
        self.body.addWidget(made)
        self.body.addStretch(1)
        self.set_main(N_("Change the address"), self.change, icon="check")
        self._typing.timeout.connect(self._look)
        self.search.textEdited.connect(lambda _: self._typing.start())
        self.address.textEdited.connect(lambda _: self._row.set_error())
        self._tell()

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Address for notices"))

    def context(self) -> str:
        """Return when it can be changed."""
        return self.texts(N_("It can be changed at any time, after approval too."))

    def say(self) -> None:
        """Say also what is no bound label."""
        super().say()
        if hasattr(self, "_now"):
            self._tell()

    def activate(self, **facts: object) -> None:
        """Change that of ``request`` (id), or look for one."""
        request = facts.get("request")
        if isinstance(request, str):
            self.choose(request)
        else:
            self.search.setFocus()

    def choose(self, identifier: str) -> None:
        """This request's address is to be changed."""
        document = self.session.get("request", identifier)
        if document is None:
            return
        self.request = request_of(identifier, document)
        clear(self._matches)
        self._tell()
        self.address.setFocus()

    def change(self) -> None:
        """Have notices go to what was typed."""
        self.notice.clear()
        address = self.address.text().strip()
        if self.request is None:
            self._look()
            return
        if not _EMAIL.fullmatch(address):
            self._row.set_error(N_("This is no e-mail address."))
            self.address.setFocus()
            return
        try:
            self.session.submit("request.contact", request=self.request.id, contact_email=address)
        except Refusal as refusal:
            self.notice.error(refusal)
            return
        said = N_("Notices about request {code} go to {address} from now on.")
        self.notice.say("good", said, code=self.request.code, address=address)
        self.address.clear()
        self.choose(self.request.id)

    def _look(self) -> None:
        text, lists = self.search.text().strip(), self.session.lists
        if len(text) < _SHORTEST:
            clear(self._matches)
            return
        query = ListQuery(WorkList.REQUESTS, contains=text)
        work.start(
            self,
            lambda: [found for found in lists.rows(query.list, lists.keys(query, _MOST)) if found],
            done=self._found,
            failed=self.notice.error,
        )

    def _found(self, rows: list[ListRow]) -> None:
        clear(self._matches)
        if len(rows) == 1:
            self.choose(rows[0].id)
            return
        for found in rows:
            self._matches.addWidget(found_button((found.name, found.code), self.choose, found.id))
        if not rows:
            self._matches.addWidget(plain(self.texts(N_("No request is found by that.")), "muted"))

    def _tell(self) -> None:
        request = self.request
        for made in (self._who, self._now):
            made.setVisible(request is not None)
        if request is not None:
            self._who.setText(f"{request.holder.surname} {request.holder.given_name} · {request.code}")
            said = N_("Notices go to {address} today.")
            self._now.setText(self.texts(said, address=request.holder.contact_email))
