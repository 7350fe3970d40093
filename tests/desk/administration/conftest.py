"""An administrator's desk on the real service, with some people at work in the body."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from cmsdesk.desk.screens.administration.side import SideScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.body_defaults import default_configuration
from tests.desk.administration.staff import some_staff
from tests.desk.bench import Desk, wait_for, window_of
from tests.sync.bench import CA, CentralService

OpenScreen = Callable[[str], Any]


@pytest.fixture
def desk(central: CentralService, tmp_path: Path) -> Desk:
    """An administrator's desk."""
    some_staff(central)
    central.administer("configuration.change", revision=0, configuration=default_configuration(CA).sections())
    return Desk(central, tmp_path, Role.ADMINISTRATOR)


@pytest.fixture
def window(application: QApplication, desk: Desk, tmp_path: Path) -> Iterator[DeskWindow]:
    """The window at work."""
    made = window_of(application, desk.clock, tmp_path)
    made.show()
    made.begin(desk.parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()


@pytest.fixture
def opened(window: DeskWindow) -> OpenScreen:
    """Opens a screen and waits for its rows."""

    def open_screen(name: str) -> Any:
        window.open(name)
        shown = window.current
        if isinstance(shown, SideScreen):
            wait_for(lambda: bool(shown.everything))
        return shown

    return open_screen
