"""One lane on screen: all steps from the start, what the hands do, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.readers import ReaderWatch
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import Item, button, clear, column, label, line, plain, row
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.pin_field import PinField
from cmsdesk.desk.widgets.reader_button import ReaderButton, holds_token
from cmsdesk.desk.widgets.reader_picture import Hint, Lamp
from cmsdesk.desk.widgets.states import Busy
from cmsdesk.desk.widgets.steps import StepList, StepState
from cmsdesk.desk.widgets.tall import Tall
from cmsdesk.desk.wizards.issue import words
from cmsdesk.desk.wizards.issue.flow import Event, Flow, Hands, Mark, Part, Stage
from cmsdesk.desk.wizards.issue.guide import Guide
from cmsdesk.desk.wizards.issue.lanes import Lane
from cmsdesk.desk.wizards.issue.outcome import OutcomeView
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.production import RESET, STEPS
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import reader_name
from cmsdesk.operations.issue.titles import STEP_TITLES

_STATES = {
    Mark.WAITING: StepState.WAITING,
    Mark.RUNNING: StepState.RUNNING,
    Mark.DONE: StepState.DONE,
    Mark.STOPPED: StepState.FAILED,
}
_HINTS: Mapping[Hands, Hint] = {
    Hands.INSERT_DEVICE: Hint.IN,
    Hands.REMOVE_DEVICE: Hint.OUT,
    Hands.INSERT_OWN_CARD: Hint.IN,
    Hands.SWAP_FOR_OWN_CARD: Hint.SWAP,
    Hands.SWAP_BACK: Hint.SWAP,
    Hands.PUT_BACK: Hint.IN,
}
_WAITING = frozenset({Stage.CHECKS, Stage.STARTING, Stage.SIGNING, Stage.RESETTING, Stage.SETTING_ASIDE})
_TROUBLE = frozenset({Stage.REFUSED, Stage.INTERRUPTED, Stage.UNFINISHED})
_LEFT = 320
"""Pixels: of the steps."""


class LaneView(QFrame):
    """Shows a lane and hands on what the person does.

    Signals:
        picked: a reader (its name) was chosen.
        typed: a field changed: the main action may be possible now.
    """

    picked = Signal(str)
    typed = Signal()

    def __init__(
        self,
        texts: LiveTexts,
        theme: Theme,
        readers: ReaderWatch,
        lane: Lane,
        who: Sequence[tuple[str, str]],
        kind: DeviceKind | None,
    ) -> None:
        """``who``: (role of the label, text), lines that say whom it is for."""
        super().__init__()
        self._texts, self._theme, self._readers, self.lane = texts, theme, readers, lane
        self._kind = kind
        self._stage: tuple[Stage, str] | None = None
        self._said_in = ""
        self._own_readers: tuple[str, ...] = ()
        self.notice = Notice(texts, theme)
        self.number = text_field(capitals=True, length=32)
        self.pin = PinField()
        self._lay_out(who)
        self.number.textChanged.connect(lambda _: self.typed.emit())
        self.number.returnPressed.connect(self.go_on)
        self.pin.changed.connect(lambda _: self.typed.emit())
        self.pin.entered.connect(self.go_on)
        texts.bind(self, self.show_flow)

    # --- what the person does ------------------------------------------------------------------

    def go_on(self) -> None:
        """The main action."""
        flow, lane = self.lane.flow, self.lane
        if not self.may_go_on:
            return
        if flow.stage is Stage.SCRATCH:
            lane.do(Event.NUMBER, scratch_card=self.number.text().strip())
        elif flow.stage is Stage.PIN:
            lane.type_pin(self.pin.take())
        elif flow.stage in (Stage.REFUSED, Stage.INTERRUPTED, Stage.WAS_RESET):
            lane.do(Event.AGAIN)

    @property
    def may_go_on(self) -> bool:
        """Whether the main action of the stage is possible."""
        flow = self.lane.flow
        if flow.stage is Stage.SCRATCH:
            return bool(self.number.text().strip())
        if flow.stage is Stage.PIN:
            return self.pin.length() >= 4
        if flow.stage in (Stage.REFUSED, Stage.INTERRUPTED, Stage.WAS_RESET):
            return self._card_in()
        return flow.over

    # --- showing -------------------------------------------------------------------------------

    def show_flow(self) -> None:
        """Show the lane as it stands."""
        flow, texts = self.lane.flow, self._texts
        reader = reader_name(flow.reader)
        self.guide.heading.setText(texts(words.heading(flow, card_in=self._card_in()), reader=reader))
        self.setAccessibleName(self.guide.heading.text())
        step = texts(words.stopped_at(flow))
        self.guide.sentence.setText(texts(words.sentence(flow), step=step))
        self._show_steps(flow)
        self._show_picture(flow)
        if flow.error is not None and flow.stage is not Stage.CANCELLED:
            self.notice.error(flow.error)
        else:
            self.notice.clear()
        if (flow.stage, flow.reader) != self._stage:
            self._enter(flow)
        elif self._said_in != texts.language:
            self._offer(flow)
        if flow.stage is Stage.PIN and flow.tries_left is not None:
            self._pin_row.set_hint(texts(N_("Tries left: {left}"), left=flow.tries_left))
        if flow.stage is Stage.RUNNING:
            self._say_running(flow)

    def readers_changed(self) -> None:
        """Show the readers as they are now."""
        if self.lane.flow.stage is Stage.READER and not self.lane.flow.reader:
            self._show_readers()
        self.show_flow()

    def take_focus(self) -> None:
        """Put the keyboard where it is needed."""
        flow = self.lane.flow
        wanted: QWidget | None = None
        if flow.stage is Stage.SCRATCH:
            wanted = self.number
        elif flow.stage is Stage.PIN:
            wanted = self.pin
        elif flow.stage in (Stage.UNFINISHED, Stage.READER):
            # those of before are hidden, and go when the window is idle
            offered = self._choices.findChildren(QPushButton)
            wanted = next((one for one in offered if not one.isHidden()), None)
        # without a field of its own the lane takes the keyboard: Enter is the screen's main action
        (wanted or self).setFocus(Qt.FocusReason.OtherFocusReason)

    # --- inside --------------------------------------------------------------------------------

    def _lay_out(self, who: Sequence[tuple[str, str]]) -> None:
        texts, theme = self._texts, self._theme
        titles = [(step.value, STEP_TITLES[step.value]) for step in STEPS]
        self._steps = StepList(texts, theme, [*words.BEFORE, *titles])
        self._reset = StepList(texts, theme, [(RESET, STEP_TITLES[RESET])])
        lines = [plain(text, role, wrap=True, selectable=role == "muted") for role, text in who]
        if lines and self._kind is not None:
            last, said = lines[-1], word(self._kind)
            texts.bind(last, lambda: last.setText(texts.begin(said)))
        left = QFrame()
        left.setProperty("card", True)
        left.setFixedWidth(_LEFT)
        head: list[Item] = [*lines, 1, line(), 1] if lines else []
        left.setLayout(column(*head, self._steps, self._reset, None, gap=0, margin=2))
        self.guide = Guide(theme, token=self._kind is DeviceKind.USB_TOKEN)
        self._number_row = FieldRow(texts, N_("Number of the scratch card"), self.number)
        self._pin_row = FieldRow(texts, N_("PIN of the operator's card"), self.pin)
        self.busy = Busy(texts)
        self._choices = QWidget()
        self._choices.setLayout(column(gap=1))
        self._outcome = QWidget()
        self._outcome.setLayout(column())
        for one in (self._number_row, self._pin_row):
            one.setMaximumWidth(360)
        inside = Tall(
            column(
                self.guide,
                self.notice,
                self._number_row,
                self._pin_row,
                self.busy,
                self._choices,
                self._outcome,
                None,
                gap=2,
                margin=2,
            )
        )
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        right = QFrame()
        right.setProperty("card", True)
        right.setLayout(column(area))
        whole = row(left, gap=2)
        whole.addWidget(right, 1)
        self.setLayout(whole)

    def _enter(self, flow: Flow) -> None:
        """Show what a stage asks for, and nothing else."""
        stage, self._stage = flow.stage, (flow.stage, flow.reader)
        self._number_row.setVisible(stage is Stage.SCRATCH)
        self._pin_row.setVisible(stage is Stage.PIN)
        if stage is Stage.SCRATCH:
            self.number.clear()
        if stage is not Stage.PIN:
            self.pin.clear()
        self._offer(flow)
        if stage in _WAITING:
            self.busy.begin(words.SENTENCES[stage])
        elif stage is not Stage.RUNNING:
            self.busy.end()
        self.guide.sentence.setVisible(stage not in _WAITING)
        if self.isVisible():
            self.take_focus()

    def _offer(self, flow: Flow) -> None:
        """Build what is chosen from, or the outcome, in the language of the moment."""
        chose = self._choices.isAncestorOf(self.window().focusWidget() or self)
        self._said_in = self._texts.language
        self._empty(self._choices)
        self._empty(self._outcome)
        if flow.stage is Stage.READER and not flow.reader:
            self._show_readers()
        elif flow.stage is Stage.UNFINISHED:
            self._show_choices(flow)
        elif flow.stage is Stage.ISSUED:
            self._fill(self._outcome, OutcomeView(self._texts, self._theme, flow))
        if chose and self.isVisible():
            self.take_focus()

    def _say_running(self, flow: Flow) -> None:
        running = next((one.step for one in flow.steps if one.mark is Mark.RUNNING), "")
        done = sum(one.mark is Mark.DONE for one in flow.steps)
        message = N_("Stopping after this step…") if flow.stopping else STEP_TITLES.get(running, "")
        if message:
            self.busy.say(message)
        self.busy.progress(done, len(flow.steps))
        self.busy.setVisible(True)

    def _show_steps(self, flow: Flow) -> None:
        before = (Stage.READER, Stage.CHECKS, Stage.REFUSED)
        read = flow.stage not in before and flow.stage is not Stage.CANCELLED
        refused = flow.stage is Stage.REFUSED and flow.error is not None
        running = StepState.RUNNING if flow.stage is Stage.CHECKS else StepState.WAITING
        device = StepState.DONE if read else StepState.FAILED if refused else running
        self._steps.set_state("device", device)
        here = StepState.RUNNING if flow.stage is Stage.SCRATCH else StepState.WAITING
        known = flow.part in (Part.OPENING, Part.PRODUCTION, Part.OUTCOME)
        self._steps.set_state("scratch", StepState.DONE if known else here)
        resetting = flow.steps[0].step == RESET
        self._steps.setVisible(not resetting)
        self._reset.setVisible(resetting)
        shown = self._reset if resetting else self._steps
        for one in flow.steps:
            if one.step == RESET and not resetting:
                continue
            shown.set_state(one.step, _STATES[one.mark], one.seconds)
        if flow.part is Part.OPENING and flow.stage is not Stage.STARTING:
            self._steps.set_state("a", StepState.RUNNING)

    def _show_picture(self, flow: Flow) -> None:
        card_in = self._card_in()
        self.guide.picture.set_token(_draws_token(flow, self._kind, self._readers))
        swaps = words.waits_for_own_card_out(flow, card_in=card_in)
        hint = Hint.SWAP if swaps else _HINTS.get(flow.hands, Hint.NONE)
        if flow.stage in (Stage.REFUSED, Stage.INTERRUPTED) and hint is Hint.IN and card_in:
            hint = Hint.NONE
        lamp = Lamp.READY if card_in else Lamp.OFF
        if flow.stage in _TROUBLE and flow.error is not None:
            lamp = Lamp.TROUBLE
        elif self.lane.at_work and flow.hands is Hands.LEAVE_IN:
            lamp = Lamp.BUSY
        own = flow.hands in (Hands.INSERT_OWN_CARD, Hands.SWAP_FOR_OWN_CARD)
        asked = own or (flow.stage is Stage.PIN and flow.single_reader)
        inserted = swaps or (card_in and flow.hands not in (Hands.INSERT_OWN_CARD, Hands.INSERT_DEVICE))
        self.guide.picture.setVisible(not (flow.stage is Stage.READER and not flow.reader))
        self.guide.show_small(flow.over)
        self.guide.picture.show_state(inserted=inserted, lamp=lamp, hint=hint, own_card=asked)

    def _show_readers(self) -> None:
        focused = self.focusWidget()
        chosen = focused.reader if isinstance(focused, ReaderButton) else ""
        self._empty(self._choices)
        token = self._kind is DeviceKind.USB_TOKEN
        made = []
        for found in self._readers.readers:
            filled = found.atr is not None
            own = filled and found.name == self._own()
            if own:
                said = self._texts(N_("the operator's card is in it"))
            else:
                said = self._texts(N_("a device is in it") if filled else N_("empty"))
            drawn = holds_token(found) if filled else token
            one = ReaderButton(self._theme, found.name, said, filled=filled, token=drawn)
            one.clicked.connect(lambda _=False, name=found.name: self.picked.emit(name))
            self._fill(self._choices, one)
            made.append((not (filled and not own), one))
        first = next((one for _, one in made if one.reader == chosen), None)
        best = first or next((one for _, one in sorted(made, key=lambda each: each[0])), None)
        if best is not None and self.isVisible():
            best.setFocus(Qt.FocusReason.OtherFocusReason)

    def _own(self) -> str:
        return next(iter(self._own_readers), "")

    def know_own_reader(self, reader: str) -> None:
        """Learn where the operator's own card is."""
        self._own_readers = (reader,)

    def _show_choices(self, flow: Flow) -> None:
        main = flow.choices[0] is not Event.SET_ASIDE
        for index, choice in enumerate(flow.choices):
            kind = "danger" if choice is Event.SET_ASIDE else "main" if main and not index else ""
            run = partial(self.lane.hear, choice)
            self._fill(self._choices, _choice(self._texts, choice, run, kind))

    def _card_in(self) -> bool:
        return bool(self.lane.flow.reader) and self._readers.card_in(self.lane.flow.reader)

    @staticmethod
    def _fill(place: QWidget, widget: QWidget) -> None:
        layout = place.layout()
        if layout is not None:
            layout.addWidget(widget)
        place.setVisible(True)
        widget.show()  # at once: what is not seen yet takes no focus

    @staticmethod
    def _empty(place: QWidget) -> None:
        layout = place.layout()
        if layout is not None:
            clear(layout)
        place.setVisible(False)


