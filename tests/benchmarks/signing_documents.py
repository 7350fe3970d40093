"""The documents of the signing benchmark: about 100 kB each, of several shapes."""

import io
import random
from pathlib import Path

import pikepdf
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

COUNT = 20
SIZE = 100_000


def write_documents(folder: Path) -> str:
    """Write COUNT binary files and COUNT PDFs; half of the PDFs have object streams.

    Returns:
        A sentence about them.
    """
    folder.mkdir()
    chance = random.Random(7)
    sizes = []
    for number in range(COUNT):
        (folder / f"{number:02d}.bin").write_bytes(chance.randbytes(SIZE))
        data = _pdf(chance, pages=1 + number % 5)
        if number % 2:
            data = _with_object_streams(data)
        sizes.append(len(data))
        (folder / f"{number:02d}.pdf").write_bytes(data)
    return (
        f"{COUNT} files of {SIZE} octets; {COUNT} PDFs of 1 to 5 pages, {min(sizes)} to {max(sizes)} octets, "
        "half with tables, half with object streams"
    )


def _pdf(chance: random.Random, pages: int) -> bytes:
    out = io.BytesIO()
    drawing = canvas.Canvas(out, pagesize=A4)
    noise = Image.frombytes("L", (300, 300), chance.randbytes(90_000))
    for page in range(pages):
        drawing.setFont("Helvetica", 10)
        for line in range(30):
            drawing.drawString(
                60, 780 - 14 * line, f"Riga {line} della pagina {page}: {chance.random():.12f}"
            )
        if page == 0:
            drawing.drawImage(ImageReader(noise), 60, 120, 200, 200)
        drawing.showPage()
    drawing.save()
    return out.getvalue()


def _with_object_streams(data: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()
