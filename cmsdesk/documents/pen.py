"""A pen that draws on pages and says what each mark is, so that a paper can be read aloud.

Lengths are points, from the page's top left corner downwards. Greys go from 0 (black) to 1 (white).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from cmsdesk.documents.archive import Description, Element, archivable
from cmsdesk.documents.fonts import REGULAR, register, width

A4 = (595.276, 841.89)
MM = 72 / 25.4
_CODE_BAR = 0.95
"""Narrowest bar of a barcode, points: 0.33 mm, what hand scanners ask for."""


def barcode_width(code: str) -> float:
    """Return how wide the bars of ``code`` come out, points."""
    return float(Code128(code, barWidth=_CODE_BAR, quiet=0).width)


class Pen:
    """Pages of one size, with the structure of what is drawn."""

    def __init__(self, size: tuple[float, float] = A4) -> None:
        register()
        self.size = size
        self._out = io.BytesIO()
        self._canvas: Any = Canvas(
            self._out, pagesize=size, pageCompression=1, invariant=1, initialFontName=REGULAR
        )
        self._root = Element("Document")
        self._open = [self._root]
        self._marks = 0
        self.page = 0
        """The page being drawn, from 0."""

    # --- what marks are ----------------------------------------------------------------------------

    @contextmanager
    def group(self, role: str) -> Iterator[None]:
        """Put what follows under one element."""
        element = Element(role)
        self._open[-1].children.append(element)
        self._open.append(element)
        yield
        self._open.pop()

    @contextmanager
    def mark(self, role: str, language: str | None = None, alternative: str | None = None) -> Iterator[None]:
        """Mark what is drawn as one element of ``role``."""
        element = Element(role, language, alternative, [(self.page, self._marks)])
        self._open[-1].children.append(element)
        self._emit(f"/{role} <</MCID {self._marks}>> BDC")
        self._marks += 1
        yield
        self._emit("EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Mark what is drawn as no part of the content: lines, running heads."""
        self._emit("/Artifact BMC")
        yield
        self._emit("EMC")

    # --- what is drawn -----------------------------------------------------------------------------

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        face: str = REGULAR,
        grey: float = 0.0,
        align: str = "left",
    ) -> None:
        """Write one line with its baseline at ``y``; ``align`` says what ``x`` is: left, right or centre."""
        shift = {"left": 0.0, "right": 1.0, "centre": 0.5}[align] * width(text, size, face)
        self._canvas.setFillGray(grey)
        self._canvas.setFont(face, size)
        self._canvas.drawString(x - shift, self._up(y), text)

    def rule(
        self, x: float, y: float, to_x: float, to_y: float, thickness: float = 0.5, grey: float = 0.45
    ) -> None:
        """Draw a line."""
        self._canvas.setStrokeGray(grey)
        self._canvas.setLineWidth(thickness)
        self._canvas.line(x, self._up(y), to_x, self._up(to_y))

    def dashes(self, x: float, y: float, to_x: float) -> None:
        """Draw a level broken line: where to cut."""
        self._canvas.setDash(3, 3)
        self.rule(x, y, to_x, y)
        self._canvas.setDash()

    def box(
        self,
        x: float,
        y: float,
        across: float,
        down: float,
        fill: float | None = None,
        line: float | None = 0.45,
        thickness: float = 0.5,
    ) -> None:
        """Draw a rectangle; None leaves out its filling or its outline."""
        if fill is not None:
            self._canvas.setFillGray(fill)
        if line is not None:
            self._canvas.setStrokeGray(line)
            self._canvas.setLineWidth(thickness)
        self._canvas.rect(
            x, self._up(y + down), across, down, fill=int(fill is not None), stroke=int(line is not None)
        )

    def tilted(self, text: str, size: float, face: str, grey: float) -> None:
        """Write one line across the page, from the lower left to the upper right."""
        self._canvas.saveState()
        self._canvas.translate(self.size[0] / 2, self.size[1] / 2)
        self._canvas.rotate(52 if self.size[1] > self.size[0] else 32)
        self._canvas.setFillGray(grey)
        self._canvas.setFont(face, size)
        self._canvas.drawCentredString(0, -size / 3, text)
        self._canvas.restoreState()

    def cross(self, x: float, y: float, side: float, thickness: float = 1.1, grey: float = 0.0) -> None:
        """Draw a cross in a square with its top left at ``x``, ``y``."""
        self.rule(x, y, x + side, y + side, thickness, grey)
        self.rule(x, y + side, x + side, y, thickness, grey)

    def barcode(self, right: float, y: float, down: float, code: str) -> float:
        """Draw ``code`` in Code 128 (ISO/IEC 15417) ending at ``right``; return its left edge."""
        bars: Any = Code128(code, barWidth=_CODE_BAR, barHeight=down, quiet=0)
        left = right - barcode_width(code)
        self._canvas.setFillGray(0)
        self._canvas.setStrokeGray(0)
        bars.drawOn(self._canvas, left, self._up(y + down))
        return left

    def picture(self, x: float, y: float, across: float, down: float, image: ImageReader) -> float:
        """Draw a picture as large as fits, from the top left; return how wide it came out."""
        wide, high = image.getSize()
        scale = min(across / wide, down / high)
        self._canvas.drawImage(image, x, self._up(y + high * scale), width=wide * scale, height=high * scale)
        return float(wide * scale)

    # --- pages -------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Begin the next page."""
        self._canvas.showPage()
        self.page += 1
        self._marks = 0

    def finish(self, description: Description) -> bytes:
        """Return the file (PDF/A-1b)."""
        self._canvas.showPage()
        self._canvas.save()
        return archivable(self._out.getvalue(), description, self._root)

    def _emit(self, operator: str) -> None:
        self._canvas._code.append(operator)

    def _up(self, y: float) -> float:
        return self.size[1] - y
