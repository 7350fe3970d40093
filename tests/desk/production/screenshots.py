"""Renders the screens that need cards, on a sandbox of their own, in both looks.

``python -m tests.desk.production.screenshots FOLDER [--language it]``

The pictures are to be looked at; they are not kept.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cmsdesk.desk.application import create_app
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.screens.card_tools.codes import CHANGE
from cmsdesk.desk.screens.card_tools.screen import CardToolsScreen
from cmsdesk.desk.theme import Look
from cmsdesk.sandbox.desk.start import running_sandbox
from cmsdesk.sandbox.world import READER_CARD, Pins, World
from tests.desk.production.driver import Driver
from tests.fixtures.worlds import short_folder

SIZES = ((1280, 800), (1920, 1080))


def main() -> None:
    """Render what was asked for."""
    options = _options()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="shots-") as name,
        running_sandbox(World(short_folder(), Pins.random())) as sandbox,
    ):
        preferences = Preferences(Path(name) / "desk.json")
        preferences.choose(language=options.language)
        application = create_app(preferences)
        with Driver(sandbox, preferences) as driver:
            driver.sign_in()
            shots = Shots(driver, options.folder, options.language)
            for scene in SCENES:
                scene(driver, shots)
        application.processEvents()


class Shots:
    """Takes pictures in both looks and sizes."""

    def __init__(self, driver: Driver, folder: Path, language: str) -> None:
        self._driver, self._folder, self._language = driver, folder, language

    def take(self, name: str) -> None:
        window = self._driver.window
        for look in (Look.LIGHT, Look.DARK):
            window.theme.put_on(look)
            for size in SIZES:
                window.resize(*size)
                self._driver.pause(0.2)
                file = self._folder / f"{name}-{look.value}-{self._language}-{size[0]}.png"
                window.grab().save(str(file))


def card_tools(driver: Driver, shots: Shots) -> None:
    """The operator's own card, a blank device, the panel for codes, a card of nobody's."""
    driver.window.open("card_tools")
    screen = driver.window.current
    assert isinstance(screen, CardToolsScreen)
    driver.until(lambda: screen._reading is not None)
    shots.take("card_tools-own")
    screen.ask(CHANGE)
    shots.take("card_tools-codes")
    driver.insert(driver.world.blank())
    driver.until(lambda: driver.window.readers.card_in(screen_reader(driver)))
    screen.choose(screen_reader(driver))
    driver.until(
        lambda: screen._reading is not None and screen._reading.report.facts.reader == screen._reader
    )
    shots.take("card_tools-blank")
    driver.remove()
    driver.until(lambda: not driver.window.readers.card_in(screen_reader(driver)))
    driver.emulator.set_faults(READER_CARD, atr="3B020102")
    driver.insert(driver.world.blank())
    driver.until(lambda: driver.window.readers.card_in(screen_reader(driver)))
    screen.choose(screen_reader(driver))
    driver.until(lambda: screen._error is not None)
    shots.take("card_tools-unknown")
    driver.empty_readers()


def screen_reader(driver: Driver) -> str:
    """Return the card reader's name as PC/SC gives it."""
    return next(found.name for found in driver.window.readers.readers if found.name.startswith(READER_CARD))


SCENES: tuple[Callable[[Driver, Shots], None], ...] = (card_tools,)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render the screens that need cards.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", default="it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
