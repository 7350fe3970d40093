"""A short list as a table model: all rows in memory, for kinds of which a body has hundreds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from cmsdesk.desk.models.work_list import TONE, Index

_ROOT = QModelIndex()


@dataclass(frozen=True)
class PlainColumn:
    """One column of a short list."""

    title: str
    """Message of the catalogue."""
    say: Callable[[Any], str]
    key: Callable[[Any], Any] | None = None
    """What it is sorted by; its words where there is none."""
    tone: Callable[[Any], str] | None = None
    """For a state: the tone of its chip."""
    width: int = 0
    """Pixels; 0 takes what is left."""
    spare: bool = False
    """Left out where there is no room for all."""
    figures: bool = False
    """Numbers stand on the right."""


class PlainListModel(QAbstractTableModel):
    """Rows that were given, sorted by one column."""

    def __init__(
        self, columns: Sequence[PlainColumn], translate: Callable[[str], str], parent: QObject
    ) -> None:
        super().__init__(parent)
        self.columns = columns
        self._translate = translate
        self._rows: list[Any] = []
        self._sort, self._descending = 0, False

    @property
    def rows(self) -> Sequence[Any]:
        """The rows as they are shown."""
        return self._rows

    def show(self, rows: Sequence[Any]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._rows = list(rows)
        self._order()
        self.endResetModel()

    def sort_by(self, column: int) -> bool:
        """Sort by a column, or the other way round; return whether it is descending now."""
        self._descending = not self._descending if column == self._sort else False
        self._sort = column
        self.show(self._rows)
        return self._descending

    def say(self) -> None:
        """The language changed: every word is another."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(self.columns) - 1))

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a cell's words, side or chip tone."""
        column, found = self.columns[index.column()], self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return column.say(found)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.figures else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return column.tone(found) if role == TONE and column.tone is not None else None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a column's title, on the side of its cells."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._translate(column.title)
        if role == Qt.ItemDataRole.TextAlignmentRole and column.figures:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _order(self) -> None:
        column = self.columns[self._sort]
        self._rows.sort(key=column.key or (lambda row: column.say(row).casefold()), reverse=self._descending)
