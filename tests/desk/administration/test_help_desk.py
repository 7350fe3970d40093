"""The help desk: a twin never taken for production, and in production only support (ORG-8, ORG-9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.administration.figures import FiguresScreen
from cmsdesk.desk.screens.catalogue import SCREENS
from cmsdesk.desk.screens.list_screen import ListScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.band import Band
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.desk.tokens import DARK, LIGHT, in_sandbox
from cmsdesk.domain.organisation import Role
from tests.desk.bench import Desk, some_work, wait_for, window_of
from tests.sync.bench import CentralService

WORD = "AMBIENTE DI PROVA"
ACTS = {"Approva", "Produci", "Annulla…", "Modifica", "Consegna", "Nuova registrazione", "Accantona…"}


@pytest.fixture
def busy(central: CentralService) -> CentralService:
    some_work(central, central.grant(Role.RAO), many=6)
    return central


def window_for(
    application: QApplication, central: CentralService, folder: Path, role: Role, *, sandbox: bool
) -> Iterator[DeskWindow]:
    folder.mkdir(parents=True, exist_ok=True)
    desk = Desk(central, folder, role)
    made = window_of(application, desk.clock, folder, sandbox=sandbox)
    made.show()
    made.begin(desk.parts())
    wait_for(lambda: made.session.sync_state.link is Link.UP)
    yield made
    made.close()


@pytest.fixture
def production(application: QApplication, busy: CentralService, tmp_path: Path) -> Iterator[DeskWindow]:
    """The help desk at work in production."""
    yield from window_for(application, busy, tmp_path / "p", Role.HELP_DESK, sandbox=False)


@pytest.fixture
def twin(application: QApplication, busy: CentralService, tmp_path: Path) -> Iterator[DeskWindow]:
    """The twin, where the help desk works as a RAO."""
    yield from window_for(application, busy, tmp_path / "t", Role.RAO, sandbox=True)


def shown(window: QWidget, kind: type[QWidget]) -> list[QWidget]:
    return [one for one in window.findChildren(kind) if one.isVisible()]


def test_in_production_the_help_desk_sees_and_has_no_acts_of_the_counter(production: DeskWindow) -> None:
    opened = {kind.id for kind in SCREENS if production.can_open(kind.id)}
    assert {"home", "requests", "holders", "devices", "certificates", "operators", "stock"} <= opened
    closed = {"registration", "production", "delivery", "till", "offices", "configuration", "figures"}
    assert not opened & closed
    for screen in opened:
        production.open(screen)
        current = production.current
        if isinstance(current, ListScreen):
            wait_for(lambda current=current: current._count is not None)
        QTest.qWait(300)
        words = {one.text().strip() for one in shown(production, QPushButton) if isinstance(one, QPushButton)}
        assert not words & ACTS, screen
        assert not any(isinstance(one, QLabel) and WORD in one.text() for one in shown(production, QLabel))
    assert WORD not in production.windowTitle()


def test_the_twin_names_itself_on_every_screen_and_title(twin: DeskWindow) -> None:
    for kind in SCREENS:
        # production wants real readers: its own tests run it in the sandbox
        if not twin.can_open(kind.id) or kind.id == "production":
            continue
        twin.open(kind.id)
        assert WORD in twin.windowTitle(), kind.id
        [band] = shown(twin, Band)
        assert any(WORD in one.text() for one in band.findChildren(QLabel)), kind.id
        assert band.width() == twin.width()
    assert twin.can_open("production"), "the help desk works there as a RAO"


def test_the_twin_has_colours_of_its_own(twin: DeskWindow) -> None:
    assert twin.theme.tokens in (in_sandbox(LIGHT), in_sandbox(DARK))
    for tokens in (LIGHT, DARK):
        assert in_sandbox(tokens).accent != tokens.accent


def test_a_paper_of_the_twin_says_so(twin: DeskWindow) -> None:
    twin.open("figures")
    screen = twin.current
    assert isinstance(screen, FiguresScreen)
    wait_for(lambda: bool(screen.model.rows))
    said: list[str] = []

    def read(path: Path) -> bool:
        document = pypdfium2.PdfDocument(path.read_bytes())
        said.append("".join(page.get_textpage().get_text_range() for page in document))
        document.close()
        return True

    screen.papers = Papers(read)
    screen.print()
    wait_for(lambda: bool(said), 60)
    screen.papers.close()
    assert WORD in said[0].upper()
