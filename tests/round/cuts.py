"""Rounds that are cut, and what follows: the card is put back, one choice is made, an end is reached."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from cmsdesk.base.errors import Mendable
from cmsdesk.operations.errors import CardGone
from cmsdesk.operations.issue import Choice
from tests.round import verdicts
from tests.round.bench import CARD_RSA, Bench, Case, Lane, Shape, Sitting
from tests.round.verdicts import is_clean, is_issued

BEFORE, AFTER = "before", "after"
_MOST_ATTEMPTS = 12
_ROUND_AFTERWARDS = 10
"""Every so many commands the device that a reset left is issued once more."""
_COMMANDS_WITH_CODES = (0x20, 0x24, 0x2C)
_WRONG_CODE, _NO_TRIES_LEFT = 0x63C, 0x63C0


_FAILED = "failed"


class End(Enum):
    """How a cut round ended."""

    NOT_REACHED = "not reached: the round was over before"
    UNTOUCHED = "clean: nothing had begun"
    RESUMED = "issued after resuming"
    RESET = "clean after a reset"


@dataclass(frozen=True)
class Blow:
    """The card is pulled before or after command ``at`` takes effect, counted within one attempt."""

    at: int
    when: str

    def __str__(self) -> str:
        return f"{self.when} {self.at}"


@dataclass(frozen=True)
class Cut:
    """One cut round: blow after blow, each in the next attempt; then one attempt is left alone."""

    shape: Shape
    blows: tuple[Blow, ...]
    choices: tuple[Choice, ...]
    """What is chosen, one for each attempt after the first, the last one for all others."""
    fresh_host: bool = False
    """Whether the desk ends the card host at each interruption, or goes on with it."""

    def choose(self, attempt: int, offered: Sequence[Choice]) -> Choice:
        """Return the wanted choice, or the one there is."""
        wanted = self.choices[min(attempt, len(self.choices)) - 1]
        return wanted if wanted in offered else offered[0]

    def __str__(self) -> str:
        blows = ", ".join(map(str, self.blows))
        choices = "/".join(choice.value for choice in self.choices)
        return f"{self.shape} cut {blows}; {choices}{', fresh host' if self.fresh_host else ''}"


@dataclass
class _Run:
    """A cut round under way."""

    bench: Bench
    lane: Lane
    cut: Cut
    case: Case
    attempt: int = 0
    last: Choice | None = None
    wrong_codes: int = 0

    def plan_blow(self) -> None:
        """Arm the next attempt's blow, if there is one."""
        self.lane.count_from_here()
        self.lane.emulator.set_faults(self.lane.reader)
        if self.attempt < len(self.cut.blows):
            blow = self.cut.blows[self.attempt]
            self.lane.cut(blow.at, blow.when)

    def count_wrong_codes(self) -> None:
        """Count the codes that the card refused in this attempt; none may have been its last try."""
        for entry in self.lane.emulator.log(self.lane.reader):
            if entry.ins in _COMMANDS_WITH_CODES and entry.sent_bytes and entry.sw >> 4 == _WRONG_CODE:
                assert entry.sw != _NO_TRIES_LEFT, "the last try was spent"
                self.wrong_codes += 1

    def put_back(self) -> None:
        """Wait until the removal was noticed, and put the same card in again."""
        self.lane.emulator.wait_cut(self.lane.reader)
        self.count_wrong_codes()
        self.lane.emulator.set_faults(self.lane.reader)
        self.lane.insert(self.case.path)

    def recover(self, sitting: Sitting) -> bool:
        """Examine and choose; True when nothing was unfinished."""
        position = sitting.examine()
        if position is None:
            return True
        assert position.device == self.case.card_id
        assert position.choices
        self.last = self.cut.choose(self.attempt, position.choices)
        if self.last is Choice.RESUME:
            sitting.resume()
        else:
            sitting.reset()
        return False


def run_cut(bench: Bench, lane: Lane, cut: Cut, *, after: Callable[[], None] = lambda: None) -> End:
    """Do one cut round in a lane and judge its end; ``after`` is called in between."""
    run = _Run(bench, lane, cut, bench.case(cut.shape))
    lane.insert(run.case.path)
    while run.attempt < _MOST_ATTEMPTS:
        fresh = cut.fresh_host and run.attempt > 0
        sitting = Sitting(bench, lane, run.case, session=lane.session(bench.readers, fresh=fresh))
        run.plan_blow()
        try:
            if run.attempt == 0:
                sitting.begin()
            elif run.recover(sitting):
                is_clean(bench, run.case)
                return End.UNTOUCHED
            after()
            return _end(run)
        except Mendable as error:
            if not lane.status.cuts:
                raise
            if not isinstance(error, CardGone):
                raise AssertionError(f"the desk is told «{error}» when the card is pulled") from error
        run.put_back()
        run.attempt += 1
    raise AssertionError(f"no end after {_MOST_ATTEMPTS} attempts")