def _choice(texts: LiveTexts, choice: Event, run: Callable[[], None], kind: str) -> QWidget:
    """Return a way to go on with an interrupted production: its button, and below it what it does."""
    made = button(texts, words.CHOICES[choice], run, kind=kind)
    made.setAutoDefault(True)
    made.setMaximumWidth(360)
    inside = column(made, label(texts, words.CHOICES_EXPLAINED[choice], "muted", wrap=True))
    inside.setSpacing(4)
    inside.setContentsMargins(0, 0, 0, 8)
    both = QWidget()
    both.setLayout(inside)
    return both


def _draws_token(flow: Flow, wanted: DeviceKind | None, readers: ReaderWatch) -> bool:
    """Tell whether a token is to be drawn: the one wanted, or the wrong one that is there."""
    there = next((one for one in readers.readers if one.name == flow.reader and one.atr), None)
    if flow.stage is Stage.REFUSED and there is not None:
        return holds_token(there)
    return wanted is DeviceKind.USB_TOKEN and flow.hands is not Hands.INSERT_OWN_CARD


def who(texts: LiveTexts, request: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the lines that say whom a device is for, from a request's document."""
    holder = request.get("holder")
    if not isinstance(holder, Mapping):
        return []
    kind = DeviceKind(str(request["device_kind"]))
    return [
        ("heading", f"{holder['surname']} {holder['given_name']}"),
        ("muted", str(holder["fiscal_code"])),
        ("muted", texts.begin(word(kind))),
    ]
