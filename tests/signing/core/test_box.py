"""The visible box: where it stands and what it looks like, as poppler draws it."""

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image
from reportlab.pdfgen import canvas

from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.errors import BoxImpossible, SettingsError, SigningError
from cmsdesk.signing.pades.box import Box, ByShape, Corner, FreeArea, ImagePosition, Rectangle
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import samples
from tests.signing.checkers import run
from tests.signing.pki import Pki

WHERE = Rectangle(page=1, x=60, y=40, width=180, height=60)
DPI = 72  # a pixel is a point


def signed(pki: Pki, source: bytes, box: Box, **fields: str) -> bytes:
    identity = pki.signer("rsa2048")
    moment = datetime.now(UTC).replace(hour=12)
    with SigningSession(
        SoftwareSigner(identity.key, identity.certificate, pki.chain), clock=lambda: moment
    ) as session:
        result = session.sign(Document(source=source, fields=fields), PadesProfile(box=box))
    assert result.data is not None
    return result.data


def drawn(data: bytes, folder: Path, page: int = 1) -> np.ndarray:
    """Draw a page as poppler shows it, one pixel to a point, in gray."""
    path = folder / "draw.pdf"
    path.write_bytes(data)
    command = ["pdftoppm", "-r", str(DPI), "-cropbox", "-gray", "-f", str(page), "-l", str(page), str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return np.asarray(Image.open(io.BytesIO(done.stdout)), dtype=np.int16)


def added(before: bytes, after: bytes, folder: Path, page: int = 1) -> tuple[int, int, int, int]:
    """Return left, bottom, right, top of what the signature added to the displayed page, in points."""
    first, second = drawn(before, folder, page), drawn(after, folder, page)
    rows, columns = np.nonzero(np.abs(first - second) > 24)
    height = first.shape[0]
    return (
        int(columns.min()),
        height - 1 - int(rows.max()),
        int(columns.max()) + 1,
        height - int(rows.min()),
    )


def near(found: tuple[int, int, int, int], place: tuple[float, float, float, float]) -> bool:
    return all(abs(a - b) <= 2 for a, b in zip(found, place, strict=True))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_the_box_stands_upright_where_it_was_asked_for(degrees, pki, tmp_path):
    source = samples.rotated(degrees)
    data = signed(pki, source, Box(place=WHERE))
    assert near(added(source, data, tmp_path), (60, 40, 240, 100))
    upright = signed(pki, samples.plain(), Box(place=WHERE))
    pictures = []
    for one in (upright, data):
        picture = drawn(one, tmp_path)
        box = picture[picture.shape[0] - 100 : picture.shape[0] - 40, 60:240]
        pictures.append(box.reshape(15, 4, 45, 4).mean(axis=(1, 3)))
    # turned by any multiple of 90 degrees, the strokes would fall elsewhere
    upside_down = np.abs(pictures[0] - pictures[1][::-1, ::-1]).mean()
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.6 * upside_down


def test_cropped_pages_and_user_units(pki, tmp_path):
    source = samples.cropped()  # 400 x 600 units of 2 points, turned by 90 degrees: shows 1200 x 800
    place = Rectangle(page=1, x=100, y=200, width=300, height=120)
    data = signed(pki, source, Box(place=place))
    with pikepdf.open(io.BytesIO(data)) as pdf:
        rectangle = [float(side) for side in pdf.Root.AcroForm.Fields[0].Rect]
    # turned clockwise, x runs up the page and y runs leftwards from the crop box's right edge
    assert rectangle == [400 - 160, 50, 400 - 100, 200]


@pytest.mark.parametrize("size", [(842, 595), (200, 200), (3000, 1000), (90, 60)])
def test_odd_page_sizes(size, pki, tmp_path):
    source = samples.plain(1, size)
    place = Rectangle(page=1, x=5, y=5, width=size[0] - 10, height=min(size[1] - 10, 60))
    data = signed(pki, source, Box(place=place, text="Firmato da {signer}"))
    assert near(added(source, data, tmp_path), (5, 5, size[0] - 5, 5 + place.height))


def crowded(corner: str) -> bytes:
    """A page that is full except for one corner of 250 x 100 points."""
    out = io.BytesIO()
    drawing = canvas.Canvas(out, pagesize=(595, 842), invariant=True)
    left, bottom = (595 - 260 if "right" in corner else 10), (10 if "bottom" in corner else 842 - 110)
    for row in range(0, 842, 12):
        for column in range(0, 595, 12):
            if not (left - 4 <= column <= left + 254 and bottom - 4 <= row <= bottom + 104):
                drawing.rect(column, row, 4, 4, fill=1)
    drawing.save()
    return out.getvalue()


@pytest.mark.parametrize("corner", ["bottom-right", "bottom-left", "top-right", "top-left"])
def test_free_room_is_found_where_there_is_some(corner, pki, tmp_path):
    source = crowded(corner)
    data = signed(pki, source, Box(place=FreeArea(margin=10)))
    first, second = drawn(source, tmp_path), drawn(data, tmp_path)
    changed = np.abs(first - second) > 24
    assert changed.any()
    assert not (changed & (first < 200)).any()  # nothing of the page is covered
    left, bottom, right, top = added(source, data, tmp_path)
    assert (left > 297) == ("right" in corner)
    assert (bottom < 421) == ("bottom" in corner)
    assert (right - left, top - bottom) == pytest.approx((200, 60), abs=2)


def test_free_room_prefers_the_corners_in_order(pki, tmp_path):
    source = samples.plain(1)
    for corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT, Corner.BOTTOM_RIGHT, Corner.BOTTOM_CENTRE):
        data = signed(pki, source, Box(place=FreeArea(prefer=(corner,), margin=20, gap=0)))
        left, bottom, right, _ = added(source, data, tmp_path)
        if corner is Corner.BOTTOM_CENTRE:
            assert abs((left + right) / 2 - 595.28 / 2) <= 3
        else:
            assert (left < 24) == ("left" in corner)
            assert (bottom < 24) == ("bottom" in corner)


