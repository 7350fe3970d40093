"""The one catalogue on screen: words that follow the language while the window is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import shiboken6
from PySide6.QtCore import (
    QCoreApplication,
    QDate,
    QLibraryInfo,
    QLocale,
    QObject,
    QTime,
    QTimer,
    QTranslator,
    Signal,
)

from cmsdesk.base import clock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_, texts

Say = Callable[[], object]
"""Puts words into a widget: called at once, and again after every change of language."""

_LOCALES = {"it": QLocale.Country.Italy, "de": QLocale.Country.Italy, "en": QLocale.Country.UnitedKingdom}
_FIRST_LETTER = 1
_DAY = {"it": "d MMMM", "de": "d. MMMM", "en": "d MMMM"}


class LiveTexts(QObject):
    """`base.texts.Texts` whose language can be changed; `retranslate` when it was."""

    retranslate = Signal()

    def __init__(self, language: str = "it", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._texts = texts(language)
        self._bound: list[tuple[QObject, Say]] = []
        self._pruning = False
        self._qt = QTranslator(self)
        self._qt_own()

    @property
    def language(self) -> str:
        """The language's code."""
        return self._texts.language

    @property
    def locale(self) -> QLocale:
        """The locale that dates and numbers are written in."""
        language = QLocale(self.language).language()
        return QLocale(language, _LOCALES[self.language])

    def __call__(self, message: str, /, **values: object) -> str:
        """Return a message of the catalogue with ``values`` put into its braces."""
        return self._texts(message, **values)

    def begin(self, message: str, /, **values: object) -> str:
        """Return a message with a capital letter, to stand alone: states and kinds are written small."""
        said = self(message, **values)
        return said[:_FIRST_LETTER].upper() + said[_FIRST_LETTER:]

    def error(self, error: Mendable) -> tuple[str, str]:
        """Return an error's cause and next step."""
        return self._texts.error(error)

    def failure(self, error: BaseException) -> tuple[str, str, str]:
        """Return cause, next step and code of anything that went wrong; a bug has words too."""
        if isinstance(error, Mendable):
            return (*self.error(error), error.code)
        return self(BUG_CAUSE), self(BUG_NEXT), f"BUG-{type(error).__name__.upper()}"

    def bind(self, owner: QObject, say: Say) -> None:
        """Have ``say`` put words into ``owner`` now and after every change of language."""
        say()
        self._bound.append((owner, say))
        owner.destroyed.connect(self._prune_soon)

    def set_language(self, language: str) -> None:
        """Speak another language from now on, in every open window."""
        if language == self.language:
            return
        self._texts = texts(language)
        self._qt_own()
        for owner, say in list(self._bound):
            if shiboken6.isValid(owner):
                say()
        self.retranslate.emit()

    # --- dates and numbers as people say them --------------------------------------------------

    def day(self, day: date, today: date | None = None) -> str:
        """Return a day as one says it: today, yesterday, 3 marzo, 3 marzo 2024."""
        if today is not None:
            distance = (today - day).days
            if distance in _NEAR:
                return self(_NEAR[distance])
        pattern = _DAY[self.language]
        if today is None or day.year != today.year:
            pattern += " yyyy"
        return self.locale.toString(QDate(day.year, day.month, day.day), pattern)

    def when(self, at: datetime, now: datetime) -> str:
        """Return a time as one says it: today 10:42; 3 marzo 10:42. Both aware; shown in Rome's time."""
        local = at.astimezone(clock.ROME)
        return f"{self.day(local.date(), now.astimezone(clock.ROME).date())} {self.clock(at)}"

    def moment(self, at: str, now: datetime) -> str:
        """Return an ISO 8601 time of the records as `when` says it; empty for an empty one."""
        return self.when(datetime.fromisoformat(at), now) if at else ""

    def clock(self, at: datetime) -> str:
        """Return the time of day, 24 hours."""
        local = at.astimezone(clock.ROME)
        return QTime(local.hour, local.minute).toString("HH:mm")

    def full(self, at: datetime) -> str:
        """Return day and time in full, for a tooltip."""
        local = at.astimezone(clock.ROME)
        day = self.locale.toString(
            QDate(local.year, local.month, local.day), f"dddd {_DAY[self.language]} yyyy"
        )
        return f"{day}, {local:%H:%M:%S}"

    def number(self, value: int) -> str:
        """Return a whole number with the language's separators."""
        return self.locale.toString(value)

    def euro(self, cents: int) -> str:
        """Return an amount in euro."""
        return f"{self.locale.toString(cents / 100, 'f', 2)} €"

    # --- inside --------------------------------------------------------------------------------

    def _prune_soon(self) -> None:
        # many go together: to look at all of what is left for each of them takes long
        if not self._pruning:
            self._pruning = True
            QTimer.singleShot(0, self, self._prune)

    def _prune(self) -> None:
        self._pruning = False
        self._bound = [(owner, say) for owner, say in self._bound if shiboken6.isValid(owner)]

    def _qt_own(self) -> None:
        """Have Qt's own words (text menus, dialogs) in the same language."""
        application = QCoreApplication.instance()
        if application is None:
            return
        application.removeTranslator(self._qt)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        if self._qt.load(f"qtbase_{self.language}", folder):
            application.installTranslator(self._qt)


_NEAR = {0: N_("today"), 1: N_("yesterday"), -1: N_("tomorrow")}
BUG_CAUSE = N_("The program made a mistake of its own.")
BUG_NEXT = N_(
    "What was entered is kept. Try once more; if it happens again, give this code to the help desk."
)
