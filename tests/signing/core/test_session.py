"""Sessions and batches: order, results, interruptions, the result log, memory."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.documents.model import Document, Level, Result, State
from cmsdesk.signing.errors import (
    BatchBusy,
    DocumentError,
    DocumentUnreadable,
    NotAPdf,
    SettingsError,
    SigningError,
    TimestampError,
)
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import samples
from tests.signing.checkers import openssl_cades
from tests.signing.pki import Pki

REPOSITORY = Path(__file__).parents[3]


class CountingSigner(SoftwareSigner):
    """Counts calls and signatures; refuses chosen digests; can take its time."""

    calls = 0
    made = 0
    refuse: frozenset[int] = frozenset()
    pause_s = 0.0

    def sign(self, digests: Sequence[bytes]) -> list[bytes | SigningError]:  # type: ignore[override] # a wider list
        self.calls += 1
        time.sleep(self.pause_s)
        outcomes: list[bytes | SigningError] = []
        for value in super().sign(digests):
            refused = self.made in self.refuse
            outcomes.append(SigningError("Not this one.", "Ask again.") if refused else value)
            self.made += 1
        return outcomes


def counting(pki: Pki, kind: str = "p256") -> CountingSigner:
    identity = pki.signer(kind)
    return CountingSigner(identity.key, identity.certificate, pki.chain)


def write_documents(folder: Path, count: int) -> list[Document]:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    documents = []
    for number in range(count):
        source = folder / "in" / f"{number:04d}.txt"
        source.write_text(f"Documento {number}\n" * 50)
        documents.append(
            Document(source=source, target=folder / "out" / f"{number:04d}.p7m", name=f"{number:04d}")
        )
    return documents


def test_every_document_gets_its_own_result_in_order(pki, tmp_path, root_file):
    documents = write_documents(tmp_path, 40)
    documents[7] = Document(source=tmp_path / "missing.txt", target=tmp_path / "out" / "x.p7m")
    signer = counting(pki)
    signer.refuse = frozenset({20})  # the document at 21: the missing one asked for no signature
    with SigningSession(signer) as session:
        results = list(session.sign_many(documents, CadesProfile()))
    assert [result.identity for result in results] == [document.identity for document in documents]
    failed = {index: result.error for index, result in enumerate(results) if result.state is State.FAILED}
    assert set(failed) == {7, 21}
    assert isinstance(failed[7], DocumentUnreadable)
    assert failed[21].cause == "Not this one."
    assert not documents[21].target.exists()
    for index in (0, 8, 22, 39):
        assert openssl_cades(documents[index].target, root_file) == documents[index].source.read_bytes()


def test_pdfs_and_damaged_files_in_one_batch(pki, tmp_path):
    sources = [samples.plain(), b"no pdf", samples.encrypted(), samples.broken()["cut off"], samples.hybrid()]
    documents = [Document(source=data, name=str(n)) for n, data in enumerate(sources)]
    with SigningSession(counting(pki)) as session:
        results = list(session.sign_many(documents, PadesProfile()))
    assert [result.state.value for result in results] == ["signed", "failed", "signed", "failed", "signed"]
    assert all(isinstance(results[index].error, NotAPdf) for index in (1, 3))


def test_groups_grow_for_fast_signers_and_stay_small_for_cards(pki):
    def documents(count: int) -> Iterator[Document]:
        return (Document(source=b"prova", name=str(number)) for number in range(count))

    fast = counting(pki)
    with SigningSession(fast) as session:
        assert len(list(session.sign_many(documents(400), CadesProfile()))) == 400
    assert fast.calls < 60
    card = counting(pki)
    card.pause_s = 0.06
    with SigningSession(card) as session:
        assert len(list(session.sign_many(documents(12), CadesProfile()))) == 12
    assert card.calls >= 9
    remote = counting(pki)
    remote.batch_size = 5
    with SigningSession(remote) as session:
        assert len(list(session.sign_many(documents(12), CadesProfile()))) == 12
    assert remote.calls == 3


def test_a_stream_of_documents_is_read_as_it_is_signed(pki):
    taken = 0

    def documents() -> Iterator[Document]:
        nonlocal taken
        while True:
            taken += 1
            yield Document(source=b"prova", name=str(taken))

    with SigningSession(counting(pki)) as session:
        results = session.sign_many(documents(), CadesProfile())
        for _ in range(100):
            next(results)
        results.close()
    assert taken < 500  # three groups ahead at most


def test_a_time_stamp_service_that_fails_stops_the_batch_and_is_resumed(pki, stamper, tmp_path):
    documents, log = write_documents(tmp_path, 30), tmp_path / "log"
    stamper.fail_from = 12
    with SigningSession(counting(pki), timestamper=stamper) as session, pytest.raises(TimestampError):
        list(session.sign_many(documents, CadesProfile(level=Level.T), log=log))
    done = len(list((tmp_path / "out").glob("*.p7m")))
    assert 0 < done <= 11
    stamper.fail_from = None
    with SigningSession(counting(pki), timestamper=stamper) as session:
        results = list(session.sign_many(documents, CadesProfile(level=Level.T), log=log))
    assert [result.identity for result in results] == [document.identity for document in documents]
    assert sum(result.resumed for result in results) == done
    assert {result.attempts for result in results if not result.resumed} <= {1, 2}
    assert any(result.attempts == 2 for result in results)  # signatures lost with the service, counted


def test_targets_are_not_overwritten_unasked(pki, tmp_path):
    target = tmp_path / "a.p7m"
    target.write_bytes(b"something else")
    with SigningSession(counting(pki)) as session:
        with pytest.raises(DocumentUnreadable, match="already there"):
            session.sign(Document(source=b"x", target=target), CadesProfile())
        assert target.read_bytes() == b"something else"
        session.sign(Document(source=b"x", target=target, overwrite=True), CadesProfile())
        twice = [Document(source=b"x", target=tmp_path / "b.p7m", name=name) for name in "ab"]
        states = [result.state for result in session.sign_many(twice, CadesProfile())]
    assert states == [State.SIGNED, State.FAILED]


def test_a_target_that_cannot_be_written(pki, tmp_path):
    with SigningSession(counting(pki)) as session, pytest.raises(DocumentUnreadable, match="cannot be saved"):
        session.sign(Document(source=b"x", target=tmp_path / "no folder" / "a.p7m"), CadesProfile())


# --- the result log ---


def test_a_finished_batch_is_not_signed_again(pki, tmp_path):
    documents, log = write_documents(tmp_path, 25), tmp_path / "log"
    documents.append(Document(source=tmp_path / "missing", target=tmp_path / "out" / "x.p7m", name="missing"))
    with SigningSession(counting(pki)) as session:
        first = list(session.sign_many(documents, CadesProfile(), log=log))
    signer = counting(pki)
    with SigningSession(signer) as session:
        second = list(session.sign_many(documents, CadesProfile(), log=log))
    assert signer.made == 0
    assert all(result.resumed for result in second)
    assert [told(result) for result in second] == [told(result) for result in first]
    (tmp_path / "missing").write_bytes(b"here now")
    with SigningSession(signer) as session:
        third = list(session.sign_many(documents, CadesProfile(), log=log, retry_failed=True))
    assert signer.made == 1
    assert all(result.state is State.SIGNED for result in third)


def told(result: Result) -> tuple[object, ...]:
    error = result.error.as_json() if result.error is not None else None
    return (
        *(result.identity, result.state, result.target, result.size_bytes, result.source_digest),
        *(result.signing_time, result.level, result.attempts, result.notes, str(error)),
    )


@pytest.mark.parametrize("harm", ["removed", "changed in the middle", "cut short"])
def test_a_lost_or_damaged_file_is_signed_again_and_counted(harm, pki, tmp_path, root_file):
    documents, log = write_documents(tmp_path, 10), tmp_path / "log"
    with SigningSession(counting(pki)) as session:
        list(session.sign_many(documents, CadesProfile(), log=log))
    victim = documents[4].target
    data = victim.read_bytes()
    if harm == "removed":
        victim.unlink()
    elif harm == "cut short":
        victim.write_bytes(data[:-1])
    else:
        victim.write_bytes(data.replace(b"Documento 4", b"Documento 5", 1))
    with SigningSession(counting(pki)) as session:
        results = list(session.sign_many(documents, CadesProfile(), log=log))
    assert [result.attempts for result in results] == [1] * 4 + [2] + [1] * 5
    assert [result.resumed for result in results] == [True] * 4 + [False] + [True] * 5
    assert openssl_cades(victim, root_file) == documents[4].source.read_bytes()


def test_a_log_that_ends_in_the_middle_of_a_line(pki, tmp_path):
    documents, log = write_documents(tmp_path, 10), tmp_path / "log"
    with SigningSession(counting(pki)) as session:
        list(session.sign_many(documents, CadesProfile(), log=log))
    data = log.read_bytes()
    for cut in (len(data) - 1, len(data) - 200, data.index(b"\n") + 1, 10, 0):
        log.write_bytes(data[:cut])
        with SigningSession(counting(pki)) as session:
            results = list(
                session.sign_many([one_with_overwrite(d) for d in documents], CadesProfile(), log=log)
            )
        assert [result.state for result in results] == [State.SIGNED] * 10
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert len({line["done"] for line in lines if "done" in line}) == 10


def one_with_overwrite(document: Document) -> Document:
    return Document(source=document.source, target=document.target, name=document.name, overwrite=True)


def test_a_log_of_another_batch_is_refused(pki, tmp_path):
    documents, log = write_documents(tmp_path, 3), tmp_path / "log"
    with SigningSession(counting(pki)) as session:
        list(session.sign_many(documents, CadesProfile(), log=log))
        with pytest.raises(SettingsError, match="another batch"):
            list(session.sign_many(documents, CadesProfile(mode=Mode.DETACHED), log=log))
    with (
        SigningSession(counting(pki, "p384")) as session,
        pytest.raises(SettingsError, match="another batch"),
    ):
        list(session.sign_many(documents, CadesProfile(), log=log))


def test_a_log_is_held_by_one_process(pki, tmp_path):
    documents, log = write_documents(tmp_path, 3), tmp_path / "log"
    with (
        FileLock(f"{log}.lock"),
        SigningSession(counting(pki)) as session,
        pytest.raises(BatchBusy),
    ):
        list(session.sign_many(documents, CadesProfile(), log=log))


def test_a_logged_batch_needs_targets_and_different_names(pki, tmp_path):
    with SigningSession(counting(pki)) as session:
        with pytest.raises(SettingsError, match="needs a target"):
            list(session.sign_many([Document(source=b"x")], CadesProfile(), log=tmp_path / "log"))
        same = [Document(source=b"x", target=tmp_path / f"{n}.p7m", name="same") for n in range(2)]
        with pytest.raises(SettingsError, match="same name"):
            list(session.sign_many(same, CadesProfile(), log=tmp_path / "log2"))


# --- killed in the middle ---

BATCH = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cmsdesk.signing.cades.profile import CadesProfile
from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner

folder = Path(sys.argv[1])
key = load_pem_private_key((folder / "key.pem").read_bytes(), None)
class InGroups(SoftwareSigner):
    batch_size = 32

signer = InGroups(key, (folder / "certificate.der").read_bytes())
documents = [
    Document(source=path, target=folder / "out" / (path.stem + ".p7m"), name=path.stem)
    for path in sorted((folder / "in").iterdir())
]
with SigningSession(signer) as session:
    for result in session.sign_many(documents, CadesProfile(), log=folder / "log"):
        print(result.identity, result.state.value, result.attempts, int(result.resumed), flush=True)
        sys.stdin.readline()
"""
KILLS = 5
AHEAD = 4 * 32
"""Documents under way at most when a result is handed out."""


