"""Version 2 of the interface, by the exchanges printed in its specification (see exchanges_v2.json)."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cmsdesk.signing.pin import Pin
from cmsdesk.signing.remote import Basic, CscService, JsonTransport, RemoteSigner, Version
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import pki
from tests.signing.remote.scripted import Answer, Scripted, Seen, serve

RECORDED = json.loads(Path(__file__).with_name("exchanges_v2.json").read_text("utf-8"))["exchanges"]
HASHES = [hashlib.sha256(text).digest() for text in (b"Example Contract", b"Example Terms of Service")]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def fill(value: Any, given: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: fill(inner, given) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, given) for inner in value]
    return given.get(value, value) if isinstance(value, str) else value


def test_the_printed_exchange_word_for_word() -> None:
    world = pki.make_pki()
    person = world.signer("rsa2048")
    signatures = SoftwareSigner(person.key, person.certificate).sign(HASHES)
    given = {
        "<signer>": b64(person.certificate),
        "<issuer>": b64(world.issuing.certificate),
        "<root>": b64(world.root.certificate),
        **{f"<hash {n}>": b64(one) for n, one in enumerate(HASHES, 1)},
        **{f"<signature {n}>": b64(one) for n, one in enumerate(signatures, 1)},
    }
    recorded = iter(fill(RECORDED, given))

    def answer(seen: Seen) -> Answer:
        expected = next(recorded)
        body = {"clientData": "12345678", **expected["request"]}
        assert (seen.path, seen.body) == (expected["path"], body)
        assert expected.get("authorization", seen.authorization) == seen.authorization
        return expected["status"], expected["response"]

    with serve(Scripted(answer)) as server:
        transport = JsonTransport(server.url, Basic("client", Pin("secret")))
        service = CscService(transport, Version.V2, client_data="12345678", sleep=lambda _: None)
        service.log_in()
        signer = RemoteSigner(
            service,
            "GX0112348",
            secrets={"PIN": Pin("123456")},
            ask=lambda name: Pin({"OTP": "738496"}[name]),
        )
        assert signer.sign(HASHES) == signatures
        assert signer.chain == (world.issuing.certificate,)
        signer.close()
    assert next(recorded, None) is None
