"""The option ``--card SERIAL``: run the contract on a real card, and on no other than that one."""

from __future__ import annotations

import contextlib

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    # A conftest further out may have added it already.
    with contextlib.suppress(ValueError):
        parser.addoption(
            "--card",
            metavar="SERIAL",
            default=None,
            help="run the contract on the real card with this card id: it is wiped, and wiped again",
        )


def wanted_card(config: pytest.Config) -> str | None:
    """Return the card id asked for, if any."""
    value = config.getoption("--card", default=None)
    return str(value) if value else None
