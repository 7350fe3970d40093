"""The forms of EJBCA's answers, taken from its published sources, not from our sandbox.

No exchange recorded from a running EJBCA is public but the one marked *recorded*; the others are
what the response classes of Keyfactor/ejbca-ce (``modules/ejbca-rest-common/…/io/response``)
serialise to, with the example values of their own API description.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cmsdesk.base.secret import Secret
from cmsdesk.ca.ejbca_client import EjbcaClient, EndEntity, distinguished_name
from cmsdesk.ca.ejbca_settings import SlotProfile
from cmsdesk.ca.errors import CaAccessDenied
from cmsdesk.ca.transport import Endpoint, Transport
from cmsdesk.domain.certificate import RevocationReason, Slot
from cmsdesk.operations.errors import CaClosed, CaUnreachable
from tests.fixtures.orders import certificate_holder, holder, new_key, new_request

ISSUER = "CN=ExampleCA,O=Sample,C=SE"
DER = b"0\x82\x03_0\x82\x02G"


class Scripted(Transport):
    """Answers as it was told and keeps what was sent."""

    def __init__(self, status: int, body: bytes | dict[str, Any]) -> None:
        self.status, self.body = status, body if isinstance(body, bytes) else json.dumps(body).encode()
        self.sent: list[tuple[str, str, Any, Any]] = []

    def send(self, method: str, path: str, *, query: Any = None, json: Any = None) -> tuple[int, bytes]:
        self.sent.append((method, path, query, json))
        return self.status, self.body


def client(status: int, body: bytes | dict[str, Any]) -> EjbcaClient:
    return EjbcaClient("Example", Scripted(status, body))


def test_recorded_an_old_instance_without_the_ca_resource_is_not_ready() -> None:
    """Recorded: Keyfactor/ejbca-ce issue 520, EJBCA CE 8.0 on WildFly 26."""
    answer = {
        "error_code": 404,
        "error_message": "RESTEASY003210: Could not find resource for full path: "
        "https://localhost:8443/ejbca/ejbca-rest-api/v1/ca/status",
    }
    assert not client(404, answer).ready()


def test_rest_resource_status() -> None:
    """RestResourceStatusRestResponse."""
    assert client(200, {"status": "OK", "version": "1.0", "revision": "EJBCA 8.2.0 Community"}).ready()


def test_certificate_status_of_a_valid_one() -> None:
    """RevokeStatusRestResponse: date and message are left out when null."""
    body = {
        "issuer_dn": ISSUER,
        "serial_number": "10782A83EEF170D4",
        "revocation_reason": "NOT_REVOKED",
        "revoked": False,
    }
    assert client(200, body).status(ISSUER, 0x10782A83EEF170D4) is None


def test_certificate_status_of_a_held_one() -> None:
    """RevokeStatusRestResponse."""
    body = {
        "issuer_dn": ISSUER,
        "serial_number": "10782A83EEF170D4",
        "revocation_reason": "CERTIFICATE_HOLD",
        "revocation_date": "2018-06-15T14:07:09Z",
        "revoked": True,
    }
    transport = Scripted(200, body)
    found = EjbcaClient("Example", transport).status(ISSUER, 0x10782A83EEF170D4)
    assert found is RevocationReason.CERTIFICATE_HOLD
    certificate = "CN%3DExampleCA%2CO%3DSample%2CC%3DSE/10782A83EEF170D4"
    path = f"/ejbca-rest-api/v1/certificate/{certificate}/revocationstatus"
    assert transport.sent == [("GET", path, None, None)]


def test_end_entity_search() -> None:
    """SearchEndEntitiesRestResponse; QUERY matches names and alternative names too."""
    others = [{"username": "JohnDoe2", "status": "NEW"}, {"username": "JohnDoe", "status": "GENERATED"}]
    assert client(200, {"end_entities": others, "more_results": False}).state("JohnDoe") == "GENERATED"
    assert client(200, {"end_entities": [], "more_results": False}).state("JohnDoe") is None


def test_certificate_search_encodes_twice() -> None:
    """SearchCertificatesRestResponse.converter base64-encodes what Jackson encodes again."""
    twice = base64.b64encode(base64.b64encode(b"0\x82" + DER)).decode()
    once = base64.b64encode(b"0\x82" + DER).decode()
    for encoded in (twice, once):
        found = {"certificate": encoded, "serial_number": "1234567890ABCDEF", "response_format": "DER"}
        assert client(200, {"certificates": [found], "more_results": False}).certificates("x") == [
            b"0\x82" + DER
        ]


def test_the_request_to_add_an_end_entity() -> None:
    """AddEndEntityRestRequest (snake case), its answer without a body."""
    transport = Scripted(200, b"")
    profile = SlotProfile("ExampleCA", "ENDUSER", "ExampleEEP")
    answer = EjbcaClient("Example", transport).add(
        EndEntity("JohnDoe", Secret("foo123"), "CN=John Doe,C=SE", "john.doe@example.com", profile)
    )
    assert answer.done
    assert transport.sent == [
        (
            "POST",
            "/ejbca-rest-api/v1/endentity",
            None,
            {
                "username": "JohnDoe",
                "password": "foo123",
                "subject_dn": "CN=John Doe,C=SE",
                "subject_alt_name": "rfc822Name=john.doe@example.com",
                "ca_name": "ExampleCA",
                "certificate_profile_name": "ENDUSER",
                "end_entity_profile_name": "ExampleEEP",
                "token": "USERGENERATED",
            },
        )
    ]


def test_the_request_to_revoke_an_end_entity() -> None:
    """EndEntityRevocationRestRequest; a missing one is a 404 with NoSuchEndEntityException's text."""
    missing = {"error_code": 404, "error_message": "User 'JohnDoe' not found."}
    transport = Scripted(404, missing)
    answer = EjbcaClient("Example", transport).withdraw("John/Doe", RevocationReason.CA_COMPROMISE)
    assert (answer.status, answer.message) == (404, "User 'JohnDoe' not found.")
    path = "/ejbca-rest-api/v1/endentity/John%2FDoe/revoke"
    assert transport.sent == [("PUT", path, None, {"reason_code": 2, "delete": False})]


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (503, "CA with ID 12345678 is offline.", CaClosed),
        (503, "Device was unavailable.", CaClosed),
        (500, "General failure.", CaUnreachable),
        (403, "authorization.notauthorizedtoresource", CaAccessDenied),
        (429, "HTTP 429", CaUnreachable),
    ],
)
def test_answers_that_decide_nothing(status: int, message: str, error: type[Exception]) -> None:
    """ExceptionHandler's mapping of EJBCA's exceptions."""
    text = "" if message.startswith("HTTP") else message
    answering = client(status, {"error_code": status, "error_message": text})
    with pytest.raises(error, match=message):
        answering.certify("JohnDoe", Secret("foo123"), DER, "ExampleCA")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"end_entities": 1}', b'{"end_entities": [1]}'])
