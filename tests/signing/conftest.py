"""What every signing test needs: a PKI, a time stamper, a SoftHSM token, checkers in Java."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.signing.checkers import Java, java_checker
from tests.signing.hsm import SoftHsm, make_soft_hsm
from tests.signing.pki import Pki, make_pki
from tests.signing.stampers import LocalStamper


@pytest.fixture(scope="session")
def pki() -> Pki:
    """The PKI of this test run."""
    return make_pki()


@pytest.fixture(scope="session")
def root_file(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trusted root, PEM."""
    path = tmp_path_factory.mktemp("root") / "root.pem"
    path.write_bytes(pki.root.pem)
    return path


@pytest.fixture
def stamper(pki: Pki) -> LocalStamper:
    """A time stamper without a network."""
    return LocalStamper(pki)


@pytest.fixture(scope="session")
def hsm(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """A SoftHSM token with a key and certificate of every kind."""
    return make_soft_hsm(pki, tmp_path_factory.mktemp("hsm"))


@pytest.fixture(scope="session")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Java]:
    """Bouncy Castle and PDFBox."""
    with java_checker(tmp_path_factory.mktemp("java")) as checker:
        yield checker
