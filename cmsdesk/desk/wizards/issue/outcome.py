"""How a production ended (PRO-6): the device's and the certificates' data, and the papers to print."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk import theme as look
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import column, label, picture, plain, row
from cmsdesk.desk.wizards.issue.flow import Flow
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.words import word

_TITLES: Mapping[Slot, str] = {
    Slot.AUTHENTICATION: N_("CNS authentication certificate"),
    Slot.SIGNATURE: N_("Qualified signature certificate"),
}


class OutcomeView(QWidget):
    """Device and certificates, every value to be copied."""

    def __init__(self, texts: LiveTexts, theme: Theme, flow: Flow) -> None:
        super().__init__()
        self._texts, self._theme = texts, theme
        facts, outcome = flow.facts, flow.outcome
        rows: list[tuple[str, str]] = []
        if outcome is not None:
            rows = [(N_("Serial"), outcome.production.device)]
        if facts is not None:
            rows.insert(0, (N_("Kind"), texts.begin(word(facts.kind))))
        if outcome is not None:
            rows.append((N_("Scratch card"), outcome.production.scratch_card))
        cards: list[QWidget] = [self._card("credit-card", N_("Device"), rows)]
        if outcome is not None:
            for slot, der in outcome.certificates.items():
                cards.append(self._card("badge-check", _TITLES[slot], self._certificate(der)))
        self.setLayout(column(*cards, gap=1))

    def _certificate(self, der: bytes) -> list[tuple[str, str]]:
        found = x509.load_der_x509_certificate(der)
        first, last = (
            self._texts.day(at.date()) for at in (found.not_valid_before_utc, found.not_valid_after_utc)
        )
        return [
            (N_("Holder"), _name(found.subject)),
            (N_("Issuer"), _name(found.issuer)),
            (N_("Number"), f"{found.serial_number:X}"),
            (N_("Valid"), self._texts(N_("from {first} to {last}"), first=first, last=last)),
        ]

    def _card(self, icon: str, title: str, rows: list[tuple[str, str]]) -> QFrame:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, 96)
        grid.setColumnStretch(1, 1)
        for index, (name, value) in enumerate(rows):
            grid.addWidget(label(self._texts, name, "muted"), index, 0)
            grid.addWidget(self._value(name, value), index, 1)
        made = QFrame()
        made.setProperty("well", True)
        head = row(picture(self._theme, icon, "good"), label(self._texts, title, "label"), None)
        inside = column(head, grid)
        inside.setContentsMargins(16, 12, 16, 12)
        made.setLayout(inside)
        return made

    def _value(self, name: str, value: str) -> QLabel:
        made = plain(value, wrap=True, selectable=True)
        made.setFont(look.font(tabular=True))
        made.setAccessibleName(f"{self._texts(name)}: {value}")
        return made


@lru_cache(maxsize=64)
def _name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
