"""Filters that a person keeps under a name, beside the filter bar (PRO-1)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, row
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.work_lists import ListQuery, SavedFilter

_LETTERS = 24
_NAME = 320
"""Pixels: as wide as what is asked for."""
_LONGEST = 40


class SavedFilters(QWidget):
    """`chosen` with the query of the one that is chosen; `wanted` when the present one is to be kept.

    A line of its own, there only while a filter is saved or gets its name; `keep_button` stands apart.
    """

    chosen = Signal(object)
    wanted = Signal()

    def __init__(self, session: DeskSession, texts: LiveTexts, work_list: WorkList) -> None:
        super().__init__()
        self._session, self._texts, self._list = session, texts, work_list
        self._saved: list[SavedFilter] = []
        self.box = QComboBox()
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(_LETTERS)
        self.box.activated.connect(self._on_chosen)
        self.name = QLineEdit()
        self.name.setMaxLength(_LONGEST)
        self.name.returnPressed.connect(self.wanted)
        self.keep_button = button(texts, N_("Save the filters"), self.ask_name, kind="flat")
        self._forget = button(texts, N_("Forget it"), self.forget, kind="flat")
        self.name.setMinimumWidth(_NAME)
        self.setLayout(row(self.box, self._forget, self.name, None))
        self.name.hide()
        texts.bind(self, self._say)

    def ask_name(self) -> None:
        """Ask under which name; pressed again, or Enter, keeps the filters."""
        if self.name.isVisible() and self.name.text().strip():
            self.wanted.emit()
            return
        self.name.show()
        self._show_if_needed()
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def keep(self, query: ListQuery) -> None:
        """Keep a query under the name that was typed."""
        name = self.name.text().strip()
        if not name:
            return
        self._session.saved_filters.save(name, query)
        self._read(name)
        self._close_name()

    def forget(self) -> None:
        """Forget the chosen one."""
        at = self.box.currentIndex() - 1
        if 0 <= at < len(self._saved):
            self._session.saved_filters.forget(self._saved[at].name)
            self._read()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives up naming, not the screen."""
        if event.key() == Qt.Key.Key_Escape and self.name.isVisible():
            self._close_name()
        else:
            super().keyPressEvent(event)

    def _close_name(self) -> None:
        self.name.clear()
        self.name.hide()
        self._show_if_needed()
        (self.keep_button if self.box.isHidden() else self.box).setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_chosen(self, index: int) -> None:
        self._forget.setVisible(index > 0)
        if index > 0:
            self.chosen.emit(self._saved[index - 1].query)

    def _read(self, current: str = "") -> None:
        self._saved = self._session.saved_filters.saved(self._list)
        self.box.clear()
        self.box.addItem(self._texts(N_("Saved filters")))
        for one in self._saved:
            self.box.addItem(one.name)
        self.box.setCurrentIndex(max(0, self.box.findText(current)) if current else 0)
        self.box.setVisible(bool(self._saved))
        self._forget.setVisible(self.box.currentIndex() > 0)
        self._show_if_needed()

    def _show_if_needed(self) -> None:
        self.setVisible(not (self.box.isHidden() and self.name.isHidden()))

    def _say(self) -> None:
        texts = self._texts
        self.box.setAccessibleName(texts(N_("Saved filters")))
        self.name.setPlaceholderText(texts(N_("Name for these filters, then Enter")))
        self.name.setAccessibleName(texts(N_("Name for these filters, then Enter")))
        self._read(self.box.currentText() if self.box.currentIndex() > 0 else "")
