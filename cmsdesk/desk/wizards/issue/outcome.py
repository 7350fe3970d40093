"""How a production ended (PRO-6): the device's and the certificates' data, and the papers to print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import column, label, picture, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.wizards.issue.flow import Flow
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.words import word

_TITLES: Mapping[Slot, str] = {
    Slot.AUTHENTICATION: N_("CNS authentication certificate"),
    Slot.SIGNATURE: N_("Qualified signature certificate"),
}
_CNS_NAME = re.compile(r"([A-Z0-9]{16}/\d+)\.")
"""Codice fiscale and number of the card; what follows is a sum."""
_WIDE = 1000
"""Pixels: room for two certificates side by side."""


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
        self._certificates = column(gap=1)
        if outcome is not None:
            for slot, der in outcome.certificates.items():
                made = self._card("badge-check", _TITLES[slot], self._certificate(der))
                self._certificates.addWidget(made, 1)
        self.setLayout(column(self._card("credit-card", N_("Device"), rows), self._certificates, gap=1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the certificates side by side where there is room."""
        super().resizeEvent(event)
        side_by_side, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._certificates.setDirection(side_by_side if self.width() >= _WIDE else down)

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
        facts = [(self._texts(name), value) for name, value in rows]
        head = row(picture(self._theme, icon, "good"), label(self._texts, title, "label"), None)
        numbers = frozenset(value for _, value in rows if " " not in value)
        inside = column(head, FactGrid(facts, figures=numbers), None)
        inside.setContentsMargins(16, 12, 16, 12)
        made = QFrame()
        made.setProperty("well", True)
        made.setLayout(inside)
        return made


@lru_cache(maxsize=64)
def _name(name: x509.Name) -> str:
    """Return the common name; of a CNS's without the sum of the card's personal data, which nobody reads."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    said = str(found[0].value) if found else name.rfc4514_string()
    of_cns = _CNS_NAME.match(said)
    return of_cns[1] if of_cns else said
