"""Reading printed text from images, for scans and photos; an optional program does it.

Without one the checker still verifies the seal and shows what was signed, and a person compares.
"""

import csv
import os
import shutil
import subprocess
from io import BytesIO, StringIO
from typing import Protocol

from PIL import Image

from cmsdesk.signing.seal.paper import Word

_TIMEOUT_S = 60.0


class TextReader(Protocol):
    """Whatever reads a line of print."""

    def read(self, image: Image.Image, dpi: int) -> list[Word]:
        """Return the words in an upright grey image, in millimetres from its top left corner."""
        ...


class Tesseract:
    """Tesseract (Apache-2.0), run as a program.

    Args:
        program: its path.
        languages: of the documents, as Tesseract names them.
    """

    def __init__(self, program: str, languages: str = "ita") -> None:
        self._program = program
        self._languages = languages

    def read(self, image: Image.Image, dpi: int) -> list[Word]:
        """Return the words of a line or a few; see `TextReader.read`."""
        picture = BytesIO()
        image.save(picture, "PNG", dpi=(dpi, dpi))
        try:
            done = subprocess.run(
                [self._program, "-", "-", "-l", self._languages, "--dpi", str(dpi), "--psm", "6", "tsv"],
                input=picture.getvalue(),
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=True,
                # a strip of print is too little work for several threads
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            )
        except (OSError, subprocess.SubprocessError):
            return []
        rows = csv.DictReader(
            StringIO(done.stdout.decode("utf-8", "replace")), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        return [_word(row, 25.4 / dpi) for row in rows if row["level"] == "5" and row["text"].strip()]


def _word(row: dict[str, str], scale: float) -> Word:
    left, top, width, height = (int(row[name]) * scale for name in ("left", "top", "width", "height"))
    return Word(row["text"].strip(), left, top, left + width, top + height, float(row["conf"]) / 100)


def default_reader() -> TextReader | None:
    """Return Tesseract when it is installed with Italian, else None."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        done = subprocess.run([program, "--list-langs"], capture_output=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    known = done.stdout.decode("utf-8", "replace").split()
    return Tesseract(program, "ita") if "ita" in known else None
