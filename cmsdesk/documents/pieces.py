"""The pieces papers are made of: headings, fields, paragraphs, ticks, signature boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cmsdesk.documents.fonts import REGULAR, STRONG, width
from cmsdesk.documents.pen import MM, Pen

_INK, _QUIET, _LINE, _BAND = 0.0, 0.28, 0.45, 0.90


@dataclass(frozen=True)
class Style:
    """How densely a paper is set: 1 is comfortable, less makes room."""

    scale: float = 1.0

    @property
    def body(self) -> float:
        """Size of running text, points."""
        return 9.0 * self.scale

    @property
    def label(self) -> float:
        """Size of the label of a field, points."""
        return max(5.6, 6.6 * self.scale)

    @property
    def value(self) -> float:
        """Size of the value of a field, points."""
        return 10.0 * self.scale

    @property
    def gap(self) -> float:
        """Room between pieces, points."""
        return 7.0 * self.scale


class Piece(Protocol):
    """A part of a paper, as wide as its column."""

    def height(self, across: float) -> float:
        """Return how high it comes out, points."""
        ...

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it with its top left at ``x``, ``y``."""
        ...

    def split(self, across: float, room: float) -> tuple[Piece, Piece] | None:
        """Return it in two parts, the first of which fits into ``room``; None when it stays whole."""
        ...


class Whole:
    """A piece that is never parted."""

    def split(self, across: float, room: float) -> tuple[Piece, Piece] | None:
        """Return None."""
        return None


def wrapped(text: str, size: float, across: float, face: str = REGULAR) -> list[str]:
    """Return ``text`` in lines no wider than ``across``; a word too long for a line is parted."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if width(longer, size, face) <= across:
                line = longer
                continue
            if line:
                lines.append(line)
            line = word
            while width(line, size, face) > across and len(line) > 1:
                cut = next(
                    n for n in range(len(line) - 1, 0, -1) if n == 1 or width(line[:n], size, face) <= across
                )
                lines.append(line[:cut])
                line = line[cut:]
        lines.append(line)
    return lines


@dataclass(frozen=True)
class Gap(Whole):
    """Empty room."""

    points: float

    def height(self, across: float) -> float:
        """Return its height."""
        return self.points

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw nothing."""


@dataclass(frozen=True)
class Spring(Gap):
    """Room that grows until what follows stands at the foot of the page."""

    points: float = 0.0


@dataclass(frozen=True)
class Words(Whole):
    """A paragraph."""

    text: str
    size: float
    face: str = REGULAR
    role: str = "P"
    language: str | None = None
    grey: float = _INK
    leading: float = 1.36
    after: float = 0.0
    align: str = "left"

    def height(self, across: float) -> float:
        """Return how high it comes out, points."""
        lines = len(wrapped(self.text, self.size, across, self.face))
        return lines * self.size * self.leading + self.after

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it."""
        start = {"left": x, "centre": x + across / 2, "right": x + across}[self.align]
        with pen.mark(self.role, self.language):
            for line in wrapped(self.text, self.size, across, self.face):
                y += self.size * self.leading
                base = y - self.size * (self.leading - 1) / 2 - self.size * 0.24
                pen.text(start, base, line, self.size, self.face, self.grey, self.align)


@dataclass(frozen=True)
class Heading(Whole):
    """The band above a section."""

    text: str
    style: Style

    def height(self, across: float) -> float:
        """Return its height."""
        return self.style.body * 1.75

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it."""
        high = self.height(across)
        with pen.artifact():
            pen.box(x, y, across, high, fill=_BAND, line=None)
        size = self.style.body
        while width(self.text, size, STRONG) > across - 10:
            size -= 0.2
        with pen.mark("H2"):
            pen.text(x + 5, y + high / 2 + size * 0.36, self.text, size, STRONG)


@dataclass(frozen=True)
class Field:
    """A labelled value; an empty one is room to write by hand."""

    label: str
    value: str = ""
    share: float = 1.0
    """Its part of the row's width, beside the others'."""


@dataclass(frozen=True)
class Fields(Whole):
    """A row of fields."""

    fields: Sequence[Field]
    style: Style

    def height(self, across: float) -> float:
        """Return its height: that of the field which needs most lines."""
        lines = max(len(self._set(field, wide)[0]) for field, _, wide in self._cells(0, across))
        return self._labels_down(across) + self.style.value * (0.9 + 1.15 * lines) - 1.5

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it."""
        high, labels = self.height(across), self._labels_down(across)
        for field, left, wide in self._cells(x, across):
            with pen.artifact():
                pen.box(left, y, wide, high, line=_LINE)
            lines, size = self._set(field, wide)
            with pen.mark("P"):
                for index, line in enumerate(self._label(field, wide)):
                    pen.text(
                        left + 4,
                        y + self.style.label * (1.3 + 1.1 * index),
                        line,
                        self.style.label,
                        grey=_QUIET,
                    )
                for index, line in enumerate(lines):
                    pen.text(
                        left + 4, y + labels + self.style.value * (1.1 + 1.15 * index), line, size, STRONG
                    )

    def _labels_down(self, across: float) -> float:
        lines = max(len(self._label(field, wide)) for field, _, wide in self._cells(0, across))
        return self.style.label * (0.5 + 1.1 * lines)

    def _label(self, field: Field, wide: float) -> list[str]:
        return wrapped(field.label, self.style.label, wide - 6)

    def _cells(self, x: float, across: float) -> list[tuple[Field, float, float]]:
        total = sum(field.share for field in self.fields)
        cells = []
        for field in self.fields:
            wide = across * field.share / total
            cells.append((field, x, wide))
            x += wide
        return cells

    def _set(self, field: Field, wide: float) -> tuple[list[str], float]:
        """Return a value's lines and size: first smaller, then on more lines."""
        for step in range(4):
            size = self.style.value * (1 - 0.07 * step)
            if width(field.value, size, STRONG) <= wide - 8:
                return [field.value], size
        return wrapped(field.value, size, wide - 8, STRONG), size


