"""Figures per office, counted by the service: chart, table, files (ORG-6)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cmsdesk.backend.services.service import Service
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.administration.figures import FiguresScreen
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.commands import NotAllowed
from cmsdesk.domain.figures import Grain
from cmsdesk.domain.organisation import Role
from tests.desk.administration.conftest import OpenScreen
from tests.desk.bench import Desk, some_work, wait_for
from tests.desk.legible import flaws
from tests.desk.test_window import nameless
from tests.sync.bench import OFFICE, SECOND_OFFICE


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Requests in both offices."""
    some_work(desk.central, desk.central.grant(Role.RAO), many=9)
    return desk


def test_the_service_counts_for_who_may_see_figures_only(busy: Desk) -> None:
    service: Service = busy.central.service
    day = date(2026, 1, 1), date(2026, 12, 31)
    found = service.figures(*day, Grain.WHOLE, busy.central.actor(busy.mandate))
    assert {one.office: one.registered for one in found} == {OFFICE: 8, SECOND_OFFICE: 1}
    for role in (Role.IR, Role.HELP_DESK):
        with pytest.raises(NotAllowed):
            service.figures(*day, Grain.WHOLE, busy.central.actor(busy.central.grant(role)))


def test_chart_and_table_say_the_same_and_follow_the_period(
    busy: Desk, opened: OpenScreen, window: DeskWindow
) -> None:
    screen: FiguresScreen = opened("figures")
    wait_for(lambda: bool(screen.model.rows))
    assert [one.registered for one in screen.model.rows] == [1, 8]
    assert [group.values[0] for group in screen.chart._groups] == [1, 8]
    assert "Registrazioni 8" in screen.chart.accessibleName()
    bars = screen.chart.bars()
    assert len(bars) == 8
    longest = max(bars, key=lambda one: one[2].width())
    assert (longest[0], longest[1]) == (1, 0)
    assert nameless(window) == []
    screen.grain.setCurrentIndex(screen.grain.findData(Grain.DAY))
    wait_for(lambda: len(screen.model.rows) > 2)
    assert sum(one.registered for one in screen.model.rows) == 9
    screen.period.setCurrentIndex(1)
    wait_for(screen._nothing.isVisible)
    assert not screen._csv.isEnabled()


def test_a_period_of_ones_own_is_checked(busy: Desk, opened: OpenScreen) -> None:
    screen: FiguresScreen = opened("figures")
    wait_for(lambda: bool(screen.model.rows))
    screen.period.setCurrentIndex(screen.period.count() - 1)
    assert not screen.first.isReadOnly()
    screen.first.setText("01/06/2026")
    screen.last.setText("01/05/2026")
    screen.count()
    assert screen._last_row.wrong
    screen.first.setText("28/05/2026")
    screen.last.setText("28/05/2026")
    screen.count()
    wait_for(lambda: 0 < sum(one.registered for one in screen.model.rows) < 9)


def test_figures_are_written_as_csv_and_printed(busy: Desk, opened: OpenScreen, tmp_path: Path) -> None:
    screen: FiguresScreen = opened("figures")
    wait_for(lambda: bool(screen.model.rows))
    path = tmp_path / "statistiche.csv"
    screen.export_to(path)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "Ufficio;Dal;Registrazioni;Approvazioni;Produzioni;Consegne"
    assert lines[-1].startswith("Totale;;9;")
    shown: list[bytes] = []

    def show(paper: Path) -> bool:
        shown.append(paper.read_bytes())
        return True

    screen.papers = Papers(show)
    screen.print()
    wait_for(lambda: bool(shown), 60)
    assert shown[0].startswith(b"%PDF")
    screen.papers.close()


def test_parts_say_when_they_begin_and_nothing_is_cut_for_want_of_room(
    busy: Desk, opened: OpenScreen, window: DeskWindow
) -> None:
    screen: FiguresScreen = opened("figures")
    wait_for(lambda: bool(screen.model.rows))
    assert screen.table.isColumnHidden(1)
    screen.grain.setCurrentIndex(screen.grain.findData(Grain.DAY))
    wait_for(lambda: not screen.table.isColumnHidden(1))
    assert [one for one in flaws(window) if one.startswith("cut")] == []
