"""The client and the HTTP face of the unit together, and the client against authorities that misbehave."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import urllib3

from cmsdesk.signing.cms import der
from cmsdesk.signing.errors import ClockUntrusted, SettingsError, TimestampError
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps import requests
from cmsdesk.signing.timestamps.client import HttpTimeStamper
from cmsdesk.signing.timestamps.requests import QUERY_TYPE
from cmsdesk.signing.timestamps.tokens import BadToken, check_token, read_token
from cmsdesk.signing.timestamps.tsa import UnitSettings, make_app
from cmsdesk.signing.timestamps.tsa.app import Application, Message, Receive, Send
from tests.signing.timestamps.server import serve
from tests.signing.timestamps.unit import POLICY, make_unit

DIGEST = hashlib.sha256(b"atto").digest()


def test_tokens_for_eight_threads_are_all_different_and_right(tmp_path: Path) -> None:
    unit = make_unit(tmp_path)
    with serve(make_app(unit.authority)) as url:
        client = HttpTimeStamper(url, policy=POLICY)
        digests = [hashlib.sha384(str(n).encode()).digest() for n in range(64)]
        with ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(lambda d: client.token(d, Digest.SHA384), digests))
        client.close()
    facts = [check_token(token) for token in tokens]
    assert [f.digest for f in facts] == digests
    assert len({f.serial for f in facts}) == 64
    assert all(f.certificate == unit.identity.certificate for f in facts)


def post(url: str, body: bytes, kind: str = QUERY_TYPE, method: str = "POST") -> int:
    return urllib3.request(method, url, body=body, headers={"Content-Type": kind}, retries=False).status


def test_http_that_is_no_time_stamp_request_is_refused(tmp_path: Path) -> None:
    unit = make_unit(tmp_path)
    query = requests.encode(DIGEST, Digest.SHA256, nonce=1)
    with serve(make_app(unit.authority)) as url:
        assert post(url, query) == 200
        assert post(url, query, kind=f"{QUERY_TYPE}; charset=binary") == 200
        assert post(url, query, kind="text/plain") == 415
        assert post(url, query, method="PUT") == 405
        assert post(url, bytes(100_000)) == 413
        assert post(url, b"") == 200  # answered: rejection, badDataFormat


class Liar:
    """An authority whose answer a test chooses."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[bytes, dict[bytes, bytes]]] = []

    async def app(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = (await receive())["body"]
        self.asked.append((body, dict(scope["headers"])))
        status, answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": answer})


def ask(app: Application, **settings: object) -> bytes:
    with serve(app) as url:
        client = HttpTimeStamper(url, sleep=lambda _: None, **settings)  # type: ignore[arg-type]  # test options
        try:
            return client.token(DIGEST, Digest.SHA256)
        finally:
            client.close()


def test_answers_to_other_questions_are_thrown_away(tmp_path: Path) -> None:
    unit = make_unit(tmp_path)
    other_digest = unit.authority.answer(requests.encode(bytes(32), Digest.SHA256, nonce=1))
    other_nonce = unit.authority.answer(requests.encode(DIGEST, Digest.SHA256, nonce=1))
    no_certificate = unit.authority.answer(
        requests.encode(DIGEST, Digest.SHA256, nonce=1, wants_certificate=False)
    )
    for reply, reason in (
        (other_digest, "other data"),
        (other_nonce, "another request"),
        (no_certificate, "certificate"),
        (b"", "no time stamp response"),
        (b"<html>", "no time stamp response"),
        (der.sequence(der.sequence(der.integer(0))), "no time stamp"),
    ):
        with pytest.raises(TimestampError, match="wrong answer") as caught:
            ask(Liar((200, reply)).app)
        assert reason in str(caught.value.facts["reason"])


def test_another_policy_is_not_taken(tmp_path: Path) -> None:
    unit = make_unit(tmp_path, settings=UnitSettings(POLICY, accepted_policies=("1.2.3.4",)))
    with serve(make_app(unit.authority)) as url:
        token = HttpTimeStamper(url, policy="1.2.3.4").token(DIGEST, Digest.SHA256)
        assert read_token(token).policy == "1.2.3.4"
        with pytest.raises(TimestampError) as caught:
            HttpTimeStamper(url, policy="1.2.3.5").token(DIGEST, Digest.SHA256)
    assert caught.value.facts["reason"] == "unaccepted-policy"


def test_an_authority_without_trusted_time_is_told_apart(tmp_path: Path) -> None:
    class Distrust:
        def distrust(self, now: datetime) -> str | None:
            return "the clock was moved"

    unit = make_unit(tmp_path, guards=[Distrust()])
    with serve(make_app(unit.authority)) as url, pytest.raises(ClockUntrusted) as caught:
        HttpTimeStamper(url).token(DIGEST, Digest.SHA256)
    assert "the clock was moved" in str(caught.value.facts["text"])


def test_a_busy_authority_is_asked_again_and_a_dead_one_is_not_asked_for_ever() -> None:
    busy = Liar((503, b""), (502, b""), (503, b""))
    with pytest.raises(TimestampError, match="does not answer"):
        ask(busy.app)
    assert len(busy.asked) == 3
    with pytest.raises(TimestampError, match="does not answer"):
        HttpTimeStamper("http://127.0.0.1:9/", sleep=lambda _: None).token(DIGEST, Digest.SHA256)


def test_a_refusal_is_final_and_the_password_travels_only_where_it_may() -> None:
    forbidden = Liar((401, b"secret page"))
    password = Pin("s3greto-di-prova")
    with pytest.raises(TimestampError, match="did not accept") as caught:
        ask(forbidden.app, username="anna", password=password)
    assert len(forbidden.asked) == 1
    assert forbidden.asked[0][1][b"authorization"] == b"Basic YW5uYTpzM2dyZXRvLWRpLXByb3Zh"
    assert "s3greto" not in str(caught.value) + repr(caught.value.facts)
    redirect = Liar((302, b""))
    with pytest.raises(TimestampError, match="did not accept"):
        ask(redirect.app, username="anna", password=password)
    with pytest.raises(SettingsError, match="in clear"):
        HttpTimeStamper("http://tsa.example.com/", username="anna", password=password)


@pytest.mark.parametrize("url", ["ftp://tsa.example.com", "tsa.example.com", "http://", "file:///etc/passwd"])
def test_addresses_must_be_http(url: str) -> None:
    with pytest.raises(SettingsError):
        HttpTimeStamper(url)


def test_every_changed_byte_of_a_token_is_noticed(tmp_path: Path) -> None:
    reply = make_unit(tmp_path).authority.answer(requests.encode(DIGEST, Digest.SHA256, nonce=5))
    token = requests.decode_response(reply).token
    facts = check_token(token)
    for position in range(0, len(token), 7):
        changed = bytearray(token)
        changed[position] ^= 0x10
        try:
            found = check_token(bytes(changed))
        except BadToken:
            continue
        # outside the signature only the embedded issuer certificates may differ unnoticed
        assert (found.digest, found.at, found.serial) == (facts.digest, facts.at, facts.serial)
