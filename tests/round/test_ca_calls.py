"""Every call to the CA is lost, before it arrived or after its effect; nothing stays valid in vain."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from cmsdesk.base.errors import Mendable
from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.operations.errors import (
    CaClosed,
    CannotResume,
    CaPending,
    CaUnreachable,
    Interrupted,
    ResetIncomplete,
)
from cmsdesk.operations.issue import Choice, Parts
from cmsdesk.operations.issue.reset import withdraw_pending
from tests.round.bench import CARD_EC, Bench, Case, Lane, Sitting
from tests.round.cuts import End
from tests.round.plan import CutPlan
from tests.round.verdicts import is_clean, is_issued, waits_for_the_ca

_LOSSES = ("lose_request", "lose_answer", "error", "error_after")
_MOST_ATTEMPTS = 1000


@dataclass(frozen=True)
class Loss:
    """One call that does not come through."""

    call: int
    kind: str
    choice: Choice
    other_process: bool
    """Whether another client goes on, which remembers no order."""
    times: int = 1

    def __str__(self) -> str:
        return f"call {self.call}: {self.kind}; {self.choice.value}, other process: {self.other_process}"


def arm(bench: Bench, loss: Loss) -> None:
    """Let calls pass until the one that is lost."""
    bench.world.ca.clear()
    bench.world.ca.fault(loss.kind, skip=loss.call, times=loss.times)


def calls_of_a_round(bench: Bench, lane: Lane) -> list[str]:
    """Return the calls that a whole round makes."""
    bench.world.ca.clear()
    case = bench.case(CARD_EC)
    bench.issue(lane, case)
    lane.empty()
    return [str(call) for call in bench.world.ca.report()["requests"]]


def lost_round(bench: Bench, lane: Lane, loss: Loss) -> End:
    """Lose one call of a round, go on, and judge the end."""
    case = bench.case(CARD_EC)
    lane.insert(case.path)
    arm(bench, loss)
    authority = bench.authority()
    # a health check that fails says that the CA is out of order
    lost = pytest.raises((CaUnreachable, CaClosed))
    with Sitting(bench, lane, case, parts=bench.parts_with(authority)) as sitting, lost:
        sitting.begin()
    if loss.other_process:
        authority.close()
        authority = bench.authority()
    bench.world.ca.clear()
    with Sitting(bench, lane, case, parts=bench.parts_with(authority)) as sitting:
        end = _go_on(bench, case, sitting, loss.choice)
    authority.close()
    lane.empty()
    return end


def _go_on(bench: Bench, case: Case, sitting: Sitting, choice: Choice) -> End:
    position = sitting.examine()
    if position is None:
        is_clean(bench, case)
        return End.UNTOUCHED
    assert set(position.choices) == set(Choice)
    if choice is Choice.RESUME:
        sitting.resume()
        is_issued(bench, case)
        return End.RESUMED
    sitting.reset()
    is_clean(bench, case)
    return End.RESET


def test_every_call_lost(bench: Bench, lane: Lane, cut_plan: CutPlan) -> None:
    calls = calls_of_a_round(bench, lane)
    losses = [
        # with the first certificate noted, the second is asked for once more by itself: lost too
        Loss(call, kind, choice, other, times=2)
        for call in range(len(calls))
        for turn, kind in enumerate(_LOSSES)
        for choice in Choice
        for other in (False, True)
        if cut_plan.whole or (choice is list(Choice)[(call + turn // 2) % 2] and other is bool(turn % 2))
    ]
    ends = Counter(lost_round(bench, lane, loss) for loss in losses)
    asked = sum(call in ("add", "certify") for call in calls)
    assert asked == 4
    assert ends[End.RESUMED] + ends[End.RESET] == len(losses) * asked // len(calls)
    assert ends[End.RESUMED] == ends[End.RESET]


@pytest.mark.parametrize("call", [4, 5])
@pytest.mark.parametrize("kind", _LOSSES)
def test_one_loss_after_the_first_certificate_stops_nobody(
    bench: Bench, lane: Lane, kind: str, call: int
) -> None:
    case = bench.case(CARD_EC)
    lane.insert(case.path)
    arm(bench, Loss(call, kind, Choice.RESUME, False))
    with Sitting(bench, lane, case) as sitting:
        sitting.begin()
    is_issued(bench, case)


def test_an_answer_that_comes_too_late(bench: Bench, lane: Lane) -> None:
    for choice in Choice:
        case = bench.case(CARD_EC)
        lane.insert(case.path)
        bench.world.ca.clear()
        bench.world.ca.slow(900, on=("certify",))
        authority = bench.authority(answer_timeout_s=0.3)
        with Sitting(bench, lane, case, parts=bench.parts_with(authority)) as sitting:
            with pytest.raises(CaUnreachable):
                sitting.begin()
            bench.world.ca.clear()
            _go_on(bench, case, sitting, choice)
        authority.close()
        lane.empty()


def interrupted_with_certificates(bench: Bench, lane: Lane) -> tuple[Case, Sitting]:
    """Return a case whose card was pulled in step h, back in the reader."""
    case = bench.case(CARD_EC)
    lane.insert(case.path)

    def pull_in_h(step: str, phase: str, seconds: float) -> None:
        if (step, phase) == ("h", "begin"):
            lane.cut(lane.status.counter + 5, "after")

    sitting = Sitting(bench, lane, case, watch=pull_in_h)
    with pytest.raises(Mendable):
        sitting.begin()
    lane.emulator.wait_cut(lane.reader)
    lane.emulator.set_faults(lane.reader)
    lane.insert(case.path)
    return case, sitting


@pytest.mark.parametrize("kind", _LOSSES)
@pytest.mark.parametrize("call", [0, 1])
def test_every_call_of_a_reset_lost(bench: Bench, lane: Lane, call: int, kind: str) -> None:
    case, sitting = interrupted_with_certificates(bench, lane)
    with sitting:
        arm(bench, Loss(call, kind, Choice.RESET, False))
        with pytest.raises(ResetIncomplete):
            sitting.reset()
        waits_for_the_ca(bench, case, unconfirmed=1)
        sitting.reset()
    is_clean(bench, case)


def test_a_ca_that_is_down_during_a_reset(bench: Bench, lane: Lane) -> None:
    case, sitting = interrupted_with_certificates(bench, lane)
    records = bench.world.stores.records
    with sitting:
        bench.world.ca.down()
        for _ in range(2):
            with pytest.raises(ResetIncomplete):
                sitting.reset()
            waits_for_the_ca(bench, case, unconfirmed=2)
        with pytest.raises(CannotResume):
            sitting.resume()
        for_another = Sitting(bench, lane, bench.again(case), session=sitting.session)
        with pytest.raises(Interrupted):
            for_another.begin()
        assert withdraw_pending(records, bench.world.authority) != ""
        waits_for_the_ca(bench, case, unconfirmed=2)
    # the repeated job needs neither the card nor the desk that reset it
    lane.empty()
    bench.world.ca.up()
    later = bench.authority()
    assert withdraw_pending(records, later) == ""
    later.close()
    waits_for_the_ca(bench, case, unconfirmed=0)
    assert all(revoked for *_, revoked in bench.at_the_ca(_only_production(bench, case)))
    lane.insert(case.path)
    with Sitting(bench, lane, case) as sitting:
        sitting.reset()
    is_clean(bench, case)
    lane.empty()
    again = bench.again(case)
    bench.issue(lane, again)
    is_issued(bench, again)


def _only_production(bench: Bench, case: Case) -> str:
    (production,) = bench.world.stores.records.productions_of(case.request.id)
    return production


def test_a_reset_before_anything_was_asked_needs_no_ca(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    lane.insert(case.path)

    def pull_in_c(step: str, phase: str, seconds: float) -> None:
        if (step, phase) == ("c", "begin"):
            lane.cut(lane.status.counter, "before")

    with Sitting(bench, lane, case, watch=pull_in_c) as sitting:
        with pytest.raises(Mendable):
            sitting.begin()
        lane.emulator.wait_cut(lane.reader)
        lane.emulator.set_faults(lane.reader)
        lane.insert(case.path)
        bench.world.ca.down()
        sitting.reset()
    bench.world.ca.up()
    is_clean(bench, case)


def network_gone_at(bench: Bench, step: str) -> Callable[[str, str, float], None]:
    """Return a watcher that takes the CA away when a step begins."""

    def watch(now: str, phase: str, seconds: float) -> None:
        if (now, phase) == (step, "begin"):
            bench.world.ca.down()

    return watch


@pytest.mark.parametrize("choice", Choice)
def test_the_network_gone_from_step_f_on(bench: Bench, lane: Lane, choice: Choice) -> None:
    case = bench.case(CARD_EC)
    lane.insert(case.path)
    with Sitting(bench, lane, case, watch=network_gone_at(bench, "f")) as sitting:
        with pytest.raises(CaUnreachable):
            sitting.begin()
        with pytest.raises(CaUnreachable):
            sitting.resume()
        bench.world.ca.up()
        _go_on(bench, case, Sitting(bench, lane, case, session=sitting.session), choice)


@pytest.mark.parametrize("choice", Choice)
@pytest.mark.parametrize("other_process", [False, True])
def test_orders_that_wait_for_an_approval(
    bench: Bench, lane: Lane, choice: Choice, other_process: bool
) -> None:
    case = bench.case(CARD_EC)
    lane.insert(case.path)
    bench.world.ca.pending(3, times=2)
    authority = bench.authority()
    hasty = _hasty(bench, authority)
    with Sitting(bench, lane, case, parts=hasty) as sitting, pytest.raises(CaPending):
        sitting.begin()
    if other_process:
        authority.close()
        authority = bench.authority()
    with Sitting(bench, lane, case, parts=_hasty(bench, authority)) as sitting:
        _ask_until_decided(sitting, choice)
    authority.close()
    is_issued(bench, case) if choice is Choice.RESUME else is_clean(bench, case)


def _ask_until_decided(sitting: Sitting, choice: Choice) -> None:
    for _ in range(_MOST_ATTEMPTS):
        try:
            sitting.resume() if choice is Choice.RESUME else sitting.reset()
        except (CaPending, ResetIncomplete):
            continue
        return
    pytest.fail("the CA approves after three questions")


def _hasty(bench: Bench, authority: EjbcaRest) -> Parts:
    parts = bench.parts_with(authority)
    return replace(parts, settings=replace(parts.settings, collect_wait_s=0.01))


def test_a_ca_killed_after_it_issued(bench: Bench, lane: Lane) -> None:
    for choice in Choice:
        case = bench.case(CARD_EC)
        lane.insert(case.path)
        bench.world.ca.clear()
        bench.world.ca.lose_answer(on=("certify",))
        with Sitting(bench, lane, case) as sitting:
            with pytest.raises(CaUnreachable):
                sitting.begin()
            bench.world.ca.kill()
            bench.world.ca.start()
            _go_on(bench, case, sitting, choice)
        lane.empty()


def test_a_ca_that_loses_every_third_call(bench: Bench, lane: Lane, cut_plan: CutPlan) -> None:
    rng = random.Random(f"{cut_plan.seed}/calls")
    for _ in range(6):
        case = bench.case(CARD_EC)
        lane.insert(case.path)
        choice, authority = rng.choice(list(Choice)), bench.authority()
        with Sitting(bench, lane, case, parts=bench.parts_with(authority)) as sitting:
            _stubborn(bench, sitting, rng, choice)
        bench.world.ca.clear()
        is_issued(bench, case) if choice is Choice.RESUME else is_clean(bench, case)
        authority.close()
        lane.empty()


def _stubborn(bench: Bench, sitting: Sitting, rng: random.Random, choice: Choice) -> None:
    """Go on however often the CA is lost."""
    bench.world.ca.clear()
    # the round is cut at one of the four calls that ask for certificates, and at the one that repeats it
    _lose(bench, rng, rng.randrange(2, 6), times=2)
    with pytest.raises(CaUnreachable):
        sitting.begin()
    for _ in range(_MOST_ATTEMPTS):
        bench.world.ca.clear()
        for call in range(12):
            if rng.random() < 0.3:
                _lose(bench, rng, call)
        try:
            sitting.resume() if choice is Choice.RESUME else sitting.reset()
        except (CaUnreachable, ResetIncomplete):
            continue
        return
    raise AssertionError("the CA never answers")


def _lose(bench: Bench, rng: random.Random, call: int, times: int = 1) -> None:
    bench.world.ca.fault(rng.choice(("lose_request", "lose_answer")), skip=call, times=times)
