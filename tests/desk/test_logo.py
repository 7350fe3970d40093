"""A body's logo: what files are taken, what is kept of them, and how it stands on papers."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from pikepdf.pdfa import Flavour, check
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from PySide6.QtWidgets import QApplication

from cmsdesk.desk.logo import LogoWrong, logo_of
from cmsdesk.desk.screens.administration.configuration import ConfigurationScreen
from cmsdesk.desk.screens.administration.logo_field import LogoField
from cmsdesk.desk.screens.registration.paper import stationery_here
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.documents.contents import RequestForm
from cmsdesk.documents.papers import Paper, make
from cmsdesk.domain.configuration import LOGO_MOST_BYTES, PNG, Configuration
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.shapes import ShapeWrong
from cmsdesk.operations.body_defaults import default_configuration
from tests.desk.bench import NOW, Desk, wait_for, window_of
from tests.sync.bench import BODY, CA, CentralService

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 100" width="300" height="100">
<rect x="5" y="5" width="290" height="90" rx="12" fill="#0b4678"/>
<circle cx="50" cy="50" r="30" fill="white"/>
</svg>"""


def png(across: int = 800, down: int = 300, *, noise: bool = False) -> bytes:
    if noise:
        image = Image.frombytes("RGBA", (across, down), os.urandom(4 * across * down))
    else:
        image = Image.new("RGBA", (across, down), (0, 0, 0, 0))
        ImageDraw.Draw(image).ellipse((10, 10, across - 10, down - 10), fill=(11, 70, 120, 160))
    told = PngInfo()
    told.add_text("Author", "chi ha disegnato")
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=told)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("content", [png(), png(3000, 900), SVG], ids=["png", "large png", "svg"])
def test_what_is_kept_is_a_small_png_of_the_same_shape(qapp: QApplication, content: bytes) -> None:
    kept = logo_of(content)
    assert kept.startswith(PNG)
    assert len(kept) <= LOGO_MOST_BYTES
    made = opened(kept)
    across, down = (300, 100) if content is SVG else opened(content).size
    assert made.width / made.height == pytest.approx(across / down, rel=0.02)
    assert max(made.size) <= 1000
    assert b"chi ha disegnato" not in kept
    # what was drawn is there, and what was clear is still clear
    assert made.convert("RGBA").getpixel((1, 1))[3] == 0
    assert made.convert("RGBA").getpixel((made.width // 2, made.height // 2))[3] > 100


def test_a_picture_with_many_details_is_made_smaller(qapp: QApplication) -> None:
    with pytest.raises(LogoWrong):
        logo_of(png(1200, 1200, noise=True))
    assert len(logo_of(png(150, 60, noise=True))) <= LOGO_MOST_BYTES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0 a photograph",
        PNG + b"no picture",
        png()[:200],
        png(30, 24),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>broken<",
        SVG.replace(b"<rect", b"<script>alert(1)</script><rect"),
        SVG.replace(b"<rect", b'<image href="http://example.com/x.png"/><rect'),
        SVG.replace(b"<rect", b'<image href="file:///etc/passwd"/><rect'),
        SVG.replace(b"<rect", b'<rect onload="x()"'),
        SVG.replace(b"<svg", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg'),
        SVG.replace(b'fill="white"', b'fill="url(http://example.com/p)"'),
        SVG.replace(b"<rect", b"<style>@import 'http://example.com/x.css';</style><rect"),
        png() + bytes(5 * 1024 * 1024),
    ],
)
def test_other_files_are_refused_in_words(qapp: QApplication, content: bytes) -> None:
    with pytest.raises(LogoWrong) as refused:
        logo_of(content)
    assert refused.value.facts["reason"]


@pytest.mark.parametrize("logo", ["picture.png", "ab" * 32, "", base64.b64encode(b"GIF89a").decode()])
def test_a_configuration_takes_no_other_logo(logo: str) -> None:
    with pytest.raises(ShapeWrong):
        Configuration.of({**default_configuration(CA).sections(), "logo": logo})


def test_a_configuration_takes_no_large_logo() -> None:
    for more in (0, 1):
        content = PNG + bytes(LOGO_MOST_BYTES - len(PNG) + more)
        values = {**default_configuration(CA).sections(), "logo": base64.b64encode(content).decode()}
        if more:
            with pytest.raises(ShapeWrong):
                Configuration.of(values)
        else:
            assert Configuration.of(values).logo


@pytest.fixture
def window(qapp: QApplication, central: CentralService, tmp_path: Path) -> Iterator[DeskWindow]:
    central.administer("configuration.change", revision=0, configuration=default_configuration(CA).sections())
    made = window_of(qapp, central.clock, tmp_path)
    made.show()
    made.begin(Desk(central, tmp_path, Role.ADMINISTRATOR).parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()


def figures_of(paper: bytes) -> list[str]:
    """Return the alternative texts of the figures on a tagged paper."""
    with pikepdf.open(io.BytesIO(paper)) as pdf:
        return [str(one.Alt) for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and "/Alt" in one]


def test_chosen_at_the_desk_it_stands_on_papers_with_its_alternative_text(
    window: DeskWindow, central: CentralService, tmp_path: Path
) -> None:
    window.open("configuration")
    screen = window.current
    assert isinstance(screen, ConfigurationScreen)
    [field] = screen.findChildren(LogoField)
    assert field._none.isVisibleTo(field)
    without = make(Paper.REQUEST_FORM, RequestForm(), stationery_here(window), NOW)
    assert figures_of(without) == []
    wrong, good = tmp_path / "contratto.pdf", tmp_path / "logo.svg"
    wrong.write_bytes(b"%PDF-1.7")
    good.write_bytes(SVG)
    field.read(wrong)
    assert "PNG" in field.wrong.text()
    assert screen.changes() == []
    field.read(tmp_path / "nowhere.png")
    assert field.wrong.text()
    field.read(good)
    assert field.wrong.text() == ""
    [change] = screen.changes()
    assert (change.before, change.after) == ("nulla", "1000 × 333")
    screen.save()
    wait_for(lambda: central.things(BODY)["configuration", BODY]["revision"] == 2)
    paper = stationery_here(window)
    assert paper.logo == logo_of(SVG)
    made = make(Paper.REQUEST_FORM, RequestForm(), paper, NOW)
    assert figures_of(made) == [f"Logo di {window.session.body_name}"]
    with pikepdf.open(io.BytesIO(made)) as pdf:
        images = [image for page in pdf.pages for image in page.get_images().values()]
        assert len(images) == 1
        assert "/SMask" not in images[0], "PDF/A-1 knows no transparency"
        assert check(pdf, Flavour.PDFA_1B).findings == []
    field._away.click()
    screen.save()
    wait_for(lambda: "logo" not in central.things(BODY)["configuration", BODY])
    assert stationery_here(window).logo is None
