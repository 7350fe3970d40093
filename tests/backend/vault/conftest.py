"""Three tokens made for each file, and a vault on the first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cmsdesk.backend.vault import Hsm, HsmSettings, SealingVault
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.sandbox.hsm import MODULE, SoftHsm
from tests.fixtures.own_process import *  # noqa: F403 - hooks are found by name
from tests.fixtures.softhsm import own_softhsm

PINS = {"vault": "71839204", "mailer": "60512847", "spare": "39471625"}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """Tokens «vault», «mailer» and «spare»; nobody is logged in to the last."""
    with own_softhsm(tmp_path_factory.mktemp("softhsm")) as made:
        for label, pin in PINS.items():
            made.create_token(label, Secret(pin))
        yield made


@pytest.fixture(scope="module")
def hsm(tokens: SoftHsm) -> Iterator[Hsm]:
    """The vault's token; a token takes one login per process."""
    opened = Hsm(HsmSettings(MODULE, "vault"), Secret(PINS["vault"]))
    opened.create_record_key()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def mailer(tokens: SoftHsm) -> Iterator[Hsm]:
    """The mailer's token."""
    opened = Hsm(HsmSettings(MODULE, "mailer"), Secret(PINS["mailer"]))
    opened.create_mailer_key()
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(datetime(2026, 6, 1, 8, tzinfo=UTC))


@pytest.fixture
def vault(tmp_path: Path, hsm: Hsm, mailer: Hsm, clock: FixedClock) -> Iterator[SealingVault]:
    """An empty vault."""
    opened = SealingVault(tmp_path / "vault.db", hsm, mailer.mailer_public_key(), clock)
    yield opened
    opened.close()
