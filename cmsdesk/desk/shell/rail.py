"""The navigation rail: what this mandate may do, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QPushButton

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.base import ScreenKind
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import column, picture, plain, restyle, row

_ICON = 20
_WIDE_WINDOW = 1200
"""Width of a window, pixels, from which there is room for words beside the signs."""


class Rail(QFrame):
    """One button a screen; the arrow keys move between them."""

    def __init__(
        self,
        texts: LiveTexts,
        theme: Theme,
        session: DeskSession,
        kinds: Sequence[ScreenKind],
        opened: Callable[[str], object],
        leave: Callable[[], object],
    ) -> None:
        super().__init__()
        self._texts, self._theme = texts, theme
        self._buttons: dict[str, QPushButton] = {}
        self._narrow = False
        self._say: list[Callable[[], None]] = []
        self.setObjectName("rail")
        name = plain("cmsdesk", "brand")
        brand = row(picture(theme, "id-card", "rail_text", 24), name, None)
        brand.setContentsMargins(10, 8, 0, 8)
        work = [self._button(kind, opened) for kind in kinds if kind.in_rail(session) and not kind.foot]
        tools = [self._button(kind, opened) for kind in kinds if kind.in_rail(session) and kind.foot]
        operator, office = plain(session.operator_name, "label"), plain(role="small")

        def say_where() -> None:
            operator.setText(session.operator_name)
            office.setText(session.office_in(texts.language))
            office.setToolTip(session.body_in(texts.language))

        texts.bind(office, say_where)
        session.changed.connect(lambda _: say_where())
        self._words = (name, operator, office)
        who = column(operator, office, gap=0)
        who.setContentsMargins(14, 8, 8, 0)
        whole = column(brand, 1, *work, None, *tools, who, self._leave(leave), gap=0, margin=0)
        whole.setContentsMargins(12, 12, 12, 12)
        whole.setSpacing(4)
        self.setLayout(whole)
        texts.bind(self, lambda: self.setAccessibleName(texts(N_("Navigation"))))

    def fit(self, width: int) -> None:
        """Say the screens by their signs alone where the window is small; ``width``: the window's, pixels."""
        narrow = width < _WIDE_WINDOW
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for words in self._words:
            words.setVisible(not narrow)
        for say in self._say:
            say()
        restyle(self, narrow=narrow)

    def show_current(self, screen: str) -> None:
        """Mark the screen that is shown."""
        for identifier, made in self._buttons.items():
            made.setChecked(identifier == screen)

    def _button(self, kind: ScreenKind, opened: Callable[[str], object]) -> QPushButton:
        made = QPushButton()
        made.setCheckable(True)
        made.setAutoExclusive(False)
        made.setIconSize(QSize(_ICON, _ICON))
        made.setCursor(Qt.CursorShape.PointingHandCursor)
        keys = QKeySequence(kind.shortcut)

        def say() -> None:
            self._say_button(made, kind.title, keys.toString(QKeySequence.SequenceFormat.NativeText))

        self._say.append(say)
        self._texts.bind(made, say)
        self._theme.dress(
            made, lambda: made.setIcon(self._theme.icon(kind.icon, "rail_text", selected="accent_text"))
        )
        made.clicked.connect(lambda _checked=False: opened(kind.id))
        self._buttons[kind.id] = made
        return made

    def _leave(self, leave: Callable[[], object]) -> QPushButton:
        made = QPushButton()
        made.setProperty("quiet", True)
        made.setIconSize(QSize(_ICON, _ICON))
        made.setCursor(Qt.CursorShape.PointingHandCursor)
        self._theme.dress(made, lambda: made.setIcon(self._theme.icon("log-out", "rail_text")))

        def say() -> None:
            self._say_button(made, N_("Sign out"))

        self._say.append(say)
        self._texts.bind(made, say)
        made.clicked.connect(lambda _checked=False: leave())
        return made

    def _say_button(self, made: QPushButton, message: str, keys: str = "") -> None:
        said = self._texts(message)
        # an icon and its words need air between them, which Qt's buttons do not give
        made.setText("" if self._narrow else f"  {said}")
        made.setAccessibleName(said)
        made.setToolTip("  ".join(filter(None, (said if self._narrow else "", keys))))
