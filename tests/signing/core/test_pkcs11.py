"""Keys on a token: SoftHSM behind the pool of processes, and OpenSC's spy between them to count PINs."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cmsdesk.signing.cades.profile import CadesProfile
from cmsdesk.signing.documents.model import Document, State
from cmsdesk.signing.errors import (
    BadSignature,
    PinLocked,
    PinRefused,
    SignerError,
    SignerLost,
    TokenMissing,
)
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.pkcs11 import frames, process
from cmsdesk.signing.pkcs11.refused import forget_refused_pins
from cmsdesk.signing.pkcs11.signer import Pkcs11Signer
from cmsdesk.signing.session.session import SigningSession
from tests.signing import samples
from tests.signing.checkers import openssl_cades, pdfsig
from tests.signing.hsm import MODULE, PIN, SPY, SoftHsm
from tests.signing.pki import KINDS, issue, make_key, signer_extensions

DIGEST = bytes(range(32))


@pytest.fixture(autouse=True)
def nothing_refused_yet():
    forget_refused_pins()
    yield
    forget_refused_pins()


def spied(hsm: SoftHsm, log: Path, **changes: object):
    """Settings that put OpenSC's spy between the pool and SoftHSM."""
    spy = (("PKCS11SPY", str(MODULE)), ("PKCS11SPY_OUTPUT", str(log)))
    return hsm.settings(module=SPY, environment=(*hsm.environment, *spy), **changes)


def log_ins(log: Path) -> int:
    return len(re.findall(r"^\d+: C_Login$", log.read_text(errors="replace"), re.MULTILINE))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_signs_messages_and_pdfs(kind, hsm, pki, root_file, tmp_path):
    with SigningSession(Pkcs11Signer(hsm.settings(kind, chain=pki.chain), Pin(PIN))) as session:
        message, document = tmp_path / "a.p7m", tmp_path / "a.pdf"
        session.sign(Document(source=b"prova", target=message), CadesProfile())
        session.sign(Document(source=samples.plain(), target=document), PadesProfile())
    assert openssl_cades(message, root_file) == b"prova"
    assert pdfsig(document).valid == 1


def test_rsa_pss_on_the_token(hsm, pki, root_file, tmp_path):
    settings = hsm.settings("rsa3072", chain=pki.chain, pss=True)
    with SigningSession(Pkcs11Signer(settings, Pin(PIN))) as session:
        session.sign(Document(source=b"prova", target=tmp_path / "a.p7m"), CadesProfile())
    assert openssl_cades(tmp_path / "a.p7m", root_file) == b"prova"


def test_one_pin_entry_for_many_signatures_in_several_processes(hsm, tmp_path):
    log = tmp_path / "spy.log"
    signer = Pkcs11Signer(spied(hsm, log, workers=3), Pin(PIN))
    assert len(set(signer.worker_pids)) == signer.lanes == 3
    with SigningSession(signer) as session:
        documents = (Document(source=b"prova", name=str(number)) for number in range(60))
        results = list(session.sign_many(documents, CadesProfile()))
    assert [result.identity for result in results] == [str(number) for number in range(60)]
    assert all(result.state is State.SIGNED for result in results)
    assert log_ins(log) == 3  # once for each process, none for a document


def test_a_wrong_pin_is_sent_once_and_never_again(hsm, tmp_path):
    log = tmp_path / "spy.log"
    settings = spied(hsm, log, workers=3)
    for attempt in range(4):
        with pytest.raises(PinRefused) as refusal:
            Pkcs11Signer(settings, Pin("00000000"))
        assert refusal.value.facts.get("sent", True) is (attempt == 0)
        assert "00000000" not in str(refusal.value) + repr(refusal.value.facts)
    assert log_ins(log) == 1
    with pytest.raises(PinRefused):
        Pkcs11Signer(settings, Pin(""))
    assert log_ins(log) == 1
    Pkcs11Signer(settings, Pin(PIN)).close()
    assert log_ins(log) == 4


def test_a_last_try_is_not_spent_unasked(hsm, monkeypatch):
    """SoftHSM never locks, so the token's word is replaced."""
    honest = process.WorkerProcess.call

    def warning(self, kind, payload, timeout_s):
        answer = honest(self, kind, payload, timeout_s)
        if kind == frames.OPEN:
            return answer.replace(b'"pin_final_try": false', b'"pin_final_try": true')
        return answer

    monkeypatch.setattr(process.WorkerProcess, "call", warning)
    with pytest.raises(PinLocked, match="one try is left"):
        Pkcs11Signer(hsm.settings(), Pin(PIN))
    Pkcs11Signer(hsm.settings(allow_final_try=True), Pin(PIN)).close()


def test_the_pin_is_nowhere_but_in_the_pipe(hsm):
    signer = Pkcs11Signer(hsm.settings(), Pin(PIN))
    try:
        (pid,) = signer.worker_pids
        for name in ("cmdline", "environ"):
            assert PIN.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
        assert PIN not in repr(vars(signer))
    finally:
        signer.close()
    assert PIN not in repr(Pin(PIN))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"module": Path("/nowhere/module.so")}, "module cannot be used"),
        ({"token_label": "altro"}, "No such token"),
        ({"token_serial": "0"}, "No such token"),
        ({"key_label": "altra"}, "no such key"),
        ({"key_label": None}, "Several keys"),
        ({"key_label": None, "key_id": b"\x77"}, "no such key"),
    ],
)
def test_what_is_not_there_is_told(changes, problem, hsm):
    with pytest.raises(TokenMissing, match=problem):
        Pkcs11Signer(hsm.settings(**changes), Pin(PIN))


