"""Free room on a page, seen by drawing it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pypdfium2

from cmsdesk.signing.errors import NotAPdf
from cmsdesk.signing.pades.box import Corner, FreeArea, Spot
from cmsdesk.signing.pdf.reader import Page

_POINTS_PER_PIXEL = 2.0
_PAPER = 250  # gray from which a pixel counts as empty
_MAX_PIXELS = 4_000_000
_NEAR = 0.5  # of the page, from the corner
_ANCHORS = {
    Corner.BOTTOM_RIGHT: (1.0, 1.0),
    Corner.BOTTOM_LEFT: (0.0, 1.0),
    Corner.TOP_RIGHT: (1.0, 0.0),
    Corner.TOP_LEFT: (0.0, 0.0),
    Corner.BOTTOM_CENTRE: (0.5, 1.0),
}


def picture(source: bytes | Path, number: int, password: str | None) -> npt.NDArray[np.uint8]:
    """Draw a page in gray, two points to a pixel."""
    try:
        document = pypdfium2.PdfDocument(source, password=password)
        try:
            page = document[number - 1]
            width, height = page.get_size()
            scale = min(1 / _POINTS_PER_PIXEL, (_MAX_PIXELS / max(width * height, 1)) ** 0.5)
            bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False)
            drawn: npt.NDArray[np.uint8] = np.array(bitmap.to_numpy(), dtype=np.uint8)
        finally:
            document.close()
    except (pypdfium2.PdfiumError, ValueError, OSError, IndexError) as error:
        raise NotAPdf(
            "The page cannot be displayed, so no free room can be found on it.",
            "Give the box a fixed place.",
            page=number,
        ) from error
    return drawn.reshape(drawn.shape[0], drawn.shape[1])


class Room:
    """Which pixels of a page are free, as a table of sums."""

    def __init__(
        self, picture: npt.NDArray[np.uint8], page: Page, taken: Iterable[tuple[float, float, float, float]]
    ) -> None:
        self._page = page
        rows, columns = picture.shape
        width, height = page.shown_size
        self._across, self._down = columns / width, rows / height  # pixels per point
        used = picture < _PAPER
        for left, bottom, right, top in taken:
            columns_used = slice(max(0, int(left * self._across)), max(0, int(right * self._across) + 1))
            rows_used = slice(
                max(0, int((height - top) * self._down)), max(0, int((height - bottom) * self._down) + 1)
            )
            used[rows_used, columns_used] = True
        self._sums = np.zeros((rows + 1, columns + 1), dtype=np.int64)
        self._sums[1:, 1:] = used.cumsum(axis=0).cumsum(axis=1)

    def find(self, place: FreeArea, share: float) -> Spot | None:
        """Find the free rectangle nearest to a preferred corner."""
        width, height = place.width * share, place.height * share
        wide = int(np.ceil((width + 2 * place.gap) * self._across))
        high = int(np.ceil((height + 2 * place.gap) * self._down))
        sums = self._sums
        top, left = int(place.margin * self._down), int(place.margin * self._across)
        last_row, last_column = sums.shape[0] - 1 - top - high, sums.shape[1] - 1 - left - wide
        if last_row < top or last_column < left:
            return None
        rows, columns = slice(top, last_row + 1), slice(left, last_column + 1)
        low_rows, far_columns = (
            slice(top + high, last_row + high + 1),
            slice(left + wide, last_column + wide + 1),
        )
        used = (
            sums[low_rows, far_columns]
            - sums[rows, far_columns]
            - sums[low_rows, columns]
            + sums[rows, columns]
        )
        free = np.argwhere(used == 0)
        if not len(free):
            return None
        extent = np.array([max(last_row - top, 1), max(last_column - left, 1)])
        row, column = self._nearest(free, extent, place.prefer)
        x = (left + column) / self._across + place.gap
        below = (top + row) / self._down + place.gap + height
        return Spot(self._page, x, self._page.shown_size[1] - below, width, height)

    @staticmethod
    def _nearest(
        free: npt.NDArray[np.int64], extent: npt.NDArray[np.int64], prefer: tuple[Corner, ...]
    ) -> tuple[int, int]:
        """Choose the place nearest to the first preferred corner that has any in its half of the page."""
        best: tuple[int, int] | None = None
        for corner in prefer:
            across, down = _ANCHORS[corner]
            distance = np.hypot(free[:, 0] / extent[0] - down, free[:, 1] / extent[1] - across)
            index = int(distance.argmin())
            candidate = int(free[index, 0]), int(free[index, 1])
            if distance[index] <= _NEAR:
                return candidate
            best = best or candidate
        return best or (int(free[0, 0]), int(free[0, 1]))
