"""One person beside the list of operators: data, mandates, and what may be done with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.staff import TONES, WORDS, Person, Standing
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import Item, button, card, chip, column, line, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.domain.organisation import Mandate, Permission, Way
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.words import word

if TYPE_CHECKING:
    from cmsdesk.desk.screens.administration.operators import OperatorsScreen

_LIVING = (Standing.WORKING, Standing.ENDING, Standing.FUTURE, Standing.SUSPENDED, Standing.OFFICE_CLOSED)


class OperatorDetail(QWidget):
    """What is known of a person; built afresh when that changes."""

    def __init__(self, screen: OperatorsScreen, person: Person) -> None:
        super().__init__()
        self._screen, self._person = screen, person
        self.session, self.texts = screen.session, screen.texts
        self._may = self.session.allowed(Action.ORGANISATION_CHANGE)
        self.notice = Notice(self.texts, screen.theme)
        texts, operator = self.texts, person.operator
        facts = [(texts(N_("Codice fiscale")), person.fiscal_code)]
        facts += [(texts(N_("E-mail")), operator.email)] if operator else []
        items: list[Item] = [
            plain(person.name, "heading", wrap=True, selectable=True),
            self.notice,
            FactGrid(facts, figures=frozenset({person.fiscal_code})),
        ]
        if self._may:
            items.append(
                row(
                    button(texts, N_("New mandate"), screen.grant, theme=screen.theme, icon="plus"),
                    button(texts, N_("Amend the data"), screen.amend),
                    None,
                )
            )
        items += [line(), plain(texts(N_("Mandates")), "label")]
        if not person.mandates:
            items.append(plain(texts(N_("No mandate: this person cannot sign in.")), "muted", wrap=True))
        items += [self._mandate(mandate, standing) for mandate, standing in person.mandates]
        inside = column(*items, None)
        inside.setSpacing(12)
        inside.setContentsMargins(0, 0, 8, 0)
        self.setLayout(inside)
        self.setAccessibleName(person.name)

    def _mandate(self, mandate: Mandate, standing: Standing) -> QFrame:
        texts = self.texts
        office = self._screen.office_name(mandate.office)
        head = row(
            plain(texts.begin(word(mandate.role)), "label", wrap=True),
            None,
            chip(texts.begin(WORDS[standing]), TONES.get(standing, "")),
        )
        period = texts(
            N_("From {first} to {last}"),
            first=texts.day(mandate.valid_from),
            last=texts.day(mandate.valid_until),
        )
        lines = [plain(office, wrap=True), plain(period, "muted", wrap=True)]
        said = permissions_in_words(texts, mandate)
        if said:
            lines.append(plain(said, "muted", wrap=True))
        if mandate.carries_on:
            names = ", ".join(sorted(self._screen.office_name(one) for one in mandate.carries_on))
            lines.append(plain(texts(N_("Carries on: {offices}"), offices=names), "muted", wrap=True))
        made = card(head, column(*lines, gap=0))
        made.setAccessibleName(f"{texts.begin(word(mandate.role))}, {office}, {texts(WORDS[standing])}")
        acts = self._acts(mandate, standing)
        if acts is not None:
            inside = made.layout()
            if inside is not None:
                inside.addWidget(acts)
        return made

    def _acts(self, mandate: Mandate, standing: Standing) -> QWidget | None:
        if not self._may or standing not in _LIVING:
            return None
        texts, screen = self.texts, self._screen
        made = QWidget()
        items: list[Item] = [button(texts, N_("Change"), lambda: screen.change(mandate))]
        if mandate.id == self.session.mandate.id:
            why = plain(texts(N_("You work under it: another administrator ends it.")), "small", wrap=True)
            inside = column(row(*items, None), why, gap=0)
            inside.setSpacing(4)
        else:
            kind, words = (
                ("mandate.resume", N_("Resume")) if mandate.suspended else ("mandate.suspend", N_("Suspend"))
            )
            items.append(button(texts, words, lambda: self._submit(kind, mandate)))
            items.append(button(texts, N_("End it…"), lambda: screen.end_mandate(mandate), kind="danger"))
            inside = column(row(*items, None), gap=0)
        made.setLayout(inside)
        return made

    def _submit(self, kind: str, mandate: Mandate) -> None:
        try:
            self.session.submit(kind, mandate=mandate.id)
        except Mendable as error:
            self.notice.error(error)


def permissions_in_words(texts: LiveTexts, mandate: Mandate) -> str:
    """Return what the mandate allows beside its role, in words."""
    said = []
    ways = {Permission.DATA_ENTRY: mandate.data_entry, Permission.PAYMENTS: mandate.payments}
    for permission in Permission:
        if permission not in mandate.permissions:
            continue
        words = texts(word(permission))
        if ways.get(permission, Way.TELEMATIC) is Way.PAPER:
            words = f"{words} {texts(word(Way.PAPER))}"
        said.append(words)
    joined = ", ".join(said)
    return joined[:1].upper() + joined[1:]
