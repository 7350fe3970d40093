"""The stock of devices and scratch cards: where it lies, what is low, what moves (ORG-5, S0-005)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.models.plain_list import PlainColumn
from cmsdesk.desk.screens.administration.side import SideScreen, filter_chip
from cmsdesk.desk.screens.administration.stock_detail import StockDetail
from cmsdesk.desk.screens.administration.stock_forms import MoveStock, OneAside
from cmsdesk.desk.screens.administration.stock_rows import KINDS, Stock, StockRow, read_stock
from cmsdesk.desk.screens.administration.supply_form import TakeSupply
from cmsdesk.desk.screens.base import Desk, Entry
from cmsdesk.desk.widgets.basics import row
from cmsdesk.domain.permissions import Action
from cmsdesk.operations.supplies import Supply, read_supply

_WIDEST = 184


class StockScreen(SideScreen):
    """One row for each kind of thing in each office, and in the body's store."""

    def __init__(self, desk: Desk) -> None:
        self.stock = Stock((), {}, {})
        self._may_move = desk.session.allowed(Action.STOCK_MOVE)
        super().__init__(
            desk,
            (
                "package",
                N_("Nothing in stock"),
                N_("What the supplier delivers is taken into stock with its file."),
            ),
        )

    def fill(self) -> None:
        """Add filters and what may be done."""
        self.office = QComboBox()
        self.office.setMaximumWidth(_WIDEST)
        self.office.activated.connect(lambda _: self.show_rows())
        self.filters.addWidget(self.office)
        self.low = filter_chip(self.texts, N_("Only what is low"), self.show_rows)
        self.body.insertLayout(1, row(self.low, None))
        if self.session.allowed(Action.STOCK_RECEIVE):
            self.tool(N_("Supplier’s file…"), self.ask_supply, "upload")
        if self._may_move:
            self.tool(N_("Set one aside…"), self.set_aside, "x")
            self.set_main(N_("Move to another office"), self.move_stock, icon="truck")

    def activate(self, **facts: object) -> None:
        """``low``: show only what is low."""
        if facts.get("low"):
            self.low.setChecked(True)
        super().activate(**facts)

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Stock"))

    def columns(self) -> Sequence[PlainColumn]:
        """Return the columns."""
        number = self.texts.number
        return (
            PlainColumn(
                N_("kind"), lambda one: self.texts(KINDS[one.kind]), lambda one: one.order, width=128
            ),
            PlainColumn(N_("office"), self.place_of, lambda one: one.order),
            PlainColumn(
                N_("in stock"), lambda one: number(one.free), lambda one: one.free, width=108, figures=True
            ),
            PlainColumn(
                N_("threshold"),
                lambda one: number(one.threshold) if one.threshold else "",
                lambda one: one.threshold,
                width=88,
                spare=True,
                figures=True,
            ),
            PlainColumn(
                N_("state"),
                lambda one: self.texts.begin(N_("low") if one.low else N_("enough")) if one.threshold else "",
                lambda one: (not one.low, one.order),
                lambda one: "bad" if one.low else "good",
                width=112,
            ),
        )

    def read(self) -> Sequence[StockRow]:
        """Return what lies where."""
        session = self.session
        configuration = session.get("configuration", session.mandate.body)
        self.stock = read_stock(session.lists, configuration)
        return self.stock.rows

    def key(self, found: StockRow) -> str:
        """Return kind and office."""
        return found.key

    def words_of(self, found: StockRow) -> str:
        """Return kind and office in words."""
        return f"{self.texts(KINDS[found.kind])} {self.place_of(found)}"

    def fits(self, found: StockRow) -> bool:
        """Look at the office, and whether only what is low is asked for."""
        office = self.office.currentData()
        if office and (found.office or "") != (office if office != "-" else ""):
            return False
        return found.low or not self.low.isChecked()

    def detail(self, found: StockRow) -> QWidget:
        """Return the row's side."""
        return StockDetail(self, found)

    def place_of(self, found: StockRow) -> str:
        """Return where it lies, in words."""
        return self.place_name(found.office)

    def place_name(self, office: str | None) -> str:
        """Return what an office is called; None: the body's store, ``*``: everything together."""
        if office == "*":
            return self.texts.begin(N_("whole body"))
        if not office:
            return self.texts(N_("The body’s store"))
        return self.session.named("office", office, self.texts.language)

    def say_filters(self) -> None:
        """Name the offices to choose from."""
        chosen = self.office.currentData()
        self.office.clear()
        self.office.addItem(self.texts(N_("All offices")), "")
        self.office.addItem(self.texts(N_("The body’s store")), "-")
        for office in self.stock.offices:
            self.office.addItem(self.place_name(office), office)
        self.office.setCurrentIndex(max(0, self.office.findData(chosen)))
        self.office.setAccessibleName(self.texts(N_("Office")))

    def entries(self) -> Sequence[Entry]:
        """Offer the acts in the palette."""
        if not self._may_move:
            return ()
        say = self.texts
        return (
            Entry(say(N_("Move to another office")), "", "truck", self.move_stock),
            Entry(say(N_("Set one aside…")), "", "x", self.set_aside),
        )

    def move_stock(self) -> None:
        """Ask what is carried where."""
        found = self.chosen()
        form = MoveStock(self, self.stock, found if isinstance(found, StockRow) else None)
        self.show_form(form, form.count)

    def ask_supply(self) -> None:
        """Ask for the supplier's file."""
        title = self.texts(N_("The supplier’s file"))
        path, _ = QFileDialog.getOpenFileName(self, title, "", "CSV, TOML (*.csv *.toml)")
        if path:
            self.take_supply(Path(path))

    def take_supply(self, path: Path) -> None:
        """Read the supplier's file in a thread and show what is in it."""
        work.start(
            self,
            lambda: read_supply(path),
            done=partial(self._show_supply, path.name),
            failed=self.notice.error,
        )

    def _show_supply(self, file: str, supply: Supply) -> None:
        form = TakeSupply(self, self.stock, file, supply)
        self.show_form(form, form.lot)

    def set_aside(self) -> None:
        """Ask for one device or scratch card that is not to be used."""
        form = OneAside(self)
        self.show_form(form, form.number)
