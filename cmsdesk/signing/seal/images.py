"""Scans and photos: finding the symbols, and straightening the page by them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import zxingcpp
from PIL import Image, ImageFilter

from cmsdesk.signing.seal.content import Grid
from cmsdesk.signing.seal.layout import Layout, Symbol
from cmsdesk.signing.seal.symbols import PREFIX, index_of

Matrix = npt.NDArray[np.float64]
Point = tuple[float, float]

_QR = zxingcpp.barcode_formats_from_str("QRCode")
_MAX_PIXELS = 120_000_000
_FLAT_ERROR_PX = 2.5
"""Corners that a similarity explains this well come from a scanner: perspective would only add noise."""


@dataclass(frozen=True)
class Found:
    """A symbol in an image: its text, and its corners from the top left clockwise, in pixels."""

    text: str
    corners: tuple[Point, Point, Point, Point]


def find_symbols(image: Image.Image) -> Iterator[list[Found]]:
    """Give what is found in the image, and in ever more laboured versions of it, until the caller stops."""
    grey = image.convert("L")
    if grey.width * grey.height > _MAX_PIXELS:
        grey.thumbnail((9000, 9000))
    for scale, version in _versions(grey):
        for binarizer in (zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.GlobalHistogram):
            yield [_scaled(code, scale) for code in _read(version, binarizer)]


def _versions(grey: Image.Image) -> Iterator[tuple[float, Image.Image]]:
    yield 1.0, grey
    double = grey.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC)
    if double.width * double.height <= _MAX_PIXELS:
        yield 2.0, double
        yield 2.0, double.filter(ImageFilter.UnsharpMask(4, 200, 0))
    yield 1.0, grey.filter(ImageFilter.MedianFilter(3))
    yield 1.0, grey.filter(ImageFilter.GaussianBlur(1.2))
    yield 0.5, grey.resize((max(1, grey.width // 2), max(1, grey.height // 2)), Image.Resampling.BOX)


def _read(image: Image.Image, binarizer: zxingcpp.Binarizer) -> list[zxingcpp.Barcode]:
    found = zxingcpp.read_barcodes(image, formats=_QR, binarizer=binarizer)
    return [code for code in found if code.text.startswith(PREFIX)]


def _scaled(code: zxingcpp.Barcode, scale: float) -> Found:
    where = code.position
    points = (where.top_left, where.top_right, where.bottom_right, where.bottom_left)
    a, b, c, d = ((point.x / scale, point.y / scale) for point in points)
    return Found(code.text, (a, b, c, d))


def paper_to_image(found: Sequence[Found], grid: Grid) -> Matrix:
    """Return the 3 x 3 matrix that takes millimetres on the page to pixels of the image."""
    paper: list[Point] = []
    pixels: list[Point] = []
    for one in found:
        left, top, side = _square_mm(one.text, grid)
        paper += [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
        pixels += one.corners
    flat, error_px = _similarity(paper, pixels)
    return flat if error_px <= _FLAT_ERROR_PX else _homography(paper, pixels)


def _square_mm(text: str, grid: Grid) -> tuple[float, float, float]:
    index = index_of(text)
    # only this symbol's own size matters: the others' squares are the same cells
    layout = Layout([Symbol(text)] * (index + 1), grid.columns, grid.cell_dmm / 10)
    left, top, side = layout.symbol_square_mm(index)
    return grid.x_dmm / 10 + left, grid.y_dmm / 10 + top, side


def _similarity(paper: Sequence[Point], pixels: Sequence[Point]) -> tuple[Matrix, float]:
    """Least squares of shift, turn and scale; the error is the worst corner's."""
    rows, values = [], []
    for (x, y), (u, v) in zip(paper, pixels, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    (a, b, e, f), *_ = np.linalg.lstsq(np.array(rows, float), np.array(values, float), rcond=None)
    matrix = np.array([[a, -b, e], [b, a, f], [0, 0, 1]])
    error = max(np.hypot(*(apply(matrix, p) - np.array(q))) for p, q in zip(paper, pixels, strict=True))
    return matrix, float(error)


def _homography(paper: Sequence[Point], pixels: Sequence[Point]) -> Matrix:
    rows = []
    for (x, y), (u, v) in zip(paper, pixels, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    _, _, found = np.linalg.svd(np.array(rows, float))
    matrix: Matrix = found[-1].reshape(3, 3) / found[-1][-1]
    return matrix


def apply(matrix: Matrix, point: Point) -> npt.NDArray[np.float64]:
    """Map one point."""
    x, y, w = matrix @ np.array([point[0], point[1], 1.0])
    return np.array([x / w, y / w])


def straighten(image: Image.Image, matrix: Matrix, size_mm: Point, dpi: int) -> Image.Image:
    """Return the page, upright, as if scanned at `dpi`."""
    scale = 25.4 / dpi
    to_pixels = matrix @ np.diag([scale, scale, 1.0])
    to_pixels = to_pixels / to_pixels[2, 2]
    coefficients = tuple(float(value) for value in to_pixels.flatten()[:8])
    size = round(size_mm[0] / scale), round(size_mm[1] / scale)
    return image.convert("L").transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=255
    )
