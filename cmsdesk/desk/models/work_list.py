"""A work list of any length as a table model: keys first, rows a page at a time, read in threads (PRO-1)."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from cmsdesk.desk import work
from cmsdesk.sync.list_rows import ListRow
from cmsdesk.sync.work_lists import FIRST, PAGE, ListQuery, Sort, WorkLists

_KEPT_PAGES = 60
TONE = Qt.ItemDataRole.UserRole + 1
"""The tone of a cell that is shown as a chip."""
Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


@dataclass(frozen=True)
class Column:
    """One column of a list."""

    title: str
    """Message of the catalogue."""
    say: Callable[[ListRow], str]
    sort: Sort | None = None
    tone: Callable[[ListRow], str] | None = None
    """For a state: the tone of its chip."""
    width: int = 0
    """Pixels; 0 takes what is left."""
    spare: bool = False
    """Left out where there is no room for all."""
    extra: bool = False
    """Shown only to those who want it."""
    tip: Callable[[ListRow], str] | None = None


@dataclass(frozen=True)
class _First:
    keys: array[int]
    rows: list[ListRow | None]


class WorkListModel(QAbstractTableModel):
    """Rows of one query. `counted` with how many there are, once all keys are known."""

    counted = Signal(int)
    failed = Signal(object)

    def __init__(
        self, lists: WorkLists, columns: Sequence[Column], translate: Callable[[str], str], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._lists, self._columns, self._translate = lists, columns, translate
        self._query: ListQuery | None = None
        self._keys: array[int] = array("q")
        self._pages: OrderedDict[int, list[ListRow | None]] = OrderedDict()
        self._asked: set[int] = set()
        self._turn = 0

    @property
    def query(self) -> ListQuery | None:
        """The query whose rows are shown."""
        return self._query

    def show(self, query: ListQuery) -> None:
        """Show another query's rows, or the same one's afresh; the first page comes at once."""
        self._query = query
        self._turn += 1
        turn, lists = self._turn, self._lists

        def first() -> _First:
            keys = lists.keys(query, FIRST)
            return _First(keys, lists.rows(query.list, keys[:PAGE]))

        work.start(
            self,
            first,
            done=lambda found: self._first(turn, found),
            failed=self.failed.emit,
        )

    def row_at(self, row: int) -> ListRow | None:
        """Return a row if it was read."""
        page = self._pages.get(row // PAGE)
        if page is None:
            self._ask(row // PAGE)
            return None
        return page[row % PAGE] if row % PAGE < len(page) else None

    def row_of(self, key: int) -> int:
        """Return where a key stands, -1 if nowhere."""
        try:
            return self._keys.index(key)
        except ValueError:
            return -1

    def say(self) -> None:
        """The language changed: every word is another."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._columns) - 1)
        if self._keys:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._keys) - 1, len(self._columns) - 1))

    # --- Qt's side -----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many rows are known."""
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a cell's words, chip tone or tip; a row that is still being read is «…»."""
        column = self._columns[index.column()]
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, TONE):
            return None
        found = self.row_at(index.row())
        if found is None:
            return "…" if role == Qt.ItemDataRole.DisplayRole and index.column() == 0 else None
        if role == Qt.ItemDataRole.DisplayRole:
            return column.say(found)
        if role == TONE:
            return None if column.tone is None else column.tone(found)
        # what a narrow column cuts off is read there
        return column.say(found) if column.tip is None else column.tip(found)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a column's title."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._translate(self._columns[section].title)
        return None

    # --- reading -------------------------------------------------------------------------------

    def _first(self, turn: int, found: _First) -> None:
        if turn != self._turn or self._query is None:
            return
        self.beginResetModel()
        self._keys = found.keys
        self._pages = OrderedDict({0: found.rows} if found.rows else {})
        self._asked = set()
        self.endResetModel()
        if len(found.keys) < FIRST:
            self.counted.emit(len(found.keys))
            return
        lists, query = self._lists, self._query

        def every() -> array[int]:
            return lists.keys(query, wanted=lambda: turn == self._turn)

        work.start(self, every, done=lambda keys: self._all(turn, keys))

    def _all(self, turn: int, keys: array[int]) -> None:
        if turn != self._turn:
            return
        known = len(self._keys)
        if len(keys) > known and keys[:known] == self._keys:
            self.beginInsertRows(QModelIndex(), known, len(keys) - 1)
            self._keys = keys
            self._pages.pop((known - 1) // PAGE, None)
            self.endInsertRows()
        elif keys != self._keys:
            self.beginResetModel()
            self._keys, self._pages, self._asked = keys, OrderedDict(), set()
            self.endResetModel()
        self.counted.emit(len(keys))

    def _ask(self, page: int) -> None:
        if page in self._asked or self._query is None:
            return
        self._asked.add(page)
        turn, lists, which = self._turn, self._lists, self._query.list
        keys = self._keys[page * PAGE : (page + 1) * PAGE]
        work.start(self, lambda: lists.rows(which, keys), done=lambda rows: self._page(turn, page, rows))

    def _page(self, turn: int, page: int, rows: list[ListRow | None]) -> None:
        if turn != self._turn:
            return
        self._asked.discard(page)
        self._pages[page] = rows
        while len(self._pages) > _KEPT_PAGES:
            self._pages.popitem(last=False)
        last = min((page + 1) * PAGE, len(self._keys)) - 1
        self.dataChanged.emit(self.index(page * PAGE, 0), self.index(last, len(self._columns) - 1))
