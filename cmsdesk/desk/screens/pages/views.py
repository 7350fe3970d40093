"""The parts of a page: timeline, certificates, one request with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtWidgets import QFrame, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.people import by_whom
from cmsdesk.desk.request_papers import RequestPapers
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.pages.past import Held, Told
from cmsdesk.desk.screens.request_acts import acts_of, reasons_of
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import Item, button, chip, clear, column, picture, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.words import STATUS_TONES, tone_of
from cmsdesk.domain.amendments import Change
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.request import request_code
from cmsdesk.domain.words import word

_NOTHING = "—"


class Timeline(QWidget):
    """Who, when, what, from which desk: the newest first."""

    def __init__(self, session: DeskSession, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self._session, self._texts, self._theme = session, texts, theme
        self._rows = column(gap=2)
        self.setLayout(self._rows)

    def show_told(self, told: Sequence[Told], *, about: bool = True) -> None:
        """Show the past; ``about``: say of each line which request or device it is about."""
        clear(self._rows)
        for one in told:
            self._rows.addWidget(self._line(one, about))
        if not told:
            self._rows.addWidget(plain(self._texts(N_("Nothing is on record at this desk.")), "muted"))

    def _line(self, one: Told, about: bool) -> QWidget:
        texts = self._texts
        when = texts.moment(one.at, self._session.clock.now())
        who = by_whom(self._session, texts, one.mandate)
        where = texts(N_("desk {name}"), name=one.desk) if one.desk else ""
        title = plain(texts(one.what), "label", wrap=True)
        head: list[Item] = [title]
        if one.pending:
            head.append(chip(texts(N_("to be sent")), "warn"))
        detail = " · ".join(filter(None, (when, who, where)))
        below: list[Item] = [plain(detail, "small", wrap=True, selectable=True)]
        below += [plain(said, "muted", wrap=True) for said in _changes(texts, one.changes)]
        made = QWidget()
        icon = column(picture(self._theme, one.icon, "accent"), None)
        inside = row(icon, gap=1)
        first = row(*head, *([plain(one.about, "small")] if about and one.about else []))
        first.setStretch(0, 1)
        words = column(first, *below, gap=0)
        words.setSpacing(2)
        inside.addLayout(words, 1)
        made.setLayout(inside)
        made.setAccessibleName(f"{title.text()}: {detail} {one.about if about else ''}".strip())
        return made


def _changes(texts: LiveTexts, changes: Sequence[Change]) -> list[str]:
    """Return what an amendment changed, a line each."""
    return [
        texts(
            N_("{field}: {before} → {after}"),
            field=texts.begin(one.label),
            before=_value(one.before),
            after=_value(one.after),
        )
        for one in changes
    ]


def _value(value: object) -> str:
    return _NOTHING if value is None or value == "" else str(value)


class Certificates(QWidget):
    """Certificates with what their CA says of them now."""

    def __init__(self, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self._texts, self._theme = texts, theme
        self._rows = column()
        self.setLayout(self._rows)

    def show_held(
        self,
        held: Sequence[Held],
        statuses: Mapping[bytes, CertificateStatus] | None,
        error: Mendable | None = None,
    ) -> None:
        """Show them; ``statuses``: None while the CA is being asked."""
        clear(self._rows)
        texts = self._texts
        for one in held:
            status = None if statuses is None else statuses.get(one.facts.der)
            self._rows.addWidget(self._one(one, status, asking=statuses is None))
        if not held:
            self._rows.addWidget(plain(texts(N_("None.")), "muted"))
        if error is not None:
            why = texts.failure(error)[0]
            said = texts(N_("How they stand now could not be asked: {why}"), why=why)
            self._rows.addWidget(plain(said, "muted", wrap=True))

    def _one(self, one: Held, status: CertificateStatus | None, *, asking: bool) -> QFrame:
        texts = self._texts
        title = texts.begin(word(one.slot))
        if status is not None:
            mark = chip(texts.begin(word(status)), STATUS_TONES[status])
        else:
            mark = chip(texts(N_("asking…")) if asking else texts(N_("state not known now")))
        values = [
            (texts(N_("Number")), one.facts.serial),
            (texts(N_("Valid until")), texts.day(one.facts.expires_on)),
            (texts(N_("Issuer")), one.ca),
            (texts(N_("Device")), one.device),
        ]
        made = QFrame()
        made.setProperty("well", True)
        head = row(picture(self._theme, "badge-check", "muted"), plain(title, "label"), mark, None)
        figures = frozenset({one.facts.serial, one.device})
        made.setLayout(column(head, FactGrid(values, figures=figures), margin=2))
        made.setAccessibleName(f"{title}: {mark.text()}")
        return made


class RequestCard(QFrame):
    """One request: how it stands, what can be done about it here and now, and its papers."""

    def __init__(
        self,
        desk: Desk,
        identifier: str,
        document: Document,
        papers: RequestPapers,
        refused: Callable[[BaseException], object],
    ) -> None:
        super().__init__()
        texts, session = desk.texts, desk.session
        request = request_of(identifier, document)
        self.setProperty("well", True)
        code = request_code(identifier)
        at = texts.moment(str(document.get("created_at", "")), session.clock.now())
        office = session.named("office", request.office, texts.language)
        said = " · ".join(filter(None, (texts.begin(word(request.device_kind)), at, office)))
        head = row(
            plain(code, "label", selectable=True),
            chip(texts.begin(word(request.state)), tone_of(request.state)),
            None,
        )
        known = acts_of(desk, identifier, document, refused)
        possible = [act for act in known if not act.why]
        acts = [
            button(texts, act.title, act.run, kind=act.kind, theme=desk.theme, icon=act.icon)
            for act in possible
            if act.step
        ]
        errands = [button(texts, act.title, act.run, kind="flat") for act in possible if not act.step]
        reasons: list[Item] = [plain(one, "small", wrap=True) for one in reasons_of(texts, known)]
        if desk.can_open("requests"):
            acts.append(button(texts, N_("Details"), lambda: desk.open("requests", request=identifier)))
        prints = [button(texts, name, run, kind="flat") for name, run in papers.offered(request)]
        self.setLayout(
            column(
                head,
                plain(said, "small", wrap=True),
                row(*acts, None),
                row(*errands, None),
                row(*prints, None),
                *reasons,
                margin=2,
            )
        )
        self.setAccessibleName(f"{code}, {texts.begin(word(request.state))}")
