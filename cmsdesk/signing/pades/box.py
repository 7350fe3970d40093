"""The visible box of a signature: where it stands and what it shows."""

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path

from cmsdesk.signing.errors import BoxImpossible, SettingsError
from cmsdesk.signing.pdf.reader import Page

_MM_PER_POINT = 25.4 / 72
_SHAPE_TOLERANCE_MM = 3.0


class Corner(StrEnum):
    """Where on the page free room is looked for first."""

    BOTTOM_RIGHT = "bottom-right"
    BOTTOM_LEFT = "bottom-left"
    TOP_RIGHT = "top-right"
    TOP_LEFT = "top-left"
    BOTTOM_CENTRE = "bottom-centre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """A fixed place, in points from the lower left corner of the page as it is displayed.

    Attributes:
        page: from 1, or from -1 backwards.
    """

    page: int = -1
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeArea:
    """Free room on the page, as near as possible to a corner.

    Attributes:
        page: from 1, or from -1 backwards.
        width, height: of the box, in points.
        smallest: down to which share of its size the box may shrink when there is little room.
        prefer: corners, tried in this order.
        margin: points kept free at the edges of the page.
        gap: points kept free around the box.
    """

    page: int = -1
    width: float = 200
    height: float = 60
    smallest: float = 0.6
    prefer: tuple[Corner, ...] = (Corner.BOTTOM_RIGHT, Corner.BOTTOM_LEFT, Corner.TOP_RIGHT, Corner.TOP_LEFT)
    margin: float = 24
    gap: float = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ByShape:
    """A place for each shape of page.

    Attributes:
        page: whose shape is looked at; the places' own pages are ignored.
        places: (shape, place) in order of preference. A shape is ``portrait``, ``landscape``, ``square``, a
            size in millimetres such as ``210x297`` (as displayed), or ``*`` for any.
    """

    page: int = -1
    places: tuple[tuple[str, Rectangle | FreeArea], ...]

    def choose(self, page: Page) -> Rectangle | FreeArea:
        """Return the place for a page.

        Raises:
            BoxImpossible: no shape fits.
        """
        for shape, place in self.places:
            if _fits(shape, page):
                return place
        width, height = page.shown_size
        raise BoxImpossible(
            "No place is set for a page of this shape.",
            "Add a place for this size, or one for any shape.",
            width_mm=round(width * _MM_PER_POINT),
            height_mm=round(height * _MM_PER_POINT),
        )


Place = Rectangle | FreeArea | ByShape


def _fits(shape: str, page: Page) -> bool:
    width, height = page.shown_size
    if shape == "*":
        return True
    if shape in ("portrait", "landscape", "square"):
        square = abs(width - height) < 0.01 * width
        return {"square": square, "portrait": height > width, "landscape": width > height}[shape] and (
            square == (shape == "square")
        )
    try:
        wanted = [float(part) for part in shape.split("x")]
    except ValueError as error:
        raise SettingsError(
            "A page shape is not understood.", "Use portrait, landscape, square, 210x297 or *.", shape=shape
        ) from error
    actual = (width * _MM_PER_POINT, height * _MM_PER_POINT)
    return len(wanted) == 2 and all(
        abs(a - b) <= _SHAPE_TOLERANCE_MM for a, b in zip(wanted, actual, strict=True)
    )


class ImagePosition(StrEnum):
    """How an image stands to the text."""

    LEFT = "left"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A visible box.

    Attributes:
        place: where it stands.
        text: lines with placeholders: ``{signer}``, ``{date}`` (a datetime, so ``{date:%d/%m/%Y}`` works),
            ``{reason}``, ``{location}`` and the document's own fields.
        image: a picture, file or content; transparent parts become white.
        image_position: beside the text, or behind it.
        max_font_pt, min_font_pt: the text is as large as fits.
        border: draw a thin line around the box.
        font: a TrueType file; None is DejaVu Sans, which comes with the library.
        zone: time zone of ``{date}``; None is the computer's.
    """

    place: Place = FreeArea()
    text: str = "Firmato digitalmente da\n{signer}\n{date:%d/%m/%Y %H:%M:%S}"
    image: Path | bytes | None = None
    image_position: ImagePosition = ImagePosition.LEFT
    max_font_pt: float = 10
    min_font_pt: float = 4
    border: bool = True
    font: Path | None = None
    zone: tzinfo | None = None


@dataclass(slots=True)
class Spot:
    """A box on a page, resolved.

    Attributes:
        x, y, width, height: in points from the lower left corner of the displayed page.
    """

    page: Page
    x: float
    y: float
    width: float
    height: float

    def check(self) -> "Spot":
        """Return the spot when it lies on its page.

        Raises:
            BoxImpossible: it does not.
        """
        page_width, page_height = self.page.shown_size
        inside = self.x >= 0 and self.y >= 0 and self.x + self.width <= page_width
        if not (inside and self.y + self.height <= page_height and self.width > 0 and self.height > 0):
            raise BoxImpossible(
                "The box does not lie on the page.",
                "Correct its place or size.",
                page_width=round(page_width, 1),
                page_height=round(page_height, 1),
            )
        return self

    def user_rectangle(self) -> tuple[float, float, float, float]:
        """Return left, bottom, right, top in the page's user space (ISO 32000-1 clause 8.3.2.3, table 30)."""
        left, bottom, right, top = self.page.box
        unit = self.page.user_unit
        x, y, w, h = self.x / unit, self.y / unit, self.width / unit, self.height / unit
        if self.page.rotate == 90:
            return right - y - h, bottom + x, right - y, bottom + x + w
        if self.page.rotate == 180:
            return right - x - w, top - y - h, right - x, top - y
        if self.page.rotate == 270:
            return left + y, top - x - w, left + y + h, top - x
        return left + x, bottom + y, left + x + w, bottom + y + h

    def form_matrix(self) -> str:
        """Return the matrix that makes the appearance stand upright on the displayed page (clause 12.5.5)."""
        return {
            0: "1 0 0 1 0 0",
            90: f"0 1 -1 0 {self.height:.3f} 0",
            180: f"-1 0 0 -1 {self.width:.3f} {self.height:.3f}",
            270: f"0 -1 1 0 0 {self.width:.3f}",
        }[self.page.rotate]


def shown_rectangle(
    page: Page, rectangle: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Turn a rectangle in user space into left, bottom, right, top on the displayed page, in points."""
    left, bottom, right, top = page.box
    a, b, c, d = rectangle
    turned = {
        0: (a - left, b - bottom, c - left, d - bottom),
        90: (b - bottom, right - c, d - bottom, right - a),
        180: (right - c, top - d, right - a, top - b),
        270: (top - d, a - left, top - b, c - left),
    }[page.rotate]
    x0, y0, x1, y1 = (value * page.user_unit for value in turned)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
