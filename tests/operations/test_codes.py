"""Where PIN and PUK are, after every order of interruptions (PRO-4, PRO-7; issue 2, point 4)."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmsdesk.domain.production import STEPS, ProductionState, Step
from cmsdesk.operations.errors import DeviceUnproven, LastTry, TransportCodesRefused
from cmsdesk.operations.issue.codes import What
from cmsdesk.operations.issue.position import Choice
from tests.operations.chip_model import Durable, ended_well, give_up, insert, make_work

BOTH: tuple[What, What] = ("pin", "puk")


def state_of(durable: Durable) -> tuple[Any, ...]:
    """Return all that the next run can depend on: what lasts, with the log as its readers see it."""
    work = make_work(durable)
    chip, notes = durable.chip, work.notes
    beliefs = [work.codes._belief(what) for what in BOTH]
    return (
        tuple(chip.values.items()),
        tuple(chip.tries.items()),
        chip.filled,
        chip.creation,
        tuple(frozenset(chip.wrong[what]) for what in BOTH),
        durable.state,
        durable.bound,
        durable.escrowed,
        durable.scratch_released,
        durable.vault,
        tuple((tuple(belief.possible), belief.lost_try, belief.spent) for belief in beliefs),
        tuple(notes.is_done(step) for step in STEPS),
        notes.has_begun("reset"),
        any(notes.of_kinds("wiped")),
        tuple(any(e.facts["what"] == what for e in notes.of_kinds("changed")) for what in BOTH),
    )


def every_interruption(start: Durable) -> int:
    """Interrupt after every point, again and again, until no new state appears; return how many there are."""
    seen, todo = {state_of(start)}, deque([start])
    while todo:
        durable = todo.popleft()
        may_be_set_aside(durable)
        for choice in Choice:
            for cut_at in range(1, 200):
                after = durable.copy()
                outcome = insert(after, choice, cut_at)
                if outcome != "cut":
                    assert outcome == "no choice" or ended_well(after, choice)
                    break
                state = state_of(after)
                if state not in seen:
                    seen.add(state)
                    todo.append(after)
            else:
                raise AssertionError("the run does not end")
    return len(seen)


def may_be_set_aside(durable: Durable) -> None:
    """Set the device aside, interrupted at every point and then again, wherever the production stands."""
    if durable.vault == "confirmed" or durable.state is ProductionState.RESET:
        return
    for cut_at in range(1, 20):
        after = durable.copy()
        outcome = give_up(after, cut_at)
        if outcome == "cut":
            assert give_up(after) == "done"
        assert (after.state, after.vault) == (ProductionState.RESET, "discarded")
        if outcome == "done":
            return
    raise AssertionError("setting aside does not end")


def test_every_order_of_interruptions_is_survived_without_end() -> None:
    # The chip of the model asserts at every command that no last try and no wrong value twice is spent.
    assert every_interruption(Durable()) > 80


def test_a_card_that_hides_its_counters_is_survived_where_tries_last() -> None:
    # Nothing tells then whether a lost try was sent: at most one interruption of each change is borne.
    for choice in Choice:
        for cut_at in range(1, 200):
            durable = Durable(shows_counters=False)
            if insert(durable, Choice.RESUME, cut_at) != "cut":
                break
            outcome = insert(durable, choice)
            assert outcome == "no choice" or ended_well(durable, choice)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from(Choice)), max_size=14), st.sampled_from(Choice))
def test_long_random_histories_end_well(cuts: list[tuple[int, Choice]], last: Choice) -> None:
    durable = Durable()
    for cut_at, choice in cuts:
        if insert(durable, choice, cut_at) == "done":
            assert ended_well(durable, choice)
            return
    outcome = insert(durable, last)
    if outcome == "no choice":
        last = next(choice for choice in Choice if choice is not last)
        outcome = insert(durable, last)
    assert outcome == "done"
    assert ended_well(durable, last)


def test_an_undisturbed_run_spends_no_try_and_reads_no_counter() -> None:
    durable = Durable()
    assert insert(durable, Choice.RESUME) == "done"
    phases = [entry.phase for entry in durable.log if entry.phase not in ("begin", "done")]
    assert phases == ["change", "changed"] * 4


def cut_inside_a_change(what: What, took_effect: bool) -> Durable:
    """Return what is left when step b's change of ``what`` was cut."""
    for cut_at in range(1, 60):
        durable = Durable()
        insert(durable, Choice.RESUME, cut_at)
        codes = make_work(durable).codes
        if not codes.is_certain(what) and (durable.chip.values[what] == "random") == took_effect:
            return durable
    raise AssertionError("no such cut")


