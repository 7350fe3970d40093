"""Fixtures of the card tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmsdesk.cards.client import HostSession, PcscReaders
from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.cards.bench import READER, Bench, SoftTokens
from tests.cards.real_card import pytest_addoption  # noqa: F401 — a hook, found by name
from tests.fixtures.readers import *  # noqa: F403 — fixtures are found by name
from tests.fixtures.readers import CardMaker


@pytest.fixture(scope="session")
def host_errors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where card hosts write what modules print."""
    return tmp_path_factory.mktemp("hosts") / "errors"


@pytest.fixture(scope="session")
def soft_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftTokens]:
    """A folder of SoftHSM tokens; hosts started from now on see it."""
    with pytest.MonkeyPatch.context() as patch:
        yield SoftTokens(tmp_path_factory.mktemp("softhsm"), patch)


@pytest.fixture(scope="session")
def all_readers(
    reader_session: ReaderStack, soft_tokens: SoftTokens, host_errors: Path
) -> Iterator[PcscReaders]:
    """The port on the session's stack; hosts write OpenSC's settings themselves."""
    os.environ.pop("OPENSC_CONF", None)
    with host_errors.open("wb") as errors, PcscReaders(host_errors.parent / "run", errors=errors) as opened:
        yield opened


@pytest.fixture
def readers(all_readers: PcscReaders, stack: ReaderStack) -> PcscReaders:
    """The port, all readers empty."""
    return all_readers


@pytest.fixture
def bench(stack: ReaderStack, readers: PcscReaders, card_maker: CardMaker) -> Iterator[Bench]:
    """A transport smart card in the first reader, and its card host."""
    made = card_maker.make()
    stack.emulator.insert(READER, made.path)
    session: HostSession = readers.open(stack.pcsc_name(READER))
    with session:
        yield Bench(session, made.order, stack, made.path)
