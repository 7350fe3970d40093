"""Panels over the window: the command palette (Ctrl+K) and the shortcuts (F1). Esc closes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.models.work_list import Index
from cmsdesk.desk.screens.base import Entry
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import clear, column, label, plain, row

_WIDTH = 640
_HEIGHT = 460
_SETTLE_MS = 120
_SHADE = 110
_MORE = Qt.ItemDataRole.UserRole
_BESIDE = 12

Find = Callable[[str], Sequence[Entry]]
"""Looks for people and things in the records; runs in a thread."""


class Overlay(QWidget):
    """Covers its parent, darkens it, and holds one card; gives the focus back when it closes."""

    def __init__(self, parent: QWidget, width: int, height: int) -> None:
        super().__init__(parent)
        self._parent = parent
        self._before: QWidget | None = None
        self.card = QFrame()
        self.card.setObjectName("overlay")
        self.card.setFixedWidth(width)
        self.card.setMaximumHeight(height)
        self.setLayout(column(8, row(None, self.card, None), None))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        parent.installEventFilter(self)
        self.hide()

    def open(self) -> None:
        """Show it over everything."""
        self._before = self.window().focusWidget()
        self.setGeometry(self._parent.rect())
        self.show()
        self.raise_()
        self.setFocus()

    def close_it(self) -> None:
        """Hide it; the focus goes back to where it was."""
        self.hide()
        if self._before is not None:
            self._before.setFocus()
        self._before = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the parent's size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._parent.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Darken what lies below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(8, 12, 20, _SHADE))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click beside the card closes it."""
        if not self.card.geometry().contains(event.position().toPoint()):
            self.close_it()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_it()
        else:
            event.accept()


class _Lines(QStyledItemDelegate):
    """What it is left, what tells it from others right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the line, then what stands at its end."""
        super().paint(painter, option, index)
        painter.save()
        painter.setFont(option.font)
        painter.setPen(QColor(self._theme.tokens.muted))
        where = option.rect.adjusted(0, 0, -_BESIDE, 0)
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(where, side, str(index.data(_MORE) or ""))
        painter.restore()


class Palette(Overlay):
    """Finds any screen, act, person or request by a few letters."""

    def __init__(
        self,
        parent: QWidget,
        texts: LiveTexts,
        theme: Theme,
        offered: Callable[[], Sequence[Entry]],
        find: Find,
    ) -> None:
        super().__init__(parent, _WIDTH, _HEIGHT)
        self._texts, self._theme, self._offered, self._find = texts, theme, offered, find
        self._entries: list[Entry] = []
        self._fitting: list[Entry] = []
        self._asked = ""
        self.line = QLineEdit()
        self.line.installEventFilter(self)
        self.line.textChanged.connect(self._on_text)
        self.list = QListWidget()
        self.list.setIconSize(QSize(20, 20))
        self.list.setFixedHeight(_HEIGHT - 120)
        self.list.setItemDelegate(_Lines(theme, self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemActivated.connect(lambda _: self._run())
        self.list.itemClicked.connect(lambda _: self._run())
        self._nothing = label(texts, N_("Nothing found"), "muted")
        self._nothing.setParent(self.list)
        self._nothing.move(_BESIDE, _BESIDE)
        self._nothing.hide()
        hint = label(texts, N_("Up and Down choose, Enter opens, Esc closes."), "small")
        self.card.setLayout(column(self.line, self.list, hint, gap=1, margin=2))
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._search)
        texts.bind(self, self._say)

    def open(self) -> None:
        """Show it empty."""
        super().open()
        self.line.clear()
        self._show(list(self._offered()))
        self.line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrows move in the list while one types."""
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                step = 1 if key == Qt.Key.Key_Down else -1
                self.list.setCurrentRow((self.list.currentRow() + step) % max(1, self.list.count()))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run()
                return True
            if key == Qt.Key.Key_Tab:
                return True
        return super().eventFilter(watched, event)

    def _on_text(self, text: str) -> None:
        from cmsdesk.sync.search_terms import folded

        wanted = folded(text).split()
        self._fitting = [
            one
            for one in self._offered()
            if all(word in folded(f"{one.words} {one.detail}") for word in wanted)
        ]
        self._show(self._fitting)
        if text.strip():
            self._settle.start()

    def _search(self) -> None:
        text = self._asked = self.line.text().strip()
        if text:
            work.start(self, lambda: self._find(text), done=lambda found: self._add(text, found))

    def _add(self, text: str, found: Sequence[Entry]) -> None:
        if text == self._asked and self.isVisible():
            # the same may have been looked for twice
            self._show([*self._fitting, *found])
            self._nothing.setVisible(not self._entries)
            self._nothing.adjustSize()

    def _show(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._nothing.hide()
        self.list.clear()
        for entry in entries:
            more = "    ".join(filter(None, (entry.detail, entry.shortcut)))
            item = QListWidgetItem(self._theme.icon(entry.icon), entry.words)
            item.setData(_MORE, more)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.words} {more}".strip())
            item.setSizeHint(QSize(0, 40))
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run(self) -> None:
        at = self.list.currentRow()
        if 0 <= at < len(self._entries):
            self.close_it()
            self._entries[at].run()

    def _say(self) -> None:
        texts = self._texts
        self.line.setPlaceholderText(texts(N_("Screen, action, name, codice fiscale, request…")))
        self.line.setAccessibleName(texts(N_("Find")))
        self.list.setAccessibleName(texts(N_("Found")))
        if self.isVisible() and not self.line.text():
            self._show(list(self._offered()))


class Shortcuts(Overlay):
    """All shortcuts of the moment."""

    def __init__(
        self, parent: QWidget, texts: LiveTexts, rows: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        """``rows``: what it does, in words, and its keys."""
        super().__init__(parent, 480, 640)
        self._rows = rows
        texts.retranslate.connect(self._fill)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(8)
        self.card.setLayout(column(label(texts, N_("Shortcuts"), "heading"), 1, self._lines, gap=1, margin=3))

    def open(self) -> None:
        """Show those of the moment."""
        self._fill()
        super().open()

    def _fill(self) -> None:
        clear(self._lines)
        for words, keys in self._rows():
            self._lines.addLayout(row(plain(words), None, key_label(keys)))


def key_label(keys: str) -> QLabel:
    """Return keys as they look on a keyboard."""
    made = plain(keys)
    made.setProperty("key", True)
    return made
