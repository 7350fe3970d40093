"""The panel beside the form: what is lacking, the fee and why, other requests of the person, drafts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.desk.screens.registration.layout import missing_labels
from cmsdesk.desk.screens.registration.registers import Line
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import card, clear, column, label, line, plain, restyle, row
from cmsdesk.desk.widgets.tall import Tall
from cmsdesk.domain.first_issue import FirstIssue
from cmsdesk.operations.lookups import CompanyFound
from cmsdesk.sync.drafts import Draft

WIDTH = 288
_MOST = 6


@dataclass(frozen=True)
class Warned:
    """Another request of the same person."""

    message: str
    code: str


class Summary(Tall):
    """Right of the form; follows it at every key."""

    wanted = Signal(str)
    """A field that somebody wants to go to, by its path."""
    company_wanted = Signal(object)
    """A `CompanyFound` of the applicant's that the request is for."""
    draft_wanted = Signal(str)
    """A draft that somebody wants to go on with, by its id."""

    def __init__(self, texts: LiveTexts, theme: Theme) -> None:
        whole = column(gap=2)
        super().__init__(whole)
        self._texts, self._theme = texts, theme
        self._form = Form()
        self._tariff: FirstIssue | None = None
        self._drafts: Sequence[Draft] = ()
        self._warnings: Sequence[Warned] = ()
        self._say_when: Callable[[str], str] = str
        self.setFixedWidth(WIDTH)
        self._name = plain(role="heading", wrap=True)
        self._code = plain(role="muted")
        self._warning_box = column(gap=1)
        self._asking = self._saves = False
        self._lines: Sequence[Line] = ()
        self._companies: Sequence[CompanyFound] = ()
        self._register_lines = column(gap=1)
        self._missing = column(gap=0)
        self._amount = plain(role="display")
        self._outcome = plain(role="label", wrap=True)
        self._reasons = column(gap=1)
        self._draft_list = column(gap=0)
        person = card(self._name, self._code, self._warning_box, gap=1)
        lacking = card(label(texts, N_("Still to enter"), "label"), self._missing, gap=1)
        fee = card(
            label(texts, N_("Fee"), "label"), self._amount, self._outcome, line(), self._reasons, gap=1
        )
        self._register_card = card(
            label(texts, N_("What the registers say"), "label"), self._register_lines, gap=1
        )
        self._draft_card = card(label(texts, N_("Drafts of this mandate"), "label"), self._draft_list, gap=1)
        for made in (person, fee, self._register_card, lacking, self._draft_card):
            whole.addWidget(made)
        whole.addStretch(1)
        texts.bind(self, self._say)

    def add(self, *cards: QWidget) -> None:
        """Put more cards at the end."""
        whole = self.layout()
        if isinstance(whole, QVBoxLayout):
            for made in cards:
                whole.insertWidget(whole.count() - 1, made)

    def show_form(
        self, form: Form, tariff: FirstIssue | None, *, asking: bool = False, saves: bool = False
    ) -> None:
        """Follow the form; ``asking``: what decides the fee is still to come; ``saves``: it is amended."""
        self._form, self._tariff, self._asking, self._saves = form, tariff, asking, saves
        self._say()

    def show_warnings(self, warnings: Sequence[Warned]) -> None:
        """Say what other requests the person has."""
        self._warnings = warnings
        self._say_warnings()

    def show_registers(self, lines: Sequence[Line], companies: Sequence[CompanyFound]) -> None:
        """Say what the registers said, and which companies the applicant represents."""
        self._lines, self._companies = lines, companies
        self._say_registers()

    def show_drafts(self, drafts: Sequence[Draft], say_when: Callable[[str], str]) -> None:
        """List what was begun and not registered; ``say_when`` words an ISO 8601 time."""
        self._drafts, self._say_when = drafts, say_when
        self._say_drafts()

    @property
    def spoken(self) -> str:
        """What the panel says of the fee, as one text."""
        parts = [self._amount.text(), self._outcome.text()]
        parts += [widget.text() for widget in _labels(self._reasons)]
        return " ".join(filter(None, parts))

    # --- words ---------------------------------------------------------------------------------

    def _say(self) -> None:
        texts, form = self._texts, self._form
        self.setAccessibleName(texts(N_("Summary")))
        self._name.setText(form.title or texts(N_("New registration")))
        self._code.setText(form["holder.fiscal_code"] if form.title != form["holder.fiscal_code"] else "")
        self._code.setVisible(bool(self._code.text()))
        self._say_missing()
        self._say_fee()
        self._say_warnings()
        self._say_registers()
        self._say_drafts()

    def _say_missing(self) -> None:
        clear(self._missing)
        lacking = missing_labels(self._form, self._texts)
        for path, words in lacking[:_MOST]:
            self._missing.addWidget(self._link(words, self.wanted.emit, path))
        more = len(lacking) - _MOST
        if more > 0:
            self._missing.addWidget(plain(self._texts(N_("and {count} more"), count=more), "small"))
        if not lacking:
            said = N_("Nothing: Enter saves.") if self._saves else N_("Nothing: Enter registers.")
            self._missing.addWidget(plain(self._texts(said), "good", wrap=True))

    def _say_fee(self) -> None:
        clear(self._reasons)
        texts, tariff = self._texts, self._tariff
        if tariff is None:
            self._amount.setText("–")
            self._outcome.setText(texts(N_("The body has set no fee for this device.")))
            return
        self._amount.setText(texts.euro(tariff.fee_cents))
        first = N_("First issue to the company") if tariff.first else N_("No first issue")
        self._outcome.setText(texts(first))
        restyle(self._outcome, role="good" if tariff.first else "label")
        if self._asking:
            self._outcome.setText(texts(N_("The registers are being asked …")))
            restyle(self._outcome, role="label")
            return
        for reason in tariff.reasons:
            said = plain(texts(reason.text, **reason.facts), "muted", wrap=True)
            self._reasons.addWidget(said)

    def _say_warnings(self) -> None:
        clear(self._warning_box)
        for warning in self._warnings:
            frame = QFrame()
            frame.setProperty("notice", True)
            frame.setProperty("tone", "warn")
            inside = row(plain(self._texts(warning.message, code=warning.code), wrap=True, selectable=True))
            inside.setContentsMargins(10, 8, 10, 8)
            frame.setLayout(inside)
            self._warning_box.addWidget(frame)

    def _say_registers(self) -> None:
        clear(self._register_lines)
        texts = self._texts
        for line_ in self._lines:
            values = {**line_.values, **{name: texts(said) for name, said in line_.said.items()}}
            said = plain(texts(line_.message, **values), line_.tone or "muted", wrap=True)
            self._register_lines.addWidget(said)
        others = [one for one in self._companies if one.fiscal_code != self._form[paths.COMPANY_CODE]]
        if others:
            self._register_lines.addWidget(plain(texts(N_("The applicant represents:")), "muted", wrap=True))
        for company in others[:_MOST]:
            self._register_lines.addWidget(self._link(company.name, self.company_wanted.emit, company))
        self._register_card.setVisible(bool(self._lines or others))

    def _say_drafts(self) -> None:
        clear(self._draft_list)
        self._draft_card.setVisible(bool(self._drafts))
        for draft in self._drafts[:_MOST]:
            title = draft.title or self._texts(N_("without a name"))
            said = f"{title}  ·  {self._say_when(draft.changed_at)}"
            self._draft_list.addWidget(self._link(said, self.draft_wanted.emit, draft.id))

    def _link(self, words: str, wanted: Callable[[Any], object], value: object) -> QPushButton:
        made = QPushButton(words)
        made.setProperty("flat", True)
        made.setAccessibleName(words)
        made.setStyleSheet("text-align: left")
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.clicked.connect(lambda _checked=False: wanted(value))
        return made


def _labels(box: QVBoxLayout) -> list[QLabel]:
    items = (box.itemAt(at) for at in range(box.count()))
    return [made for item in items if item is not None and isinstance(made := item.widget(), QLabel)]
