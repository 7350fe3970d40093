"""Figures per office (ORG-6, S0-033): a chart, the same as a table, and both as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QFileDialog, QFrame, QScrollArea, QWidget

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.models.plain_list import PlainColumn, PlainListModel
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.screens.registration.paper import stationery_here
from cmsdesk.desk.widgets.bars import BarChart, Group
from cmsdesk.desk.widgets.basics import button, column, label, row
from cmsdesk.desk.widgets.date_field import DateField
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.desk.widgets.states import Busy
from cmsdesk.desk.widgets.table import Table
from cmsdesk.documents.contents import Column, ListPaper
from cmsdesk.documents.papers import Paper
from cmsdesk.domain.figures import Grain, OfficeFigures, figures_csv
from cmsdesk.operations.errors import ServiceUnreachable

MEASURES = (N_("Registrations"), N_("Approvals"), N_("Productions"), N_("Deliveries"))
_SIDE_BY_SIDE = 1200
"""Pixels, from which chart and table have room beside each other."""
_FROM = 1
"""The column of the day on which a part begins."""
_GRAINS = ((Grain.WHOLE, N_("As a whole")), (Grain.MONTH, N_("By month")), (Grain.DAY, N_("By day")))
_MONTH, _BEFORE, _YEAR, _TWELVE, _OWN = range(5)
_PERIODS = (
    (_MONTH, N_("This month")),
    (_BEFORE, N_("Last month")),
    (_YEAR, N_("This year")),
    (_TWELVE, N_("Last 12 months")),
    (_OWN, N_("Another period")),
)


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    first: date
    last: date
    grain: Grain


class FiguresScreen(Screen):
    """Counted by the service over all registrations of the body."""

    def __init__(self, desk: Desk) -> None:
        self._lines: list[OfficeFigures] = []
        self._asked: Asked | None = None
        super().__init__(desk, scrolls=False)
        today = self.session.clock.now().astimezone(ROME).date()
        self._today = today
        self.period, self.grain = QComboBox(), QComboBox()
        self.first, self.last = (DateField(self.texts, today) for _ in range(2))
        self.model = PlainListModel(self._columns(), self.texts.begin, self)
        self.table, self.chart = Table(), BarChart(self.theme)
        self.busy = Busy(self.texts)
        self.papers = Papers()
        self._fill()
        self.texts.bind(self.table, self._say_all)

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Figures"))

    def context(self) -> str:
        """Return the period that is shown."""
        if self._asked is None:
            return " "
        say = self.texts
        return say(
            N_("From {first} to {last}"), first=say.day(self._asked.first), last=say.day(self._asked.last)
        )

    def activate(self, **facts: object) -> None:
        """Count afresh."""
        self.count()
        self.period.setFocus()

    def end(self) -> None:
        """Take the papers away."""
        self.papers.close()

    # --- counting ------------------------------------------------------------------------------

    def asked(self) -> Asked | None:
        """Return the period and its parts; None when what was typed is no period."""
        first, last = self._days()
        good = first is not None and last is not None and first <= last
        self._last_row.set_error("" if good else N_("Write two days, the earlier one first."))
        if first is None or last is None or not good:
            return None
        return Asked(first, last, self.grain.currentData() or Grain.WHOLE)

    def count(self) -> None:
        """Have the service count; what comes late is not shown over what was asked since."""
        asked, figures = self.asked(), self.session.figures
        if asked is None:
            return
        if figures is None:
            self.notice.error(ServiceUnreachable(reason=N_("no answer")))
            return
        self._asked = asked
        self.busy.begin(N_("The service is counting …"))
        work.start(
            self,
            lambda: figures.figures(asked.first, asked.last, asked.grain),
            done=partial(self._show, asked),
            failed=partial(self._failed, asked),
        )

    def _show(self, asked: Asked, lines: Sequence[OfficeFigures]) -> None:
        if asked != self._asked:
            return
        self.busy.end()
        self.notice.clear()
        self._lines = list(lines)
        self.table.leave_out({_FROM} if asked.grain is Grain.WHOLE else set())
        self._show_lines()
        self.say()

    def _failed(self, asked: Asked, error: BaseException) -> None:
        if asked == self._asked:
            self.busy.end()
            self.notice.error(error)

    def _show_lines(self) -> None:
        self.model.show(self._lines)
        totals: dict[str, list[int]] = {}
        for one in self._lines:
            found = totals.setdefault(one.office, [0] * len(MEASURES))
            for at, value in enumerate(numbers(one)):
                found[at] += value
        groups = [Group(self._name(office), tuple(values)) for office, values in totals.items()]
        groups.sort(key=lambda one: one.name.casefold())
        series = [self.texts(measure) for measure in MEASURES]
        said = "; ".join(
            f"{one.name}: "
            + ", ".join(f"{name} {value}" for name, value in zip(series, one.values, strict=True))
            for one in groups
        )
        self.chart.show_groups(series, groups, said or self.texts(N_("Nothing in this period.")))
        self._nothing.setVisible(not self._lines)
        for made in (self._csv, self._pdf):
            made.setEnabled(bool(self._lines))

    # --- files ---------------------------------------------------------------------------------

    def export(self) -> None:
        """Ask for a file and write the figures into it."""
        path, _ = QFileDialog.getSaveFileName(
            self, self.texts(N_("Export CSV")), f"{self.title()}.csv", "CSV (*.csv)"
        )
        if path:
            self.export_to(Path(path))

    def export_to(self, path: Path) -> None:
        """Write the figures as CSV."""
        names = {one.office: self._name(one.office) for one in self._lines}
        path.write_text(figures_csv(self._lines, names, self.texts), encoding="utf-8-sig", newline="")
        count = len(self._lines)
        self.notice.say("good", N_("{count} rows were written to {file}."), count=count, file=path.name)

    def print(self) -> None:
        """Make a PDF of the figures and show it."""
        headings = (N_("Office"), N_("From"), *MEASURES)
        columns = [Column(heading, 2.0 if at == 0 else 1.0, at > 1) for at, heading in enumerate(headings)]
        rows = [
            [self._name(one.office), f"{one.begins:%d/%m/%Y}", *map(str, numbers(one))] for one in self._lines
        ]
        totals = [sum(values) for values in zip(*map(numbers, self._lines), strict=True)]
        paper = ListPaper(
            N_("Figures"), columns, rows, self.context(), [self.texts(N_("Total")), "", *map(str, totals)]
        )
        stationery, now, papers = stationery_here(self.desk), self.session.clock.now(), self.papers
        work.start(
            self,
            lambda: papers.show(self.title(), papers.make(Paper.LIST, paper, stationery, now)),
            failed=self.notice.error,
        )

    # --- building ------------------------------------------------------------------------------

    def _columns(self) -> Sequence[PlainColumn]:
        def measure(at: int) -> PlainColumn:
            return PlainColumn(
                MEASURES[at],
                lambda one: self.texts.number(numbers(one)[at]),
                lambda one: numbers(one)[at],
                width=132,
                figures=True,
            )

        return (
            PlainColumn(N_("office"), lambda one: self._name(one.office)),
            PlainColumn(
                N_("from"),
                lambda one: f"{one.begins:%d/%m/%Y}",
                lambda one: one.begins,
                width=104,
            ),
            *(measure(at) for at in range(len(MEASURES))),
        )

    def _fill(self) -> None:
        texts = self.texts
        for box, options in ((self.period, _PERIODS), (self.grain, _GRAINS)):
            for value, _ in options:
                box.addItem("", value)
        self.period.setCurrentIndex(_YEAR)
        self._first_row = FieldRow(texts, N_("First day"), self.first)
        self._last_row = FieldRow(texts, N_("Last day"), self.last)
        self._csv = button(
            texts, N_("Export CSV"), self.export, theme=self.theme, icon="download", shortcut="Ctrl+E"
        )
        self._pdf = button(
            texts, N_("Print"), self.print, theme=self.theme, icon="printer", shortcut="Ctrl+P"
        )
        above = row(
            FieldRow(texts, N_("Period"), self.period),
            self._first_row,
            self._last_row,
            FieldRow(texts, N_("Parts"), self.grain),
            None,
            column(None, row(self._csv, self._pdf)),
        )
        self.period.currentIndexChanged.connect(lambda _: self._follow_period())
        self.grain.currentIndexChanged.connect(lambda _: self.count())
        for field in (self.first, self.last):
            field.editingFinished.connect(self._own_period)
        self.table.setModel(self.model)
        self.table.set_widths([(one.width, one.spare) for one in self.model.columns])
        self.table.horizontalHeader().setSectionsClickable(True)
        self.table.horizontalHeader().sectionClicked.connect(self.model.sort_by)
        self._nothing = label(texts, N_("Nothing in this period."), "muted")
        self.body.addLayout(above)
        self.body.addWidget(self.busy)
        self._both = row(self._framed(self.chart), self._framed(self.table), gap=2)
        self.body.addWidget(self._nothing)
        self.body.addLayout(self._both, 1)
        self._follow_period(count=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Chart and table stand side by side where both have room."""
        wide = event.size().width() >= _SIDE_BY_SIDE
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        self._both.setDirection(way)
        # a table of some lines reads well beside a chart, and below it needs no more than the chart
        self._both.setStretch(0, 2 if wide else 1)
        self._both.setStretch(1, 3 if wide else 1)
        super().resizeEvent(event)

    def _framed(self, inside: QWidget) -> QFrame:
        made = QFrame()
        made.setProperty("card", True)
        if inside is self.table:
            made.setLayout(column(inside, gap=0))
            return made
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = QWidget()
        whole.setLayout(column(inside, None))
        area.setWidget(whole)
        made.setLayout(column(area, gap=0, margin=2))
        return made

    def _days(self) -> tuple[date | None, date | None]:
        today, chosen = self._today, self.period.currentData()
        begin = today.replace(day=1)
        if chosen == _MONTH:
            return begin, today
        if chosen == _BEFORE:
            last = begin - timedelta(days=1)
            return last.replace(day=1), last
        if chosen == _YEAR:
            return today.replace(month=1, day=1), today
        if chosen == _TWELVE:
            return begin.replace(year=begin.year - 1), today
        return self.first.value(), self.last.value()

    def _follow_period(self, *, count: bool = True) -> None:
        first, last = self._days()
        own = self.period.currentData() == _OWN
        for field, value in ((self.first, first), (self.last, last)):
            field.setReadOnly(not own)
            if not own:
                field.set_value(value)
        if count:
            self.count()

    def _own_period(self) -> None:
        if self.period.currentData() == _OWN:
            self.count()

    def _name(self, office: str) -> str:
        return self.session.named("office", office, self.texts.language)

    def _say_all(self) -> None:
        for box, options in ((self.period, _PERIODS), (self.grain, _GRAINS)):
            for at, (_, message) in enumerate(options):
                box.setItemText(at, self.texts(message))
        self.table.setAccessibleName(self.title())
        self.model.say()
        self._show_lines()


def numbers(one: OfficeFigures) -> tuple[int, ...]:
    """Return the numbers of a line in the order of `MEASURES`."""
    return one.registered, one.approved, one.produced, one.delivered
