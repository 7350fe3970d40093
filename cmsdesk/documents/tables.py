"""Tables over as many pages as they need: lists of an office, movements of a till."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from cmsdesk.base.texts import N_
from cmsdesk.documents.contents import Column, ListPaper
from cmsdesk.documents.fonts import REGULAR, STRONG, width
from cmsdesk.documents.pen import A4, Pen
from cmsdesk.documents.pieces import Gap, Piece, Style, Words, wrapped
from cmsdesk.documents.request_form import title_pieces
from cmsdesk.documents.sheet import Sheet
from cmsdesk.documents.stationery import Stationery, Wording

_INK, _QUIET, _BAND, _STRIPE = 0.0, 0.28, 0.90, 0.965
_SIZE, _LINE, _PAD = 7.8, 9.6, 3.0
_MAX_LINES = 3
_EMPTY = N_("No entries")


@dataclass(frozen=True)
class Table:
    """Rows under headings; the headings come again on each page."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    wording: Wording
    totals: Sequence[str] = ()
    """A last row that stands out; empty for none."""
    first_row: int = 0
    """Number of the first row, for the stripes."""

    def height(self, across: float) -> float:
        """Return how high it comes out, points."""
        rows = [*self.rows, *([self.totals] if self.totals else [])]
        empty = _LINE + 2 * _PAD if not self.rows else 0
        return self._head_height(across) + empty + sum(self._row_height(row, across) for row in rows)

    def split(self, across: float, room: float) -> tuple[Piece, Piece] | None:
        """Return the rows that fit and the rest; None when not even one fits."""
        left = room - self._head_height(across)
        heights = accumulate(self._row_height(row, across) for row in self.rows)
        index = min(sum(1 for high in heights if high <= left), len(self.rows) - 1)
        if index <= 0:
            return None
        rest = replace(self, rows=self.rows[index:], first_row=self.first_row + index)
        return replace(self, rows=self.rows[:index], totals=()), rest

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it."""
        with pen.group("Table"):
            y = self._draw_head(pen, x, y, across)
            for index, row in enumerate(self.rows):
                if (self.first_row + index) % 2:
                    with pen.artifact():
                        pen.box(x, y, across, self._row_height(row, across), fill=_STRIPE, line=None)
                y = self._draw_row(pen, x, y, across, row, REGULAR)
            if not self.rows:
                with pen.mark("P"):
                    pen.text(x + _PAD, y + _PAD + _SIZE, self.wording.label(_EMPTY), _SIZE, grey=_QUIET)
                y += _LINE + 2 * _PAD
            with pen.artifact():
                pen.rule(x, y, x + across, y)
            if self.totals:
                self._draw_row(pen, x, y, across, self.totals, STRONG)

    def _draw_head(self, pen: Pen, x: float, y: float, across: float) -> float:
        high = self._head_height(across)
        with pen.artifact():
            pen.box(x, y, across, high, fill=_BAND, line=None)
            pen.rule(x, y + high, x + across, y + high)
        headings = [self.wording.label(column.heading) for column in self.columns]
        self._draw_cells(pen, x, y, across, headings, STRONG, "TH")
        return y + high

    def _draw_row(self, pen: Pen, x: float, y: float, across: float, row: Sequence[str], face: str) -> float:
        self._draw_cells(pen, x, y, across, row, face, "TD")
        return y + self._row_height(row, across, face)

    def _draw_cells(
        self, pen: Pen, x: float, y: float, across: float, cells: Sequence[str], face: str, role: str
    ) -> None:
        with pen.group("TR"):
            for column, wide, text in zip(self.columns, self._widths(across), cells, strict=True):
                with pen.mark(role):
                    for index, line in enumerate(_cell(text, wide - 2 * _PAD, face)):
                        base = y + _PAD + _SIZE * 0.86 + _LINE * index
                        if column.numbers:
                            pen.text(x + wide - _PAD, base, line, _SIZE, face, _INK, "right")
                        else:
                            pen.text(x + _PAD, base, line, _SIZE, face)
                x += wide

    def _head_height(self, across: float) -> float:
        return self._row_height(
            [self.wording.label(column.heading) for column in self.columns], across, STRONG
        )

    def _row_height(self, row: Sequence[str], across: float, face: str = REGULAR) -> float:
        widths = self._widths(across)
        lines = max(len(_cell(text, wide - 2 * _PAD, face)) for text, wide in zip(row, widths, strict=True))
        return lines * _LINE + 2 * _PAD - (_LINE - _SIZE)

    def _widths(self, across: float) -> list[float]:
        total = sum(column.share for column in self.columns)
        return [across * column.share / total for column in self.columns]


def _cell(text: str, across: float, face: str) -> list[str]:
    if width(text, _SIZE, face) <= across and "\n" not in text:
        return [text]
    lines = wrapped(text, _SIZE, across, face)
    if len(lines) > _MAX_LINES:
        last = lines[_MAX_LINES - 1]
        while last and width(f"{last}…", _SIZE, face) > across:
            last = last[:-1]
        lines = [*lines[: _MAX_LINES - 1], f"{last}…"]
    return lines


def list_paper(paper: ListPaper, stationery: Stationery, now: datetime, landscape: bool = True) -> bytes:
    """Return the list as PDF/A-1b, its headings on every page."""
    size = (A4[1], A4[0]) if landscape else A4
    wording = stationery.wording

    def pieces(style: Style) -> list[Piece]:
        context: list[Piece] = [Words(paper.context, 9, grey=_QUIET), Gap(8)] if paper.context else []
        table = Table(paper.columns, paper.rows, wording, paper.totals)
        return [*title_pieces(wording, paper.title, Style()), *context, table]

    return Sheet(stationery, wording.first(paper.title), now, size=size).set(pieces)
