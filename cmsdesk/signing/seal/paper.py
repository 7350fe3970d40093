"""PDF pages as paper: millimetres from the top left corner as a reader sees the page, and the words on it."""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

_POINTS_PER_MM = 72 / 25.4
_INVISIBLE = 3  # text rendering mode (ISO 32000-1 clause 9.3.6)
_GAP = 0.35
"""A gap of this many character heights begins a new word, with or without a space character."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it is printed: left, top, right, bottom in millimetres; `sure` is 0 to 1."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    sure: float = 1.0

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the word."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def beside(self, other: "Word") -> bool:
        """Tell whether both stand on one line."""
        overlap = min(self.bottom, other.bottom) - max(self.top, other.top)
        return overlap > 0.4 * min(self.bottom - self.top, other.bottom - other.top)


@dataclass(frozen=True, slots=True)
class PageFrame:
    """The visible part of a page and how it is turned.

    Attributes:
        box: crop box in user units.
        turned: /Rotate, one of 0, 90, 180, 270.
        unit: /UserUnit.
    """

    box: Box
    turned: int
    unit: float = 1.0

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height as the page is read."""
        scale = self.unit / _POINTS_PER_MM
        width, height = (self.box[2] - self.box[0]) * scale, (self.box[3] - self.box[1]) * scale
        return (height, width) if self.turned in (90, 270) else (width, height)

    @property
    def matrix(self) -> tuple[float, float, float, float, float, float]:
        """The matrix a b c d e f (ISO 32000-1 clause 8.3.3) from millimetres to user space."""
        u = _POINTS_PER_MM / self.unit
        x0, y0, x1, y1 = self.box
        return {
            0: (u, 0.0, 0.0, -u, x0, y1),
            90: (0.0, u, u, 0.0, x0, y0),
            180: (-u, 0.0, 0.0, u, x1, y0),
            270: (0.0, -u, -u, 0.0, x1, y1),
        }[self.turned]

    def to_mm(self, x: float, y: float) -> tuple[float, float]:
        """Bring a point of user space to paper."""
        a, b, c, d, e, f = self.matrix
        determinant = a * d - b * c
        x, y = x - e, y - f
        return (d * x - c * y) / determinant, (a * y - b * x) / determinant

    def box_to_mm(self, box: Sequence[float]) -> Box:
        """Bring a rectangle of user space to paper: left, top, right, bottom."""
        (ax, ay), (bx, by) = self.to_mm(box[0], box[1]), self.to_mm(box[2], box[3])
        return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def frame_of(page: pypdfium2.PdfPage) -> PageFrame:
    """Return the frame of a page opened by pdfium; it applies /UserUnit nowhere."""
    return PageFrame(tuple(page.get_cropbox()), page.get_rotation())


def words_of(page: pypdfium2.PdfPage, frame: PageFrame) -> list[Word]:
    """Return the visible words of a page in the order of its text; invisible text is left out."""
    text_page = page.get_textpage()
    try:
        return list(_words(text_page, frame))
    finally:
        text_page.close()


def _words(text_page: pypdfium2.PdfTextPage, frame: PageFrame) -> Iterator[Word]:
    text, box = "", None
    for character, found in _characters(text_page, frame):
        if found is None or (box is not None and _apart(box, found)):
            if text and box is not None:
                yield Word(text, *box)
            text, box = "", None
        if found is not None:
            text += character
            box = found if box is None else _union(box, found)
    if text and box is not None:
        yield Word(text, *box)


def _characters(text_page: pypdfium2.PdfTextPage, frame: PageFrame) -> Iterator[tuple[str, Box | None]]:
    """Give each character with its box; None for a space and for text nobody can see."""
    for index in range(text_page.count_chars()):
        character = chr(pdfium.FPDFText_GetUnicode(text_page.raw, index))
        if character.isspace() or character in "\x00\ufffe\u00ad" or _is_invisible(text_page, index):
            yield character, None
        else:
            yield character, frame.box_to_mm(_loose_box(text_page, index))


def _loose_box(text_page: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text_page.raw, index, ctypes.byref(rectangle))
    return rectangle.left, rectangle.bottom, rectangle.right, rectangle.top


def _is_invisible(text_page: pypdfium2.PdfTextPage, index: int) -> bool:
    item = pdfium.FPDFText_GetTextObject(text_page.raw, index)
    return bool(item) and pdfium.FPDFTextObj_GetTextRenderMode(item) == _INVISIBLE


def _apart(box: Box, following: Box) -> bool:
    height = min(box[3] - box[1], following[3] - following[1])
    other_line = min(box[3], following[3]) - max(box[1], following[1]) < 0.3 * height
    return other_line or following[0] - box[2] > _GAP * height or following[0] < box[0] - height


def _union(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
