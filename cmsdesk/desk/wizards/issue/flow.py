"""Where a production at one reader stands, and what may happen next: an explicit table, free of Qt and cards.

Three parties speak to it: the person, the readers, and the worker that has the card in hand. Whatever
is not in `TABLE` cannot happen; readers speak when they like, so what they say is ignored where the
table has no place for it (`Flow.hears`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from cmsdesk.domain.production import RESET, STEPS, Step
from cmsdesk.operations.issue import Choice, Outcome, Position
from cmsdesk.operations.ports import DeviceFacts


class Stage(Enum):
    """What is going on at the reader."""

    READER = "reader"
    """A reader is to be chosen, or the device to be put into the one chosen."""
    CHECKS = "checks"
    """The device is being read and checked; nothing is changed."""
    REFUSED = "refused"
    """A check failed: another device, or the cause mended, then again."""
    UNFINISHED = "unfinished"
    """The device has an interrupted production: resume, reset, set aside."""
    SCRATCH = "scratch"
    """The scratch card's number is to be read."""
    STARTING = "starting"
    """Everything is checked once more before the opening is signed."""
    OPERATOR = "operator"
    """The operator's own card is wanted in a reader."""
    PIN = "pin"
    """The operator's PIN is wanted."""
    SIGNING = "signing"
    """The operator's card signs the opening."""
    DEVICE_BACK = "device_back"
    """A desk with one reader: the operator's card comes out, the device goes back in."""
    RUNNING = "running"
    """Steps a–j are under way."""
    INTERRUPTED = "interrupted"
    """The production stopped half-way; the device is wanted back."""
    RESETTING = "resetting"
    SETTING_ASIDE = "setting_aside"
    ISSUED = "issued"
    """Done: the outcome is shown."""
    WAS_RESET = "was_reset"
    """The device is as it came; the production can be repeated on it."""
    ASIDE = "aside"
    """The device was given up; the request can be produced on another."""
    CANCELLED = "cancelled"
    """Left by the person with nothing under way here."""


class Event(Enum):
    """What happens."""

    # the person
    PICK = "pick"
    NUMBER = "number"
    TYPED = "typed"
    """The PIN was typed: it went to the card, not here."""
    RESUME = "resume"
    RESET = "reset"
    SET_ASIDE = "set_aside"
    AGAIN = "again"
    STOP = "stop"
    """Stop as soon as the card allows it."""
    LEAVE = "leave"
    # the readers
    CARD_IN = "card_in"
    CARD_OUT = "card_out"
    # the worker
    CHECKED = "checked"
    FOUND = "found"
    REFUSED = "refused"
    NUMBER_REFUSED = "number_refused"
    ASK_CARD = "ask_card"
    ASK_PIN = "ask_pin"
    ASK_DEVICE = "ask_device"
    RUNS = "runs"
    STEP = "step"
    ISSUED = "issued"
    RESET_DONE = "reset_done"
    ASIDE_DONE = "aside_done"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    """Stopped at the person's wish, before anything was changed."""


_S, _E = Stage, Event
_READY: Mapping[Event, Stage] = {
    _E.REFUSED: _S.REFUSED,
    _E.STOPPED: _S.CANCELLED,
}
"""How every stage between the checks and step a may end."""

