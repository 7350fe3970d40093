"""What a person is told: every error has a cause, facts and a next step, in every language."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

import pytest

from cmsdesk.base.errors import Fact, Mendable
from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.cli.terminal import Terminal
from tests.round.bench import Bench, Case
from tests.round.chip import ChipState


def sentences(error: Mendable, language: str) -> tuple[str, str]:
    """Return cause and next step as a terminal shows them."""
    shown = StringIO()
    Terminal(texts(language), shown).error(error)
    cause, next_step, code = (line.strip() for line in shown.getvalue().strip().splitlines())
    assert cause.startswith("✗ ")
    assert next_step.startswith("→ ")
    assert code.endswith(error.code)
    return cause, next_step


def is_clear(error: Mendable) -> None:
    """Insist on a code, on whole sentences with every fact filled in, and on a next step."""
    assert error.code
    seen = set()
    for language in LANGUAGES:
        cause, next_step = sentences(error, language)
        for sentence in (cause, next_step):
            assert sentence.rstrip("✗→ ").endswith("."), sentence
            assert "{" not in sentence, sentence
            assert "None" not in sentence, sentence
        seen.add(cause)
        for name in type(error).placeholders():
            assert name in error.facts, f"{error.code} lacks its fact {name}"
    assert len(seen) == len(LANGUAGES), "every language has its own words"


@dataclass(frozen=True)
class Before:
    """What must be the same after a refusal."""

    tree: list[tuple[object, ...]]
    tries: object
    states: tuple[object, ...]


def before(bench: Bench, case: Case) -> Before:
    """Take stock of chip and records."""
    records, chip = bench.world.stores.records, ChipState(case.path)
    states = (
        records.device(case.card_id),
        records.request(case.request.id),
        records.scratch_card(case.envelope.number),
        bench.world.stores.log.unfinished(case.card_id),
        records.productions_of(case.request.id),
    )
    return Before(chip.tree(), chip.tries, states)


@contextlib.contextmanager
def refused(
    bench: Bench, case: Case, kind: type[Mendable], **facts: Fact
) -> Iterator[pytest.ExceptionInfo[Mendable]]:
    """Insist on a clear error of one kind with these facts, and on nothing changed anywhere."""
    then = before(bench, case)
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.type is kind, f"{caught.type.__name__} is not what it is"
    is_clear(caught.value)
    for name, value in facts.items():
        assert caught.value.facts[name] == value
    assert before(bench, case) == then, "something changed"


@contextlib.contextmanager
def stopped(kind: type[Mendable], **facts: Fact) -> Iterator[pytest.ExceptionInfo[Mendable]]:
    """Insist on a clear error of one kind with these facts."""
    with pytest.raises(kind) as caught:
        yield caught
    is_clear(caught.value)
    for name, value in facts.items():
        assert caught.value.facts[name] == value
