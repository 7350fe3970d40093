"""One sandbox with its service process for the package; a fresh window for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.theme import load_fonts
from cmsdesk.sandbox.desk.start import Sandbox, running_sandbox
from cmsdesk.sandbox.world import Pins, World
from tests.desk.production.driver import Driver
from tests.fixtures.worlds import place_for_a_world

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox; its processes, folder and settings are gone afterwards."""
    with place_for_a_world() as folder, running_sandbox(World(folder, Pins.random())) as running:
        yield running


@pytest.fixture
def driver(sandbox: Sandbox, qapp: QApplication, tmp_path: Path) -> Iterator[Driver]:
    """Hands on a fresh window; readers empty and faultless before and after."""
    load_fonts()
    with Driver(sandbox, Preferences(tmp_path / "desk.json")) as hands:
        yield hands