def _end(run: _Run) -> End:
    """Judge the end that the last attempt came to."""
    run.count_wrong_codes()
    # of two possible codes the later is tried once, and nothing is tried without such a doubt
    assert run.wrong_codes <= run.attempt, f"{run.wrong_codes} wrong codes after {run.attempt} cuts"
    run.lane.emulator.remove(run.lane.reader)
    if run.last is Choice.RESET:
        is_clean(run.bench, run.case)
        if run.cut.blows[0].at % _ROUND_AFTERWARDS == 0:
            _another_round(run)
        return End.RESET
    is_issued(run.bench, run.case)
    return End.NOT_REACHED if run.last is None else End.RESUMED


def _another_round(run: _Run) -> None:
    """Issue on the device that is called clean."""
    run.lane.leave()
    run.lane.empty()
    again = run.bench.again(run.case)
    run.bench.issue(run.lane, again)
    is_issued(run.bench, again)


def single(shape: Shape, at: int, when: str, choice: Choice) -> Cut:
    """One cut; every fourth time the card host is started anew."""
    return Cut(shape, (Blow(at, when),), (choice,), fresh_host=at % 4 == 0)


def alternating(shape: Shape, indices: Sequence[int], *, start: int = 0) -> list[Cut]:
    """Cuts before and after each command, the choices alternating so that each command sees both."""
    choices = (Choice.RESUME, Choice.RESET)
    return [
        single(shape, at, when, choices[(at + start + offset) % 2])
        for at in indices
        for offset, when in enumerate((BEFORE, AFTER))
    ]


def every(shape: Shape, indices: Sequence[int]) -> list[Cut]:
    """Cuts before and after each command, with both choices."""
    return [
        single(shape, at, when, choice) for at in indices for when in (BEFORE, AFTER) for choice in Choice
    ]


def random_cut(rng: random.Random, shapes: Sequence[Shape], length: int) -> Cut:
    """One to four blows anywhere in the round and in what follows."""
    blows = [Blow(rng.randrange(length), rng.choice((BEFORE, AFTER)))]
    while len(blows) < 4 and rng.random() < 0.6:
        blows.append(Blow(rng.randrange(160), rng.choice((BEFORE, AFTER))))
    choices = tuple(rng.choice(tuple(Choice)) for _ in blows)
    return Cut(rng.choice(shapes), tuple(blows), choices, fresh_host=rng.random() < 0.25)


class Tally:
    """How every cut round of a test run ended, for the summary at its end; noted by several threads."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, int, str]] = []

    def run(self, kind: str, bench: Bench, lane: Lane, cut: Cut) -> End:
        """Do one cut round and note how it ended; ``kind``: «matrix», «reset» or «soak»."""
        what = f"{kind}, {cut.shape}"
        try:
            end = run_cut(bench, lane, cut)
        except Exception:
            self._noted.append((what, len(cut.blows), _FAILED))
            raise
        self._noted.append((what, len(cut.blows), end.value))
        return end

    def lines(self) -> list[str]:
        """Return the summary: cuts by kind and shape, then by their end; empty when nothing was cut."""
        if not self._noted:
            return []
        lines = []
        for what in sorted({what for what, _, _ in self._noted}):
            mine = [(blows, end) for kind, blows, end in self._noted if kind == what]
            ends = ", ".join(f"{count} {end}" for end, count in sorted(Counter(e for _, e in mine).items()))
            lines.append(f"{what}: {len(mine)} cut rounds, {sum(blows for blows, _ in mine)} cuts: {ends}")
        ends = Counter(end for _, _, end in self._noted)
        lines.append(f"all: {len(self._noted)} cut rounds, {sum(blows for _, blows, _ in self._noted)} cuts")
        lines += [f"  {count:>6}  {end}" for end, count in sorted(ends.items())]
        return lines


def run_all(bench: Bench, cuts: Sequence[Cut], tally: Tally, kind: str) -> Counter[End]:
    """Do all in the bench's lanes; every failure is told with its cut."""
    return Counter(bench.in_lanes(lambda lane, cut: tally.run(kind, bench, lane, cut), cuts))


@dataclass(frozen=True)
class Landmarks:
    """Commands sent until each step begins, and in the whole round."""

    begins: dict[str, int]
    total: int

    def edges(self) -> list[int]:
        """Each step's first, middle and last command."""
        found = set()
        starts = [0, *self.begins.values(), self.total]
        for start, end in itertools.pairwise(starts):
            if end > start:
                found |= {start, (start + end) // 2, end - 1}
        return sorted(found)


def survey(bench: Bench, shape: Shape) -> Landmarks:
    """Do one whole round and note where its steps begin."""
    begins: dict[str, int] = {}
    with bench.lane() as lane:
        case = bench.case(shape)

        def watch(step: str, phase: str, seconds: float) -> None:
            if phase == "begin":
                begins[step] = lane.status.counter

        bench.issue(lane, case, watch=watch)
        total = lane.status.counter
    verdicts.is_issued(bench, case)
    return Landmarks(begins, total)


def survey_reset(bench: Bench, landmarks: Landmarks) -> int:
    """Return how many commands it takes to examine and reset a device that holds all but the last codes."""
    cut = Cut(CARD_RSA, (Blow(landmarks.begins["j"], BEFORE),), (Choice.RESET,))
    counted: list[int] = []
    with bench.lane() as lane:
        end = run_cut(bench, lane, cut, after=lambda: counted.append(lane.status.counter))
    assert end is End.RESET
    return counted[0]
