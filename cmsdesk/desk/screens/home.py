"""Home: what waits for me, what needs attention, and the latest requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.screens.administration.stock_rows import shortages_of
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.session import Link
from cmsdesk.desk.widgets.basics import (
    button,
    card,
    chip,
    clear,
    column,
    label,
    line,
    picture,
    plain,
    restyle,
    row,
)
from cmsdesk.desk.widgets.notice_board import NoticeBoard
from cmsdesk.desk.widgets.problems import ProblemList
from cmsdesk.desk.widgets.row_button import RowButton
from cmsdesk.desk.widgets.states import EmptyState
from cmsdesk.desk.words import tone_of
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.words import word
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery, WorkLists

MANY = 999
"""Above it a count says «more than»: nobody counts on, and counting would take long."""
_EXPIRING = timedelta(days=60)
_LATEST = 6
_NOTICES = 3


@dataclass(frozen=True)
class Waiting:
    """One thing that may wait for the operator."""

    key: str
    icon: str
    message: str
    sentence: str
    action: Action
    screen: str


WAITING = (
    Waiting(
        "approve",
        "list-checks",
        N_("To approve"),
        N_("Registrations to check and approve"),
        Action.REQUEST_APPROVE,
        "requests",
    ),
    Waiting(
        "produce",
        "credit-card",
        N_("To produce"),
        N_("Approved: a device can be produced"),
        Action.PRODUCE,
        "requests",
    ),
    Waiting(
        "interrupted",
        "rotate-ccw",
        N_("Interrupted productions"),
        N_("To be resumed or reset, with the same device"),
        Action.PRODUCE,
        "production",
    ),
    Waiting(
        "deliver",
        "hand",
        N_("To hand over"),
        N_("Produced: the holder can have the device"),
        Action.REQUEST_DELIVER,
        "delivery",
    ),
    Waiting(
        "expiring",
        "hourglass",
        N_("Expiring"),
        N_("Certificates that end within 60 days"),
        Action.REQUEST_SEE,
        "certificates",
    ),
    Waiting(
        "stock",
        "package",
        N_("Low stock"),
        N_("Devices or scratch cards to order, or to move"),
        Action.STOCK_MOVE,
        "stock",
    ),
)
STATES: Mapping[str, frozenset[str]] = {
    "approve": frozenset({RequestState.REGISTERED.value}),
    "produce": frozenset({RequestState.APPROVED.value, RequestState.READY.value}),
    "deliver": frozenset({RequestState.PRODUCED.value}),
}


@dataclass(frozen=True)
class _Found:
    counts: dict[str, int]
    latest: list[ListRow]


class HomeScreen(Screen):
    """The first screen after signing in; follows every change."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._rows: dict[str, _WaitingRow] = {}
        self._latest = QVBoxLayout()
        self._latest.setSpacing(0)
        self._found = _Found({}, [])
        self._fill()
        self._refreshing = Refreshing(self, self.session, self._count)
        self.session.sync_state_changed.connect(self._say_sync)
        self.session.problems_changed.connect(self._show_problems)
        self._show_problems()
        self._say_sync()
        self._count()

    def title(self) -> str:
        """Greet whoever signed in."""
        first = self.session.operator_name.split(" ")[0]
        if any(letter.isdigit() for letter in first):  # the card names its holder by the codice fiscale alone
            return self.texts(N_("Good day"))
        return self.texts(N_("Good day, {name}"), name=first)

    def context(self) -> str:
        """Return the day, the office and its body."""
        today = self.session.clock.now().astimezone(ROME).date()
        language, session = self.texts.language, self.session
        return f"{self.texts.day(today)} · {session.office_in(language)} · {session.body_in(language)}"

    def activate(self, **facts: object) -> None:
        """Count afresh."""
        self._count()
        first = next((made for made in self._rows.values() if made.isVisible()), None)
        if first is not None and not facts:
            first.setFocus()

    # --- building ------------------------------------------------------------------------------

    def _fill(self) -> None:
        texts = self.texts
        waiting = column(gap=0)
        for one in WAITING:
            if self.session.allowed(one.action):
                made = _WaitingRow(self, one)
                self._rows[one.key] = made
                waiting.addWidget(made)
        left = card(label(texts, N_("Waiting for me"), "heading"), waiting, margin=2)
        self._problems = ProblemList(self.session, self.texts, self.theme)
        right = card(label(texts, N_("Latest requests"), "heading"), self._latest, margin=2)
        self._nothing = EmptyState(
            texts,
            self.theme,
            "inbox",
            N_("No requests yet"),
            N_("The requests of this body will be here. Begin by registering the first one."),
        )
        self._sync_words = plain(role="muted", wrap=True)
        sync = row(picture(self.theme, "refresh-cw", "muted"), self._sync_words)
        sync.setStretch(1, 1)
        sync.addWidget(
            button(texts, N_("Synchronise now"), self.session.sync_now, kind="flat", shortcut="F5")
        )
        state = card(sync, margin=2)
        both = QHBoxLayout()
        both.setSpacing(16)
        both.addLayout(column(left, state, None, gap=2), 1)
        self._notices = NoticeBoard(self.session, texts, self.theme, most=_NOTICES)
        archive = button(texts, N_("All notices"), lambda: self.desk.open("notices"), kind="flat")
        board = card(row(label(texts, N_("Notices"), "heading"), None, archive), self._notices, margin=2)
        if not self.session.allowed(Action.REQUEST_SEE):
            right.hide()
        both.addLayout(column(board, right, None, gap=2), 1)
        self.body.addWidget(self._problems)
        self.body.addLayout(both, 1)
        if self.desk.can_open("registration"):
            self.set_main(N_("New registration"), lambda: self.desk.open("registration"), icon="user-plus")

    # --- following -----------------------------------------------------------------------------

    def _count(self) -> None:
        lists = self.session.lists
        wanted = {
            key: ListQuery(WorkList.REQUESTS, states=STATES[key]) for key in self._rows if key in STATES
        }
        if "expiring" in self._rows:
            start, end = self.expiring()
            wanted["expiring"] = ListQuery(WorkList.CERTIFICATES, until_from=start, until_before=end)
        configuration = self.session.get("configuration", self.session.mandate.body)
        at_rest = self._interrupted()

        def look() -> _Found:
            found = _look(lists, wanted)
            found.counts["interrupted"] = at_rest
            if "stock" in self._rows:
                found.counts["stock"] = len(shortages_of(lists, configuration))
            return found

        work.start(self, look, done=self._show, failed=self.notice.error)

    def _interrupted(self) -> int:
        """Return how many productions stopped at this desk; those under way are none."""
        if "interrupted" not in self._rows:
            return 0
        unfinished = self.session.parts.log.all_unfinished()
        return len(unfinished.keys() - self.session.producing)

    def expiring(self) -> tuple[str, str]:
        """Return the days, ISO 8601, between which a certificate ends that counts as expiring."""
        today = self.session.clock.now().astimezone(ROME).date()
        return today.isoformat(), (today + _EXPIRING).isoformat()

    def _show(self, found: _Found) -> None:
        self._found = found
        for key, made in self._rows.items():
            made.show_count(found.counts.get(key, 0))
        self._show_latest()

    def _show_latest(self) -> None:
        self._nothing.setParent(None)
        clear(self._latest)
        if not self._found.latest:
            self._latest.addWidget(self._nothing)
            self._nothing.show()
        for number, found in enumerate(self._found.latest):
            if number:
                self._latest.addWidget(line())
            self._latest.addWidget(self._latest_row(found))

    def _latest_row(self, found: ListRow) -> QWidget:
        texts = self.texts
        now = self.session.clock.now()
        name = plain(found.name, "label")
        said = texts.moment(found.created_at, now)
        detail = plain(" · ".join(filter(None, (found.code, said))), "small")
        words = column(name, detail, gap=0)
        state = RequestState(found.state)
        mark = chip(texts.begin(word(state)), tone_of(state))
        inside = row(words, None, mark)
        inside.setContentsMargins(8, 6, 8, 6)
        made = RowButton(inside)
        made.setAccessibleName(f"{found.name}, {mark.text()}, {said}")
        made.setEnabled(self.desk.can_open("requests"))
        made.clicked.connect(lambda _checked=False: self.desk.open("requests", request=found.id))
        return made

    def _show_problems(self) -> None:
        self._problems.setVisible(bool(self.session.problems))

    def _say_sync(self) -> None:
        state, texts = self.session.sync_state, self.texts
        if state.link in (Link.DOWN, Link.TROUBLE) and state.error is not None:
            said = " ".join(texts.failure(state.error)[:2])
        elif state.last_success is None:
            said = texts(N_("Everything is being fetched from the service."))
        else:
            when = texts.when(state.last_success, self.session.clock.now())
            said = texts(N_("All is well: the desk and the service agree as of {when}."), when=when)
        if state.waiting:
            said += " " + texts(N_("Still to be sent: {count}. Nothing is lost."), count=state.waiting)
        self._sync_words.setText(said)

    def say(self) -> None:
        """Say also what is no bound label."""
        super().say()
        if hasattr(self, "_refreshing"):
            self._say_sync()
            self._show(self._found)