def test_a_batch_of_1000_killed_again_and_again_has_exactly_1000_results(pki, tmp_path, root_file):
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    documents = write_documents(tmp_path, 1000)
    identity = pki.signer("p256")
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.der").write_bytes(identity.certificate)
    chance = random.Random(20260307)
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", BATCH, str(tmp_path)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        lines: list[str] = []
        resumed = 0
        stop_after = chance.randrange(1, (1000 - KILLS * AHEAD) // KILLS) if kills < KILLS else None
        for line in process.stdout:
            lines.append(line)
            resumed += line.endswith(" 1\n")
            if stop_after is not None and len(lines) - resumed >= stop_after:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
                break
            process.stdin.write("\n")
            process.stdin.flush()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if process.wait() == 0:
            break
    assert kills == KILLS
    results = [line.split() for line in lines]
    assert [result[0] for result in results] == [document.name for document in documents]
    assert {result[1] for result in results} == {"signed"}
    entries = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    done = [entry["done"] for entry in entries if "done" in entry]
    assert len(done) == len(set(done)) == 1000
    asked = sum(len(entry["begin"]) for entry in entries if "begin" in entry)
    assert asked == sum(int(result[2]) for result in results)  # lost signatures are counted
    assert 1000 < asked <= 1000 + KILLS * AHEAD
    assert len(list((tmp_path / "out").iterdir())) == 1000  # no leftovers
    for document in chance.sample(documents, 5):
        message = document.target
        message.rename(message.with_suffix(".der"))
        verified = subprocess.run(
            ["openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", message.with_suffix(".der")],
            capture_output=True,
            check=True,
        )
        assert verified.stdout == document.source.read_bytes()


def test_the_clock_is_the_callers(pki):
    moment = datetime.now(UTC).replace(microsecond=123456)
    with SigningSession(counting(pki), clock=lambda: moment) as session:
        result = session.sign(Document(source=b"x"), CadesProfile())
    assert result.signing_time == moment.replace(microsecond=0)


def test_errors_are_told_with_cause_and_next_step(pki):
    with SigningSession(counting(pki)) as session, pytest.raises(DocumentError) as caught:
        session.sign(Document(source=b"no pdf"), PadesProfile())
    told = caught.value.as_json()
    assert told["code"] == "not-a-pdf"
    assert told["cause"]
    assert told["next_step"]