def test_a_key_is_found_by_its_identifier(hsm, pki):
    signer = Pkcs11Signer(hsm.settings(key_label=None, key_id=b"\x04"), Pin(PIN))
    signer.close()
    assert signer.certificate == pki.signer("p256").certificate


def test_a_certificate_of_another_key(hsm, pki):
    stranger = issue(pki.issuing, make_key("p256"), "Altra", signer_extensions())
    signer = Pkcs11Signer(hsm.settings(certificate=stranger.certificate), Pin(PIN))
    with SigningSession(signer) as session, pytest.raises((BadSignature, SignerError)):
        session.sign(Document(source=b"x"), CadesProfile())


def test_a_signature_that_does_not_verify_is_thrown_away(hsm, pki, tmp_path):
    stranger = issue(pki.issuing, make_key("rsa2048"), "Altra", signer_extensions())
    with (
        SigningSession(Pkcs11Signer(hsm.settings(certificate=stranger.certificate), Pin(PIN))) as session,
        pytest.raises(BadSignature),
    ):
        session.sign(Document(source=b"x", target=tmp_path / "a.p7m"), CadesProfile())
    assert list(tmp_path.iterdir()) == []


# --- processes that die or hang ---


def test_a_dead_worker_is_replaced(hsm):
    signer = Pkcs11Signer(hsm.settings(workers=2), Pin(PIN))
    try:
        for pid in signer.worker_pids:
            os.kill(pid, signal.SIGKILL)
        for _ in range(4):
            assert len(signer.sign([DIGEST])) == 1
    finally:
        signer.close()


def test_a_hung_worker_is_ended_and_replaced(hsm):
    signer = Pkcs11Signer(hsm.settings(call_timeout_s=5.0), Pin(PIN))
    try:
        (pid,) = signer.worker_pids
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        assert len(signer.sign([DIGEST])) == 1
        assert time.monotonic() - started < 40
        assert signer.worker_pids != (pid,)
    finally:
        signer.close()


def test_a_token_that_went_away_stops_the_batch_and_keeps_what_was_signed(hsm, pki, tmp_path):
    signer = Pkcs11Signer(hsm.settings("p256"), Pin(PIN))
    log = tmp_path / "log"

    def documents(*, pull_out_at: int | None = None):
        for number in range(50):
            if number == pull_out_at:
                signer.close()
            yield Document(source=b"prova", target=tmp_path / f"{number}.p7m", name=str(number))

    with SigningSession(signer) as session, pytest.raises(SignerLost):
        list(session.sign_many(documents(pull_out_at=20), CadesProfile(), log=log))
    done = len(list(tmp_path.glob("*.p7m")))
    assert 0 < done < 50
    with SigningSession(Pkcs11Signer(hsm.settings("p256"), Pin(PIN))) as session:
        again = list(session.sign_many(documents(), CadesProfile(), log=log))
    assert len(again) == 50
    assert sum(result.resumed for result in again) == done


def test_a_closed_signer_says_so(hsm):
    signer = Pkcs11Signer(hsm.settings(), Pin(PIN))
    signer.close()
    signer.close()
    with pytest.raises(SignerLost, match="closed"):
        signer.sign([DIGEST])


def test_workers_end_with_the_program_that_started_them(hsm):
    program = (
        "import sys; from pathlib import Path\n"
        "from cmsdesk.signing.pkcs11.settings import Pkcs11Settings\n"
        "from cmsdesk.signing.pkcs11.signer import Pkcs11Signer\n"
        "from cmsdesk.signing.pin import Pin\n"
        "s = Pkcs11Signer(Pkcs11Settings(module=Path(sys.argv[1]), token_label='firma', key_label='rsa2048'),"
        f" Pin('{PIN}'))\n"
        "print(s.worker_pids[0], flush=True)\n"
        "sys.stdin.read()\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program, MODULE],
        env={**os.environ, **dict(hsm.environment)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    worker = int(started.stdout.readline())
    started.kill()
    started.communicate()
    for _ in range(100):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{worker}/stat").read_text().split(") ")[1].startswith("Z"):
            return
        time.sleep(0.05)
    raise AssertionError("the worker outlived its program")


def test_several_programs_open_the_token_at_once(hsm):
    errors: list[SignerError] = []

    def open_and_sign() -> None:
        try:
            signer = Pkcs11Signer(hsm.settings(workers=2), Pin(PIN))
            signer.sign([DIGEST])
            signer.close()
        except SignerError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_and_sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_module_that_prints_does_not_disturb_the_pipe(tmp_path):
    """A worker keeps the pipes to itself: what a module prints goes nowhere."""
    program = (
        "import os\n"
        "from cmsdesk.signing.pkcs11 import worker, frames\n"
        "honest = worker._Worker.answer\n"
        "def noisy(self, kind, payload):\n"
        "    os.write(1, b'hello from the driver')\n"
        "    print('and more', flush=True)\n"
        "    return frames.pack_items([b'a', b'bc'])\n"
        "worker._Worker.answer = noisy\n"
        "worker.main()\n"
    )
    started = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdin is not None
    assert started.stdout is not None
    frames.write(started.stdin, frames.SIGN, b"")
    answer = frames.read(started.stdout)
    started.communicate(timeout=10)
    assert answer is not None
    assert answer[0] == frames.DONE
    assert frames.unpack_items(answer[1]) == [b"a", b"bc"]


def test_a_fault_in_the_worker_is_an_answer_without_secrets(hsm):
    worker = process.WorkerProcess(hsm.settings())
    try:
        with pytest.raises(SignerError) as fault:
            worker.call(frames.OPEN, b"not json", 10)
        assert fault.value.facts["fault"] == "JSONDecodeError"
        with pytest.raises(SignerError, match="No token is open"):
            worker.call(frames.LOGIN, PIN.encode(), 10)
    finally:
        worker.close()