class _WaitingRow(RowButton):
    """One kind of work: what, how many, and where to."""

    def __init__(self, home: HomeScreen, waiting: Waiting) -> None:
        super().__init__()
        self._home, self._waiting = home, waiting
        self._count = 0
        texts = home.texts
        self._count_words = plain("", "heading")
        words = column(label(texts, waiting.message, "label"), label(texts, waiting.sentence, "small"), gap=0)
        inside = row(
            _badge(home, waiting.icon),
            words,
            None,
            self._count_words,
            picture(home.theme, "chevron-right", "muted", 16),
            gap=2,
        )
        inside.setContentsMargins(8, 6, 8, 6)
        self.setLayout(inside)
        self.setEnabled(home.desk.can_open(waiting.screen))
        self.clicked.connect(lambda _checked=False: self._open())

    def show_count(self, count: int) -> None:
        """Show how many."""
        texts = self._home.texts
        self._count = count
        said = f"{MANY}+" if count > MANY else texts.number(count)
        self._count_words.setText(said)
        restyle(self._count_words, role="heading" if count else "muted")
        self.setAccessibleName(f"{texts(self._waiting.message)}: {said}. {texts(self._waiting.sentence)}")

    def _open(self) -> None:
        key = self._waiting.key
        if key == "stock":
            self._home.desk.open(self._waiting.screen, low=bool(self._count))
        elif key == "expiring":
            self._home.desk.open(self._waiting.screen, until=self._home.expiring())
        elif key not in STATES:
            self._home.desk.open(self._waiting.screen)
        else:
            self._home.desk.open(self._waiting.screen, states=STATES[key])


def _badge(home: HomeScreen, icon: str) -> QFrame:
    made = QFrame()
    made.setProperty("badge", True)
    made.setFixedSize(40, 40)
    made.setLayout(row(None, picture(home.theme, icon, "accent", 20), None))
    return made


def _look(lists: WorkLists, wanted: Mapping[str, ListQuery]) -> _Found:
    counts = {key: len(lists.keys(query, MANY + 1)) for key, query in wanted.items()}
    keys = lists.keys(ListQuery(WorkList.REQUESTS), _LATEST)
    return _Found(counts, [found for found in lists.rows(WorkList.REQUESTS, keys) if found is not None])
