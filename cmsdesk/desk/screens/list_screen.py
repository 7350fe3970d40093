"""List left, the chosen thing right (ux.md): search, filters as chips, sorting, export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QFrame, QScrollArea, QStackedWidget, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.models.export import write_csv
from cmsdesk.desk.models.list_paper import ListMade, list_job
from cmsdesk.desk.models.work_list import Column, WorkListModel
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.widgets.basics import button, column, row
from cmsdesk.desk.widgets.chip_cell import ChipCells
from cmsdesk.desk.widgets.column_menu import ColumnMenu
from cmsdesk.desk.widgets.filter_bar import FilterBar, StateFilter
from cmsdesk.desk.widgets.saved_filters import SavedFilters
from cmsdesk.desk.widgets.states import EmptyState
from cmsdesk.desk.widgets.table import Table
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery, Sort

_DETAIL_WIDTH = 432
_THINGS = {WorkList.REQUESTS: "request", WorkList.DEVICES: "device"}
_NOTHING_FOUND = ("search", N_("Nothing found"), N_("No entry fits what is asked for."))


@runtime_checkable
class Typed(Protocol):
    """A detail in which one types."""

    def is_typing(self) -> bool:
        """Tell whether something typed would be lost by building afresh."""
        ...


@dataclass(frozen=True)
class ListKind:
    """What one list shows."""

    work_list: WorkList
    title: str
    columns: Callable[[Desk], Sequence[Column]]
    detail: Callable[[ListScreen, ListRow], QWidget]
    """Builds the right-hand side for the chosen row."""
    filters: tuple[StateFilter, ...] = ()
    empty: tuple[str, str, str] = ("inbox", N_("Nothing here"), N_("No entry fits what is asked for."))
    """Icon, heading, sentence: while there is nothing at all."""
    begin: tuple[str, str] | None = None
    """Words and screen of the act that fills the list."""
    export: Action = Action.REQUEST_EXPORT
    """The right to take the list out of the program: as a file, on paper."""


class ListScreen(Screen):
    """One work list."""

    def __init__(self, desk: Desk, kind: ListKind) -> None:
        self.kind = kind
        self._count: int | None = None
        self._chosen = ""
        self._until = ("", "")
        self._asked: ListQuery | None = None
        self._stamp: tuple[ListRow, Document | None, str] | None = None
        super().__init__(desk, scrolls=False)
        self.papers = Papers()
        self._columns = kind.columns(desk)
        self.model = WorkListModel(self.session.lists, self._columns, self.texts.begin, self)
        self.table = Table()
        self.filters = FilterBar(self.session, self.texts, kind.work_list, kind.filters)
        self._sort, self._descending = Sort.CREATED, True
        self._detail = QScrollArea()
        self._right = QFrame()
        self._stack = QStackedWidget()
        self._fill()
        self._connect()
        self.texts.bind(self.table, self._say_list)
        self.show_query()

    def title(self) -> str:
        """Return the list's name."""
        return self.texts(self.kind.title)

    def context(self) -> str:
        """Return how many there are, when that is known."""
        count = self._count
        if not count:
            return " "
        if count == 1:
            return self.texts(N_("One entry"))
        return self.texts(N_("{count} entries"), count=self.texts.number(count))

    def activate(self, **facts: object) -> None:
        """Show what was asked for.

        ``states``: to filter by; ``request``: one thing by its id; ``until``: two days, ISO 8601,
        between which it ends.
        """
        states, wanted, until = facts.get("states"), facts.get("request"), facts.get("until")
        before, self._until = self._until, until if isinstance(until, tuple) else ("", "")
        if isinstance(states, frozenset):
            self.filters.reset(states)
            self.show_query()
        elif isinstance(wanted, str):
            self.filters.reset()
            self.choose(wanted)
        elif self._until != before:
            self.filters.reset()
            self.show_query()
        self.table.setFocus()

    def choose(self, identifier: str) -> None:
        """Show a thing, wherever it stands in the list."""
        self._chosen, self._asked = identifier, self.query()
        self._show_detail_of(identifier)
        self.show_query()

    # --- building ------------------------------------------------------------------------------

    def _fill(self) -> None:
        texts, kind = self.texts, self.kind
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionsClickable(True)
        self.table.set_widths([(one.width, one.spare) for one in self._columns])
        for number, one in enumerate(self._columns):
            if one.tone is not None:
                self.table.setItemDelegateForColumn(number, ChipCells(self.theme, self.table))
        self.saved, columns = _ways_to_choose(self)
        self.filters.below.addWidget(self.saved.keep_button)
        self.filters.lines.addWidget(self.saved)
        self.filters.add_tool(columns)
        if self.session.allowed(kind.export):
            for message, run, keys, icon in (
                (N_("Export CSV"), self.export, "Ctrl+E", "download"),
                (N_("Print"), self.print, "Ctrl+P", "printer"),
            ):
                made = button(texts, message, run, shortcut=keys, theme=self.theme, icon=icon)
                self.filters.add_tool(made, folds=True)
        frame = QFrame()
        frame.setProperty("card", True)
        inside = column(self.table, gap=0)
        inside.setContentsMargins(4, 4, 4, 4)
        frame.setLayout(inside)
        begin = None
        if kind.begin is not None and self.desk.can_open(kind.begin[1]):
            screen = kind.begin[1]
            begin = button(texts, kind.begin[0], lambda: self.desk.open(screen), kind="main")
        self._stack.addWidget(frame)
        self._stack.addWidget(EmptyState(texts, self.theme, *kind.empty, begin))
        whole = button(texts, N_("Take filters away"), self.filters.show_whole)
        self._stack.addWidget(EmptyState(texts, self.theme, *_NOTHING_FOUND, whole))
        self._detail.setWidgetResizable(True)
        self._detail.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._detail.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._right.setProperty("card", True)
        self._right.setFixedWidth(_DETAIL_WIDTH)
        self._right.setLayout(column(self._detail, gap=0, margin=2))
        self._right.hide()
        both = row(self._stack, self._right, gap=2)
        both.setStretch(0, 1)
        self.body.addWidget(self.filters)
        self.body.addLayout(both, 1)
        self.body.setSpacing(12)

    def _connect(self) -> None:
        self.saved.chosen.connect(self.filters.show_query)
        self.saved.wanted.connect(lambda: self.saved.keep(self.filters.query()))
        self.filters.changed.connect(self.show_query)
        Refreshing(self, self.session, self.show_query)
        self.table.horizontalHeader().sectionClicked.connect(self._sort_by)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.table.opened.connect(lambda _: self._enter_detail())
        self.model.counted.connect(self._on_counted)
        self.model.modelReset.connect(self._on_reset)
        self.model.failed.connect(self.notice.error)
        QShortcut(QKeySequence("Ctrl+F"), self).activated.connect(self.filters.search.setFocus)

    def _say_list(self) -> None:
        self.table.setAccessibleName(self.title())
        self.model.say()
        if self._chosen:
            self._show_detail_of(self._chosen)

    # --- the query -----------------------------------------------------------------------------

    def query(self) -> ListQuery:
        """Return what filters and sorting ask for."""
        start, end = self._until
        return replace(
            self.filters.query(),
            until_from=start,
            until_before=end,
            sort=self._sort,
            descending=self._descending,
        )

    def show_query(self) -> None:
        """Read the list afresh."""
        self.model.show(self.query())

    def _sort_by(self, section: int) -> None:
        sort = self._columns[section].sort
        if sort is None:
            return
        self._descending = not self._descending if sort is self._sort else sort is Sort.CREATED
        self._sort = sort
        order = Qt.SortOrder.DescendingOrder if self._descending else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(section, order)
        self.table.horizontalHeader().setSortIndicatorShown(True)
        self.show_query()

    # --- the chosen thing ----------------------------------------------------------------------

    def _on_counted(self, count: int) -> None:
        self._count = count
        self.say()

    def _on_reset(self) -> None:
        nothing = self.model.rowCount() == 0
        before, self._asked = self._asked, self.model.query
        filtered = self._asked is not None and self._asked.filtered
        self._stack.setCurrentIndex((2 if filtered else 1) if nothing else 0)
        # what an act of this desk takes out of the list stays beside it; what other filters take out does not
        if self._chosen and (self._select(self._chosen) or before == self._asked):
            self._show_detail_of(self._chosen)
        elif not nothing:
            self._select_row(0)
        else:
            self._right.hide()

    def _select(self, identifier: str) -> bool:
        """Select a thing; tell whether it is in the list."""
        query = self.model.query
        key = None if query is None else self.session.lists.key_of(query.list, identifier)
        at = -1 if key is None else self.model.row_of(key)
        if at >= 0:
            self._select_row(at)
        return at >= 0

    def _select_row(self, at: int) -> None:
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(self.model.index(at, 0), flags)
        self.table.scrollTo(self.model.index(at, 0))

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        found = self.model.row_at(current.row()) if current.isValid() else None
        if found is not None and found.id != self._chosen:
            self._chosen = found.id
            self._show_detail(found)

    def _show_detail_of(self, identifier: str) -> None:
        lists = self.session.lists
        key = lists.key_of(self.kind.work_list, identifier)
        found = None if key is None else lists.rows(self.kind.work_list, [key])[0]
        if found is not None:
            self._show_detail(found)
        else:
            self._right.hide()

    def _show_detail(self, found: ListRow) -> None:
        stamp = (found, self.session.get(_THINGS.get(self.kind.work_list, ""), found.id), self.texts.language)
        if stamp != self._stamp and not self._is_typing(found):
            self._stamp = stamp
            self._detail.setWidget(self.kind.detail(self, found))
        self._right.show()

    def _is_typing(self, found: ListRow) -> bool:
        """Tell whether building afresh would lose what somebody is typing about this very thing."""
        shown = self._detail.widget()
        same = self._stamp is not None and self._stamp[0].id == found.id
        return same and isinstance(shown, Typed) and shown.is_typing()

    def _enter_detail(self) -> None:
        shown = self._detail.widget()
        first = None if shown is None else _first_control(shown)
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)

    # --- export --------------------------------------------------------------------------------

    def export(self) -> None:
        """Write the list as it is shown into a CSV file."""
        name = f"{self.title()}.csv"
        path, _ = QFileDialog.getSaveFileName(self, self.texts(N_("Export CSV")), name, "CSV (*.csv)")
        if path:
            self.export_to(Path(path))

    def export_to(self, path: Path) -> None:
        """Write the list into ``path``, in a thread; says how many rows it wrote."""
        lists, query = self.session.lists, self.query()
        titles = [self.texts.begin(one.title) for one in self._columns]

        def words(found: ListRow) -> list[str]:
            return [one.say(found) for one in self._columns]

        work.start(
            self,
            lambda: write_csv(path, lists, query, titles, words),
            done=lambda count: self.notice.say(
                "good", N_("{count} rows were written to {file}."), count=count, file=path.name
            ),
            failed=self.notice.error,
        )

    def print(self) -> None:
        """Show the list as it is, as a paper to be printed."""
        lists, query = self.session.lists, self.query()
        shown = [at for at in range(len(self._columns)) if not self.table.isColumnHidden(at)]
        columns = [self._columns[at] for at in shown]
        job = list_job(self.desk, self.papers, self.title(), columns, lists, query)
        work.start(self, job, done=self._show_paper, failed=self.notice.error)

    def _show_paper(self, made: ListMade) -> None:
        if made.left_out:
            self.notice.say("warn", N_("Only the first {count} entries are on the paper."), count=made.rows)
        try:
            self.papers.show(self.kind.work_list.value, made.content)
        except Exception as error:  # noqa: BLE001 - whatever hinders it is said
            self.notice.error(error)

    def end(self) -> None:
        """The session ends."""
        self.papers.close()


def _first_control(within: QWidget) -> QWidget | None:
    """Return the first thing in ``within`` that Tab would reach."""
    return next(
        (
            one
            for one in within.findChildren(QWidget)
            if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisible() and one.isEnabled()
        ),
        None,
    )


def _ways_to_choose(screen: ListScreen) -> tuple[SavedFilters, ColumnMenu]:
    """Return the saved filters and the columns of a list."""
    name = screen.kind.work_list
    saved = SavedFilters(screen.session, screen.texts, name)
    columns = screen.kind.columns(screen.desk)
    return saved, ColumnMenu(screen.texts, screen.table, columns, screen.desk.preferences, name.value)
