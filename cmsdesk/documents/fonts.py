"""The typeface of every paper: Inter, embedded (SIL Open Font License, ``resources/fonts``)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR = "Inter"
STRONG = "Inter-SemiBold"
_FOLDER = Path(__file__).resolve().parents[2] / "resources" / "fonts"


@cache
def register() -> None:
    """Make the faces known to reportlab, once in a process."""
    pdfmetrics.registerFont(TTFont(REGULAR, _FOLDER / "Inter-Regular.ttf"))
    pdfmetrics.registerFont(TTFont(STRONG, _FOLDER / "Inter-SemiBold.ttf"))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=STRONG, italic=REGULAR, boldItalic=STRONG)


def width(text: str, size: float, face: str = REGULAR) -> float:
    """Return the width of ``text`` in points."""
    return float(pdfmetrics.stringWidth(text, face, size))
