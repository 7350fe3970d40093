"""Labels, buttons, cards and layouts, each in one call; their words follow the language."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cmsdesk.desk.qt import CLICK_FOCUS, PLAIN_TEXT, SELECTABLE, Qt, later
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.tokens import GRID, READING

Item = QWidget | QLayout | int | None
"""What a row or column takes: a widget, a layout, a gap in grid units, or None for what stretches."""
_Box = TypeVar("_Box", QVBoxLayout, QHBoxLayout)


def column(*items: Item, gap: int = 1, margin: int = 0) -> QVBoxLayout:
    """Return items one below another, ``gap`` and ``margin`` in grid units."""
    return _filled(QVBoxLayout(), items, gap, margin)


def row(*items: Item, gap: int = 1, margin: int = 0) -> QHBoxLayout:
    """Return items side by side."""
    return _filled(QHBoxLayout(), items, gap, margin)


def _filled(box: _Box, items: tuple[Item, ...], gap: int, margin: int) -> _Box:
    box.setSpacing(gap * GRID)
    box.setContentsMargins(*(4 * [margin * GRID]))
    for item in items:
        if item is None:
            box.addStretch(1)
        elif isinstance(item, int):
            box.addSpacing(item * GRID)
        elif isinstance(item, QLayout):
            box.addLayout(item)
        else:
            box.addWidget(item)
    return box


class _Wrapped(QLabel):
    """Running text: as high as it is at its widest line, however wide the place; Qt forgets the limit."""

    def heightForWidth(self, width: int) -> int:
        """Return how high it is at a width, or at the widest it may be."""
        return super().heightForWidth(min(width, self.maximumWidth()))


def plain(text: str = "", role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """Return a label with a text that is not the catalogue's (a name, a number)."""
    made = _Wrapped() if wrap else QLabel()
    made.setProperty("textFormat", PLAIN_TEXT)
    made.setText(text)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        made.setMaximumWidth(READING)
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if selectable:
        made.setProperty("textInteractionFlags", SELECTABLE)
        made.setProperty("focusPolicy", CLICK_FOCUS)
    return made


def label(texts: LiveTexts, message: str, role: str = "", *, wrap: bool = False, **values: object) -> QLabel:
    """Return a label with a message of the catalogue."""
    made = plain("", role, wrap=wrap)
    texts.bind(made, lambda: made.setText(texts(message, **values)))
    return made


def button(
    texts: LiveTexts,
    message: str,
    clicked: Callable[[], object] | None = None,
    *,
    kind: str = "",
    shortcut: str = "",
    theme: Theme | None = None,
    icon: str = "",
    bare: bool = False,
) -> QPushButton:
    """Return a button.

    Args:
        texts: the catalogue.
        message: its words.
        clicked: what it does.
        kind: ``main``, ``danger``, ``flat``, ``row`` or none.
        shortcut: its keys; they stand in its tooltip, and in the overlay of shortcuts.
        theme: needed with ``icon``.
        icon: a file of ``resources/icons``.
        bare: the icon alone is seen; the words are spoken, and stand in the tooltip.
    """
    made = QPushButton()
    made.setAutoDefault(False)
    later(made, lambda: made.setCursor(Qt.CursorShape.PointingHandCursor))
    if kind:
        made.setProperty(kind, True)

    def say() -> None:
        # an icon and its words need air between them, which Qt's buttons do not give
        made.setText("" if bare else f" {texts(message)}" if icon else texts(message))
        made.setAccessibleName(texts(message))
        if bare:
            made.setToolTip(texts(message))
        # setText makes a shortcut of an ampersand and forgets the one that was set
        if shortcut or "&" in made.text():
            from PySide6.QtGui import QKeySequence

            keys = QKeySequence(shortcut)
            if shortcut:
                made.setToolTip(keys.toString(QKeySequence.SequenceFormat.NativeText))
            made.setShortcut(keys)

    texts.bind(made, say)
    if theme is not None and icon:
        colour = {"main": "accent_text", "danger": "bad", "flat": "accent"}.get(kind, "muted")
        theme.dress(made, lambda: made.setIcon(theme.icon(icon, colour)))
    if clicked is not None:
        made.clicked.connect(lambda _checked=False: clicked())
    return made


def fold(made: QPushButton, folded: bool) -> None:
    """Show a button by its icon alone, or with its words again; they stay its name, and stand in its tip."""
    keys, name = made.shortcut(), made.accessibleName()
    made.setText("" if folded else f" {name}")
    made.setShortcut(keys)  # which setText forgets
    told = keys.toString(keys.SequenceFormat.NativeText)
    made.setToolTip(" · ".join(filter(None, (name if folded else "", told))))


def picture(theme: Theme, name: str, colour: str = "muted", size: int = 20) -> QLabel:
    """Return an icon that stands for itself; a screen reader passes it by."""
    made = QLabel()
    made.setFixedSize(size, size)
    theme.dress(made, lambda: made.setPixmap(theme.pixmap(name, colour, size)))
    return made


def card(*items: Item, gap: int = 1, margin: int = 2) -> QFrame:
    """Return a framed card with items one below another."""
    made = QFrame()
    made.setProperty("card", True)
    made.setLayout(column(*items, gap=gap, margin=margin))
    return made


def line() -> QFrame:
    """Return a thin line between things."""
    made = QFrame()
    made.setProperty("line", True)
    made.setFixedHeight(1)
    return made


def chip(text: str = "", tone: str = "") -> QLabel:
    """Return a small label in a coloured pill; the word comes first, the colour second."""
    made = plain(text)
    made.setProperty("chip", True)
    made.setProperty("tone", tone)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
    return made


class ShortChip(QLabel):
    """A chip that takes no room from others: where there is little, its word is cut and read in the tip."""

    _LEAST = 44
    """Pixels: two letters and the dots."""

    def __init__(self, tone: str) -> None:
        super().__init__()
        self._word = ""
        self.setProperty("chip", True)
        self.setProperty("tone", tone)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)

    def say(self, word: str) -> None:
        """Show a word; nothing is seen when it is empty."""
        self._word = word
        self.setToolTip(word)
        self.setVisible(bool(word))
        self._fit()

    @property
    def word(self) -> str:
        """The whole word."""
        return self._word

    def sizeHint(self) -> QSize:
        """As wide as the whole word."""
        return QSize(self._around() + self._wide(self._word) + 1, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """As wide as its beginning."""
        return QSize(min(self._LEAST, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the word where it has to be."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - self._around()
        self.setText(self.fontMetrics().elidedText(self._word, Qt.TextElideMode.ElideRight, room))

    def _around(self) -> int:
        return super().sizeHint().width() - self._wide(self.text())

    def _wide(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text)


def restyle(widget: QWidget, **properties: object) -> None:
    """Set properties that the style sheet looks at, and have it look."""
    if all(widget.property(name) == value for name, value in properties.items()):
        return
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def clear(layout: QLayout) -> None:
    """Take everything out of a layout and delete it."""
    while layout.count():
        item = layout.takeAt(0)
        inner, widget = (None, None) if item is None else (item.layout(), item.widget())
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