TABLE: Mapping[Stage, Mapping[Event, Stage]] = {
    _S.READER: {
        _E.PICK: _S.READER,
        _E.CARD_IN: _S.CHECKS,
        _E.LEAVE: _S.CANCELLED,
    },
    _S.CHECKS: {
        _E.CHECKED: _S.SCRATCH,
        _E.FOUND: _S.UNFINISHED,
        _E.REFUSED: _S.REFUSED,
    },
    _S.REFUSED: {
        _E.AGAIN: _S.CHECKS,
        _E.CARD_OUT: _S.READER,
        _E.CARD_IN: _S.CHECKS,
        _E.PICK: _S.READER,
        _E.LEAVE: _S.CANCELLED,
    },
    _S.UNFINISHED: {
        _E.RESUME: _S.RUNNING,
        _E.RESET: _S.RESETTING,
        _E.SET_ASIDE: _S.SETTING_ASIDE,
        _E.CARD_OUT: _S.READER,
        _E.LEAVE: _S.CANCELLED,
    },
    _S.SCRATCH: {
        _E.NUMBER: _S.STARTING,
        _E.CARD_OUT: _S.READER,
        _E.LEAVE: _S.CANCELLED,
    },
    _S.STARTING: {
        **_READY,
        _E.NUMBER_REFUSED: _S.SCRATCH,
        _E.ASK_CARD: _S.OPERATOR,
        _E.ASK_PIN: _S.PIN,
        _E.STOP: _S.STARTING,
    },
    _S.OPERATOR: {
        **_READY,
        _E.ASK_CARD: _S.OPERATOR,
        _E.ASK_PIN: _S.PIN,
        _E.STOP: _S.OPERATOR,
    },
    _S.PIN: {
        **_READY,
        _E.TYPED: _S.SIGNING,
        _E.ASK_CARD: _S.OPERATOR,
        _E.STOP: _S.PIN,
    },
    _S.SIGNING: {
        **_READY,
        _E.ASK_PIN: _S.PIN,
        _E.ASK_CARD: _S.OPERATOR,
        _E.ASK_DEVICE: _S.DEVICE_BACK,
        _E.RUNS: _S.RUNNING,
    },
    _S.DEVICE_BACK: {
        **_READY,
        _E.ASK_DEVICE: _S.DEVICE_BACK,
        _E.RUNS: _S.RUNNING,
        _E.STOP: _S.DEVICE_BACK,
    },
    _S.RUNNING: {
        _E.STEP: _S.RUNNING,
        _E.ISSUED: _S.ISSUED,
        _E.INTERRUPTED: _S.INTERRUPTED,
        _E.STOP: _S.RUNNING,
    },
    _S.INTERRUPTED: {
        _E.CARD_IN: _S.CHECKS,
        _E.AGAIN: _S.CHECKS,
        _E.SET_ASIDE: _S.SETTING_ASIDE,
        _E.LEAVE: _S.CANCELLED,
    },
    _S.RESETTING: {
        _E.STEP: _S.RESETTING,
        _E.RESET_DONE: _S.WAS_RESET,
        _E.INTERRUPTED: _S.INTERRUPTED,
    },
    _S.SETTING_ASIDE: {
        _E.ASIDE_DONE: _S.ASIDE,
        _E.INTERRUPTED: _S.INTERRUPTED,
    },
    _S.ISSUED: {_E.LEAVE: _S.ISSUED},
    _S.WAS_RESET: {
        _E.AGAIN: _S.CHECKS,
        _E.CARD_OUT: _S.READER,
        _E.LEAVE: _S.CANCELLED,
    },
    _S.ASIDE: {_E.LEAVE: _S.ASIDE},
    _S.CANCELLED: {},
}
"""What may follow what."""

ENDS = frozenset({_S.ISSUED, _S.ASIDE, _S.CANCELLED})
"""Nothing more happens to the request at this reader."""
AT_WORK = frozenset(
    {_S.CHECKS, _S.STARTING, _S.OPERATOR, _S.PIN, _S.SIGNING, _S.DEVICE_BACK, _S.RUNNING, _S.RESETTING}
    | {_S.SETTING_ASIDE}
)
"""The worker has the reader."""
UNTOUCHED = frozenset({_S.READER, _S.CHECKS, _S.REFUSED, _S.SCRATCH, _S.STARTING, _S.OPERATOR, _S.PIN})
"""Nothing was changed on a device."""


