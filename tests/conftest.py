"""Options of the whole suite."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.cards import real_card

# A slow machine is no failure: what is too slow is measured in tests/benchmarks. What fails can be repeated.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what README.md names."""
    real_card.pytest_addoption(parser)
    parser.addoption(
        "--failover",
        action="store_true",
        help="run the tests that kill a cluster's leader (about two minutes)",
    )
    parser.addoption(
        "--cuts",
        metavar="all|N",
        default="",
        help="the cut rounds of tests/round: all = whole matrix; N = a random soak of N; else the usual part",
    )
    parser.addoption(
        "--cuts-seed", metavar="SEED", type=int, default=None, help="repeat the random soak of that seed"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the cluster's tests out unless they are asked for."""
    if config.getoption("--failover"):
        return
    apart = [item for item in items if item.get_closest_marker("failover")]
    if apart:
        items[:] = [item for item in items if item not in apart]
        config.hook.pytest_deselected(items=apart)
