"""What a remote service can do wrong, and what each document gets then."""

import base64
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cmsdesk.signing.cades.profile import CadesProfile
from cmsdesk.signing.documents.model import Document, State
from cmsdesk.signing.errors import (
    BadSignature,
    PinLocked,
    PinRefused,
    RemoteRefused,
    SettingsError,
    SignerLost,
    SigningError,
)
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.remote import Basic, CscService, JsonTransport, NotSigned, RemoteSigner
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import pki
from tests.signing.remote.scripted import Answer, Scripted, Seen, serve

HASHES = [hashlib.sha256(bytes((n,))).digest() for n in range(7)]
PASSWORD = "s3greto-remoto"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Service:
    """A well-behaved version 1 service that a test can spoil."""

    def __init__(self, kind: str = "p256", **info: object) -> None:
        self.person = pki.make_pki().signer(kind)
        self.signer = SoftwareSigner(self.person.key, self.person.certificate)
        self.info = {
            "key": {"status": "enabled", "algo": ["1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"]},
            "cert": {"certificates": [b64(self.person.certificate)]},
            "authMode": "explicit",
            "PIN": {"presence": "true"},
            "SCAL": "2",
            "multisign": 3,
        } | info
        self.authorise: Callable[[Seen], Answer] = lambda _: (200, {"SAD": "sad"})
        self.spoil: Callable[[list[bytes]], Answer] = lambda values: (
            200,
            {"signatures": [b64(v) for v in values]},
        )

    def answer(self, seen: Seen) -> Answer:
        if seen.path.endswith("credentials/info"):
            return 200, self.info
        if seen.path.endswith("credentials/authorize"):
            return self.authorise(seen)
        hashes = [base64.b64decode(one) for one in seen.body["hash"]]
        return self.spoil(self.signer.sign(hashes))


def opened(server: Scripted, timeout_s: float = 5.0) -> RemoteSigner:
    transport = JsonTransport(server.url, Basic("app", Pin(PASSWORD)), timeout_s=timeout_s)
    return RemoteSigner(CscService(transport), "c1", secrets={"PIN": Pin("12345")})


def kinds(outcomes: list[bytes | SigningError]) -> list[type]:
    return [type(one) for one in outcomes]


def test_only_hashes_leave_and_the_pin_goes_with_each_authorisation() -> None:
    service = Service()
    with serve(Scripted(service.answer)) as server:
        signer = opened(server)
        assert kinds(signer.sign(HASHES)) == [bytes] * 7
        signer.close()
    sent = [base64.b64decode(h) for s in server.seen if "signHash" in s.path for h in s.body["hash"]]
    assert sent == HASHES
    authorised = [s.body for s in server.seen if "authorize" in s.path]
    assert [a["numSignatures"] for a in authorised] == [3, 3, 1]
    assert [a["PIN"] for a in authorised] == ["12345"] * 3
    assert {s.authorization for s in server.seen} == {"Basic " + b64(b"app:" + PASSWORD.encode())}


def test_a_session_asks_for_as_few_authorisations_as_the_credential_allows(tmp_path: Path) -> None:
    documents = []
    for n in range(7):
        source = tmp_path / f"{n}.txt"
        source.write_text(str(n))
        documents.append(Document(source=source, target=tmp_path / f"{n}.p7m"))
    with serve(Scripted(Service().answer)) as server, SigningSession(opened(server)) as session:
        results = list(session.sign_many(documents, CadesProfile()))
    assert [result.state for result in results] == [State.SIGNED] * 7
    authorised = [s.body for s in server.seen if "authorize" in s.path]
    assert [a["numSignatures"] for a in authorised] == [3, 3, 1]


def test_signatures_before_a_failure_are_kept() -> None:
    service = Service()
    calls = iter(range(10))
    service.spoil = lambda values: (
        (200, {"signatures": [b64(v) for v in values]}) if next(calls) == 0 else (503, "")
    )
    with serve(Scripted(service.answer)) as server:
        assert kinds(opened(server).sign(HASHES)) == [bytes] * 3 + [SignerLost] * 4


def test_a_partial_answer_concerns_only_the_documents_left_out() -> None:
    service = Service()
    service.spoil = lambda values: (200, {"signatures": [b64(v) for v in values[:2]]})
    with serve(Scripted(service.answer)) as server:
        outcomes = opened(server).sign(HASHES)
    assert kinds(outcomes) == [bytes, bytes, NotSigned, bytes, bytes, NotSigned, bytes]
    assert not any(isinstance(one, SigningError) and one.stops_batch for one in outcomes)


