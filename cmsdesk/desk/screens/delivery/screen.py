"""The delivery screen: devices that wait for their holders left, the one being handed over right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.models.work_list import Column, WorkListModel
from cmsdesk.desk.request_papers import RECEIPT, RequestPapers
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.screens.delivery.handover import Handover
from cmsdesk.desk.session import Link
from cmsdesk.desk.widgets.basics import column, row
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.desk.widgets.states import EmptyState
from cmsdesk.desk.widgets.table import Table
from cmsdesk.domain.request import RequestState, read_request_code
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery, Sort, WorkLists

_SETTLE_MS = 150
_DETAIL = 480
_FEW = 2


class DeliveryScreen(Screen):
    """The keyboard stays in the search: a barcode reader finds the device wherever one is."""

    def __init__(self, desk: Desk) -> None:
        self._count: int | None = None
        self._handover: Handover | None = None
        self._settle = QTimer()
        super().__init__(desk, scrolls=False)
        self.papers = RequestPapers(desk, self)
        self._build()
        self.set_main(N_("Hand over"), self.hand_over)
        self.same = self.add_action(N_("Record it all the same"), self.record_all_the_same, kind="danger")
        self.session.changed.connect(lambda _: self._settle.start())
        self._show_actions()
        self._search()

    # --- what the screen says and does ----------------------------------------------------------

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Handing over"))

    def context(self) -> str:
        """Return how many wait."""
        if not self._count:
            return self.texts(N_("Produced devices that wait for their holders"))
        if self._count == 1:
            return self.texts(N_("One device waits for its holder"))
        return self.texts(N_("{count} devices wait for their holders"), count=self.texts.number(self._count))

    def activate(self, **facts: object) -> None:
        """Show what waits; ``request``: that one; ``text``: look for it (a number, a serial, a name)."""
        if isinstance(facts.get("request"), str):
            self.choose(str(facts["request"]))
            return
        if isinstance(facts.get("text"), str):
            self.search.setText(str(facts["text"]))
            self.look()
        self._settle.start()
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    def end(self) -> None:
        """The session ends."""
        self.papers.papers.close()

    # --- finding -------------------------------------------------------------------------------

    def query(self) -> ListQuery:
        """Return what waits and fits what was typed."""
        return ListQuery(
            WorkList.REQUESTS,
            contains=self._wanted(),
            states=frozenset({RequestState.PRODUCED.value}),
            sort=Sort.NAME,
            descending=False,
        )

    def look(self) -> None:
        """Enter in the search, or a barcode: open the one that fits; look beyond what waits if none does."""
        wanted, lists = self._wanted(), self.session.lists
        waiting, anywhere = self.query(), ListQuery(WorkList.REQUESTS, contains=wanted)
        if wanted:
            work.start(
                self,
                lambda: _look(lists, (waiting, anywhere)),
                done=lambda found: self._found(wanted, found),
                failed=self.notice.error,
            )

    def choose(self, identifier: str) -> None:
        """Show a device to be handed over."""
        self._show(identifier)
        if self._handover is not None:
            self._handover.take_focus()

    def _wanted(self) -> str:
        text = self.search.text().strip()
        return read_request_code(text) or text

    def _found(self, wanted: str, found: Sequence[ListRow]) -> None:
        if wanted != self._wanted():
            return
        self._row.set_error()
        if len(found) == 1:
            self.notice.clear()
            self.choose(found[0].id)
        elif found:
            self.table.setFocus(Qt.FocusReason.TabFocusReason)
            self.table.selectRow(0)
        else:
            self._row.set_error(N_("No request fits: check the number, or look for the holder's name."))
            self.search.selectAll()

    def _search(self) -> None:
        self.model.show(self.query())

    # --- handing over --------------------------------------------------------------------------

    def hand_over(self) -> None:
        """The holder has the device: recorded at once, sent when the network allows."""
        handover = self._handover
        if handover is None or not handover.complete:
            return
        self._submit(handover, **handover.facts())

    def record_all_the_same(self) -> None:
        """It was handed over although the records do not fit: asked once more, then recorded."""
        handover = self._handover
        if handover is None or not handover.out_of_turn:
            return
        if handover.notice.text:
            self._submit(handover)
        else:
            handover.warn_out_of_turn()

    def print_receipt(self) -> None:
        """Print the receipt that the holder signs."""
        if self._handover is not None:
            self.papers.print(RECEIPT, self._handover.id)

    def _submit(self, handover: Handover, **facts: bool) -> None:
        try:
            self.session.submit("request.deliver", request=handover.id, **facts)
        except Mendable as error:
            self.notice.error(error)
            return
        down = self.session.sync_state.link in (Link.DOWN, Link.TROUBLE)
        later = N_("It is kept here and sent as soon as the service can be reached.") if down else ""
        self.notice.say("good", N_("The device was handed over to {name}."), later, name=handover.name)
        self._show("")
        self.search.clear()
        self._search()
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- showing -------------------------------------------------------------------------------

    def _show(self, identifier: str) -> None:
        self._handover = None
        if identifier and self.session.get("request", identifier):
            self._handover = Handover(self, identifier, self.print_receipt)
            self._handover.checked.connect(self._show_actions)
            self._detail.setWidget(self._handover)
        else:
            self._detail.setWidget(self._nothing())
        self._show_actions()

    def _show_actions(self) -> None:
        handover = self._handover
        if self.main is not None:
            self.main.setEnabled(handover is not None and handover.complete)
        self.same.setVisible(handover is not None and handover.out_of_turn)

    def _follow(self) -> None:
        """The records changed: read the list again, and the chosen one unless somebody works on it."""
        self._search()
        handover = self._handover
        if handover is None or any(one.isChecked() for one in handover.checks.values()):
            return
        if self.session.get("request", handover.id) != handover.document:
            self._show(handover.id)

    def _on_counted(self, count: int) -> None:
        self._count = None if self._wanted() else count
        self._stack.setCurrentIndex(0 if count else 1)
        self.say()

    def _on_opened(self, index: QModelIndex) -> None:
        found = self.model.row_at(index.row())
        if found is not None:
            self.choose(found.id)

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        found = self.model.row_at(current.row()) if current.isValid() else None
        if found is not None and self.table.hasFocus():
            self._show(found.id)

    def say(self) -> None:
        """Say also what is no bound label."""
        super().say()
        if hasattr(self, "same"):
            self.model.say()
            self._say_handover()

    def _say_handover(self) -> None:
        """Say the chosen one in the language of the moment; what was checked stays checked."""
        before = self._handover
        if before is None or before.language == self.texts.language:
            return
        checked = before.facts()
        self._show(before.id)
        made = self._handover
        for name, one in made.checks.items() if made is not None else ():
            one.setChecked(name in checked)

    # --- building ------------------------------------------------------------------------------

    def _build(self) -> None:
        texts = self.texts
        self.search = text_field()
        self._row = FieldRow(
            texts,
            N_("Number, barcode or holder"),
            self.search,
            hint=N_("Read the barcode of the form, type the device's serial or a name, then Enter."),
        )
        self.search.textChanged.connect(lambda _: self._settle.start())
        self.search.returnPressed.connect(self.look)
        self._settle.setParent(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._follow)
        columns = _columns(self.desk)
        self.model = WorkListModel(self.session.lists, columns, texts.begin, self)
        self.table = Table()
        self.table.setModel(self.model)
        self.table.set_widths([(one.width, one.spare) for one in columns])
        self.table.opened.connect(self._on_opened)
        self.table.clicked.connect(self._on_opened)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        texts.bind(self.table, lambda: self.table.setAccessibleName(texts(N_("Waiting for their holders"))))
        self.model.counted.connect(self._on_counted)
        self.model.failed.connect(self.notice.error)
        nothing = EmptyState(
            texts,
            self.theme,
            "inbox",
            N_("No device waits"),
            N_("Devices appear here as soon as they are produced."),
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(nothing)
        left = QFrame()
        left.setProperty("card", True)
        inside = column(self._row, gap=2, margin=2)
        inside.addWidget(self._stack, 1)
        left.setLayout(inside)
        self._detail = QScrollArea()
        self._detail.setWidgetResizable(True)
        self._detail.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._detail.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._detail.setWidget(self._nothing())
        right = QFrame()
        right.setProperty("card", True)
        right.setFixedWidth(_DETAIL)
        right.setLayout(column(self._detail))
        both = row(gap=2)
        both.addWidget(left, 1)
        both.addWidget(right)
        self.body.addLayout(both, 1)

    def _nothing(self) -> EmptyState:
        return EmptyState(
            self.texts,
            self.theme,
            "hand",
            N_("No device chosen"),
            N_("Choose one from the list, or read a barcode: what is to be checked stands here then."),
        )


def _columns(desk: Desk) -> Sequence[Column]:
    return (
        Column(N_("name"), lambda found: found.name, Sort.NAME),
        Column(N_("serial"), lambda found: found.serial, Sort.SERIAL, width=168),
        Column(N_("number"), lambda found: found.code, Sort.CODE, width=148, spare=True),
    )


def _look(lists: WorkLists, queries: Sequence[ListQuery]) -> list[ListRow]:
    """Return the first rows of the first query that has any."""
    for query in queries:
        keys = lists.keys(query, _FEW)
        if keys:
            return [found for found in lists.rows(query.list, keys) if found is not None]
    return []
