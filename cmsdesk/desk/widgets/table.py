"""The table of every list: whole rows, one press of a key per row, quiet lines."""

from __future__ import annotations

from collections.abc import Sequence, Set

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

ROW_HEIGHT = 36
_LEAST_STRETCH = 160


class RowCells(QStyledItemDelegate):
    """Draws cells; the mouse is over a whole row, where Qt knows of one cell only."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Say of each cell of the row that the mouse is over it."""
        super().initStyleOption(option, index)
        table = self.parent()
        if isinstance(table, Table) and index.row() == table.row_under_mouse:
            option.state |= QStyle.StateFlag.State_MouseOver


class Table(QTableView):
    """`opened` when Enter is pressed or a row is double-clicked; Tab leaves it."""

    opened = Signal(QModelIndex)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        vertical = self.verticalHeader()
        vertical.setVisible(False)
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(ROW_HEIGHT)
        horizontal = self.horizontalHeader()
        horizontal.setHighlightSections(False)
        horizontal.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        horizontal.setStretchLastSection(True)
        self.doubleClicked.connect(self.opened)
        self.row_under_mouse = -1
        self.setMouseTracking(True)
        self.entered.connect(lambda index: self._hover(index.row()))
        self.viewportEntered.connect(lambda: self._hover(-1))
        self.setItemDelegate(RowCells(self))
        self._widths: tuple[tuple[int, bool], ...] = ()
        self._unwanted: frozenset[int] = frozenset()

    def set_widths(self, widths: Sequence[tuple[int, bool]]) -> None:
        """Say how wide each column is (0: what is left) and whether it may be left out for want of room."""
        self._widths = tuple(widths)
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        for number, (width, _) in enumerate(self._widths):
            if width:
                self.setColumnWidth(number, width)
            else:
                header.setSectionResizeMode(number, QHeaderView.ResizeMode.Stretch)
        self._fit()

    def leave_out(self, columns: Set[int]) -> None:
        """Leave columns out, however much room there is."""
        self._unwanted = frozenset(columns)
        self._fit()

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse is over no row any more."""
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self.row_under_mouse:
            self.row_under_mouse = row
            self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave columns out, or take them in again."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = [at for at in range(len(self._widths)) if at not in self._unwanted]
        widths = {at: self._widths[at] for at in shown}
        room = self.viewport().width()
        room -= sum((width or _LEAST_STRETCH) for width, spare in widths.values() if not spare)
        for number in range(len(self._widths)):
            width, spare = self._widths[number]
            if number in widths and spare:
                room -= width
            self.setColumnHidden(number, number not in widths or (spare and room < 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the row."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
            return
        super().keyPressEvent(event)