def test_free_room_shrinks_and_gives_up(pki):
    little = Box(place=FreeArea(width=320, height=120, margin=10), max_font_pt=8)
    with pikepdf.open(io.BytesIO(signed(pki, crowded("top-left"), little))) as pdf:
        left, _, right, _ = (float(side) for side in pdf.Root.AcroForm.Fields[0].Rect)
    assert 0.6 * 320 <= right - left < 320
    with pytest.raises(BoxImpossible, match="no free room"):
        signed(pki, crowded("top-left"), Box(place=FreeArea(width=320, height=120, smallest=1.0)))


def test_free_room_spares_empty_signature_fields(pki, tmp_path):
    source = samples.form()  # the field stands at 100, 100, 300, 160 on page 2 and looks empty
    place = FreeArea(page=2, prefer=(Corner.BOTTOM_LEFT,), width=300, height=150)
    data = signed(pki, source, Box(place=place))
    left, bottom, right, top = added(source, data, tmp_path, page=2)
    assert right <= 100 or left >= 300 or top <= 100 or bottom >= 160


def test_two_automatic_boxes_do_not_meet(pki, tmp_path):
    first = signed(pki, samples.plain(), Box())
    second = signed(pki, first, Box())
    one, two = added(samples.plain(), first, tmp_path, 3), added(first, second, tmp_path, 3)
    assert two[1] >= one[3] or two[3] <= one[1] or two[0] >= one[2] or two[2] <= one[0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((595, 842), 10), ((842, 595), 20), ((300, 300), 30), ((842, 1191), 40), ((500, 400), 20)],
)
def test_places_by_page_shape(size, expected, pki, tmp_path):
    def at(x: float) -> Rectangle:
        return Rectangle(x=x, y=10, width=150, height=50)

    place = ByShape(
        page=1, places=(("297x420", at(40)), ("portrait", at(10)), ("landscape", at(20)), ("square", at(30)))
    )
    source = samples.plain(1, size)
    left, *_ = added(source, signed(pki, source, Box(place=place)), tmp_path)
    assert abs(left - expected) <= 1


