"""Which cut rounds a run of the suite does: the usual part, the whole matrix, or a random soak."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from cmsdesk.operations.issue import Choice
from tests.round.bench import CARD_RSA, SHAPES, Shape
from tests.round.cuts import AFTER, BEFORE, Blow, Cut, Landmarks, alternating, every, random_cut

_PARTS = 8
_SOAK_PART = 40
_USUAL_SOAK = 40
_USUAL_RESET_STRIDE = 7


@dataclass(frozen=True)
class MatrixPart:
    """A portion of a shape's commands, each cut before and after."""

    shape: Shape
    number: int
    of: int
    both_choices: bool
    edges_only: bool

    def cuts(self, landmarks: Landmarks) -> list[Cut]:
        """Return the portion's cuts."""
        indices = landmarks.edges() if self.edges_only else list(range(landmarks.total))
        size = -(-len(indices) // self.of)
        mine = indices[self.number * size : (self.number + 1) * size]
        return every(self.shape, mine) if self.both_choices else alternating(self.shape, mine)

    def __str__(self) -> str:
        return f"{self.shape}-{self.number + 1}of{self.of}"


@dataclass(frozen=True)
class ResetPart:
    """A portion of the commands of a reset, of a device that holds all but the holder's codes."""

    number: int
    of: int
    stride: int

    def cuts(self, landmarks: Landmarks, reset_commands: int) -> list[Cut]:
        """Return the portion's cuts: the first blow stops the round, the second the reset."""
        first = Blow(landmarks.begins["j"], BEFORE)
        blows = [Blow(at, when) for at in range(reset_commands) for when in (BEFORE, AFTER)]
        mine = blows[:: self.stride][self.number :: self.of]
        return [Cut(CARD_RSA, (first, blow), (Choice.RESET,)) for blow in mine]

    def __str__(self) -> str:
        return f"{self.number + 1}of{self.of}"


@dataclass(frozen=True)
class SoakPart:
    """A portion of the random rounds."""

    seed: int
    number: int
    count: int

    def cuts(self, landmarks: Landmarks) -> list[Cut]:
        """Return the portion's cuts, the same ones for the same seed."""
        rng = random.Random(f"{self.seed}/{self.number}")
        return [random_cut(rng, SHAPES, landmarks.total) for _ in range(self.count)]

    def __str__(self) -> str:
        return f"{self.number}x{self.count}"


@dataclass(frozen=True)
class CutPlan:
    """What ``--cuts`` asks for."""

    wanted: str
    seed: int

    @classmethod
    def of(cls, wanted: str, seed: int) -> Self:
        """Read the option.

        Raises:
            ValueError: neither «all» nor a number.
        """
        if wanted not in ("", "all") and not wanted.isdecimal():
            raise ValueError(f"--cuts {wanted}: «all» or a number is wanted")
        return cls(wanted, seed)

    @property
    def whole(self) -> bool:
        """Whether everything is done that can be listed."""
        return self.wanted == "all"

    @property
    def only_soak(self) -> bool:
        """Whether only random rounds are wanted."""
        return self.wanted.isdecimal()

    def matrix(self) -> list[MatrixPart]:
        """Return the portions of the systematic cuts."""
        if self.whole:
            return [MatrixPart(shape, n, _PARTS, True, False) for shape in SHAPES for n in range(_PARTS)]
        if self.only_soak:
            return []
        usual = [MatrixPart(CARD_RSA, number, _PARTS, False, False) for number in range(_PARTS)]
        return usual + [MatrixPart(shape, 0, 1, False, True) for shape in SHAPES if shape != CARD_RSA]

    def resets(self) -> list[ResetPart]:
        """Return the portions of the cuts of a reset."""
        if self.whole:
            return [ResetPart(number, _PARTS, 1) for number in range(_PARTS)]
        # an odd stride, so that both «before» and «after» come
        return [] if self.only_soak else [ResetPart(0, 1, _USUAL_RESET_STRIDE)]

    def soak(self) -> list[SoakPart]:
        """Return the portions of the random cuts."""
        count = int(self.wanted) if self.only_soak else _USUAL_SOAK
        whole, rest = divmod(count, _SOAK_PART)
        sizes = [_SOAK_PART] * whole + ([rest] if rest else [])
        return [SoakPart(self.seed, number, size) for number, size in enumerate(sizes)]

    def __str__(self) -> str:
        return f"{self.wanted or 'usual part'}; --cuts-seed {self.seed} repeats the random ones"
