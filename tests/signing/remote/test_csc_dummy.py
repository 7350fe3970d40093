"""The remote signer against certomancer-csc-dummy, and its documents against OpenSSL."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cmsdesk.signing.cades.profile import CadesProfile
from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.errors import RemoteRefused
from cmsdesk.signing.remote import CscService, JsonTransport, RemoteSigner, SignerName
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.base import Digest, Scheme
from tests.signing.remote.dummy import Dummy, csc_dummy


@pytest.fixture(scope="module", params=[1, 2], ids=["scal1", "scal2"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dummy]:
    with csc_dummy(tmp_path_factory.mktemp("csc"), scal=request.param) as running:
        yield running


def service(server: Dummy) -> CscService:
    found = CscService(JsonTransport(server.url))
    found.log_in()
    return found


@pytest.mark.parametrize(
    ("alias", "scheme", "digest"),
    [
        ("presidente", Scheme.RSA_PKCS1, Digest.SHA256),
        ("presidente", Scheme.RSA_PKCS1, Digest.SHA512),
        ("segretario", Scheme.ECDSA, Digest.SHA256),
    ],
)
def test_a_batch_larger_than_an_authorisation(
    server: Dummy, alias: str, scheme: Scheme, digest: Digest
) -> None:
    signer = RemoteSigner(service(server), SignerName(alias, "cciaa-bz"), digest=digest)
    assert signer.algorithm.scheme is scheme
    hashes = [
        hashlib.new(digest.value, bytes((n,))).digest() for n in range(23)
    ]  # the server allows 10 at once
    outcomes = signer.sign(hashes)
    signer.close()
    assert len(outcomes) == 23
    for value, one in zip(outcomes, hashes, strict=True):
        assert isinstance(value, bytes)
        assert signer._verify(one, value)
    assert len(set(map(bytes, (o for o in outcomes if isinstance(o, bytes))))) == 23


def test_documents_signed_remotely_satisfy_openssl(server: Dummy, tmp_path: Path) -> None:
    signer = RemoteSigner(service(server), SignerName("presidente", "cciaa-bz"))
    root = next(
        one
        for one in service(server).credential("cciaa-bz/presidente").certificates
        if one != signer.certificate
    )
    (tmp_path / "root.pem").write_bytes(x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM))
    documents = []
    for number in range(12):
        source = tmp_path / f"atto{number}.txt"
        source.write_text(f"Atto numero {number}")
        documents.append(Document(source=source, target=tmp_path / f"atto{number}.txt.p7m"))
    with SigningSession(signer) as session:
        results = list(session.sign_many(documents, CadesProfile()))
    assert [r.error for r in results] == [None] * 12
    for number in (0, 11):
        command = ["openssl", "cms", "-verify", "-inform", "DER", "-cades", "-purpose", "any"]
        command += ["-in", str(tmp_path / f"atto{number}.txt.p7m"), "-CAfile", str(tmp_path / "root.pem")]
        command += ["-out", str(tmp_path / "out.txt")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out.txt").read_text() == f"Atto numero {number}"


def test_credentials_by_alias_and_domain(server: Dummy) -> None:
    assert sorted(service(server).list_credentials(client_data="cciaa-bz")) == [
        "cciaa-bz/presidente",
        "cciaa-bz/radice",
        "cciaa-bz/segretario",
    ]
    with pytest.raises(RemoteRefused, match="no such signer"):
        RemoteSigner(service(server), SignerName("tesoriere", "cciaa-bz"))
    with pytest.raises(RemoteRefused, match="refused the request"):
        RemoteSigner(service(server), SignerName("presidente", "cciaa-tn"))
    with pytest.raises(RemoteRefused):
        RemoteSigner(service(server), "cciaa-bz/nessuno")
