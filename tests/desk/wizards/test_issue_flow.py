"""The flow of a production at one reader: every cell of its table, and the ways through it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.desk.wizards.issue.flow import (
    AT_WORK,
    ENDS,
    TABLE,
    UNTOUCHED,
    Event,
    Flow,
    Hands,
    Mark,
    NotNow,
    Part,
    Queue,
    Stage,
)
from cmsdesk.domain.production import STEPS, Production, ProductionState
from cmsdesk.operations.errors import CardGone, ScratchCardNotFree, WrongPin
from cmsdesk.operations.issue import Choice, Outcome, Position

READER = "Lettore 1"
POSITION = Position("p1", "7430010000000001", "f", (Choice.RESUME, Choice.RESET))
OUTCOME = Outcome(Production("p1", "r1", "7430010000000001", "SC1", "CF", ProductionState.ISSUED), {})
WORKER = {
    Event.CHECKED, Event.FOUND, Event.REFUSED, Event.NUMBER_REFUSED, Event.ASK_CARD, Event.ASK_PIN,
    Event.ASK_DEVICE, Event.RUNS, Event.STEP, Event.ISSUED, Event.RESET_DONE, Event.ASIDE_DONE,
    Event.INTERRUPTED, Event.STOPPED,
}  # fmt: skip


def facts_of(event: Event) -> dict[str, object]:
    """What an event brings along."""
    return {
        Event.PICK: {"reader": READER},
        Event.NUMBER: {"scratch_card": "SC1"},
        Event.FOUND: {"position": POSITION},
        Event.STEP: {"step": "d", "phase": "begin", "seconds": 0.0},
        Event.ISSUED: {"outcome": OUTCOME},
        Event.INTERRUPTED: {"error": CardGone(reader=READER)},
    }.get(event, {})


def through(*events: Event, flow: Flow | None = None) -> Flow:
    """Send events one after another."""
    flow = flow or Flow(request="r1")
    for event in events:
        flow = flow.on(event, **facts_of(event))
    return flow


@pytest.mark.parametrize(("stage", "event"), list(itertools.product(Stage, Event)))
def test_every_cell(stage: Stage, event: Event) -> None:
    flow = Flow(request="r1", stage=stage, position=POSITION)
    if event in TABLE[stage]:
        assert flow.hears(event)
        assert flow.on(event, **facts_of(event)).stage is TABLE[stage][event]
    else:
        assert not flow.hears(event)
        with pytest.raises(NotNow):
            flow.on(event, **facts_of(event))


def test_every_stage_is_in_the_table_and_can_be_reached() -> None:
    assert set(TABLE) == set(Stage)
    reached, fresh = {Stage.READER}, [Stage.READER]
    while fresh:
        fresh = [to for stage in fresh for to in TABLE[stage].values() if to not in reached]
        reached |= set(fresh)
    assert reached == set(Stage)


def test_every_stage_has_its_part_and_can_be_left_for_an_end() -> None:
    for stage in Stage:
        assert Flow(stage=stage).part in Part
        reached, fresh = {stage}, [stage]
        while fresh:
            fresh = [to for one in fresh for to in TABLE[one].values() if to not in reached]
            reached |= set(fresh)
        assert reached & ENDS, f"no way out of {stage}"


def test_the_worker_is_heard_only_while_it_works() -> None:
    for stage in Stage:
        heard = WORKER & set(TABLE[stage])
        assert bool(heard) == (stage in AT_WORK), stage


def test_nobody_takes_the_reader_from_the_worker() -> None:
    """While it works, a person can only type a PIN or ask to stop; a reader is not listened to."""
    for stage in AT_WORK:
        others = set(TABLE[stage]) - WORKER
        assert others <= {Event.STOP, Event.TYPED}, stage


def test_once_codes_were_changed_only_choices_lead_on() -> None:
    """From step b on there is no way to an end but issue, reset, set aside or leaving it for later."""
    for stage in (Stage.RUNNING, Stage.RESETTING, Stage.SETTING_ASIDE):
        assert stage not in UNTOUCHED
        assert Event.LEAVE not in TABLE[stage]
        assert Event.STOPPED not in TABLE[stage]


def test_the_straight_way() -> None:
    flow = through(
        Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_PIN, Event.TYPED, Event.RUNS
    )
    assert (flow.stage, flow.reader, flow.scratch_card) == (Stage.RUNNING, READER, "SC1")
    for step in STEPS:
        for phase, mark in (("begin", Mark.RUNNING), ("acted", Mark.RUNNING), ("done", Mark.DONE)):
            flow = flow.on(Event.STEP, step=step.value, phase=phase, seconds=0.25)
            assert next(one for one in flow.steps if one.step == step.value).mark is mark
    assert [one.seconds for one in flow.steps] == [0.25] * len(STEPS)
    flow = flow.on(Event.ISSUED, outcome=OUTCOME)
    assert flow.over
    assert flow.part is Part.OUTCOME
    assert flow.hands is Hands.REMOVE_DEVICE


def test_all_steps_are_shown_from_the_start() -> None:
    assert [one.step for one in Flow().steps] == list("abcdefghij")
    assert {one.mark for one in Flow().steps} == {Mark.WAITING}


def test_a_desk_with_one_reader_swaps_twice() -> None:
    start = Flow(request="r1", single_reader=True)
    flow = through(Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_CARD, flow=start)
    assert flow.hands is Hands.SWAP_FOR_OWN_CARD
    flow = through(Event.ASK_PIN, flow=flow)
    assert flow.hands is Hands.NOTHING
    flow = through(Event.TYPED, Event.ASK_DEVICE, flow=flow)
    assert flow.hands is Hands.SWAP_BACK
    assert through(Event.RUNS, flow=flow).hands is Hands.LEAVE_IN


def test_an_absent_operators_card_is_asked_for() -> None:
    flow = through(Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_CARD)
    assert flow.hands is Hands.INSERT_OWN_CARD


def test_a_wrong_pin_is_asked_for_again_with_the_tries() -> None:
    flow = through(Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_PIN, Event.TYPED)
    flow = flow.on(Event.ASK_PIN, error=WrongPin(tries_left=2), tries_left=2)
    assert (flow.stage, flow.tries_left) == (Stage.PIN, 2)
    assert isinstance(flow.error, WrongPin)
    assert flow.on(Event.TYPED).error is None


def test_a_taken_scratch_card_is_asked_for_again_in_place() -> None:
    flow = through(Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER)
    flow = flow.on(Event.NUMBER_REFUSED, error=ScratchCardNotFree(number="SC1", state="used"))
    assert flow.stage is Stage.SCRATCH
    assert isinstance(flow.error, ScratchCardNotFree)


def test_a_pulled_card_marks_its_step_and_is_wanted_back() -> None:
    flow = through(
        Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_PIN, Event.TYPED, Event.RUNS
    )
    flow = flow.on(Event.STEP, step="a", phase="done", seconds=0.1)
    flow = flow.on(Event.STEP, step="b", phase="begin", seconds=0.0)
    flow = flow.on(Event.INTERRUPTED, error=CardGone(reader=READER), device="7430010000000001")
    assert [one.mark for one in flow.steps[:3]] == [Mark.DONE, Mark.STOPPED, Mark.WAITING]
    assert flow.hands is Hands.PUT_BACK
    assert set(flow.choices) == {Event.AGAIN, Event.SET_ASIDE}
    found = through(Event.CARD_IN, Event.FOUND, flow=flow)
    assert found.stage is Stage.UNFINISHED
    assert [one.mark for one in found.steps] == [Mark.DONE] * 5 + [Mark.STOPPED] + [Mark.WAITING] * 4


@pytest.mark.parametrize(
    ("offered", "choices"),
    [
        ((Choice.RESUME, Choice.RESET), (Event.RESUME, Event.RESET, Event.SET_ASIDE)),
        ((Choice.RESUME,), (Event.RESUME, Event.SET_ASIDE)),
        ((Choice.RESET,), (Event.RESET, Event.SET_ASIDE)),
        ((), (Event.SET_ASIDE,)),
    ],
)
def test_what_is_offered_for_an_interrupted_one(
    offered: tuple[Choice, ...], choices: tuple[Event, ...]
) -> None:
    found = through(Event.PICK, Event.CARD_IN).on(Event.FOUND, position=replace(POSITION, choices=offered))
    assert found.choices == choices
    assert found.device == POSITION.device


def test_reset_then_repeat_on_the_same_device() -> None:
    flow = through(Event.PICK, Event.CARD_IN, Event.FOUND, Event.RESET)
    assert [one.step for one in flow.steps] == ["reset"]
    flow = through(Event.RESET_DONE, Event.AGAIN, Event.CHECKED, flow=flow)
    assert flow.stage is Stage.SCRATCH
    assert [one.step for one in flow.steps] == list("abcdefghij")


def test_stopping_is_offered_once_and_not_at_the_last_step() -> None:
    flow = through(
        Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_PIN, Event.TYPED, Event.RUNS
    )
    assert flow.may_stop
    assert not flow.on(Event.STOP).may_stop
    last = flow.on(Event.STEP, step="j", phase="begin", seconds=0.0)
    assert not last.may_stop


def test_a_stop_before_step_a_leaves_nothing_under_way() -> None:
    flow = through(
        Event.PICK, Event.CARD_IN, Event.CHECKED, Event.NUMBER, Event.ASK_PIN, Event.STOP, Event.STOPPED
    )
    assert flow.stage is Stage.CANCELLED


def test_another_device_forgets_the_last_one() -> None:
    flow = through(Event.PICK, Event.CARD_IN, Event.FOUND, Event.CARD_OUT)
    assert (flow.stage, flow.reader, flow.device, flow.position) == (Stage.READER, READER, "", None)
    assert {one.mark for one in flow.steps} == {Mark.WAITING}


@given(st.lists(st.sampled_from(list(Event)), max_size=60))
def test_no_sequence_breaks_it(events: list[Event]) -> None:
    """Whatever is heard, the flow stays whole: a list of steps, at most one running, choices it can take."""
    flow = Flow(request="r1")
    for event in events:
        if not flow.hears(event):
            continue
        flow = flow.on(event, **facts_of(event))
        assert flow.steps
        assert sum(one.mark is Mark.RUNNING for one in flow.steps) <= 1
        assert all(flow.hears(choice) for choice in flow.choices)
        assert flow.hands in Hands
        if flow.stage in (Stage.RUNNING, Stage.RESETTING):
            assert flow.hands is Hands.LEAVE_IN


def test_a_queue_goes_through_several_readers() -> None:
    queue = Queue().add(["r1", "r2", "r3"])
    queue, first = queue.take()
    queue, second = queue.take()
    assert (first, second, queue.waiting) == ("r1", "r2", ("r3",))
    assert queue.add(["r1", "r3"]) == queue
    queue, third = queue.finish("r1", issued=True).take()
    queue = queue.finish("r2", issued=False).finish("r3", issued=True).finish("r3", issued=True)
    assert (third, queue.done, queue.left, queue.under_way) == ("r3", ("r1", "r3"), ("r2",), frozenset())
    assert queue.size == 3
    assert [queue.place(one) for one in ("r1", "r2", "r3", "r4")] == [1, 2, 3, 0]
    assert queue.take() == (queue, "")
    assert queue.add(["r2"]) == Queue(("r2",)), "what is over is forgotten when the next queue begins"