class Mark(Enum):
    """How a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True)
class StepMark:
    """One step of the list."""

    step: str
    mark: Mark = Mark.WAITING
    seconds: float | None = None


class Part(Enum):
    """The parts of the whole, all shown from the start."""

    DEVICE = "device"
    SCRATCH = "scratch"
    OPENING = "opening"
    PRODUCTION = "production"
    OUTCOME = "outcome"


_PARTS: Mapping[Stage, Part] = {
    _S.READER: Part.DEVICE,
    _S.CHECKS: Part.DEVICE,
    _S.REFUSED: Part.DEVICE,
    _S.CANCELLED: Part.DEVICE,
    _S.SCRATCH: Part.SCRATCH,
    _S.STARTING: Part.OPENING,
    _S.OPERATOR: Part.OPENING,
    _S.PIN: Part.OPENING,
    _S.SIGNING: Part.OPENING,
    _S.DEVICE_BACK: Part.OPENING,
    _S.UNFINISHED: Part.PRODUCTION,
    _S.RUNNING: Part.PRODUCTION,
    _S.INTERRUPTED: Part.PRODUCTION,
    _S.RESETTING: Part.PRODUCTION,
    _S.SETTING_ASIDE: Part.PRODUCTION,
    _S.WAS_RESET: Part.PRODUCTION,
    _S.ISSUED: Part.OUTCOME,
    _S.ASIDE: Part.OUTCOME,
}


class Hands(Enum):
    """What the person does with their hands now."""

    NOTHING = "nothing"
    INSERT_DEVICE = "insert_device"
    LEAVE_IN = "leave_in"
    """Do not touch: the device is being worked on."""
    REMOVE_DEVICE = "remove_device"
    INSERT_OWN_CARD = "insert_own_card"
    SWAP_FOR_OWN_CARD = "swap_for_own_card"
    SWAP_BACK = "swap_back"
    PUT_BACK = "put_back"
    """The same device, after it left."""


_HANDS: Mapping[Stage, Hands] = {
    _S.READER: Hands.INSERT_DEVICE,
    _S.CHECKS: Hands.LEAVE_IN,
    _S.REFUSED: Hands.REMOVE_DEVICE,
    _S.UNFINISHED: Hands.LEAVE_IN,
    _S.SCRATCH: Hands.LEAVE_IN,
    _S.STARTING: Hands.LEAVE_IN,
    _S.PIN: Hands.LEAVE_IN,
    _S.SIGNING: Hands.LEAVE_IN,
    _S.DEVICE_BACK: Hands.SWAP_BACK,
    _S.RUNNING: Hands.LEAVE_IN,
    _S.RESETTING: Hands.LEAVE_IN,
    _S.WAS_RESET: Hands.LEAVE_IN,
    _S.INTERRUPTED: Hands.PUT_BACK,
    _S.ISSUED: Hands.REMOVE_DEVICE,
    _S.ASIDE: Hands.REMOVE_DEVICE,
}


class NotNow(ValueError):
    """An event that the table has no place for: a bug of the caller."""


@dataclass(frozen=True)
class Flow:
    """One production at one reader. Immutable: `on` returns the next."""

    request: str = ""
    """Empty for a device that was merely found with an interrupted production."""
    stage: Stage = Stage.READER
    reader: str = ""
    single_reader: bool = False
    """The desk has one reader: the operator's card and the device take turns in it."""
    facts: DeviceFacts | None = None
    device: str = ""
    """Serial of the device under way."""
    scratch_card: str = ""
    tries_left: int | None = None
    """Of the operator's PIN, as the card says."""
    steps: tuple[StepMark, ...] = field(default=tuple(StepMark(step.value) for step in STEPS))
    position: Position | None = None
    error: BaseException | None = None
    """What is shown in place: why the last attempt did not go on."""
    outcome: Outcome | None = None
    stopping: bool = False

    # --- asking --------------------------------------------------------------------------------

    @property
    def part(self) -> Part:
        """Which part of the whole this is."""
        return _PARTS[self.stage]

    @property
    def hands(self) -> Hands:
        """What the person does with their hands."""
        if self.stage is Stage.OPERATOR:
            return Hands.SWAP_FOR_OWN_CARD if self.single_reader else Hands.INSERT_OWN_CARD
        if self.stage is Stage.PIN and self.single_reader:
            return Hands.NOTHING
        return _HANDS.get(self.stage, Hands.NOTHING)

    @property
    def over(self) -> bool:
        """Whether nothing more happens here."""
        return self.stage in ENDS

    @property
    def choices(self) -> tuple[Event, ...]:
        """What the person may choose for an interrupted production."""
        if self.stage is Stage.INTERRUPTED:
            return (Event.AGAIN, Event.SET_ASIDE) if self.device else (Event.AGAIN,)
        if self.stage is not Stage.UNFINISHED or self.position is None:
            return ()
        offered = {Choice.RESUME: Event.RESUME, Choice.RESET: Event.RESET}
        return (*(offered[choice] for choice in self.position.choices), Event.SET_ASIDE)

    @property
    def may_stop(self) -> bool:
        """Whether stopping is of use: not once the holder's codes are being set, nor twice."""
        if self.stopping or not self.hears(Event.STOP):
            return False
        last = self.steps[-1]
        return self.stage is not Stage.RUNNING or last.mark is Mark.WAITING

    @property
    def may_leave(self) -> bool:
        """Whether the person may go back without stopping anything."""
        return self.hears(Event.LEAVE)

    def hears(self, event: Event) -> bool:
        """Tell whether the table has a place for ``event`` now."""
        return event in TABLE[self.stage]

    # --- going on ------------------------------------------------------------------------------

    def on(self, event: Event, /, **facts: Any) -> Flow:
        """Return what follows ``event``; ``facts`` are fields of the flow that it brings.

        A step's facts are ``step``, ``phase`` («begin», «acted», «done») and ``seconds``.

        Raises:
            NotNow: the table has no place for it.
        """
        to = TABLE[self.stage].get(event)
        if to is None:
            raise NotNow(f"{event.value} when {self.stage.value}")
        if event is Event.STEP:
            return replace(self, steps=_stepped(self.steps, **facts))
        if event is Event.STOP:
            return replace(self, stopping=True)
        kept = facts.pop("error", None)
        after = replace(self, stage=to, error=kept, stopping=False, **facts)
        return _entered(after, event)


