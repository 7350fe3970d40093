"""`cmsdesk-sign timestamp, verify, seal, check-seal`: folders, patterns, JSON, exit codes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cmsdesk.signing.cli.main import main
from cmsdesk.signing.timestamps.tsa import make_app
from tests.signing import pki
from tests.signing.seal.papers import FIELDS, Paper, as_file, issuer, picture
from tests.signing.timestamps.server import serve
from tests.signing.timestamps.unit import make_unit
from tests.signing.validation.world import PdfRecipe, make_pdf, sign_cms, sign_pdf, world

Capture = pytest.CaptureFixture[str]


def records(capture: Capture) -> list[dict[str, object]]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


def arguments(*words: object) -> list[str]:
    return [str(word) for word in words]


def test_timestamps_of_a_folder(tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "atti"
    folder.mkdir()
    for number in range(3):
        (folder / f"atto{number}.txt").write_text(f"Atto {number}")
    unit = make_unit(tmp_path)
    with serve(make_app(unit.authority)) as url:
        assert main(arguments("--json", "timestamp", "--tsa", url, folder)) == 0
        assert [r["target"] for r in records(capsys)] == [f"{folder}/atto{n}.txt.tst" for n in range(3)]
        assert main(arguments("timestamp", "--tsa", url, folder / "atto0.txt")) == 1
        assert "c'è già" in capsys.readouterr().err
        assert (
            main(arguments("timestamp", "--tsa", url, "--tsd", "--digest", "sha512", folder / "*0.txt")) == 0
        )
        assert main(arguments("timestamp", "--tsa", url, tmp_path / "nessuno")) == 1
        capsys.readouterr()
    roots = arguments("--trust", unit.root_pem, "--intermediate", tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_bytes(pki.make_pki().issuing.pem)
    assert main(arguments("--json", "verify", *roots, folder)) == 0
    found = records(capsys)
    assert [(r["format"], r["indication"]) for r in found] == [("timestamp", "passed")] * 4
    assert (
        main(arguments("timestamp", "--tsa", "http://127.0.0.1:9/", folder / "atto1.txt", "--overwrite")) == 4
    )
    assert main(arguments("timestamp", "--tsa", "ftp://x", folder)) == 2


def test_verify_in_three_languages_and_with_everything_wrong(tmp_path: Path, capsys: Capture) -> None:
    w = world()
    (tmp_path / "root.pem").write_bytes(w.root.pem)
    crls = []
    for number, one in enumerate(w.crls(datetime.now(UTC))):
        (tmp_path / f"{number}.crl").write_bytes(one)
        crls += ["--crl", str(tmp_path / f"{number}.crl")]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "visura.pdf").write_bytes(sign_pdf(make_pdf(), PdfRecipe(w.anna)))
    (docs / "nota.txt.p7m").write_bytes(sign_cms(b"nota", w.luca))
    (docs / "elenco.csv").write_text("non firmato")
    trust = arguments("--trust", tmp_path / "root.pem", *crls)
    for language, word in (("it", "tutto valido"), ("de", "alles gültig"), ("en", "all valid")):
        assert main(arguments("verify", *trust, "--language", language, docs)) == 0
        assert capsys.readouterr().out.count(word) == 2
    assert main(arguments("verify", *trust, "--extract", tmp_path / "out", docs)) == 0
    assert (tmp_path / "out" / "nota.txt").read_bytes() == b"nota"
    capsys.readouterr()
    assert main(arguments("--json", "verify", docs)) == 1
    assert {r["indication"] for r in records(capsys)} == {"indeterminate"}
    assert main(arguments("verify", docs / "elenco.csv")) == 1
    assert main(arguments("verify", "--at", "domani", docs)) == 2
    assert main(arguments("verify", "--at", "2026-03-03T10:00:00", docs)) == 2
    assert main(arguments("verify", "--trust", docs / "elenco.csv", docs)) == 1
    assert main(arguments("verify", "--trust-list", docs / "elenco.csv", docs)) == 2
    (docs / "rotto.pdf").write_bytes(b"%PDF-1.7")
    assert main(arguments("verify", *trust, docs)) == 1


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a certificate, its seal's data, and the issuer's key and certificate."""
    key = issuer().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "cert.pem").write_bytes(issuer().pem)
    (tmp_path / "root.pem").write_bytes(world().root.pem)
    papers = tmp_path / "papers"
    papers.mkdir()
    common = {
        "title": "Certificato",
        "date": "2026-03-03",
        "issuer": "Camera di prova",
        "place": "1,20,225,60,60",
    }
    (tmp_path / "common.json").write_text(json.dumps(common))
    for number in (1, 2):
        path = papers / f"c{number}.pdf"
        path.write_bytes(Paper(values=FIELDS | {"Nome": f"Anna {number}"}).pdf())
        own = {"number": f"{number}/2026", "fields": FIELDS | {"Nome": f"Anna {number}"}}
        (papers / f"c{number}.pdf.seal.json").write_text(json.dumps(own))
    return tmp_path


