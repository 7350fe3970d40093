"""The examples in the documentation of the packages run as they stand."""

import importlib
import logging
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.timestamps.tsa import make_app
from tests.signing import pki
from tests.signing.remote.dummy import csc_dummy
from tests.signing.seal.papers import Paper, issuer, signer
from tests.signing.timestamps.server import serve
from tests.signing.timestamps.unit import make_unit
from tests.signing.validation.world import NOW, PdfRecipe, make_pdf, sign_cms, sign_pdf, world


def example(name: str) -> str:
    text = importlib.import_module(name).__doc__
    assert text is not None
    return textwrap.dedent("\n".join(text.splitlines()[1:]))


def run(name: str, **given: object) -> dict[str, object]:
    space: dict[str, object] = {"Path": Path, **given}
    exec(compile(example(name), name, "exec"), space)  # noqa: S102 - that is the point
    return space


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    return tmp_path


def test_time_stamps(place: Path) -> None:
    Path("bando.pdf").write_bytes(make_pdf())
    with serve(make_app(make_unit(place).authority)) as url:
        run("cmsdesk.signing.timestamps", url=url)
    assert Path("bando.pdf.tst").stat().st_size > 1000


def test_time_stamping_unit() -> None:
    tsa = pki.make_pki().tsa()
    assert callable(
        run("cmsdesk.signing.timestamps.tsa", signer=SoftwareSigner(tsa.key, tsa.certificate))["app"]
    )


def test_validation(capsys: pytest.CaptureFixture[str]) -> None:
    Path("root.pem").write_bytes(world().root.pem)
    Path("visura.pdf").write_bytes(sign_pdf(make_pdf(), PdfRecipe(world().anna, stamped_at=NOW)))
    run("cmsdesk.signing.validation", crls=world().crls(NOW - timedelta(hours=1)))
    assert "Anna Prova B-T" in capsys.readouterr().out


def test_remote(place: Path) -> None:
    Path("atto.pdf").write_bytes(make_pdf())
    (place / "csc").mkdir()
    with csc_dummy(place / "csc", scal=2) as server:
        run("cmsdesk.signing.remote", url=server.url, password="x")
    assert Path("atto.pdf.p7m").stat().st_size > 1000


def test_seal(capsys: pytest.CaptureFixture[str]) -> None:
    Path("root.pem").write_bytes(world().root.pem)
    Path("sigillo.pem").write_bytes(issuer().pem)
    Path("certificato.pdf").write_bytes(Paper().pdf())
    Path("certificato.pdf.p7m").write_bytes(sign_cms(Paper().pdf(), world().luca, stamped_at=NOW))
    run("cmsdesk.signing.seal", signer=signer(), crls=world().crls(NOW - timedelta(hours=1)))
    assert "Timbro autentico" in capsys.readouterr().out