def test_a_shape_without_a_place(pki):
    place = ByShape(page=1, places=(("landscape", WHERE),))
    with pytest.raises(BoxImpossible, match="shape"):
        signed(pki, samples.plain(), Box(place=place))
    with pytest.raises(SettingsError, match="not understood"):
        signed(pki, samples.plain(), Box(place=ByShape(places=(("A4", WHERE),))))


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        (Rectangle(page=1, x=500, y=40, width=180, height=60), "not lie on the page"),
        (Rectangle(page=1, x=-1, y=40, width=180, height=60), "not lie on the page"),
        (Rectangle(page=1, x=10, y=10, width=0, height=60), "not lie on the page"),
        (Rectangle(page=4, x=10, y=10, width=100, height=60), "no such page"),
        (Rectangle(page=-4, x=10, y=10, width=100, height=60), "no such page"),
        (Rectangle(page=0, x=10, y=10, width=100, height=60), "no such page"),
        (Rectangle(page=1, x=10, y=10, width=12, height=8), "does not fit"),
    ],
)
def test_impossible_boxes(place, problem, pki):
    with pytest.raises(BoxImpossible, match=problem):
        signed(pki, samples.plain(), Box(place=place))


def test_text_with_fields_of_the_document(pki, tmp_path):
    box = Box(place=WHERE, text="{signer}\nProt. {protocollo} del {date:%d/%m/%Y}\n{location}")
    data = signed(pki, samples.plain(), box, protocollo="123/2026 – Ță")
    (tmp_path / "a.pdf").write_bytes(data)
    text = " ".join(run("pdftotext", "-l", "1", tmp_path / "a.pdf", "-").stdout.split())
    assert "Anna Rossi rsa2048" in text
    assert f"Prot. 123/2026 – Ță del {datetime.now(UTC):%d/%m/%Y}" in text
    with pytest.raises(BoxImpossible, match="placeholder"):
        signed(pki, samples.plain(), box)


def test_long_text_is_wrapped_and_shrunk(pki, tmp_path):
    text = "Firmato digitalmente ai sensi dell'art. 24 del decreto legislativo 82/2005 da {signer}, " * 3
    source = samples.plain()
    assert near(added(source, signed(pki, source, Box(place=WHERE, text=text)), tmp_path), (60, 40, 240, 100))


@pytest.mark.parametrize("position", ImagePosition)
def test_an_image_beside_or_behind_the_text(position, logo, pki, tmp_path):
    box = Box(place=WHERE, image=logo, image_position=position, border=False, text="{signer}")
    picture = drawn(signed(pki, samples.plain(), box), tmp_path)
    inside = picture[picture.shape[0] - 100 : picture.shape[0] - 40, 60:240]
    gray = (inside > 60) & (inside < 200)
    columns = np.nonzero(gray.sum(axis=0) > 8)[0]
    middle = (columns.min() + columns.max()) / 2
    assert middle < 60 if position is ImagePosition.LEFT else abs(middle - 90) < 10


def test_unusable_fonts_and_images(pki, tmp_path):
    (tmp_path / "no.ttf").write_bytes(b"no font")
    for box in (Box(font=tmp_path / "no.ttf"), Box(font=tmp_path / "missing.ttf"), Box(image=b"no image")):
        with pytest.raises(SigningError):
            signed(pki, samples.plain(), box)


def test_another_font(pki, tmp_path):
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
    data = signed(pki, samples.plain(), Box(place=WHERE, font=font, text="{signer}"))
    (tmp_path / "a.pdf").write_bytes(data)
    fonts = run("pdffonts", tmp_path / "a.pdf").stdout
    line = next(line for line in fonts.splitlines() if "DejaVuSerif" in line)
    assert line.split()[-6:-2] == ["Identity-H", "yes", "yes", "yes"]  # embedded, subset, with Unicode map
