"""Time stamps that stand alone: written by this library and by OpenSSL's request, read by both."""

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps import requests
from cmsdesk.signing.timestamps.stamped import stamp_file
from cmsdesk.signing.validation import Indication, describe
from cmsdesk.signing.validation.report import Report, Role
from tests.signing.validation.world import NOW, Stamper, check, world

TEXT = b"Bando di prova"


class Direct:
    """A `TimeStamper` that asks the unit in this process."""

    def __init__(self, at: datetime = NOW) -> None:
        self._authority = Stamper(at).authority

    def token(self, digest: bytes, algorithm: Digest) -> bytes:
        query = requests.encode(digest, algorithm, nonce=7)
        return requests.decode_response(self._authority.answer(query)).token


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "bando.pdf"
    path.write_bytes(TEXT)
    return path


@pytest.mark.parametrize("digest", list(Digest))
def test_a_token_beside_the_document(tmp_path: Path, document: Path, digest: Digest) -> None:
    token = stamp_file(document, tmp_path / "bando.pdf.tst", Direct(), digest=digest)
    assert (tmp_path / "bando.pdf.tst").read_bytes() == token
    report = check(tmp_path, token, "bando.pdf.tst", content=document)
    assert (report.format, report.indication) == ("timestamp", Indication.PASSED)
    (stamp,) = report.signatures
    assert (stamp.role, stamp.times.proven) == (Role.TIMESTAMP, NOW)
    assert "marca temporale valida" in describe(report)
    (tmp_path / "root.pem").write_bytes(world().root.pem)
    command = ["openssl", "ts", "-verify", "-in", "bando.pdf.tst", "-token_in", "-data", "bando.pdf"]
    command += ["-CAfile", "root.pem"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_a_token_around_the_document(tmp_path: Path, document: Path) -> None:
    stamp_file(document, tmp_path / "bando.pdf.tsd", Direct(), around=True)
    data = (tmp_path / "bando.pdf.tsd").read_bytes()
    report = check(tmp_path, data, "bando.pdf.tsd")
    assert report.indication is Indication.PASSED
    assert report.content.sha256 == hashlib.sha256(TEXT).hexdigest()
    parsed = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER", "-in", "bando.pdf.tsd"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "id-smime-ct-timestampedData" in parsed or "1.2.840.113549.1.9.16.1.31" in parsed
    changed = data.replace(b"Bando", b"Bendo")
    assert failed(check(tmp_path, changed, "bando.pdf.tsd")) == "HASH_FAILURE"


def failed(report: Report) -> str:
    assert report.indication is Indication.FAILED
    return report.signatures[0].subindication


def test_a_response_file_another_document_and_no_document(tmp_path: Path, document: Path) -> None:
    query = requests.encode(hashlib.sha256(TEXT).digest(), Digest.SHA256, nonce=None)
    reply = Stamper(NOW).authority.answer(query)
    assert check(tmp_path, reply, "bando.tsr", content=document).indication is Indication.PASSED
    alone = check(tmp_path, reply, "bando.tsr")
    assert (alone.indication, alone.content.size_bytes) == (Indication.INDETERMINATE, None)
    document.write_bytes(TEXT + b".")
    assert failed(check(tmp_path, reply, "bando.tsr", content=document)) == "HASH_FAILURE"


def test_a_stamp_of_nobody_known_and_of_an_expired_unit(tmp_path: Path, document: Path) -> None:
    from cmsdesk.signing.validation import TrustStore

    token = Direct().token(hashlib.sha256(TEXT).digest(), Digest.SHA256)
    unknown = check(tmp_path, token, "b.tst", content=document, trust=TrustStore())
    assert unknown.indication is Indication.INDETERMINATE
    late = datetime.now(UTC) + timedelta(days=4200)
    expired = check(tmp_path, token, "b.tst", content=document, now=late, crls=world().crls(late))
    assert expired.indication is Indication.INDETERMINATE
    assert expired.signatures[0].times.proven is None
