"""The card is pulled at every command of the round, before and after it took effect (issue 2)."""

from __future__ import annotations

import pytest

from tests.round.bench import CARD_RSA, Bench, Shape
from tests.round.cuts import End, Landmarks, Tally, run_all, survey_reset
from tests.round.plan import MatrixPart, ResetPart, SoakPart

pytestmark = pytest.mark.timeout(1800)
"""A portion of the whole matrix takes over a minute on a free machine, and five on a busy one."""


def test_every_cut_ends_in_an_issued_or_a_clean_card(
    bench: Bench, landmarks: dict[Shape, Landmarks], tally: Tally, matrix_part: MatrixPart
) -> None:
    cuts = matrix_part.cuts(landmarks[matrix_part.shape])
    ends = run_all(bench, cuts, tally, "matrix")
    assert sum(ends.values()) == len(cuts)
    # a certificate may be a few bytes shorter than the surveyed one, never a whole step
    assert ends[End.NOT_REACHED] <= 8, ends


def test_every_cut_of_a_reset_ends_in_a_clean_card(
    bench: Bench, landmarks: dict[Shape, Landmarks], tally: Tally, reset_part: ResetPart
) -> None:
    cuts = reset_part.cuts(landmarks[CARD_RSA], survey_reset(bench, landmarks[CARD_RSA]))
    assert run_all(bench, cuts, tally, "reset") == {End.RESET: len(cuts)}


def test_cuts_upon_cuts_end_so_too(
    bench: Bench, landmarks: dict[Shape, Landmarks], tally: Tally, soak_part: SoakPart
) -> None:
    ends = run_all(bench, soak_part.cuts(landmarks[CARD_RSA]), tally, "soak")
    assert sum(ends.values()) == soak_part.count
