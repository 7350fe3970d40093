"""Sets pieces on pages: letterhead, code, running foot, and one page where one will do."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from PIL import Image, UnidentifiedImageError
from reportlab.lib.utils import ImageReader

from cmsdesk.base.texts import N_
from cmsdesk.documents.archive import Description
from cmsdesk.documents.fonts import REGULAR, STRONG, register, width
from cmsdesk.documents.pen import A4, MM, Pen, barcode_width
from cmsdesk.documents.pieces import Piece, Spring, Style, wrapped
from cmsdesk.documents.stationery import SANDBOX_MARK, Stationery

_SIDE, _TOP, _FOOT = 16 * MM, 11 * MM, 13 * MM
_HEAD_DOWN = 21 * MM
_RUNNING_DOWN = 9 * MM
_LOGO_ACROSS, _LOGO_DOWN = 46 * MM, 17 * MM
_MAX_LOGO_PIXELS = 1200
_SCALES = (1.08, 1.05, 1.02, 1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79, 0.76)
_QUIET = 0.28
_MARK_GREY = 0.91

_PAGE_OF = N_("page {page} of {pages}")
_NOT_VALID = N_("Paper of the test environment, without validity")
_LOGO = N_("Logo of {body}")


@dataclass(frozen=True)
class Sheet:
    """A paper to set: whose, what, which code."""

    stationery: Stationery
    title: str
    made_at: datetime
    """Aware."""
    code: str = ""
    """Top right as bars and in clear; empty on papers that have none."""
    size: tuple[float, float] = A4

    def set(self, pieces: Callable[[Style], Sequence[Piece]]) -> bytes:
        """Return the paper; it is set more densely as long as that brings it onto one page."""
        register()
        for scale in _SCALES:
            pages = self._pages(list(pieces(Style(scale))))
            if len(pages) == 1:
                break
        else:
            pages = self._pages(list(pieces(Style())))
        return self._drawn(pages)

    def _drawn(self, pages: list[list[tuple[float, Piece]]]) -> bytes:
        pen = Pen(self.size)
        for number, page in enumerate(pages):
            if number:
                pen.turn()
            self._frame(pen, number + 1, len(pages))
            for y, piece in page:
                piece.draw(pen, _SIDE, y, self._across)
        said = Description(
            title=f"{self.title} {self.code}".strip(),
            author=self.stationery.body["it"],
            language=self.stationery.languages[0],
            made_at=self.made_at,
        )
        return pen.finish(said)

    @property
    def _across(self) -> float:
        return self.size[0] - 2 * _SIDE

    def _pages(self, pieces: list[Piece]) -> list[list[tuple[float, Piece]]]:
        """Return the pieces by page, each with its place from the top."""
        pages: list[list[tuple[float, Piece]]] = [[]]
        y = top = _TOP + self._head_down()
        bottom = self.size[1] - _FOOT
        waiting = list(reversed(pieces))
        while waiting:
            piece = waiting.pop()
            high = piece.height(self._across)
            if isinstance(piece, Spring):
                rest = sum(part.height(self._across) for part in waiting)
                y += max(high, bottom - y - rest)
                continue
            if y + high <= bottom + 0.01:
                pages[-1].append((y, piece))
                y += high
                continue
            parts = piece.split(self._across, bottom - y)
            if parts:
                pages[-1].append((y, parts[0]))
                waiting.append(parts[1])
            elif y == top:
                raise ValueError(f"a {type(piece).__name__} does not fit on a page")
            else:
                waiting.append(piece)
            pages.append([])
            y = top = _TOP + _RUNNING_DOWN
        return pages

    # --- letterhead, running head and foot ---------------------------------------------------------

    def _frame(self, pen: Pen, number: int, pages: int) -> None:
        if self.stationery.sandbox:
            self._sandbox(pen)
        if number == 1:
            self._letterhead(pen)
        else:
            with pen.artifact():
                pen.text(_SIDE, _TOP + 4 * MM, self.title, 8, grey=_QUIET)
                pen.text(self.size[0] - _SIDE, _TOP + 4 * MM, self.code, 8, grey=_QUIET, align="right")
        self._foot(pen, number, pages)

    def _letterhead(self, pen: Pen) -> None:
        x = _SIDE
        if self._logo is not None:
            said = self.stationery.wording.first(_LOGO, body=self.stationery.body_names()[0])
            with pen.mark("Figure", alternative=said):
                pen.picture(x, _TOP, _LOGO_ACROSS, _LOGO_DOWN, self._logo)
            x += _LOGO_ACROSS + 4 * MM
        with pen.mark("P"):
            y = _TOP
            for line, size, face, grey in self._names():
                y += size * 1.24
                pen.text(x, y - size * 0.24, line, size, face, grey)
        if self.code:
            self._code(pen)

    @cached_property
    def _logo(self) -> ImageReader | None:
        return _picture(self.stationery.logo)

    def _names(self) -> list[tuple[str, float, str, float]]:
        """Return the lines of body and office as (text, size, face, grey)."""
        room = self._across
        if self._logo is not None:
            room -= _LOGO_ACROSS + 4 * MM
        if self.code:
            room -= barcode_width(self.code) + 5 * MM
        names = self.stationery.body_names()
        size = 11.5 if len(names) == 1 and self._logo is None else 8.8
        lines = [(line, size, STRONG, 0.0) for name in names for line in wrapped(name, size, room, STRONG)]
        small = (self.stationery.office_said, *self.stationery.office_lines)
        return [
            *lines,
            *((part, 7.4, REGULAR, _QUIET) for line in small for part in wrapped(line, 7.4, room)),
        ]

    def _head_down(self) -> float:
        return max(_HEAD_DOWN, sum(size * 1.24 for _, size, _, _ in self._names()) + 4 * MM)

    def _code(self, pen: Pen) -> None:
        right = self.size[0] - _SIDE
        with pen.mark("Figure", alternative=self.code):
            left = pen.barcode(right, _TOP, 11 * MM, self.code)
        with pen.mark("P"):
            pen.text((left + right) / 2, _TOP + 15.2 * MM, self.code, 11, STRONG, align="centre")

    def _foot(self, pen: Pen, number: int, pages: int) -> None:
        wording = self.stationery.wording
        y = self.size[1] - 7.5 * MM
        with pen.artifact():
            pen.rule(_SIDE, y - 8.5, self.size[0] - _SIDE, y - 8.5, 0.4, 0.6)
            pen.text(_SIDE, y, wording.moment(self.made_at), 6.6, grey=_QUIET)
            if self.stationery.sandbox:
                said = wording.first(_NOT_VALID)
                pen.text(self.size[0] / 2, y, said, 6.8, STRONG, grey=0.1, align="centre")
            if pages > 1:
                said = wording.label(_PAGE_OF, page=number, pages=pages)
                pen.text(self.size[0] - _SIDE, y, said, 6.6, grey=_QUIET, align="right")

    def _sandbox(self, pen: Pen) -> None:
        wording = self.stationery.wording
        word = wording.first(SANDBOX_MARK)
        with pen.artifact():
            size = 0.8 * max(self.size) / width(word, 1, STRONG)
            pen.tilted(word, min(size, 74.0), STRONG, _MARK_GREY)
        with pen.mark("P"):
            pen.text(
                self.size[0] / 2, _TOP - 3.2 * MM, wording.label(SANDBOX_MARK), 8, STRONG, align="centre"
            )


def _picture(data: bytes | None) -> ImageReader | None:
    """Return a logo on white (PDF/A-1 knows no transparency); None for none, or one that cannot be read."""
    if not data:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.thumbnail((_MAX_LOGO_PIXELS, _MAX_LOGO_PIXELS))
            layer = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    paper = Image.new("RGB", layer.size, "white")
    paper.paste(layer, mask=layer.getchannel("A"))
    return ImageReader(paper)
