"""What a screen is, what it is given, and how the window knows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from cmsdesk.desk.environment import Environment
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.readers import ReaderWatch
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, column, plain, row
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.tall import Tall
from cmsdesk.domain.permissions import Action

OpenScreen = Callable[..., None]


class Desk(Protocol):
    """What a screen is given: the window and all that stands behind it."""

    session: DeskSession
    texts: LiveTexts
    theme: Theme
    readers: ReaderWatch
    preferences: Preferences
    environment: Environment

    def open(self, screen: str, **facts: object) -> None:
        """Show a screen; ``facts`` go to its `Screen.activate`."""
        ...

    def back(self) -> None:
        """Go to the screen before this one."""
        ...

    def allow_card_away(self, allowed: bool) -> None:
        """A desk with one reader: the operator's card may leave during a production, without a lock."""
        ...

    def can_open(self, screen: str) -> bool:
        """Tell whether the mandate allows a screen."""
        ...


@dataclass(frozen=True)
class Entry:
    """Something the command palette finds."""

    words: str
    """As shown, in the language of the moment."""
    detail: str
    icon: str
    run: Callable[[], object]
    shortcut: str = ""


@dataclass(frozen=True)
class ScreenKind:
    """A screen as the window knows it before it is built."""

    id: str
    title: str
    """Message of the catalogue; the rail shows it."""
    icon: str
    build: Callable[[Desk], Screen]
    """Imports the screen's module: nothing is loaded before it is asked for."""
    actions: tuple[Action, ...] = ()
    """Any one of them opens it; none: everybody may."""
    shortcut: str = ""
    rail: bool = True
    """Whether it stands in the navigation rail; the palette knows all."""
    rail_for: tuple[Action, ...] = ()
    """If any are named, only mandates that give one of them have it in the rail; the palette knows it."""
    foot: bool = False
    """At the foot of the rail: tools rather than work."""
    found: bool = False
    """The page of one thing: reached by finding that, never opened by itself."""

    def in_rail(self, session: DeskSession) -> bool:
        """Tell whether it stands in the rail."""
        return self.rail and (not self.rail_for or any(map(session.allowed, self.rail_for)))

    def for_session(self, session: DeskSession) -> bool:
        """Tell whether the mandate allows it."""
        return not self.actions or any(session.allowed(action) for action in self.actions)


class Screen(QWidget):
    """One screen: title and a line of context, a place for messages, content, actions.

    A subclass fills ``self.body`` and calls `set_main` for its one main action (bottom right,
    Enter). Esc goes back; whatever was typed must have been kept by then.
    """

    headline_changed = Signal()

    def __init__(self, desk: Desk, *, scrolls: bool = True) -> None:
        """``scrolls``: the body scrolls as a whole; a screen with a table of its own says no."""
        super().__init__()
        self.desk = desk
        self.session = desk.session
        self.texts, self.theme = desk.texts, desk.theme
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = plain(role="title")
        self._context = plain(role="muted")
        self.head = QHBoxLayout()
        """Beside the title: chips, a secondary action."""
        self.notice = Notice(self.texts, self.theme)
        self.body = column(gap=2)
        self.foot = row(None)
        """Actions; the main one is last."""
        self.main: QPushButton | None = None
        self._lay_out(scrolls)
        self.texts.bind(self, self.say)

    # --- what a screen says and does ------------------------------------------------------------

    def title(self) -> str:
        """Return the title in the language of the moment."""
        return ""

    def context(self) -> str:
        """Return the line below the title."""
        return ""

    def activate(self, **facts: object) -> None:
        """The screen is shown; ``facts`` say of what."""

    def leave(self) -> None:
        """Another screen is shown: keep what was typed."""

    def end(self) -> None:
        """The session ends: stop what is under way; returns when it has stopped."""

    def back(self) -> None:
        """Esc."""
        self.desk.back()

    def entries(self) -> Sequence[Entry]:
        """Return what the command palette offers while this screen is shown."""
        return ()

    def say(self) -> None:
        """Put title and context into words; subclasses that say more than bound labels extend it."""
        self._title.setText(self.title())
        self._context.setText(self.context())
        self._context.setVisible(bool(self._context.text()))
        self.setAccessibleName(self.title())
        self.headline_changed.emit()

    # --- building ------------------------------------------------------------------------------

    def set_main(self, message: str, run: Callable[[], object], *, icon: str = "") -> QPushButton:
        """Give the screen its main action: bottom right, Enter."""
        self.main = button(self.texts, message, run, kind="main", theme=self.theme, icon=icon)
        self.foot.addWidget(self.main)
        return self.main

    def add_action(
        self, message: str, run: Callable[[], object], *, kind: str = "", shortcut: str = ""
    ) -> QPushButton:
        """Add an action beside the main one."""
        made = button(self.texts, message, run, kind=kind, shortcut=shortcut)
        self.foot.insertWidget(self.foot.count() - (self.main is not None), made)
        return made

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is the main action; Esc goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.back()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._enter():
            pass
        else:
            super().keyPressEvent(event)

    def _enter(self) -> bool:
        focused = self.focusWidget()
        if isinstance(focused, QPushButton) and focused is not self.main:
            focused.click()
            return True
        if self.main is not None and self.main.isEnabled() and self.main.isVisible():
            self.main.click()
            return True
        return False

    def _lay_out(self, scrolls: bool) -> None:
        words = column(self._title, self._context, gap=0)
        words.setSpacing(4)
        head = row(words, None)
        head.addLayout(self.head)
        whole = QVBoxLayout()
        whole.setContentsMargins(32, 24, 32, 24)
        whole.setSpacing(16)
        whole.addLayout(head)
        whole.addWidget(self.notice)
        if scrolls:
            inside = Tall(self.body)
            area = QScrollArea()
            area.setWidgetResizable(True)
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setWidget(inside)
            whole.addWidget(area, 1)
        else:
            whole.addLayout(self.body, 1)
        whole.addLayout(self.foot)
        self.setLayout(whole)