@dataclass(frozen=True)
class Ticks(Whole):
    """Choices with a box each, ticked or to tick by hand."""

    choices: Sequence[tuple[bool, str]]
    style: Style
    caption: str = ""
    """What they are of: stands before the first, with a colon."""

    def height(self, across: float) -> float:
        """Return its height."""
        return self.style.body * 1.7 * len(self._rows(across))

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it."""
        side, line = self.style.body * 0.95, self.style.body * 1.7
        base = line / 2 + self.style.body * 0.36
        for number, row in enumerate(self._rows(across)):
            left = x + 1
            if self.caption and not number:
                with pen.mark("P"):
                    pen.text(
                        x, y + line / 2 + self.style.body * 0.36, f"{self.caption}:", self.style.body, REGULAR
                    )
                left += self._before
            for ticked, text in row:
                with pen.mark("P"):
                    pen.box(left, y + (line - side) / 2, side, side, line=_INK, thickness=0.8)
                    if ticked:
                        pen.cross(left + side * 0.22, y + (line - side * 0.56) / 2, side * 0.56)
                    face = STRONG if ticked else REGULAR
                    pen.text(left + side + 4, y + base, text, self.style.body, face)
                left += self._wide(text)
            y += line

    @property
    def _before(self) -> float:
        return width(self.caption, self.style.body, REGULAR) + 9 if self.caption else 0.0

    def _wide(self, text: str) -> float:
        return self.style.body + 8 + width(text, self.style.body, STRONG) + 12

    def _rows(self, across: float) -> list[list[tuple[bool, str]]]:
        rows: list[list[tuple[bool, str]]] = [[]]
        left = self._before
        for choice in self.choices:
            wide = self._wide(choice[1])
            if rows[-1] and left + wide > across:
                rows.append([])
                left = 0.0
            rows[-1].append(choice)
            left += wide
        return rows


@dataclass(frozen=True)
class Signatures(Whole):
    """Boxes for signatures, side by side, each with what it signs under it."""

    captions: Sequence[str]
    style: Style
    down: float = 15 * MM

    def height(self, across: float) -> float:
        """Return its height."""
        size = self.style.label + 0.4
        wide = self._wide(across)
        lines = max(len(wrapped(caption, size, wide - 4)) for caption in self.captions)
        return self.down * self.style.scale + lines * size * 1.25 + 4

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw it."""
        wide, size, down = self._wide(across), self.style.label + 0.4, self.down * self.style.scale
        for caption in self.captions:
            with pen.artifact():
                pen.box(x, y, wide, down, line=0.25, thickness=0.9)
                pen.cross(x + 5, y + down - 11, 6, 0.8, 0.5)
            with pen.mark("P"):
                for index, line in enumerate(wrapped(caption, size, wide - 4)):
                    pen.text(x + 2, y + down + size * 1.25 * (index + 1), line, size, grey=_QUIET)
            x += wide + 10

    def _wide(self, across: float) -> float:
        return (across - 10 * (len(self.captions) - 1)) / len(self.captions)


@dataclass(frozen=True)
class Beside(Whole):
    """Two columns of pieces: the languages of a bilingual paper side by side."""

    columns: Sequence[Sequence[Piece]]
    gutter: float = 14.0

    def height(self, across: float) -> float:
        """Return the height of the longest column."""
        wide = self._wide(across)
        return max(sum(piece.height(wide) for piece in column) for column in self.columns)

    def draw(self, pen: Pen, x: float, y: float, across: float) -> None:
        """Draw one column after the other."""
        wide = self._wide(across)
        for column in self.columns:
            top = y
            for piece in column:
                piece.draw(pen, x, top, wide)
                top += piece.height(wide)
            x += wide + self.gutter

    def _wide(self, across: float) -> float:
        return (across - self.gutter * (len(self.columns) - 1)) / len(self.columns)


def paragraphs(columns: Sequence[tuple[str, Sequence[str]]], size: float, after: float = 2.5) -> Piece:
    """Return running text: (language, paragraphs) a column, one language alone across the page."""
    set_ = [
        [Words(text, size, language=language, after=after) for text in texts] for language, texts in columns
    ]
    return Beside(set_)
