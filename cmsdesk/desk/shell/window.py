"""The main window: sign-in, then rail, screens and status bar under one mandate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.environment import SANDBOX_WORD, Environment
from cmsdesk.desk.qt import Qt
from cmsdesk.desk.screens.sign_in import SignInPage
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import column, row

if TYPE_CHECKING:  # what works under a mandate is loaded when somebody signs in, not before the first frame
    from PySide6.QtGui import QCloseEvent, QResizeEvent

    from cmsdesk.base.clock import Clock
    from cmsdesk.desk.gate import CardShown, Gate
    from cmsdesk.desk.preferences import Preferences
    from cmsdesk.desk.readers import ReaderWatch
    from cmsdesk.desk.screens.base import Entry, Screen, ScreenKind
    from cmsdesk.desk.screens.lock import LockPage
    from cmsdesk.desk.session import DeskSession, SessionParts
    from cmsdesk.desk.shell.rail import Rail
    from cmsdesk.desk.shell.watch import LockWatch

_FOUND = 12
_HOME = "home"


@dataclass(frozen=True)
class DeskParts:
    """What the window stands on before anybody has signed in."""

    gate: Gate
    readers: ReaderWatch
    preferences: Preferences
    environment: Environment
    clock: Clock


class DeskWindow(QMainWindow):
    """The application's window; screens see it as their `screens.base.Desk`."""

    session: DeskSession

    def __init__(self, parts: DeskParts, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self.texts, self.theme = texts, theme
        self.readers, self.preferences = parts.readers, parts.preferences
        self.environment = parts.environment
        self._parts = parts
        self._working: QWidget | None = None
        self._lock_page: LockPage | None = None
        self._lock_watch: LockWatch | None = None
        self._rail: Rail | None = None
        self._screens: dict[str, Screen] = {}
        self._history: list[str] = []
        self._stack = QStackedWidget()
        self._pages = QStackedWidget()
        whole = column(gap=0)
        if parts.environment.sandbox:
            from cmsdesk.desk.shell.band import Band

            whole.addWidget(Band(texts))
        whole.addWidget(self._pages, 1)
        centre = QWidget()
        centre.setLayout(whole)
        self.setCentralWidget(centre)
        self.sign_in_page = SignInPage(texts, theme, parts.readers, parts.gate, parts.preferences)
        self.sign_in_page.entered.connect(self.begin)
        self._pages.addWidget(self.sign_in_page)
        self.sign_in_page.begin()
        self.setMinimumSize(1024, 680)
        self.resize(1280, 800)
        texts.bind(self, self._say)

    # --- signing in and out --------------------------------------------------------------------

    def begin(self, parts: SessionParts, card: CardShown | None = None) -> None:
        """Work as somebody."""
        from PySide6.QtGui import QKeySequence, QShortcut

        from cmsdesk.desk.screens.catalogue import SCREENS, load_ahead
        from cmsdesk.desk.session import DeskSession
        from cmsdesk.desk.shell.overlay import Palette, Shortcuts
        from cmsdesk.desk.shell.rail import Rail
        from cmsdesk.desk.shell.status import StatusBar

        self.session = DeskSession(parts, self.texts, self._parts.clock, self)
        self._kinds = [kind for kind in SCREENS if kind.for_session(self.session)]
        self._rail = Rail(self.texts, self.theme, self.session, self._kinds, self.open, self.sign_out)
        self._rail.fit(self.width())
        status = StatusBar(self.texts, self.theme, self.readers, self.session, self.environment)
        self._stack = QStackedWidget()
        right = QWidget()
        right.setLayout(column(self._stack, gap=0))
        above = row(self._rail, gap=0)
        above.addWidget(right, 1)
        working = QWidget()
        inside = column(gap=0)
        inside.addLayout(above, 1)
        inside.addWidget(status)
        working.setLayout(inside)
        for kind in self._kinds:
            if kind.shortcut:
                keys = QShortcut(QKeySequence(kind.shortcut), working)
                keys.activated.connect(partial(self.open, kind.id))
        self._working = working
        self._pages.addWidget(working)
        self._pages.setCurrentWidget(working)
        self._palette = Palette(working, self.texts, self.theme, self._offered, self._find)
        self._shortcuts = Shortcuts(working, self.texts, self._shortcut_rows)
        acts: dict[str, Callable[[], object]] = {
            "Ctrl+K": self._palette.open,
            "F1": self._shortcuts.open,
            "Ctrl+L": self.lock,
            "F5": self.session.sync_now,
        }
        for pressed, run in acts.items():
            QShortcut(QKeySequence(pressed), working).activated.connect(run)
        self._watch_for_lock(card)
        self.session.start()
        self.open(_HOME)
        work.start(self, load_ahead)

    def lock(self, why: str = "") -> None:
        """Hide the work until the operator's card and PIN are here again; ``why`` is said, nothing lost."""
        if self._lock_page is None or self._pages.currentWidget() is not self._working:
            return
        self._pages.setCurrentWidget(self._lock_page)
        self._lock_page.begin(why)
        self._say()

    def allow_card_away(self, allowed: bool) -> None:
        """A desk with one reader: the operator's card may leave while a device is produced."""
        if self._lock_watch is not None:
            self._lock_watch.allow_card_away(allowed)

    def _watch_for_lock(self, card: CardShown | None) -> None:
        """Lock by card and idleness from now on; a desk entered without a card has none to unlock by."""
        if card is None:
            return
        from cmsdesk.desk.screens.lock import LockPage
        from cmsdesk.desk.shell.watch import LockWatch

        operator = (self.session.operator_name, card.fiscal_code)
        self._lock_page = LockPage(
            self.texts, self.theme, self.readers, self._parts.gate, operator, self.sign_out
        )
        self._lock_page.unlocked.connect(self._unlocked)
        self._pages.addWidget(self._lock_page)
        self._lock_watch = LockWatch(
            self.readers, card.reader, lambda: self.preferences.choices.idle_minutes, self
        )
        self._lock_watch.locked.connect(self.lock)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self._lock_watch)
        self._lock_watch.begin()

    def _unlocked(self, card: CardShown) -> None:
        if self._working is not None and self._lock_watch is not None:
            self._pages.setCurrentWidget(self._working)
            self._lock_watch.begin(card.reader)
            if self.current is not None:
                self.current.setFocus(Qt.FocusReason.OtherFocusReason)
            self._say()

    def sign_out(self) -> None:
        """End the session; what was not sent stays in the outbox."""
        if self._working is None:
            return
        for screen in self._screens.values():
            screen.leave()
            screen.end()
        self.session.end()
        self._pages.setCurrentWidget(self.sign_in_page)
        self._pages.removeWidget(self._working)
        self._working.deleteLater()
        self._working, self._rail, self._screens, self._history = None, None, {}, []
        if self._lock_page is not None:
            self._pages.removeWidget(self._lock_page)
            self._lock_page.deleteLater()
        if self._lock_watch is not None:
            self._lock_watch.deleteLater()
        self._lock_page, self._lock_watch = None, None
        self._say()
        self.sign_in_page.begin()

    # --- screens -------------------------------------------------------------------------------

    @property
    def current(self) -> Screen | None:
        """The screen that is shown, if anybody is signed in."""
        return self._screens.get(self._history[-1]) if self._history else None

    def open(self, screen: str, **facts: object) -> None:
        """Show a screen, if the mandate allows it; ``facts`` go to its `Screen.activate`."""
        kind = self._kind(screen)
        if kind is None:
            return
        shown = self.current
        if shown is not None and self._history[-1] != screen:
            shown.leave()
        made = self._screens.get(screen)
        if made is None:
            made = self._screens[screen] = kind.build(self)
            made.headline_changed.connect(self._say)
            self._stack.addWidget(made)
            work.keep()
        if not self._history or self._history[-1] != screen:
            self._history = [*(one for one in self._history if one != screen), screen]
        self._stack.setCurrentWidget(made)
        if self._rail is not None:
            self._rail.show_current(screen)
        made.setFocus(Qt.FocusReason.OtherFocusReason)
        made.activate(**facts)
        self._say()

    def back(self) -> None:
        """Go to the screen before this one; Home is the last."""
        if len(self._history) > 1:
            self._history.pop()
            self.open(self._history.pop())
        elif self._history and self._history[-1] != _HOME:
            self.open(_HOME)

    def can_open(self, screen: str) -> bool:
        """Tell whether the mandate allows a screen."""
        return self._kind(screen) is not None

    def _kind(self, screen: str) -> ScreenKind | None:
        return next((kind for kind in self._kinds if kind.id == screen), None)

    # --- finding -------------------------------------------------------------------------------

    def _offered(self) -> list[Entry]:
        """Return what the palette offers: this screen's acts, then the screens, then the window's own."""
        from cmsdesk.desk.screens.base import Entry

        texts = self.texts
        shown = self.current
        entries = list(shown.entries()) if shown is not None else []
        entries += [
            Entry(
                texts(kind.title),
                "",
                kind.icon,
                partial(self.open, kind.id),
                key_text(kind.shortcut),
            )
            for kind in self._kinds
            if not kind.found
        ]
        entries += [
            Entry(texts(N_("Synchronise now")), "", "refresh-cw", self.session.sync_now, key_text("F5")),
            Entry(texts(N_("Shortcuts")), "", "keyboard", self._shortcuts.open, key_text("F1")),
            Entry(texts(N_("Lock the desk")), "", "lock", self.lock, key_text("Ctrl+L")),
            Entry(texts(N_("Sign out")), "", "log-out", self.sign_out),
        ]
        return entries

    def _find(self, text: str) -> list[Entry]:
        """Return requests, holders and devices that fit; runs in a thread."""
        from cmsdesk.desk.shell.finding import find

        return find(self, text)

    def _shortcut_rows(self) -> list[tuple[str, str]]:
        texts = self.texts
        rows = [(texts(kind.title), key_text(kind.shortcut)) for kind in self._kinds if kind.shortcut]
        rows += [
            (texts(N_("Find anything")), key_text("Ctrl+K")),
            (texts(N_("Main action of the screen")), texts(N_("Enter"))),
            (texts(N_("Back; nothing is lost")), key_text("Esc")),
            (texts(N_("Synchronise now")), key_text("F5")),
            (texts(N_("Lock the desk")), key_text("Ctrl+L")),
            (texts(N_("Shortcuts")), key_text("F1")),
        ]
        return rows

    # --- the window ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the screens the room they need."""
        if self._rail is not None:
            self._rail.fit(event.size().width())
        super().resizeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close the session in order."""
        self.sign_out()
        self.readers.stop()
        work.finish()
        super().closeEvent(event)

    def _say(self) -> None:
        locked = self._lock_page is not None and self._pages.currentWidget() is self._lock_page
        shown = None if locked else self.current
        parts = [shown.title() if shown else "", "cmsdesk"]
        if self.environment.sandbox:
            parts.append(self.texts(SANDBOX_WORD))
        self.setWindowTitle(" — ".join(filter(None, parts)))


def key_text(shortcut: str) -> str:
    """Return keys as this system writes them."""
    from PySide6.QtGui import QKeySequence

    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
