"""A body's configuration for the tests of registration."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.configuration import (
    Configuration,
    DeviceFee,
    DeviceProfile,
    FirstIssueRules,
    FormLanguage,
    Tariffs,
)
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.operations.ports import ReaderInfo
from tests.desk.bench import NOW, Desk, QuietReaders, wait_for, window_of
from tests.sync.bench import CA, CentralService


@pytest.fixture
def configuration() -> Configuration:
    return Configuration(
        authorities=("CA",),
        devices={kind: DeviceProfile("CA", KeyAlgorithm.RSA_2048) for kind in DeviceKind},
        tariffs=Tariffs(
            {DeviceKind.SMART_CARD: DeviceFee(0, 2500), DeviceKind.USB_TOKEN: DeviceFee(4000, 7000)}
        ),
        first_issue=FirstIssueRules(),
        languages=(FormLanguage.ITALIAN,),
    )


@pytest.fixture
def opened() -> list[Path]:
    """Papers that were shown."""
    return []


@pytest.fixture
def central(tmp_path: Path) -> Iterator[CentralService]:
    service = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(NOW))
    service.administer("configuration.change", revision=0, configuration=default_configuration(CA).sections())
    yield service
    service.close()


@pytest.fixture
def desk(central: CentralService, tmp_path: Path) -> Desk:
    return Desk(central, tmp_path)


@pytest.fixture
def window(qapp: QApplication, central: CentralService, desk: Desk, tmp_path: Path) -> Iterator[DeskWindow]:
    """A signed-in desk whose first synchronisation is done."""
    readers = QuietReaders()
    readers.put(ReaderInfo("Lettore 1", None))
    made = window_of(qapp, central.clock, tmp_path, readers=readers)
    made.show()
    made.activateWindow()
    made.begin(desk.parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def screen(window: DeskWindow, opened: list[Path]) -> Iterator[RegistrationScreen]:
    """The registration screen, open; papers are not shown but noted."""
    window.open("registration")
    made = window.current
    assert isinstance(made, RegistrationScreen)
    made.printer.papers.close()

    def note(path: Path) -> bool:
        opened.append(path)
        return True

    made.printer.papers = Papers(note)
    yield made
    made.printer.papers.close()
