"""Attaching scans: the signed form, the identity document, the residence permit; seen again, taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QFrame, QPushButton, QWidget

from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.desk.screens.registration.view import FormView
from cmsdesk.desk.widgets.basics import button, card, clear, column, label, plain, row
from cmsdesk.domain.attachment import MOST_BYTES, AttachmentKind
from cmsdesk.domain.commands import Refusal
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action
from cmsdesk.operations.attachments import KINDS, SUFFIXES, Attached, Scan, ScanNotHere, ScanUnreadable

Pick = Callable[[QWidget, str], str]
"""Asks a person for a file under a title; returns its path, empty when nobody chose."""
_OFFERED = (AttachmentKind.SIGNED_FORM, AttachmentKind.IDENTITY_DOCUMENT, AttachmentKind.OTHER)
_FILES = "PDF, JPEG, PNG, TIFF (*.pdf *.jpg *.jpeg *.png *.tif *.tiff)"
_ATTACH = {
    AttachmentKind.SIGNED_FORM: N_("Attach the signed form…"),
    AttachmentKind.IDENTITY_DOCUMENT: N_("Attach the identity document…"),
    AttachmentKind.RESIDENCE_PERMIT: N_("Attach the residence permit…"),
    AttachmentKind.OTHER: N_("Attach another paper…"),
}


class Attaching(QObject):
    """Attachments of the request under way; one that is not registered yet keeps them in its draft."""

    def __init__(
        self, desk: Desk, view: FormView, papers: Papers, failed: Callable[[BaseException], object]
    ) -> None:
        """``failed`` is told what hindered it; nothing is attached then."""
        super().__init__(view)
        self.papers = papers
        self.pick: Pick = _ask_for_file
        self._desk, self._session, self._view, self._failed = desk, desk.session, view, failed
        self._texts = desk.texts
        self._id, self._registered = "", False
        self._shown: list[Attached] = []
        self._list = column(gap=0)
        self.card = self._build()

    def begin(self, request: str, *, registered: bool) -> None:
        """Show those of a request that is ``registered``, or of the one that is being entered."""
        self._id, self._registered = request, registered
        self.refresh()

    def follow(self) -> None:
        """The form has changed: an undone step may have taken a scan away."""
        if not self._registered and entered(self._view.form) != self._shown:
            self.refresh()

    def refresh(self) -> None:
        """Show what is attached now."""
        self.card.setVisible(self._session.allowed(Action.ATTACHMENT_ADD))
        if not self._registered:
            self._show(entered(self._view.form))
            return
        request, scans = self._id, self._session.scans

        def done(found: list[tuple[str, Document]]) -> None:
            if request == self._id:
                self._show([Attached.of(*one) for one in found])

        work.start(self, lambda: scans.of_request(request), done=done, failed=self._failed)

    def attach(self, kind: AttachmentKind) -> None:
        """Ask for a file and attach it."""
        name = self.pick(self.card, self._texts(_ATTACH[kind]))
        if not name:
            return
        path, scans, request = Path(name), self._session.scans, self._id

        def take() -> Scan:
            content = _read(path)
            scan = Scan.of(content)
            scans.keep(scan, content)
            return scan

        work.start(
            self,
            take,
            done=lambda scan: self._add(request, Attached(new_id(), kind, scan)),
            failed=self._failed,
        )

    def look(self, attached: Attached) -> None:
        """Show a scan with the computer's viewer."""
        scans, scan, registered = self._session.scans, attached.scan, self._registered
        fetch = self._session.fetch_scan

        def load() -> tuple[bytes, bool]:
            try:
                return scans.content(scan.sha256), registered
            except ScanNotHere:
                return fetch(attached), False  # the service has recorded the view

        def show(loaded: tuple[bytes, bool]) -> None:
            content, unrecorded = loaded
            try:
                if unrecorded:
                    self._session.submit("attachment.view", attachment=attached.id)
                self.papers.show(scan.sha256[:12], content, SUFFIXES[scan.media_type])
            except Exception as error:  # noqa: BLE001 - whatever hinders it is said
                self._failed(error)

        work.start(self, load, done=show, failed=self._failed)

    def take_back(self, attached: Attached) -> None:
        """It was attached by mistake; of a registered request the record stays."""
        if not self._registered:
            self._keep([one for one in self._shown if one.id != attached.id])
            return
        self._submit("attachment.withdraw", {"attachment": attached.id, "reason": _BY_MISTAKE})

    def register(self, request: str, form: Form) -> None:
        """The request is registered: what was attached while it was entered is its own now."""
        for attached in entered(form):
            self._submit("attachment.add", attached.facts(request))

    # --- inside --------------------------------------------------------------------------------

    def _add(self, request: str, attached: Attached) -> None:
        # another request may be shown by now: a scan belongs to the one it was chosen for
        if self._session.get("request", request) is not None:
            self._submit("attachment.add", attached.facts(request))
        elif request == self._id:
            self._keep([*self._shown, attached])
        else:
            self._failed(ScanUnreadable())

    def _keep(self, attached: Sequence[Attached]) -> None:
        self._view.note(
            paths.ATTACHMENTS, json.dumps([one.facts("") for one in attached]) if attached else ""
        )
        self.refresh()

    def _submit(self, kind: str, facts: dict[str, object]) -> None:
        try:
            self._session.submit(kind, **facts)
        except Refusal as refusal:
            self._failed(refusal)
            return
        self.refresh()

    def _show(self, attached: list[Attached]) -> None:
        self._shown = attached
        clear(self._list)
        for one in attached:
            words = self._texts.begin(KINDS[one.kind])
            self._list.addLayout(
                row(
                    self._link(words, partial(self.look, one), words),
                    None,
                    self._taking_back(one, words),
                )
            )
        if not attached:
            self._list.addWidget(plain(self._texts(N_("Nothing is attached.")), "muted"))

    def _build(self) -> QFrame:
        texts = self._texts
        buttons = [button(texts, _ATTACH[kind], partial(self.attach, kind), kind="flat") for kind in _OFFERED]
        for one in buttons:
            one.setStyleSheet("text-align: left")
        made = card(label(texts, N_("Attachments"), "label"), self._list, *buttons, gap=1)
        texts.bind(made, lambda: self._show(self._shown))
        self._desk.theme.dress(made, lambda: self._show(self._shown))
        return made

    def _taking_back(self, attached: Attached, words: str) -> QPushButton:
        said = self._texts(N_("Take back: {what}"), what=words)
        made = self._link("", partial(self.take_back, attached), said)
        made.setIcon(self._desk.theme.icon("x", "accent"))
        made.setToolTip(said)
        return made

    def _link(self, words: str, run: Callable[[], object], name: str) -> QPushButton:
        made = QPushButton(words)
        made.setProperty("flat", True)
        made.setAccessibleName(name)
        made.setStyleSheet("text-align: left")
        made.clicked.connect(lambda _checked=False: run())
        return made


def entered(form: Form) -> list[Attached]:
    """Return what was attached to a form that is not registered yet."""
    text = form[paths.ATTACHMENTS]
    return [Attached.of(one["attachment"], one) for one in json.loads(text)] if text else []


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ScanUnreadable() from error


def _ask_for_file(parent: QWidget, title: str) -> str:
    return QFileDialog.getOpenFileName(parent, title, "", _FILES)[0]


_BY_MISTAKE = "attached by mistake"
