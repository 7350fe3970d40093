"""How many symbols, how large: the fewest whose modules are large enough for office scanners."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import zxingcpp

from cmsdesk.signing.errors import SealError
from cmsdesk.signing.seal.symbols import MAX_SYMBOLS, cut

MIN_MODULE_MM = 0.5
"""Smaller modules are lost at 150 dpi (3 dots a module)."""
_MAX_MODULE_MM = 1.0
_QUIET_MODULES = 4  # ISO/IEC 18004 clause 5.3.8
_LEVEL = "M"


@dataclass(frozen=True)
class Symbol:
    """A QR symbol; `dark` is a square of booleans, row by row from the top, without the quiet zone."""

    text: str

    @cached_property
    def dark(self) -> "npt.NDArray[np.bool_]":
        """The modules."""
        code = zxingcpp.create_barcode(self.text, zxingcpp.BarcodeFormat.QRCode, ec_level=_LEVEL)
        return np.asarray(code.to_image(scale=1, add_quiet_zones=False), dtype=np.uint8) < 128

    @property
    def modules(self) -> int:
        """Modules along a side."""
        return len(self.dark)


@dataclass(frozen=True)
class Layout:
    """Symbols in squares of `cell_mm`, `columns` beside one another."""

    symbols: Sequence[Symbol]
    columns: int
    cell_mm: float

    @property
    def module_mm(self) -> float:
        """Side of a module of the densest symbol, its quiet zone inside the cell."""
        return self.cell_mm / (max(s.modules for s in self.symbols) + 2 * _QUIET_MODULES)

    def symbol_square_mm(self, index: int) -> tuple[float, float, float]:
        """Return left, top and side of a symbol without its quiet zone, from the place's top left corner."""
        row, column = divmod(index, self.columns)
        module = self.cell_mm / (self.symbols[index].modules + 2 * _QUIET_MODULES)
        margin = _QUIET_MODULES * module
        return (
            column * self.cell_mm + margin,
            row * self.cell_mm + margin,
            self.cell_mm - 2 * margin,
        )


def lay_out(message: bytes, width_mm: float, height_mm: float) -> Layout:
    """Find the layout with the fewest symbols that fits.

    Raises:
        SealError: the extract is too long for the place.
    """
    best_mm = 0.0
    for count in range(1, MAX_SYMBOLS + 1):
        try:
            symbols = [Symbol(text) for text in cut(message, count)]
            widest = max(symbol.modules for symbol in symbols)
        except ValueError:  # longer than the largest symbol
            continue
        columns, cell_mm = _largest_cells(count, width_mm, height_mm)
        cell_mm = min(cell_mm, _MAX_MODULE_MM * (widest + 2 * _QUIET_MODULES))
        cell_mm = int(cell_mm * 10) / 10
        found = Layout(symbols, columns, cell_mm)
        if found.module_mm >= MIN_MODULE_MM:
            return found
        best_mm = max(best_mm, found.module_mm)
    raise SealError(
        "The seal does not fit its place.",
        "Make the place larger or the extract shorter.",
        bytes=len(message),
        width_mm=round(width_mm),
        height_mm=round(height_mm),
        module_mm=round(best_mm, 2),
        least_module_mm=MIN_MODULE_MM,
    )


def _largest_cells(count: int, width_mm: float, height_mm: float) -> tuple[int, float]:
    choices = ((columns, -(-count // columns)) for columns in range(1, count + 1))
    return max(
        ((columns, min(width_mm / columns, height_mm / rows)) for columns, rows in choices),
        key=lambda choice: choice[1],
    )
