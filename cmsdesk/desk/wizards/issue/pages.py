"""The production's screen: what is ready to be produced, and the lanes where it is being produced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStackedWidget, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.cards.client import PcscReaders
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.request_papers import RequestPapers
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.session import DeskSession
from cmsdesk.desk.widgets.basics import button, clear, column, label, plain, row
from cmsdesk.desk.widgets.states import EmptyState
from cmsdesk.desk.widgets.table import Table
from cmsdesk.desk.wizards.issue import words
from cmsdesk.desk.wizards.issue.flow import Event, Flow, Stage
from cmsdesk.desk.wizards.issue.lanes import Lane, Production
from cmsdesk.desk.wizards.issue.prints import offered
from cmsdesk.desk.wizards.issue.tabs import LaneTabs
from cmsdesk.desk.wizards.issue.view import LaneView, who
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import RequestState, request_code
from cmsdesk.domain.words import word

_COLUMNS = (N_("Holder"), N_("Codice fiscale"), N_("Device"), N_("Request"))
_READY = (RequestState.READY.value, RequestState.APPROVED.value)


class ProductionScreen(Screen):
    """List of what is ready; once something is chosen, its lanes."""

    _shown: Lane | None = None
    _actions: tuple[object, ...] = ()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, scrolls=False)
        cards = self.session.parts.readers
        if not isinstance(cards, PcscReaders):
            raise TypeError("the desk's readers open no cards")
        self.production = Production(
            self.session.parts, cards, self.session.certificate, self.session.card_reader
        )
        self.prints = RequestPapers(desk, self)
        self._views: dict[Lane, LaneView] = {}
        self._build()
        self.production.lanes_changed.connect(self._show_lanes)
        self.production.lane_changed.connect(self._lane_changed)
        self.production.finished.connect(lambda _: self.session.sync_now())
        desk.readers.changed.connect(self._readers_changed)
        Refreshing(self, self.session, lambda: None if self._shown else self._fill_list())
        self._readers_changed()

    # --- what the screen says and does ----------------------------------------------------------

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Production"))

    def context(self) -> str:
        """Return which request the device in hand is for, and how far the queue is."""
        if self._shown is None:
            return self.texts(N_("Approved requests that are ready to be produced"))
        queue, request = self.production.queue, self._shown.flow.request
        parts = [self.texts(N_("Request {code}"), code=request_code(request))] if request else []
        if queue.size > 1 and queue.place(request):
            parts.append(self.texts(N_("{at} of {all}"), at=queue.place(request), all=queue.size))
        return " · ".join(parts)

    def activate(self, **facts: object) -> None:
        """Show the list; ``request``: begin with that one; ``reader``: look at the device in it."""
        self._fill_list()
        if "request" in facts:
            # the lane is built after the list is shown: both at once hold the window up
            QTimer.singleShot(0, self, partial(self.produce, [str(facts["request"])]))
        elif "reader" in facts:
            self.show_lane(self.production.look_at(str(facts["reader"])))
        elif self._shown is None:
            self._focus_list()
        else:
            self._views[self._shown].take_focus()

    def back(self) -> None:
        """Leave the lane when nothing is under way in it, else go to the list beside it; then the screen."""
        if self._shown is None:
            self.desk.back()
        elif (lane := self._shown).flow.may_leave:
            lane.do(Event.LEAVE)
            if lane in self.production.lanes:
                self._close(lane)
        else:
            self.show_lane(None)

    def end(self) -> None:
        """Stop every production where its card allows it: at sign-out."""
        self.production.end()
        self.prints.papers.close()

    # --- the list ------------------------------------------------------------------------------

    def produce(self, requests: Sequence[str]) -> None:
        """Produce requests one after another."""
        if requests:
            self.show_lane(self.production.produce(requests))

    def chosen(self) -> list[str]:
        """Return the requests chosen in the list, in its order."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [str(self._model.item(at).data()) for at in rows]

    def _fill_list(self) -> None:
        kept = set(self.chosen())
        model = self._model
        found = [one for state in _READY for one in self.session.in_state("request", state)]
        busy = self.production.queue.under_way
        found = [(id_, document) for id_, document in found if id_ not in busy]
        found.sort(key=lambda one: str(one[1].get("created_at", "")))
        model.setRowCount(0)
        for id_, document in found:
            model.appendRow(self._row(id_, document))
        for at in range(model.rowCount()):
            if model.item(at).data() in kept or (not kept and at == 0):
                self.table.selectRow(at)
        self._list_stack.setCurrentIndex(0 if found else 1)
        self._hint.setVisible(bool(found))
        self._unfinished.setVisible(_fill_unfinished(self))
        self._show_actions()

    def _focus_list(self) -> None:
        """Put the keyboard on the list, or on the page that says that there is none."""
        there = self.table if self._model.rowCount() else self._list_stack
        there.setFocus(Qt.FocusReason.OtherFocusReason)

    def _row(self, id_: str, document: Mapping[str, Any]) -> list[QStandardItem]:
        holder = document["holder"]
        cells = (
            f"{holder['surname']} {holder['given_name']}",
            holder["fiscal_code"],
            self.texts.begin(word(DeviceKind(document["device_kind"]))),
            request_code(id_),
        )
        items = [QStandardItem(cell) for cell in cells]
        items[0].setData(id_)
        return items

    # --- the lanes -----------------------------------------------------------------------------

    def show_lane(self, lane: Lane | None) -> None:
        """Show a lane, or the list."""
        if lane is not None and lane is self._shown and self._stack.currentIndex() == 1:
            self._views[lane].take_focus()
            return
        self._shown = lane
        if lane is None:
            self._stack.setCurrentIndex(0)
            self._fill_list()
            self._focus_list()
        else:
            view = self._view(lane)
            self._lanes.setCurrentWidget(view)
            self._stack.setCurrentIndex(1)
            view.readers_changed()
            view.take_focus()
        self._show_tabs()
        self._show_actions()
        self.say()

    def _view(self, lane: Lane) -> LaneView:
        view = self._views.get(lane)
        if view is None:
            document = self.session.get("request", lane.flow.request) or {}
            kind = DeviceKind(document["device_kind"]) if document else None
            view = LaneView(self.texts, self.theme, self.desk.readers, lane, who(self.texts, document), kind)
            view.know_own_reader(self.production.around.operator_reader)
            view.picked.connect(partial(self.production.pick, lane))
            view.typed.connect(self._show_actions)
            self._views[lane] = view
            self._lanes.addWidget(view)
        return view

    def _show_lanes(self) -> None:
        _let_card_away(self.desk, self.production)
        for lane in [one for one in self._views if one not in self.production.lanes]:
            view = self._views.pop(lane)
            self._lanes.removeWidget(view)
            view.deleteLater()
        if self._shown not in self.production.lanes:
            lanes = self.production.lanes
            asking = [lane for lane in lanes if not lane.at_work]
            self.show_lane(next(iter(asking or lanes), None))
        elif self._shown is not None and self._shown.at_work:
            waiting = next((lane for lane in self.production.lanes if not lane.flow.reader), None)
            if waiting is None:
                self._show_tabs()
            else:
                self.show_lane(waiting)
        else:
            self._show_tabs()

    def _lane_changed(self, lane: Lane) -> None:
        _note_producing(self.session, self.production)
        view = self._views.get(lane)
        if view is not None:
            view.show_flow()
        asks = lane.flow.stage in (Stage.SCRATCH, Stage.PIN, Stage.OPERATOR, Stage.UNFINISHED)
        if asks and lane is not self._shown and (self._shown is None or self._shown.at_work):
            self.show_lane(lane)
        if lane.flow.stage is Stage.CANCELLED and lane in self.production.lanes:
            self._close(lane)
            return
        self._show_tabs()
        self._show_actions()

    def _close(self, lane: Lane) -> None:
        self._shown = None if lane is self._shown else self._shown
        following = self.production.close(lane)
        if following is not None:
            self.show_lane(following)

    def _readers_changed(self) -> None:
        _let_card_away(self.desk, self.production)
        self.production.see(self.desk.readers.readers)
        for view in self._views.values():
            view.readers_changed()
        self._show_actions()

    # --- actions -------------------------------------------------------------------------------

    def _show_actions(self) -> None:
        lane = self._shown
        view = None if lane is None else self._views[lane]
        asked = (self.texts.language, bool(self.chosen()) if view is None else _hangs_on(view))
        if asked == self._actions and self.main is not None:
            return
        self._actions = asked
        clear(self._foot)
        self.main = None
        if lane is None:
            self._main(N_("Produce"), lambda: self.produce(self.chosen()), bool(self.chosen()))
            return
        flow, view = lane.flow, self._views[lane]
        if flow.stage is Stage.ISSUED:
            self._offer_prints(flow)
        if flow.may_stop:
            message = N_("Stop") if flow.stage is Stage.RUNNING else N_("Cancel")
            self._foot.addWidget(button(self.texts, message, partial(lane.do, Event.STOP)))
        elif flow.may_leave and not flow.over:
            self._foot.addWidget(button(self.texts, N_("Back"), self.back))
        if flow.stage in words.MAIN:
            run = partial(self._close, lane) if flow.over else view.go_on
            self._main(words.MAIN[flow.stage], run, view.may_go_on)

    def _main(self, message: str, run: Any, possible: bool) -> None:
        self.main = button(self.texts, message, run, kind="main")
        self.main.setEnabled(possible)
        self._foot.addWidget(self.main)
        self.main.show()  # at once: Enter may come before the layout is done

    def _offer_prints(self, flow: Flow) -> None:
        for name, run in offered(self.desk, self.prints, flow):
            self._foot.addWidget(button(self.texts, name, run))
        if self.desk.can_open("delivery") and self.session.allowed(Action.REQUEST_DELIVER):
            hand_over = partial(self.desk.open, "delivery", request=flow.request)
            self._foot.addWidget(button(self.texts, N_("Hand over to the holder"), hand_over))

    def _show_tabs(self) -> None:
        self._tabs.show_lanes(self.production.lanes, self._shown)

    # --- building ------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self._model = QStandardItemModel(0, len(_COLUMNS), self)
        texts.bind(self, lambda: self._model.setHorizontalHeaderLabels([texts(one) for one in _COLUMNS]))
        self.table = Table()
        self.table.setModel(self._model)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.opened.connect(self._opened)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_actions())
        texts.bind(self.table, lambda: self.table.setAccessibleName(texts(N_("Ready to be produced"))))
        nothing = EmptyState(
            texts,
            self.theme,
            "inbox",
            N_("Nothing waits to be produced"),
            N_("Requests appear here as soon as they are approved."),
        )
        self._list_stack = QStackedWidget()
        self._list_stack.addWidget(self.table)
        self._list_stack.addWidget(nothing)
        self._unfinished_rows = column(gap=1)
        told = N_(
            "Put one of these devices into a reader: the production can be resumed or the device reset."
        )
        self._unfinished = QWidget()
        self._unfinished.setLayout(
            column(
                label(texts, N_("Interrupted productions"), "heading"),
                label(texts, told, "muted", wrap=True),
                self._unfinished_rows,
            )
        )
        hint = N_("Choose one or several (Shift or Ctrl), then Enter: they are produced one after another.")
        self._list = QWidget()
        self._hint = label(texts, hint, "muted", wrap=True)
        listing = column(self._unfinished, self._hint, gap=2)
        listing.addWidget(self._list_stack, 1)
        self._list.setLayout(listing)
        self._tabs, self._foot = LaneTabs(self.desk, self.session), row(gap=1)
        self._tabs.chosen.connect(self.show_lane)
        self._lanes = QStackedWidget()
        self._stack = QStackedWidget()
        self._stack.addWidget(self._list)
        self._stack.addWidget(self._lanes)
        self.body.addWidget(self._tabs)
        self.body.addWidget(self._stack, 1)
        self.foot.addLayout(self._foot)

    def _opened(self, index: QModelIndex) -> None:
        self.produce(self.chosen() or [str(self._model.item(index.row()).data())])


