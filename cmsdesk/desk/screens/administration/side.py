"""List left, the chosen thing or a form right: what the administration's screens have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.models.plain_list import PlainColumn, PlainListModel
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, clear, column, label, row
from cmsdesk.desk.widgets.chip_cell import ChipCells
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.states import READING, Busy, EmptyState
from cmsdesk.desk.widgets.table import Table

_SIDE_WIDTH = 448


class SideForm(QWidget):
    """A form beside the list: Enter saves, Esc leaves it. `closed` when it is done with."""

    closed = Signal()

    def __init__(
        self, screen: Screen, title: str, save: str, *, danger: bool = False, words: str = ""
    ) -> None:
        """``title``, ``save`` and ``words`` (what it is about) are messages of the catalogue."""
        super().__init__()
        self.page: Screen = screen
        self.session, self.texts = screen.session, screen.texts
        self.notice = Notice(screen.texts, screen.theme)
        self.fields = QVBoxLayout()
        self.fields.setSpacing(12)
        self._save = button(screen.texts, save, self.confirm, kind="danger" if danger else "main")
        self.leave = button(screen.texts, N_("Leave it"), self.closed.emit)
        inside = column(label(screen.texts, title, "heading", wrap=True), gap=0)
        if words:
            inside.addWidget(label(screen.texts, words, "muted", wrap=True))
        inside.addWidget(self.notice)
        inside.addLayout(self.fields)
        inside.addStretch(1)
        inside.setSpacing(12)
        inside.setContentsMargins(0, 0, 8, 0)
        self.setLayout(inside)
        self.made = ""
        """The key of the row that it makes, once it is done: the list chooses it."""
        self.acts = QWidget()
        """Save and leave: the screen pins them below what scrolls."""
        foot = row(self._save, self.leave, None)
        foot.setContentsMargins(0, 8, 0, 0)
        self.acts.setLayout(foot)
        screen.texts.bind(self, lambda: self.setAccessibleName(screen.texts(title)))

    def add(self, message: str, field: QWidget, **look: Any) -> FieldRow:
        """Add a field with its label."""
        made = FieldRow(self.texts, message, field, **look)
        self.fields.addWidget(made)
        return made

    def allow(self, allowed: bool) -> None:
        """Let it be saved, or not."""
        self._save.setEnabled(allowed)

    def confirm(self) -> None:
        """Save what was entered; a subclass says how, by `submit`."""

    def submit(self, *acts: tuple[str, dict[str, Any]], made: str = "") -> bool:
        """Have acts recorded in order and close the form; what is refused is said in it.

        ``made``: the key of the list's row that follows from them, where it is a new one.
        """
        try:
            for kind, facts in acts:
                self.session.submit(kind, **facts)
        except Mendable as error:
            self.notice.error(error)
            return False
        self.made = made
        self.closed.emit()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter saves, unless a button has the focus; Esc leaves the form."""
        focused = self.focusWidget()
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif isinstance(focused, QPushButton):
            focused.click()
        elif self._save.isEnabled():
            self.confirm()


class SidePanel(QFrame):
    """The right-hand side: a chosen thing, or a form whose acts stay in sight."""

    def __init__(self) -> None:
        super().__init__()
        self._area = QScrollArea()
        self._pinned = QVBoxLayout()
        self._of = ""
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setProperty("card", True)
        self.setFixedWidth(_SIDE_WIDTH)
        self.setLayout(column(self._area, self._pinned, gap=0, margin=2))
        self.hide()

    @property
    def shown(self) -> QWidget | None:
        """What stands there."""
        return self._area.widget()

    def show_detail(self, of: str, made: QWidget | None) -> None:
        """Show a thing, known as ``of``: the same one stays scrolled to where it was; None: nothing."""
        clear(self._pinned)
        if made is None:
            self.hide()
            return
        bar = self._area.verticalScrollBar()
        at = bar.value() if of == self._of else 0
        self._of = of
        self._area.setWidget(made)
        bar.setValue(at)
        self.show()

    def show_form(self, form: SideForm) -> None:
        """Show a form."""
        clear(self._pinned)
        self._of = ""
        self._area.setWidget(form)
        self._pinned.addWidget(form.acts)
        self.show()

    def enter(self) -> None:
        """Give the focus to the first control."""
        first = None if self.shown is None else first_control(self.shown)
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)