def test_an_answer_of_another_form_is_no_answer(body: bytes) -> None:
    with pytest.raises(CaUnreachable, match="not understood"):
        client(200, body).state("JohnDoe")


@pytest.mark.parametrize("body", [{"revoked": True}, {"revoked": "no"}, {}, {"revocation_reason": "GONE"}])
def test_an_unclear_status_is_no_status(body: dict[str, Any]) -> None:
    with pytest.raises(CaUnreachable, match="not understood"):
        client(200, body).status(ISSUER, 1)


def test_a_long_refusal_is_cut_to_one_line() -> None:
    message = client(400, {"error_message": "a\nb " * 200}).add(
        EndEntity("x", Secret("y"), "CN=x", None, SlotProfile("a", "b", "c"))
    )
    assert len(message.message) == 200
    assert "\n" not in message.message


def test_names_are_written_as_ejbca_does() -> None:
    """``CN=John Doe,SURNAME=Doe,GIVENNAME=John,C=SE`` in EJBCA's API description; ``SN`` is serialNumber."""
    of = certificate_holder(holder(surname="De Luca, detto «Gigi»"))
    subject = x509.load_der_x509_csr(new_request(Slot.SIGNATURE, new_key(), of=of)).subject
    assert distinguished_name(subject) == (
        "DN=2026RSSMRA80A01H501U,CN=Mario De Luca\\, detto «Gigi»,SN=TINIT-RSSMRA80A01H501U,"
        "GIVENNAME=Mario,SURNAME=De Luca\\, detto «Gigi»,C=IT"
    )


def test_an_endpoint_is_https() -> None:
    nowhere = Path("nowhere.pem")
    with pytest.raises(ValueError, match="https"):
        Transport("x", Endpoint("http://127.0.0.1/ejbca", nowhere, nowhere, nowhere))
