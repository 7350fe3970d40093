"""Fixtures of the sandbox's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmsdesk.sandbox.readers.opensc import DRIVER_CNS
from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.fixtures.readers import *  # noqa: F403 — fixtures are found by name
from tests.fixtures.readers import CardMaker, MadeCard
from tests.sandbox.tools import Tools

READER = "Sandbox Lettore 1"


@pytest.fixture
def card(card_maker: CardMaker, stack: ReaderStack) -> Iterator[MadeCard]:
    """A fresh transport card in the first reader, MyEID face."""
    made = card_maker.make()
    stack.emulator.insert(READER, made.path)
    stack.emulator.reset_counter(READER)
    yield made
    stack.emulator.remove(READER)


@pytest.fixture
def tools(stack: ReaderStack, tmp_path: Path) -> Tools:
    """Third parties' programs on the first reader, through OpenSC's `myeid` driver."""
    return Tools(stack.pcsc_name(READER), stack.environment(), tmp_path)


@pytest.fixture
def cns_tools(stack: ReaderStack, tmp_path: Path) -> Tools:
    """The same through OpenSC's `itacns` driver."""
    return Tools(stack.pcsc_name(READER), stack.environment(DRIVER_CNS), tmp_path)
