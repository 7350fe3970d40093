"""`cmsdesk-sign sign`, as people and programs call it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cmsdesk.signing.cli import exits, main
from cmsdesk.signing.cli.inputs import expand
from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.pkcs11.process import FROZEN_WORKER_FLAG
from cmsdesk.signing.pkcs11.refused import forget_refused_pins
from tests.signing import samples
from tests.signing.checkers import openssl_cades, pdfsig, run
from tests.signing.hsm import LABEL, MODULE, PIN
from tests.signing.timestamps.server import serve
from tests.signing.timestamps.unit import make_unit

COMMAND = [sys.executable, "-m", "cmsdesk.signing.cli.main"]


@pytest.fixture
def desk(tmp_path, pki, monkeypatch) -> Path:
    """A folder with documents, a key file and its certificate."""
    monkeypatch.chdir(tmp_path)
    identity = pki.signer("p256")
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.pem").write_bytes(identity.pem)
    (tmp_path / "chain.pem").write_bytes(pki.issuing.pem)
    (tmp_path / "root.pem").write_bytes(pki.root.pem)
    (tmp_path / "atti" / "sotto").mkdir(parents=True)
    (tmp_path / "atti" / "uno.pdf").write_bytes(samples.plain())
    (tmp_path / "atti" / "DUE.PDF").write_bytes(samples.object_streams())
    (tmp_path / "atti" / "sotto" / "uno.pdf").write_bytes(samples.linearised())
    (tmp_path / "atti" / "nota.txt").write_text("Nota")
    (tmp_path / "atti" / ".nascosto").write_text("no")
    return tmp_path


KEY = ("--key-file", "key.pem", "--certificate", "certificate.pem", "--chain", "chain.pem")


def sign(*arguments: str, capture=None) -> tuple[int, str, str]:
    code = main.main(["--language", "en", *(str(argument) for argument in arguments)])
    told = capture.readouterr() if capture is not None else None
    return (code, told.out, told.err) if told is not None else (code, "", "")


def test_messages_of_a_folder(desk, capsys):
    code, out, _ = sign("sign", "atti", "--out", "firmati", *KEY, capture=capsys)
    assert code == exits.OK
    assert "4 signed, 0 failed" in out
    made = sorted(path.relative_to(desk).as_posix() for path in (desk / "firmati").rglob("*.*"))
    assert made == [
        "firmati/DUE.PDF.p7m",
        "firmati/nota.txt.p7m",
        "firmati/sotto/uno.pdf.p7m",
        "firmati/uno.pdf.p7m",
    ]
    for name in made:
        assert openssl_cades(desk / name, desk / "root.pem").startswith((b"%PDF", b"Nota"))


def test_pdfs_with_a_box_and_json(desk, capsys):
    code, out, _ = sign(
        *("--json", "sign", "atti", "--format", "pades", "--box", "auto", "--page", "1"),
        *("--box-shape", "landscape=10,10,200,60", "--box-text", r"Visto\n{signer}", *KEY),
        capture=capsys,
    )
    assert code == exits.OK
    *records, summary = (json.loads(line) for line in out.splitlines())
    assert summary == {"summary": {"signed": 3, "failed": 0}}
    for record in records:
        assert record["state"] == "signed"
        assert pdfsig(Path(record["target"])).whole
    text = run("pdftotext", "-l", "1", records[0]["target"], "-").stdout
    assert "Visto\nAnna Rossi p256" in text
    # what was made is not signed again when the folder is named once more
    code, out, _ = sign("sign", "atti", "--format", "pades", "--overwrite", *KEY, capture=capsys)
    assert "3 signed, 0 failed" in out


def test_patterns_and_failures(desk, capsys):
    (desk / "atti" / "rotto.pdf").write_bytes(b"rotto")
    arguments = ("sign", "atti/*.pdf", "manca.pdf", "--format", "pades", *KEY)
    code, out, err = sign(*arguments, capture=capsys)
    assert code == exits.SOME_FAILED
    assert "1 signed, 2 failed" in out
    assert "rotto.pdf: The file is not a PDF" in err
    assert "manca.pdf: The file cannot be read" in err
    code, out, _ = sign("--json", *arguments, "--overwrite", capture=capsys)
    failed = [json.loads(line) for line in out.splitlines() if '"failed"' in line][:-1]
    assert {record["error"]["code"] for record in failed} == {"not-a-pdf", "document-unreadable"}


def test_parallel_countersignature_and_detached(desk, capsys):
    assert sign("sign", "atti/nota.txt", *KEY)[0] == 0
    assert sign("sign", "atti/nota.txt.p7m", "--mode", "parallel", *KEY)[0] == 0
    signed = desk / "atti" / "nota.txt-signed.p7m"
    assert openssl_cades(signed, desk / "root.pem") == b"Nota"
    counter = ("--mode", "countersign", "--signer-index", "1", "--out", "contro")
    assert sign("sign", str(signed), *counter, *KEY)[0] == 0
    assert openssl_cades(desk / "contro" / signed.name, desk / "root.pem") == b"Nota"
    assert sign("sign", "atti/nota.txt", "--mode", "detached", "--mime-type", "text/plain", *KEY)[0] == 0
    content = desk / "atti" / "nota.txt"
    assert openssl_cades(desk / "atti" / "nota.txt.p7s", desk / "root.pem", content) == b"Nota"
    again = ("--mode", "parallel", "--content", "atti/nota.txt")
    assert sign("sign", "atti/nota.txt.p7s", *again, *KEY)[0] == 0
    capsys.readouterr()


def test_a_batch_is_resumed(desk, capsys):
    arguments = ("--json", "sign", "atti", "--log", "atti/batch.log", "--out", "firmati", *KEY)
    assert sign(*arguments, capture=capsys)[0] == 0
    code, out, _ = sign(*arguments, capture=capsys)
    records = [json.loads(line) for line in out.splitlines()][:-1]
    assert code == 0
    assert len(records) == 4
    assert all(record["resumed"] for record in records)


def test_levels_t_and_lta(desk, pki, capsys, tmp_path):
    (desk / "a.crl").write_bytes(pki.crl(pki.issuing))
    (desk / "b.crl").write_bytes(pki.crl(pki.root))
    (tmp_path / "unit").mkdir()
    from cmsdesk.signing.timestamps.tsa import make_app

    with serve(make_app(make_unit(tmp_path / "unit").authority)) as url:
        assert sign("sign", "atti/nota.txt", "--level", "T", "--tsa", url, *KEY)[0] == 0
        proof = ("--trust", "root.pem", "--crl", "a.crl", "--crl", "b.crl", "--offline")
        long_term = ("--format", "pades", "--level", "LTA", "--tsa", url, *proof)
        code, _, err = sign("sign", "atti/uno.pdf", *long_term, *KEY, capture=capsys)
        assert code == 0, err
    assert openssl_cades(desk / "atti" / "nota.txt.p7m", desk / "root.pem") == b"Nota"
    assert pdfsig(desk / "atti" / "uno-signed.pdf").valid == 1


def test_a_time_stamp_service_that_is_away(desk, capsys):
    code, _, err = sign(
        *("sign", "atti/nota.txt", "--level", "T", "--tsa", "http://127.0.0.1:9/", *KEY), capture=capsys
    )
    assert code == exits.UNAVAILABLE
    assert err
    assert not (desk / "atti" / "nota.txt.p7m").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign", "atti"),
        ("sign", "niente/*.pdf", *KEY),
        ("sign", "atti", "--level", "LTA", *KEY),
        ("sign", "atti", "--level", "T", *KEY),
        ("sign", "atti", "--format", "pades", "--box", "somewhere", *KEY),
        ("sign", "atti", "--format", "pades", "--box-shape", "portrait", *KEY),
        ("sign", "atti", "--key-file", "key.pem"),
        ("sign", "atti", "--key-file", "chain.pem", "--certificate", "certificate.pem"),
        ("sign", "atti", "--key-file", "key.pem", "--certificate", "key.pem"),
        ("sign", "atti", "--pin-env", "NOT_SET_ANYWHERE", *KEY),
        ("sign", "atti", "--pin-fd", "987", *KEY),
    ],
)
def test_wrong_usage_is_told_and_touches_nothing(arguments, desk, capsys):
    before = sorted(desk.rglob("*"))
    code, _, err = sign(*arguments, capture=capsys)
    assert code == exits.USAGE
    assert len(err.splitlines()) == 1
    assert sorted(desk.rglob("*")) == before


def test_an_encrypted_key_file(desk, pki, capsys, monkeypatch):
    identity = pki.signer("p256")
    secret = BestAvailableEncryption(b"parola")
    (desk / "key.pem").write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    assert sign("sign", "atti/nota.txt", *KEY, capture=capsys)[0] == exits.USAGE
    monkeypatch.setenv("PAROLA", "parola")
    assert sign("sign", "atti/nota.txt", "--pin-env", "PAROLA", *KEY)[0] == 0


# --- a token ---


def token(hsm) -> tuple[str, ...]:
    return ("--module", str(MODULE), "--token", LABEL, "--key", "rsa2048")


@pytest.fixture
def on_token(hsm, monkeypatch):
    for name, value in hsm.environment:
        monkeypatch.setenv(name, value)
    forget_refused_pins()
    yield
    forget_refused_pins()


def test_a_token_with_the_pin_from_a_descriptor(desk, hsm, on_token, capsys):
    read, write = os.pipe()
    os.write(write, PIN.encode() + b"\n")
    os.close(write)
    options = ("--pin-fd", str(read), "--workers", "2", "--chain", "chain.pem")
    code, _, err = sign("sign", "atti", "--out", "firmati", *token(hsm), *options, capture=capsys)
    os.close(read)
    assert code == 0, err
    assert openssl_cades(desk / "firmati" / "nota.txt.p7m", desk / "root.pem") == b"Nota"


def test_a_wrong_pin_has_its_own_exit_code(desk, hsm, on_token, capsys, monkeypatch):
    monkeypatch.setenv("IL_PIN", "00000000")
    code, out, err = sign("sign", "atti", *token(hsm), "--pin-env", "IL_PIN", capture=capsys)
    assert code == exits.PIN
    assert "The PIN is wrong" in err
    assert "00000000" not in out + err
    code, out, _ = sign("--json", "sign", "atti", *token(hsm), "--pin-env", "IL_PIN", capture=capsys)
    assert code == exits.PIN
    assert json.loads(out)["error"]["facts"]["sent"] is False


def test_a_missing_token(desk, hsm, on_token, capsys, monkeypatch):
    monkeypatch.setenv("IL_PIN", PIN)
    arguments = ("--module", str(MODULE), "--token", "altro", "--pin-env", "IL_PIN")
    assert sign("sign", "atti", *arguments, capture=capsys)[0] == exits.UNAVAILABLE


def test_nobody_can_be_asked_for_the_pin(desk, hsm, on_token):
    done = subprocess.run(
        [*COMMAND, "sign", "atti", *token(hsm)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exits.USAGE
    assert "terminale" in done.stderr


def test_the_pin_is_asked_on_the_terminal_and_progress_is_shown_there(desk, hsm, on_token):
    for number in range(40):
        (desk / "atti" / f"{number}.txt").write_text("x")
    command = [*COMMAND, "sign", "atti", "--out", "firmati", *token(hsm)]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)  # noqa: S606 - the terminal needs a process of its own
    seen = b""
    while b"PIN: " not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, PIN.encode() + b"\n")
    while True:
        try:
            block = os.read(terminal, 4096)
        except OSError:
            break
        if not block:
            break
        seen += block
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert PIN.encode() not in seen
    assert b"44 firmati, 0 non firmati" in seen
    assert b"/44  " in seen


def test_a_frozen_program_runs_its_workers_by_a_flag():
    worker = subprocess.Popen([*COMMAND, FROZEN_WORKER_FLAG], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = worker.communicate(b"\0\0\0\0S", timeout=30)
    assert worker.returncode == 0
    assert out[4:5] == b"F"
    assert b"No token is open" in out


def test_expanding_names(desk):
    found = [
        path.as_posix() for path in expand(["atti", "atti/uno.pdf", "nulla.pdf", "atti/**/*.pdf"], (".pdf",))
    ]
    assert found == ["atti/DUE.PDF", "atti/sotto/uno.pdf", "atti/uno.pdf", "nulla.pdf"]


def test_exit_codes_of_errors():
    assert exits.code_of(SettingsError("Cause.", "Next.")) == exits.USAGE