class SideScreen(Screen):
    """A short list with search and filters; a subclass says what is in it."""

    def __init__(self, desk: Desk, empty: tuple[str, str, str]) -> None:
        """``empty``: icon, heading and sentence shown while there is nothing."""
        self._count = 0
        super().__init__(desk, scrolls=False)
        self.model = PlainListModel(self.columns(), self.texts.begin, self)
        self.table = Table()
        self.search = QLineEdit()
        self.filters, self.tools = QHBoxLayout(), QHBoxLayout()
        self.everything: Sequence[Any] = ()
        """All rows, whatever the filters say."""
        self.form: SideForm | None = None
        self._chosen = self._wanted = ""
        self.side = SidePanel()
        self._stack = QStackedWidget()
        self.busy = Busy(self.texts)
        self._lay_out_list(empty)
        self.fill()
        Refreshing(self, self.session, self.refresh)
        self.texts.bind(self.table, self._say_list)

    # --- what a subclass says ------------------------------------------------------------------

    @abstractmethod
    def columns(self) -> Sequence[PlainColumn]:
        """Return the list's columns."""

    @abstractmethod
    def read(self) -> Sequence[Any]:
        """Return all rows; runs in a thread."""

    @abstractmethod
    def key(self, found: Any) -> str:
        """Return what a row is known by."""

    @abstractmethod
    def words_of(self, found: Any) -> str:
        """Return what is searched in a row."""

    def fits(self, found: Any) -> bool:
        """Tell whether the filters let a row through; the search is looked at apart."""
        return True

    @abstractmethod
    def detail(self, found: Any) -> QWidget:
        """Return what stands beside the list for a row."""

    def fill(self) -> None:
        """Add filters, tools and the main action; called once."""

    def say_filters(self) -> None:
        """Put the filters into words; also called when the rows are others."""

    # --- rows ----------------------------------------------------------------------------------

    def activate(self, **facts: object) -> None:
        """Read afresh; ``thing``: choose this one."""
        wanted = facts.get("thing")
        if isinstance(wanted, str):
            self._chosen, self._wanted = wanted, ""
        self.refresh()
        self.table.setFocus()

    def refresh(self) -> None:
        """Read the rows again, in a thread."""
        if not self.everything:
            self.busy.begin_soon(READING)
        work.start(
            self, self.read, done=self.busy.ending(self._on_read), failed=self.busy.ending(self.notice.error)
        )

    def show_rows(self) -> None:
        """Show what filters and search let through; the chosen row stays chosen."""
        asked = self.search.text().casefold().split()
        found = [
            one
            for one in self.everything
            if self.fits(one) and all(part in self.words_of(one).casefold() for part in asked)
        ]
        chosen, wanted = self._chosen, self._wanted
        self.model.show(found)
        self._count = len(found)
        self._stack.setCurrentIndex(0 if found else 1)
        keys = [self.key(one) for one in self.model.rows]
        if found:
            best = next((one for one in (wanted, chosen) if one in keys), keys[0])
            self._select(keys.index(best))
            # whoever chooses another row meanwhile wants that one
            self._wanted = "" if wanted in keys else wanted
        elif self.form is None:
            self.side.hide()
        self.say()

    def context(self) -> str:
        """Return how many there are."""
        count = self._count
        if not count:
            return " "
        if count == 1:
            return self.texts(N_("One entry"))
        return self.texts(N_("{count} entries"), count=self.texts.number(count))

    def chosen(self) -> Any | None:
        """Return the chosen row."""
        return next((one for one in self.everything if self.key(one) == self._chosen), None)

    # --- the side ------------------------------------------------------------------------------

    def show_form(self, form: SideForm, first: QWidget | None = None) -> None:
        """Show a form in place of the chosen thing; ``first`` has the focus."""
        self.form = form
        form.closed.connect(self.close_form)
        self.side.show_form(form)
        if self.main is not None:
            self.main.hide()
        (first or form).setFocus(Qt.FocusReason.TabFocusReason)

    def close_form(self) -> None:
        """Show the chosen thing again."""
        if self.form is None:
            return
        # the row is chosen when it is there: what was recorded is read in a thread
        self._wanted, self.form = self.form.made, None
        if self.main is not None:
            self.main.show()
        self._show_detail()
        self.table.setFocus()

    def tool(self, message: str, run: Callable[[], object], icon: str, shortcut: str = "") -> QPushButton:
        """Add an act on the list, beside the search."""
        made = button(self.texts, message, run, theme=self.theme, icon=icon, shortcut=shortcut)
        self.tools.addWidget(made)
        return made

    def back(self) -> None:
        """Esc leaves a form first."""
        if self.form is not None:
            self.close_form()
        else:
            super().back()

    # --- inside --------------------------------------------------------------------------------

    def _lay_out_list(self, empty: tuple[str, str, str]) -> None:
        columns = self.model.columns
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionsClickable(True)
        self.table.set_widths([(one.width, one.spare) for one in columns])
        for number, one in enumerate(columns):
            if one.tone is not None:
                self.table.setItemDelegateForColumn(number, ChipCells(self.theme, self.table))
        frame = QFrame()
        frame.setProperty("card", True)
        inside = column(self.table, gap=0)
        inside.setContentsMargins(4, 4, 4, 4)
        frame.setLayout(inside)
        self._stack.addWidget(frame)
        self._stack.addWidget(EmptyState(self.texts, self.theme, *empty))
        above = row(self.search)
        above.setStretch(0, 1)
        above.addLayout(self.filters)
        above.addLayout(self.tools)
        both = row(self._stack, self.side, gap=2)
        both.setStretch(0, 1)
        self.body.addLayout(above)
        self.body.addWidget(self.busy)
        self.body.addLayout(both, 1)
        self.body.setSpacing(12)
        self.search.textChanged.connect(lambda _: self.show_rows())
        self.table.horizontalHeader().sectionClicked.connect(self._sort_by)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.table.opened.connect(lambda _: self.side.enter())
        QShortcut(QKeySequence("Ctrl+F"), self).activated.connect(self.search.setFocus)

    def _say_list(self) -> None:
        self.table.setAccessibleName(self.title())
        self.search.setAccessibleName(self.texts(N_("Search")))
        self.search.setPlaceholderText(self.texts(N_("Search")))
        self.search.setToolTip("Ctrl+F")
        self.model.say()
        self.say_filters()
        self._show_detail()

    def _on_read(self, rows: Sequence[Any]) -> None:
        self.everything = rows
        self.say_filters()
        self.show_rows()

    def _sort_by(self, section: int) -> None:
        header = self.table.horizontalHeader()
        descending = self.model.sort_by(section)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(section, order)
        header.setSortIndicatorShown(True)

    def _select(self, at: int) -> None:
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        index = self.model.index(at, 0)
        self.table.selectionModel().setCurrentIndex(index, flags)
        self.table.scrollTo(index)

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self._chosen, self._wanted = self.key(self.model.rows[current.row()]), ""
            self._show_detail()

    def _show_detail(self) -> None:
        """Build the chosen thing's side afresh, but never over a form."""
        if self.form is not None:
            return
        found = self.chosen()
        self.side.show_detail(self._chosen, None if found is None else self.detail(found))


def first_control(within: QWidget) -> QWidget | None:
    """Return the first thing in ``within`` that Tab would reach."""
    return next(
        (
            one
            for one in within.findChildren(QWidget)
            if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisibleTo(within) and one.isEnabled()
        ),
        None,
    )


def filter_chip(texts: LiveTexts, message: str, changed: Callable[[], object]) -> QPushButton:
    """Return a chip that filters a list while it is down."""
    made = QPushButton()
    made.setCheckable(True)
    made.setProperty("chip", True)

    def say() -> None:
        made.setText(texts(message))
        made.setAccessibleName(texts(N_("Filter: {name}"), name=texts(message)))

    texts.bind(made, say)
    made.toggled.connect(lambda _: changed())
    return made
