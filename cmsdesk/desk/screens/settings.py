"""Settings of the person at this computer: look, language, scale, when the desk locks."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from cmsdesk.base.texts import LANGUAGES, N_
from cmsdesk.desk.preferences import SCALES
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.theme import Look
from cmsdesk.desk.tokens import READING
from cmsdesk.desk.widgets.basics import card, label
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.desk.words import LANGUAGE_NAMES

_LOOKS = {
    Look.SYSTEM: N_("As the computer"),
    Look.LIGHT: N_("Light"),
    Look.DARK: N_("Dark"),
}
_IDLE = (5, 10, 15, 30)


class SettingsScreen(Screen):
    """Every choice works at once, but the scale, and is kept."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._look, self._language, self._scale, self._idle = (QComboBox() for _ in range(4))
        choices = desk.preferences.choices
        for code in LANGUAGES:
            self._language.addItem(LANGUAGE_NAMES[code], code)
        for per_cent in SCALES:
            self._scale.addItem(f"{per_cent} %", per_cent)
        self._language.setCurrentIndex(self._language.findData(choices.language))
        self._scale.setCurrentIndex(self._scale.findData(choices.scale))
        texts = self.texts
        appearance = card(
            label(texts, N_("Appearance"), "heading"),
            FieldRow(texts, N_("Theme"), self._look),
            FieldRow(texts, N_("Language"), self._language),
            FieldRow(
                texts, N_("Size"), self._scale, hint=N_("Takes effect when the program is next started.")
            ),
            gap=2,
            margin=3,
        )
        safety = card(
            label(texts, N_("Lock"), "heading"),
            FieldRow(
                texts,
                N_("Lock when nobody works for"),
                self._idle,
                hint=N_("Taking the operator's card out locks at once."),
            ),
            gap=2,
            margin=3,
        )
        for made in (appearance, safety):
            made.setMaximumWidth(READING)
            self.body.addWidget(made)
        self.body.addStretch(1)
        texts.bind(self._look, self._fill)
        self._language.activated.connect(self._choose_language)
        self._look.activated.connect(self._choose_look)
        self._scale.activated.connect(lambda _: desk.preferences.choose(scale=self._scale.currentData()))
        self._idle.activated.connect(lambda _: desk.preferences.choose(idle_minutes=self._idle.currentData()))

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Settings"))

    def context(self) -> str:
        """Return what they are for."""
        return self.texts(N_("For this person at this computer."))

    def _fill(self) -> None:
        for box, items, chosen in (
            (self._look, [(self.texts(words), look.value) for look, words in _LOOKS.items()], "look"),
            (
                self._idle,
                [(self.texts(N_("{minutes} minutes"), minutes=minutes), minutes) for minutes in _IDLE],
                "idle_minutes",
            ),
        ):
            box.clear()
            for words, value in items:
                box.addItem(words, value)
            box.setCurrentIndex(max(0, box.findData(getattr(self.desk.preferences.choices, chosen))))

    def _choose_language(self) -> None:
        code = self._language.currentData()
        self.desk.preferences.choose(language=code)
        self.texts.set_language(code)

    def _choose_look(self) -> None:
        value = self._look.currentData()
        self.desk.preferences.choose(look=value)
        self.theme.put_on(Look(value))
