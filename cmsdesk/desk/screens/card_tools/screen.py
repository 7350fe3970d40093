"""The card tools' screen: readers left, the device in the chosen one right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QScrollArea

import cmsdesk
from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.client import PcscReaders
from cmsdesk.desk import work
from cmsdesk.desk.screens.base import Desk, Entry, Screen
from cmsdesk.desk.screens.card_tools import reading as at_card
from cmsdesk.desk.screens.card_tools import report
from cmsdesk.desk.screens.card_tools.codes import CHANGE, UNBLOCK, CodeActions, CodePanel, Job, wipe
from cmsdesk.desk.screens.card_tools.readers import ReaderList, likeliest
from cmsdesk.desk.screens.card_tools.reading import Reading
from cmsdesk.desk.widgets.basics import button, clear, column, line, plain, row
from cmsdesk.desk.widgets.states import Busy, EmptyState
from cmsdesk.desk.widgets.tall import Tall
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceState
from cmsdesk.operations.card_tools import check_clock, diagnostics

_DONE = {
    CHANGE: N_("The PIN was changed."),
    UNBLOCK: N_("The PIN was unblocked: the new one holds from now on."),
}
_SIGNED = N_("The device signs, and the signature fits its certificate.")
_WRITTEN = N_("The diagnostics were written to {file}.")
_NOTHING_SECRET = N_("It holds no code, no name and no codice fiscale: it can be sent to the help desk.")
_NOT_WRITTEN = N_("The file {file} cannot be written.")
_WORKING = N_("The device is at work: leave it in the reader.")


class CardToolsScreen(Screen):
    """Follows the readers while it is shown; nothing is read behind another screen."""

    def __init__(self, desk: Desk) -> None:
        self._reader = ""
        self._seen: bytes | None = None
        self._reading: Reading | None = None
        self._error: BaseException | None = None
        self._panel: CodePanel | None = None
        self._acts: CodeActions | None = None
        self._at_work = False
        super().__init__(desk, scrolls=False)
        cards = self.session.parts.readers
        self._cards = cards if isinstance(cards, PcscReaders) else None
        self._lay_out_tools()
        desk.readers.changed.connect(self._follow)
        self.texts.bind(self.readers, self._show)

    # --- what the screen says and does ----------------------------------------------------------

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Card tools"))

    def context(self) -> str:
        """Return what they are for."""
        return self.texts(N_("What is in the readers, how it stands, and what to do when something is wrong"))

    def activate(self, **facts: object) -> None:
        """Look at the readers; ``reader``: choose that one."""
        if isinstance(facts.get("reader"), str):
            self._reader = str(facts["reader"])
            self._seen = None
        self._follow()
        self.readers.take_focus()

    def leave(self) -> None:
        """A code half typed is wiped."""
        self._close_panel()

    def entries(self) -> Sequence[Entry]:
        """Offer the acts."""
        texts = self.texts
        return (
            Entry(texts(N_("Read again")), self.title(), "refresh-cw", self.read),
            Entry(texts(N_("Diagnostics file…")), self.title(), "life-buoy", self.save),
        )

    # --- the readers ---------------------------------------------------------------------------

    def choose(self, reader: str) -> None:
        """Look at another reader."""
        self._close_panel()
        self._reader, self._seen = reader, None
        self._follow()

    def _follow(self) -> None:
        if not self.isVisible() or self._at_work:
            return
        readers = {found.name: found.atr for found in self.desk.readers.readers}
        if self._reader not in readers or (readers[self._reader] is None and any(readers.values())):
            self._reader = likeliest(readers, self.session.card_reader)
        atr = readers.get(self._reader)
        if atr != self._seen:
            self._seen, self._reading, self._error = atr, None, None
            self._close_panel()
            if atr is not None:
                self.read()
        self._show()

    # --- reading -------------------------------------------------------------------------------

    def read(self) -> None:
        """Read the card in the chosen reader."""
        cards, reader = self._cards, self._reader
        if cards is None or self._at_work or not self.desk.readers.card_in(reader):
            self._show()
            return
        authorities = tuple(self.session.parts.authorities.values())
        now = self.session.clock.now()
        self._set_at_work(N_("Reading the card…"))
        work.start(
            self,
            lambda: at_card.read(cards, reader, authorities, now),
            done=self._rest,
            failed=lambda error: self._rest(None, error),
        )

    def _set_at_work(self, message: str) -> None:
        self._at_work = True
        self.busy.begin(message)
        self._show_enabled()

    def _rest(self, found: Reading | None, error: BaseException | None = None) -> None:
        self._reading, self._error = found, error
        self._at_work = False
        self.busy.end()
        self._show_enabled()
        self._show()
        self._follow()

    # --- codes ---------------------------------------------------------------------------------

    def ask(self, job: Job) -> None:
        """Ask for the codes of a job, in place."""
        if self._reading is None:
            return
        self._close_panel()
        self.notice.clear()
        found = self._reading.report
        slots = [one.slot for one in found.certificates if one.slot is not None]
        panel = CodePanel(self.texts, job, found.facts.counters, slots)
        panel.given.connect(self._do)
        panel.left.connect(self._close_panel)
        self._panel = panel
        self._panel_place.addWidget(panel)
        self._show_acts()
        panel.take_focus()

    def _do(self, job: Job, codes: list[Secret], slot: Slot | None) -> None:
        cards, reading = self._cards, self._reading
        if cards is None or reading is None or self._at_work:
            wipe(codes)
            return
        reader = reading.report.facts.reader
        self._set_at_work(_WORKING)
        if job is CHANGE:
            work_here = partial(at_card.change_pin, cards, reader, *codes)
        elif job is UNBLOCK:
            work_here = partial(at_card.unblock_pin, cards, reader, *codes)
        else:
            work_here = partial(at_card.test_signature, cards, reading.report, slot or Slot.SIGNATURE, *codes)
        work.start(
            self,
            work_here,
            done=lambda _: self._ended(partial(self.notice.say, "good", _DONE.get(job, _SIGNED))),
            failed=lambda error: self._ended(partial(self.notice.error, error)),
        )

    def _ended(self, say: Callable[[], None]) -> None:
        """Say how it went, and read the tries left again: the card knows them, not the program."""
        self._at_work = False
        self._close_panel()
        say()
        self.read()

    def _close_panel(self) -> None:
        panel, self._panel = self._panel, None
        if panel is not None:
            panel.forget()
            clear(self._panel_place)
            self._show_acts()
            self.readers.take_focus()

    # --- the diagnostics file ------------------------------------------------------------------

    def save(self) -> None:
        """Ask where, then write the diagnostics file."""
        name = f"cmsdesk-{self.session.clock.now():%Y%m%d-%H%M}.json"
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts(N_("Diagnostics file…")), name, "JSON (*.json)"
        )
        if path:
            self.save_to(Path(path))

    def save_to(self, path: Path) -> None:
        """Write the diagnostics file: facts for the help desk, nothing personal or secret."""
        reports = [] if self._reading is None else [self._reading.report]
        said = diagnostics(reports, self._troubles(), self.session.clock.now(), cmsdesk.__version__)
        try:
            path.write_text(said, encoding="utf-8")
        except OSError:
            self.notice.say("bad", _NOT_WRITTEN, N_("Choose another folder."), file=path.name)
        else:
            self.notice.say("good", _WRITTEN, _NOTHING_SECRET, file=path.name)

    def _troubles(self) -> list[Mendable]:
        """Return what is wrong with this computer or keeps the card from being read."""
        session = self.session
        service = session.service_time()
        clock = None if service is None else check_clock(session.clock.now(), service)
        found = (self.desk.readers.trouble, self._error, clock)
        return [error for error in found if isinstance(error, Mendable)]

    # --- showing -------------------------------------------------------------------------------

    def _show(self) -> None:
        self.readers.show_readers(self.desk.readers.readers, self._reader, self.session.card_reader)
        self.readers.stand_before(self._save_button)
        clear(self._head)
        clear(self._content)
        self._acts = None
        troubles: list[BaseException] = list(self._troubles())
        if self._error is not None and not isinstance(self._error, Mendable):
            troubles.append(self._error)
        reading = self._reading
        if reading is not None:
            self._show_report(reading, troubles)
        elif troubles:
            self._content.addWidget(report.findings(self.texts, self.theme, troubles))
            self._content.addStretch(1)
        elif not self._at_work:
            self._content.addWidget(
                EmptyState(
                    self.texts,
                    self.theme,
                    "credit-card",
                    N_("No card in the reader"),
                    N_("Put a card or token into a reader: it is read by itself, and no PIN is tried."),
                )
            )
        self._show_enabled()

    def _show_report(self, reading: Reading, troubles: list[BaseException]) -> None:
        texts, theme = self.texts, self.theme
        found = reading.report
        document = self.session.get("device", found.facts.card_id)
        recorded = DeviceState(document["state"]) if document else None
        actions = CodeActions(texts, found.facts.counters, certified=bool(found.certificates))
        actions.chosen.connect(self.ask)
        self._acts = actions
        self._head.addWidget(report.heading(texts, reading))
        graver_first = [*troubles, *report.graver_first(found.findings)]
        self._head.addWidget(report.findings(texts, theme, graver_first))
        for made in (
            actions,
            line(),
            report.facts(texts, reading, recorded),
            line(),
            plain(texts(N_("Certificates")), "label"),
            report.certificates(texts, theme, reading),
            plain(texts(N_("Keys")), "label"),
            report.keys(texts, reading),
        ):
            self._content.addWidget(made)
        self._content.addStretch(1)
        self._show_acts()

    def _show_acts(self) -> None:
        """Offer the acts while none is under way."""
        if self._acts is not None:
            self._acts.setVisible(self._panel is None)

    def _show_enabled(self) -> None:
        here = self.desk.readers.card_in(self._reader) and not self._at_work
        if self.main is not None:
            self.main.setEnabled(here and self._cards is not None)
        self._inside.setEnabled(not self._at_work)

    def _lay_out_tools(self) -> None:
        texts = self.texts
        self.busy = Busy(texts)
        self.readers = ReaderList(texts, self.theme)
        self.readers.chosen.connect(self.choose)
        self._head, self._panel_place, self._content = column(gap=2), column(gap=0), column(gap=2)
        self._inside = Tall(column(self._head, self._panel_place, self._content, gap=2, margin=2))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._inside)
        right = QFrame()
        right.setProperty("card", True)
        busy = column(self.busy, margin=0)
        busy.setContentsMargins(16, 8, 16, 0)
        inside = column(gap=0)
        inside.addLayout(busy)
        inside.addWidget(area, 1)
        right.setLayout(inside)
        both = row(self.readers, gap=2)
        both.addWidget(right, 1)
        self.body.addLayout(both, 1)
        self._save_button = button(
            texts, N_("Diagnostics file…"), self.save, theme=self.theme, icon="life-buoy"
        )
        self.foot.insertWidget(0, self._save_button)
        self.set_main(N_("Read again"), self.read, icon="refresh-cw")
