"""Finds where a box stands: the rectangle asked for, or free room on the page as it looks."""

from collections.abc import Iterable
from pathlib import Path

from cmsdesk.signing.errors import BoxImpossible
from cmsdesk.signing.pades.box import ByShape, Place, Rectangle, Spot
from cmsdesk.signing.pdf.reader import Page

_SHRINK = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)

Rectangles = Iterable[tuple[float, float, float, float]]


def find_spot(
    place: Place, page: Page, source: bytes | Path, password: str | None = None, taken: Rectangles = ()
) -> Spot:
    """Resolve a place on its page.

    Args:
        source: the PDF, for a look at the page when free room is asked for.
        taken: rectangles on the displayed page that are not free although they look empty (left, bottom,
            right, top, in points).

    Raises:
        BoxImpossible: outside the page, or no room.
        NotAPdf: the page cannot be displayed.
    """
    if isinstance(place, ByShape):
        place = place.choose(page)
    if isinstance(place, Rectangle):
        return Spot(page, place.x, place.y, place.width, place.height).check()
    # drawing a page takes imaging libraries that a fixed place does without
    from cmsdesk.signing.pades.room import Room, picture

    room = Room(picture(source, page.number, password), page, taken)
    for share in _SHRINK:
        if share >= place.smallest:
            found = room.find(place, share)
            if found is not None:
                return found.check()
    raise BoxImpossible(
        "There is no free room for the box on the page.",
        "Name another page, a smaller box, or a fixed place.",
        page=page.number,
    )