def seal(desk: Path, *more: object) -> int:
    signer = ("--key-file", desk / "key.pem", "--certificate", desk / "cert.pem")
    return main(arguments("--json", "seal", "--data", desk / "common.json", *signer, *more))


def test_seals_of_a_folder(desk: Path, capsys: Capture) -> None:
    papers = desk / "papers"
    for number in (1, 2):
        (papers / f"c{number}.pdf.p7m").write_bytes(
            sign_cms((papers / f"c{number}.pdf").read_bytes(), world().luca)
        )
    assert seal(desk, "--signed", ".p7m", "--trust", desk / "root.pem", papers) == 0
    assert [Path(str(r["target"])).name for r in records(capsys)] == ["c1.sealed.pdf", "c2.sealed.pdf"]
    check = ("check-seal", "--seal-trust", desk / "cert.pem")
    assert main(arguments(*check, papers / "*.sealed.pdf", "--language", "de")) == 0
    assert "Luca Prova" in capsys.readouterr().out
    original = papers / "c1.pdf.p7m"
    assert main(arguments("--json", *check, papers / "c1.sealed.pdf", "--document", original)) == 0
    (found,) = records(capsys)
    assert (found["verdict"], found["number"], found["document_matches"]) == ("authentic", "1/2026", True)
    assert main(arguments("--json", *check, papers / "c2.sealed.pdf", "--document", original)) == 1
    assert records(capsys)[0]["verdict"] == "altered"


def test_a_scan_compared_by_a_person(desk: Path, capsys: Capture) -> None:
    assert seal(desk, desk / "papers") == 0
    scan = desk / "scan.jpg"
    scan.write_bytes(
        as_file(picture((desk / "papers" / "c1.sealed.pdf").read_bytes(), 200), "JPEG", quality=70)
    )
    values = desk / "read.json"
    values.write_text(json.dumps(FIELDS | {"Nome": "Anna 2"}))
    capsys.readouterr()
    check = arguments("check-seal", "--seal-trust", desk / "cert.pem", "--values", values, scan)
    assert main(check) == 1
    text = capsys.readouterr().out
    assert "≠ Nome: firmato «Anna 1», sulla stampa «Anna 2»" in text
    assert main(arguments("check-seal", "--seal-trust", desk / "root.pem", scan)) == 1
    assert "non attendibile" in capsys.readouterr().out
    assert main(arguments("check-seal", "--seal-trust", desk / "cert.pem", desk / "papers" / "c1.pdf")) == 1


def test_orders_that_cannot_be_carried_out(desk: Path, capsys: Capture) -> None:
    own = desk / "papers" / "c1.pdf.seal.json"
    own.write_text(json.dumps({"number": "1/2026", "fields": {"Nome": "Un altro"}}))
    assert seal(desk, desk / "papers") == 1
    first, second = records(capsys)
    assert "not printed" in str(first["error"])
    assert second["target"]
    assert seal(desk, desk / "papers" / "c2.pdf") == 1
    assert seal(desk, "--place", "ovunque", "--overwrite", desk / "papers" / "c2.pdf") == 1
    own.write_text("{")
    assert seal(desk, desk / "papers" / "c1.pdf") == 1