def test_signatures_in_another_order_are_never_taken() -> None:
    service = Service()
    service.spoil = lambda values: (200, {"signatures": [b64(v) for v in values[::-1]]})
    with serve(Scripted(service.answer)) as server:
        outcomes = opened(server).sign(HASHES[:3])
    assert kinds(outcomes) == [BadSignature, bytes, BadSignature]


def test_ecdsa_values_side_by_side_are_brought_into_form() -> None:
    service = Service()

    def raw(value: bytes) -> bytes:
        r, s = decode_dss_signature(value)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    service.spoil = lambda values: (200, {"signatures": [b64(raw(v)) for v in values]})
    with serve(Scripted(service.answer)) as server:
        outcomes = opened(server).sign(HASHES)
    assert all(isinstance(one, bytes) and one[0] == 0x30 for one in outcomes)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "invalid_pin", "error_description": "The PIN is invalid"}, PinRefused),
        ({"error": "invalid_request", "error_description": "Credential locked"}, PinLocked),
    ],
)
def test_a_refused_pin_is_never_sent_again(body: object, error: type[SigningError]) -> None:
    service = Service()
    service.authorise = lambda _: (400, body)
    with serve(Scripted(service.answer)) as server:
        signer = opened(server)
        for _ in range(3):
            with pytest.raises(error):
                signer.sign(HASHES[:1])
    assert server.paths().count("credentials/authorize") == 1


def test_refusals_and_silence_have_their_own_errors() -> None:
    service = Service()
    with serve(Scripted(service.answer)) as server:
        signer = opened(server, timeout_s=2.0)
        service.authorise = lambda _: (401, {"error": "invalid_client"})
        with pytest.raises(RemoteRefused, match="does not know this application"):
            signer.sign(HASHES)
        service.authorise = lambda _: (302, "")
        with pytest.raises(RemoteRefused, match="refused the request"):
            signer.sign(HASHES)
        service.authorise = lambda _: (200, "<html>")
        with pytest.raises(SignerLost, match="cannot be read"):
            signer.sign(HASHES)
        service.authorise = lambda _: (200, {})
        with pytest.raises(RemoteRefused, match="does not follow"):
            signer.sign(HASHES)

        def sleepy(_: Seen) -> Answer:
            time.sleep(3)
            return 200, {"SAD": "late"}

        service.authorise = sleepy
        with pytest.raises(SignerLost, match="in time"):
            signer.sign(HASHES)
    with pytest.raises(SignerLost, match="cannot be reached"):
        signer.sign(HASHES)


@pytest.mark.parametrize(
    ("info", "error", "match"),
    [
        ({"authMode": "oauth2code"}, SettingsError, "browser"),
        ({"key": {"status": "disabled", "algo": []}}, RemoteRefused, "disabled"),
        ({"key": {"status": "enabled", "algo": ["1.2.3"]}}, SettingsError, "not used with"),
        ({"cert": {"certificates": []}}, RemoteRefused, "no certificate"),
        ({"cert": {"certificates": ["AAAA"]}}, SigningError, "certificate"),
        ({"cert": {"status": "suspended", "certificates": ["AAAA"]}}, RemoteRefused, "disabled"),
        ({"cert": None}, RemoteRefused, "does not follow"),
        ({"OTP": {"presence": "true"}}, SettingsError, "asks for a secret"),
    ],
)
def test_credentials_that_cannot_be_used(
    info: dict[str, object], error: type[SigningError], match: str
) -> None:
    service = Service(**info)
    with serve(Scripted(service.answer)) as server, pytest.raises(error, match=match):
        opened(server)


@pytest.mark.parametrize("url", ["http://firma.example.com", "ftp://firma.example.com", "firma", "https://"])
def test_only_encrypted_connections(url: str) -> None:
    with pytest.raises(SettingsError):
        JsonTransport(url)


def test_no_secret_shows_anywhere() -> None:
    service = Service()
    service.authorise = lambda seen: (400, {"error": "invalid_pin", "error_description": str(seen.body)[:10]})
    with serve(Scripted(service.answer)) as server:
        signer = opened(server)
        with pytest.raises(PinRefused) as caught:
            signer.sign(HASHES)
        text = repr(caught.value) + str(caught.value.as_json()) + repr(vars(signer)) + repr(signer._service)
        assert PASSWORD not in text
        assert "12345" not in text
        signer.close()