def _entered(flow: Flow, event: Event) -> Flow:
    """Return the flow with what entering its stage forgets or marks."""
    if flow.stage is Stage.READER:
        return replace(flow, facts=None, device="", position=None, steps=Flow().steps)
    if event is Event.CHECKED:
        return replace(flow, steps=Flow().steps, position=None)
    if event is Event.FOUND and flow.position is not None:
        return replace(flow, steps=_found(flow.position), device=flow.position.device)
    if flow.stage is Stage.INTERRUPTED:
        return replace(flow, steps=tuple(_halted(mark) for mark in flow.steps))
    if event is Event.RESET:
        return replace(flow, steps=(StepMark(RESET),))
    if event is Event.ISSUED:
        return replace(flow, steps=tuple(replace(mark, mark=Mark.DONE) for mark in flow.steps))
    return flow


def _stepped(marks: tuple[StepMark, ...], *, step: str, phase: str, seconds: float) -> tuple[StepMark, ...]:
    """Return the list after one word of progress."""
    mark = Mark.DONE if phase == "done" else Mark.RUNNING
    known = any(one.step == step for one in marks)
    listed = marks if known else (*marks, StepMark(step))
    return tuple(
        replace(one, mark=mark, seconds=seconds if phase == "done" else None) if one.step == step else one
        for one in listed
    )


def _found(position: Position) -> tuple[StepMark, ...]:
    """Return the list of an interrupted production: all before its step is done, from other times."""
    if position.step == RESET:
        return (StepMark(RESET, Mark.STOPPED),)
    at = STEPS.index(Step(position.step))
    return tuple(
        StepMark(step.value, Mark.DONE if index < at else Mark.STOPPED if index == at else Mark.WAITING)
        for index, step in enumerate(STEPS)
    )


def _halted(mark: StepMark) -> StepMark:
    return replace(mark, mark=Mark.STOPPED) if mark.mark is Mark.RUNNING else mark


@dataclass(frozen=True)
class Queue:
    """Requests to be produced one after another, by one or several readers at once."""

    waiting: tuple[str, ...] = ()
    under_way: frozenset[str] = frozenset()
    taken: tuple[str, ...] = ()
    """All that were ever under way, in their order."""
    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Cancelled, set aside: still to be produced another time."""

    @property
    def size(self) -> int:
        """How many requests there are in all."""
        return len(self.waiting) + len(self.under_way) + len(self.done) + len(self.left)

    def add(self, requests: Sequence[str]) -> Queue:
        """Return the queue with those of ``requests`` at its end that are neither waiting nor under way."""
        fresh = tuple(one for one in requests if one not in self.waiting and one not in self.under_way)
        if not self.waiting and not self.under_way:
            return Queue(fresh)
        return replace(self, waiting=(*self.waiting, *fresh))

    def take(self) -> tuple[Queue, str]:
        """Return the queue with its next request under way, and that request; empty when none waits."""
        if not self.waiting:
            return self, ""
        first, *rest = self.waiting
        under_way, taken = self.under_way | {first}, (*self.taken, first)
        return replace(self, waiting=tuple(rest), under_way=under_way, taken=taken), first

    def place(self, request: str) -> int:
        """Return which of the queue's requests this one is, from 1; 0 when it was not taken from it."""
        return max((at for at, one in enumerate(self.taken, 1) if one == request), default=0)

    def finish(self, request: str, *, issued: bool) -> Queue:
        """Return the queue with ``request`` no longer under way."""
        if request not in self.under_way:
            return self
        others = self.under_way - {request}
        if issued:
            return replace(self, under_way=others, done=(*self.done, request))
        return replace(self, under_way=others, left=(*self.left, request))
