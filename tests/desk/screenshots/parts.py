"""The parts of the set: who is at work where, and which scenes are played there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock
from cmsdesk.desk.gate import Gate
from cmsdesk.desk.preferences import Preferences
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.sandbox.world import READER_CARD
from tests.desk.bench import NOW, window_of
from tests.desk.production.driver import Driver, OneReader
from tests.desk.screenshots import cards, counter, office
from tests.desk.screenshots.camera import Camera, Scene
from tests.desk.screenshots.entrance import Porter, TroubledReaders, sign_in
from tests.desk.screenshots.stage import Stage, stage_of, working_body
from tests.fixtures.worlds import place_for_a_world
from tests.sync.bench import CentralService

Part = Callable[[QApplication, Camera, Path], None]


def play(stage: Stage, camera: Camera, scenes: Iterable[Scene]) -> None:
    """Play scenes one after another and take what each shows."""
    window = stage.window
    for scene in scenes:
        for name in scene(stage):
            camera.take(name, window, window.texts, window.theme)


def at_the_entrance(application: QApplication, camera: Camera, folder: Path) -> None:
    """Signing in, and the locked desk."""
    readers, porter = TroubledReaders(), Porter()
    window = window_of(
        application, FixedClock(NOW), folder, readers=readers, gate=cast(Gate, porter), sandbox=False
    )
    window.show()
    for name in sign_in(window.sign_in_page, readers, porter):
        camera.take(name, window, window.texts, window.theme)
    window.close()
    window.deleteLater()


def at_the_counter(application: QApplication, camera: Camera, folder: Path) -> None:
    """A RAO who takes payments."""
    with ExitStack() as closing:
        central = closing.enter_context(working_body(folder))
        stage = closing.enter_context(
            stage_of(application, central, folder / "rao", Role.RAO, Permission.PAYMENTS)
        )
        play(stage, camera, counter.COUNTER)


def at_the_registers(application: QApplication, camera: Camera, folder: Path) -> None:
    """A desk whose look-ups are answered."""
    with (
        working_body(folder) as central,
        stage_of(application, central, folder / "rao", Role.RAO, registers=True) as stage,
    ):
        play(stage, camera, [counter.registers])


def in_the_office(application: QApplication, camera: Camera, folder: Path) -> None:
    """The administrator, then the help desk in production, then its twin."""
    with working_body(folder) as central:
        for role, sandbox, scenes in (
            (Role.ADMINISTRATOR, False, office.ADMINISTRATION),
            (Role.HELP_DESK, False, [office.supporting]),
            (Role.RAO, True, [office.twin]),
        ):
            place = folder / f"{role.value}-{sandbox}"
            with stage_of(application, central, place, role, sandbox=sandbox) as stage:
                play(stage, camera, scenes)


def on_the_first_day(application: QApplication, camera: Camera, folder: Path) -> None:
    """Nothing has happened yet."""
    central = CentralService(f"sqlite:///{folder / 'service.db'}", FixedClock(NOW))
    with stage_of(application, central, folder / "rao", Role.RAO, Permission.PAYMENTS) as stage:
        play(stage, camera, [office.first_day])
    central.close()


def with_cards(application: QApplication, camera: Camera, folder: Path) -> None:
    """A sandbox with its readers, a RAO at its desk, and the sandbox's own window."""
    from cmsdesk.sandbox.desk.start import running_sandbox
    from cmsdesk.sandbox.world import Pins, World

    preferences = Preferences(folder / "desk.json")
    preferences.choose(language="it", look="light")
    with place_for_a_world() as place, running_sandbox(World(place, Pins.random())) as sandbox:
        for scene in cards.SCENES:
            with Driver(sandbox, preferences) as driver:
                driver.sign_in()
                _play_with_cards(driver, camera, scene)
        for scene in cards.AT_ONE_READER:
            with Driver(sandbox, preferences, OneReader()) as driver:
                driver.sign_in(READER_CARD)
                _play_with_cards(driver, camera, scene)
        if camera.wants("sandbox_window"):
            with Driver(sandbox, preferences) as driver:
                for found, beside in cards.sandbox_window(sandbox, driver):
                    camera.take(found, beside, driver.window.texts, driver.window.theme, resize=False)


def _play_with_cards(driver: Driver, camera: Camera, scene: cards.CardScene) -> None:
    window = driver.window
    for found in scene(driver):
        camera.take(found, window, window.texts, window.theme)


PARTS: Mapping[str, Part] = {
    "entrance": at_the_entrance,
    "counter": at_the_counter,
    "registers": at_the_registers,
    "office": in_the_office,
    "first_day": on_the_first_day,
    "cards": with_cards,
}