def _fill_unfinished(screen: ProductionScreen) -> bool:
    """List the devices whose production stopped here; tell whether there are any."""
    layout = screen._unfinished_rows
    clear(layout)
    busy = {lane.flow.device for lane in screen.production.lanes}
    found = [one for one in screen.session.parts.log.all_unfinished().items() if one[0] not in busy]
    for device, production in found:
        document = screen.session.get("production", production) or {}
        request = screen.session.get("request", str(document.get("request", ""))) or {}
        name = next((text for role, text in who(screen.texts, request)), "")
        line = row(plain(name, "label"), plain(device, "muted", selectable=True), None)
        layout.addLayout(line)
    return bool(found)


def _hangs_on(view: LaneView) -> tuple[object, ...]:
    """Return what a lane's actions hang on: they are made afresh when that is another."""
    lane, flow = view.lane, view.lane.flow
    return lane, flow.stage, flow.may_stop, flow.may_leave, flow.over, flow.request, view.may_go_on


def _let_card_away(desk: Desk, production: Production) -> None:
    """At a desk with one reader the operator's card makes room for the device; then it is asked back."""
    desk.allow_card_away(bool(production.lanes) and len(desk.readers.readers) <= 1)


def _note_producing(session: DeskSession, production: Production) -> None:
    """Have the other screens know what is under way: what is not was interrupted."""
    now = frozenset(lane.flow.device for lane in production.lanes if lane.at_work)
    if now != session.producing:
        session.producing = now
        session.changed.emit(frozenset({("production", "")}))
