"""Files and readers that several core tests need."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.fixtures.readers import *  # noqa: F403 — fixtures are found by name


@pytest.fixture(scope="session")
def logo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG with transparency."""
    path = tmp_path_factory.mktemp("logo") / "logo.png"
    image = Image.new("RGBA", (120, 80), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((10, 10, 110, 70), fill=(0, 90, 160, 200))
    image.save(path)
    return path