@pytest.mark.parametrize("what", BOTH)
@pytest.mark.parametrize("took_effect", [False, True])
def test_the_later_value_is_tried_once(what: What, took_effect: bool) -> None:
    durable = cut_inside_a_change(what, took_effect)
    work = make_work(durable)
    work.codes.load(Step.REPLACE_CODES, "transport", "random")
    assert work.codes.current(what) == ("random" if took_effect else "transport")
    assert [e.facts["label"] for e in work.notes.of_kinds("try")] == ["random"]
    assert durable.chip.tries[what] == (3 if took_effect else 2)
    assert work.codes.settle(what) == ("random" if took_effect else "transport")
    assert durable.chip.tries[what] == 3


@pytest.mark.parametrize("what", BOTH)
def test_on_the_last_try_nothing_is_sent(what: What) -> None:
    durable = cut_inside_a_change(what, False)
    durable.chip.tries[what] = 1
    work = make_work(durable)
    work.codes.load(Step.REPLACE_CODES, "transport", "random")
    with pytest.raises(LastTry):
        work.codes.current(what)
    assert not list(work.notes.of_kinds("try"))
    assert durable.chip.wrong[what] == set()
    assert durable.chip.tries[what] == 1


@pytest.mark.parametrize("what", BOTH)
def test_a_lost_answer_is_read_from_the_counter(what: What) -> None:
    durable = cut_inside_a_change(what, False)
    make_work(durable).notes.add("try", what=what, label="random", tries=3)
    durable.chip.tries[what] = 2
    durable.chip.wrong[what].add("random")  # it was sent: sending it again would trip the model
    work = make_work(durable)
    work.codes.load(Step.REPLACE_CODES, "transport", "random")
    assert work.codes.current(what) == "transport"
    assert insert(durable, Choice.RESUME) == "done"


@pytest.mark.parametrize("what", BOTH)
def test_a_lost_answer_with_one_try_left_still_tells(what: What) -> None:
    durable = cut_inside_a_change(what, False)
    make_work(durable).notes.add("try", what=what, label="random", tries=2)
    durable.chip.tries[what] = 1
    work = make_work(durable)
    assert work.codes.current(what) == "transport"


@pytest.mark.parametrize("what", BOTH)
def test_transport_codes_that_the_card_refuses_are_sent_once(what: What) -> None:
    durable = Durable()
    durable.chip.values[what] = "of another lot"
    with pytest.raises(TransportCodesRefused):
        insert(durable, Choice.RESUME)
    for _ in range(5):
        # With its PUK the device can be reset; without, it can only be set aside.
        if what == "puk":
            assert insert(durable, Choice.RESUME) == insert(durable, Choice.RESET) == "no choice"
        else:
            with pytest.raises(TransportCodesRefused):
                insert(durable, Choice.RESUME)
    assert durable.chip.tries[what] == 2
    may_be_set_aside(durable)


def test_a_puk_that_the_card_refuses_is_sent_once_by_resets_too() -> None:
    durable = Durable()
    durable.chip.values["puk"] = "of another lot"
    with pytest.raises(TransportCodesRefused):
        insert(durable, Choice.RESET)
    for _ in range(5):
        assert insert(durable, Choice.RESET) == insert(durable, Choice.RESUME) == "no choice"
    assert durable.chip.tries["puk"] == 2
    assert durable.state is ProductionState.RESETTING
    may_be_set_aside(durable)


def test_a_card_changed_by_others_after_step_b_is_not_fought_with() -> None:
    durable = Durable()
    for cut_at in range(1, 60):
        durable = Durable()
        insert(durable, Choice.RESUME, cut_at)
        if make_work(durable).notes.is_done(Step.CONFIRM):
            break
    durable.chip.values["puk"] = "somebody's"
    with pytest.raises(DeviceUnproven):
        insert(durable, Choice.RESUME)
    for choice in Choice:
        assert insert(durable, choice) == "no choice"
    assert durable.chip.tries["puk"] == 2
    may_be_set_aside(durable)


def test_pin_and_puk_are_known_apart() -> None:
    work = make_work(Durable())
    work.notes.add("changed", what="pin", label="random")
    assert work.codes.known("pin") == "random"
    assert work.codes.current("puk") == "transport"
