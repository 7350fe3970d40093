"""The desk's process is killed (SIGKILL) at every step, and at any moment; a new one goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from cmsdesk.domain.production import STEPS, Step
from cmsdesk.operations.issue import Choice
from cmsdesk.sandbox.world import READER_OPERATOR
from tests.round.bench import CARD_EC, CARD_RSA, Bench, Case, Lane, Shape, Sitting
from tests.round.cuts import End, Landmarks
from tests.round.desk import REFUSED, Errand
from tests.round.plan import CutPlan
from tests.round.verdicts import is_clean, is_issued

PHASES = ("begin", "acted", "done")
_ERRAND_S = 60
_RANDOM_KILLS = 6


def _letters(steps: tuple[Step, ...]) -> str:
    return "".join(step.value for step in steps)


@dataclass(frozen=True)
class Kill:
    """When the first process dies, and what is chosen then."""

    shape: Shape
    choice: Choice
    at: tuple[str, str] | None = None
    """A step and a phase of its progress."""
    command: int = 0
    """Or: when the card has got so many commands."""
    card_stays: bool = True
    """Whether the card is left in the reader, or taken out and put back."""
    by_another_process: bool = False
    """Whether a new process goes on, or the test's own."""

    def __str__(self) -> str:
        return f"{self.shape} killed at {self.at or self.command}; {self.choice.value}"


def errand(bench: Bench, lane: Lane, case: Case, do: str) -> Errand:
    """What a desk process needs."""
    return Errand(
        folder=str(bench.folder),
        reader=lane.pcsc,
        operator_reader=bench.operator.lend(),
        vault_pin=bench.world.pins.vault.reveal_text(),
        operator_pin=bench.world.operator.pin.reveal_text(),
        request=case.request.id,
        scratch_card=case.envelope.number,
        do=do,
    )


def start(wanted: Errand) -> subprocess.Popen[bytes]:
    """Start a desk process on an errand."""
    command = [sys.executable, "-m", "tests.round.desk"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(wanted.to_json())
    process.stdin.close()
    return process


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for its end; return how it ended. A desk that was refused names why."""
    with process:
        ended = process.wait(_ERRAND_S)
        said = process.stdout.read().decode() if process.stdout is not None else ""
    assert ended != REFUSED, f"the desk was refused: {said}"
    return ended


def killed_round(bench: Bench, lane: Lane, kill: Kill) -> End:
    """Kill a desk in its round, let another go on, and judge the end."""
    case = bench.case(kill.shape)
    lane.insert(case.path)
    lane.count_from_here()
    wanted = replace(errand(bench, lane, case, "begin"), die_at=kill.at)
    process = start(wanted)
    if kill.at is None:
        _kill_at_command(lane, process, kill.command)
    assert finish(process) in (-signal.SIGKILL, 0 if kill.at is None else -signal.SIGKILL)
    if not kill.card_stays:
        lane.emulator.remove(lane.reader)
        lane.insert(case.path)
    return _go_on(bench, lane, case, kill)


def _kill_at_command(lane: Lane, process: subprocess.Popen[bytes], command: int) -> None:
    while lane.status.counter < command and process.poll() is None:
        time.sleep(0.0005)
    process.kill()


def _go_on(bench: Bench, lane: Lane, case: Case, kill: Kill) -> End:
    with Sitting(bench, lane, case) as sitting:
        position = sitting.examine()
        if position is None:
            if bench.world.stores.records.request(case.request.id).state.value == "produced":
                is_issued(bench, case)
                return End.NOT_REACHED
            is_clean(bench, case)
            return End.UNTOUCHED
        choice = kill.choice if kill.choice in position.choices else position.choices[0]
        if not kill.by_another_process:
            sitting.resume() if choice is Choice.RESUME else sitting.reset()
    if kill.by_another_process:
        assert finish(start(errand(bench, lane, case, choice.value))) == 0
    lane.emulator.remove(lane.reader)
    if choice is Choice.RESET:
        is_clean(bench, case)
        return End.RESET
    is_issued(bench, case)
    return End.RESUMED


def run_all(bench: Bench, kills: list[Kill]) -> Counter[End]:
    """Do all in the bench's lanes."""
    return Counter(bench.in_lanes(lambda lane, kill: killed_round(bench, lane, kill), kills))


@pytest.mark.parametrize("steps", [STEPS[:3], STEPS[3:5], STEPS[5:8], STEPS[8:]], ids=_letters)
def test_killed_before_and_after_every_step(bench: Bench, cut_plan: CutPlan, steps: tuple[Step, ...]) -> None:
    moments = [(step.value, phase) for step in steps for phase in PHASES]
    choices = list(Choice)
    kills = [
        Kill(
            CARD_EC,
            choices[(number + turn) % 2],
            at,
            card_stays=number % 3 != 0,
            by_another_process=number % 3 == 1,
        )
        for number, at in enumerate(moments)
        for turn in range(2 if cut_plan.whole else 1)
    ]
    ends = run_all(bench, kills)
    turns = 2 if cut_plan.whole else 1
    # the last step's end and the round's are one line of the log
    assert ends[End.NOT_REACHED] == (turns if STEPS[-1] in steps else 0)
    # only what comes before the records take the production on leaves nothing to choose
    assert ends[End.UNTOUCHED] == (turns if Step.OPEN in steps else 0)
    assert ends[End.RESUMED] >= 2
    assert ends[End.RESET] >= 2


def test_killed_before_and_after_a_reset(bench: Bench) -> None:
    def reset_killed(lane: Lane, phase: str) -> None:
        case = bench.case(CARD_EC)
        lane.insert(case.path)
        first = start(replace(errand(bench, lane, case, "begin"), die_at=("i", "begin")))
        assert finish(first) == -signal.SIGKILL
        second = start(replace(errand(bench, lane, case, "reset"), die_at=("reset", phase)))
        assert finish(second) == -signal.SIGKILL
        with Sitting(bench, lane, case) as sitting:
            position = sitting.examine()
            if phase == "done":
                assert position is None
            else:
                assert position is not None
                sitting.reset()
        is_clean(bench, case)

    bench.in_lanes(reset_killed, ["begin", "done"])


@pytest.mark.parametrize("portion", range(2))
def test_killed_at_any_moment(
    bench: Bench, landmarks: dict[Shape, Landmarks], cut_plan: CutPlan, portion: int
) -> None:
    rng = random.Random(f"{cut_plan.seed}/{portion}")
    total = landmarks[CARD_RSA].total
    kills = [
        Kill(
            CARD_RSA,
            rng.choice(list(Choice)),
            command=rng.randrange(1, total),
            card_stays=rng.random() < 0.5,
            by_another_process=rng.random() < 0.3,
        )
        for _ in range(_RANDOM_KILLS)
    ]
    assert sum(run_all(bench, kills).values()) == len(kills)


def test_a_desk_that_is_let_live_issues(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    lane.insert(case.path)
    assert finish(start(errand(bench, lane, case, "begin"))) == os.EX_OK
    is_issued(bench, case)


def test_the_operators_card_is_in_its_reader(bench: Bench) -> None:
    assert bench.operator.lend() == bench.world.stack.emulator.status(READER_OPERATOR).pcsc_name
