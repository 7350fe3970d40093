"""One bench for the package, and how many cut rounds there are."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.round.bench import Bench, Lane, Shape, running_bench
from tests.round.cuts import Landmarks, Tally, survey
from tests.round.plan import CutPlan

_PLAN = pytest.StashKey[CutPlan]()
_TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the options once, so that a seed is the same wherever it is asked for."""
    seed = config.getoption("--cuts-seed", default=None)
    config.stash[_PLAN] = CutPlan.of(
        str(config.getoption("--cuts", default="")), secrets.randbelow(2**32) if seed is None else int(seed)
    )
    config.stash[_TALLY] = Tally()


def plan_of(config: pytest.Config) -> CutPlan:
    """Return how many cut rounds are wanted."""
    return config.stash[_PLAN]


def pytest_report_header(config: pytest.Config) -> str:
    """Print what repeats the random rounds."""
    return f"cut rounds: {plan_of(config)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how the cut rounds of this run ended."""
    lines = config.stash[_TALLY].lines()
    if lines:
        terminalreporter.section("cut rounds")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Cut rounds come in portions that a time limit can watch over."""
    plan = plan_of(metafunc.config)
    if "matrix_part" in metafunc.fixturenames:
        metafunc.parametrize("matrix_part", plan.matrix() or [None], ids=str)
    if "reset_part" in metafunc.fixturenames:
        metafunc.parametrize("reset_part", plan.resets() or [None], ids=str)
    if "soak_part" in metafunc.fixturenames:
        metafunc.parametrize("soak_part", plan.soak(), ids=str)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Hunt for secrets and check the books last, on all that the others leave; a soak is done alone."""
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    if plan_of(config).only_soak:
        dropped = [item for item in ours if "soak_part" not in _fixtures_of(item)]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]
    elif ours:
        last = [item for item in ours if item.path.stem in ("test_books", "test_secrets")]
        end = max(items.index(item) for item in ours) + 1
        items[:] = [item for item in items[:end] if item not in last] + last + items[end:]


def _fixtures_of(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


@pytest.fixture(scope="package")
def bench() -> Iterator[Bench]:
    """The running world; its processes, folder and settings are gone afterwards."""
    with running_bench() as running:
        yield running


@pytest.fixture
def cut_plan(pytestconfig: pytest.Config) -> CutPlan:
    """How many cut rounds are wanted."""
    return plan_of(pytestconfig)


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    """Where the ends of cut rounds are noted for the summary."""
    return pytestconfig.stash[_TALLY]


@pytest.fixture
def lane(bench: Bench) -> Iterator[Lane]:
    """One lane for a test that works alone."""
    bench.world.ca.clear()
    with bench.lane() as free:
        yield free
    bench.world.ca.clear()


@pytest.fixture(scope="package")
def landmarks(bench: Bench) -> dict[Shape, Landmarks]:
    """Where the steps of each shape begin, surveyed when first asked for."""
    return _Surveyed(bench)


class _Surveyed(dict[Shape, Landmarks]):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench

    def __missing__(self, shape: Shape) -> Landmarks:
        self[shape] = survey(self._bench, shape)
        return self[shape]
