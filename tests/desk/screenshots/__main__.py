"""Renders every screen in both looks, three languages and two sizes, and prints what cannot be read.

``python -m tests.desk.screenshots FOLDER [--only home till …] [--part counter …]``

The pictures are to be looked at; they are not kept. ``--scale 200``: as somebody sees them who wants all
twice as large.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QSize

from cmsdesk.base.texts import LANGUAGES
from cmsdesk.desk.application import create_app
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.theme import Look
from tests.desk.screenshots.camera import SIZES, Camera
from tests.desk.screenshots.parts import PARTS

_SMALLER = (QSize(1024, 680),)


def main() -> int:
    """Render what was asked for; return 1 if something cannot be read."""
    options = _options()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    sizes = [*SIZES, *_SMALLER] if options.smallest else SIZES[: options.sizes]
    camera = Camera(
        options.folder, [Look(one) for one in options.looks], options.languages, sizes, options.only
    )
    with tempfile.TemporaryDirectory(prefix="shots-") as name:
        preferences = Preferences(Path(name) / "desk.json")
        preferences.choose(scale=options.scale)
        application = create_app(preferences)
        try:
            for part in options.parts or PARTS:
                folder = Path(name) / part
                folder.mkdir()
                PARTS[part](application, camera, folder)
        finally:
            for scene, found in camera.wrong.items():
                for said in found:
                    print(f"{scene}: {said}")
    return 1 if camera.wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render every screen.")
    parser.add_argument("folder", type=Path, nargs="?", help="none: only say what cannot be read")
    parser.add_argument("--parts", nargs="*", choices=sorted(PARTS), help="none: all")
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of the names of scenes")
    parser.add_argument("--looks", nargs="*", default=["light", "dark"])
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many of the sizes")
    parser.add_argument("--smallest", action="store_true", help="the window's least size too")
    parser.add_argument("--scale", type=int, default=100, help="per cent")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
