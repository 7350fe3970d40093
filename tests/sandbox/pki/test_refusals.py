"""What the CA refuses: requests that prove nothing, weak keys, other subjects, second uses."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from cmsdesk.base.ids import new_id
from cmsdesk.ca.transport import Transport
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.sandbox.pki import profiles
from cmsdesk.sandbox.pki.desk import settings
from cmsdesk.sandbox.pki.process import SandboxCa
from tests.fixtures.orders import new_key, new_request
from tests.sandbox.pki.judges import Files, openssl

API = "/ejbca-rest-api/v1"
CNS_NAME = "RSSMRA80A01H501U/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE="
QUALIFIED: dict[x509.ObjectIdentifier, str] = {
    NameOID.COUNTRY_NAME: "IT",
    NameOID.SURNAME: "Rossi",
    NameOID.GIVEN_NAME: "Mario",
    NameOID.SERIAL_NUMBER: "TINIT-RSSMRA80A01H501U",
    NameOID.COMMON_NAME: "Mario Rossi",
    NameOID.DN_QUALIFIER: "20261234",
}
CNS: dict[x509.ObjectIdentifier, str] = {
    NameOID.COUNTRY_NAME: "IT",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "Camera di Commercio di Roma",
    NameOID.COMMON_NAME: CNS_NAME,
}
KEYWORDS = {
    NameOID.SURNAME: "SURNAME",
    NameOID.GIVEN_NAME: "GIVENNAME",
    NameOID.SERIAL_NUMBER: "SN",
    NameOID.DN_QUALIFIER: "DN",
}


class Raw:
    """The REST interface without the adapter."""

    def __init__(self, sandbox: SandboxCa) -> None:
        self.sandbox = sandbox
        self.transport = Transport("raw", settings(sandbox).endpoint)

    def call(self, method: str, path: str, json_body: Any = None) -> tuple[int, str]:
        status, body = self.transport.send(method, API + path, json=json_body)
        content = json.loads(body) if body else {}
        return status, content.get("error_message", "")

    def add(self, slot: Slot, subject: str, **changes: Any) -> tuple[int, str]:
        issuer = self.sandbox.config.issuer(slot.value)
        entity = {
            "username": new_id(),
            "password": "code",
            "subject_dn": subject,
            "subject_alt_name": "",
            "ca_name": issuer.name,
            "certificate_profile_name": issuer.certificate_profile,
            "end_entity_profile_name": issuer.end_entity_profile,
            "token": "USERGENERATED",
            **changes,
        }
        return self.call("POST", "/endentity", entity)

    def certify(
        self, username: str, csr: bytes, slot: Slot = Slot.SIGNATURE, **changes: Any
    ) -> tuple[int, str]:
        body = {
            "username": username,
            "password": "code",
            "certificate_request": base64.b64encode(csr).decode(),
            "certificate_authority_name": self.sandbox.config.issuer(slot.value).name,
            "include_chain": False,
            **changes,
        }
        return self.call("POST", "/certificate/certificaterequest", body)

    def enrol(self, slot: Slot, csr: bytes, email: str = "", subject: str | None = None) -> tuple[int, str]:
        """Add an end entity that fits the request and ask for its certificate."""
        username = new_id()
        subject = subject or x509.load_der_x509_csr(csr).subject.rfc4514_string(KEYWORDS)
        alternative = f"rfc822Name={email}" if email else ""
        assert self.add(slot, subject, username=username, subject_alt_name=alternative)[0] == 200
        return self.certify(username, csr, slot)


@pytest.fixture
def raw(sandbox_ca: SandboxCa) -> Iterator[Raw]:
    raw = Raw(sandbox_ca)
    yield raw
    raw.transport.close()


def request(
    attributes: dict[x509.ObjectIdentifier, str],
    key: Any = None,
    *,
    digest: hashes.HashAlgorithm | None = None,
    extension: x509.ExtensionType | None = None,
) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes.items()])
    builder = x509.CertificateSigningRequestBuilder(name)
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    if digest is None and not isinstance(key, ed25519.Ed25519PrivateKey):
        digest = hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.DER)


def test_a_fitting_request_is_not_refused(raw: Raw) -> None:
    assert raw.enrol(Slot.SIGNATURE, request(QUALIFIED)) == (201, "")
    assert raw.enrol(Slot.AUTHENTICATION, request(CNS)) == (201, "")


def test_a_request_signed_by_another_key_proves_nothing(raw: Raw) -> None:
    genuine = new_request(Slot.SIGNATURE, new_key())
    for position in (len(genuine) - 3, genuine.index(b"Mario")):
        forged = bytearray(genuine)
        forged[position] ^= 1
        status, message = raw.enrol(Slot.SIGNATURE, bytes(forged))
        assert (status, "proof of possession" in message) == (400, True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            rsa.generate_private_key(65537, 1024),  # noqa: S505 - that is the point
            "rsa1024 is not allowed",
        ),
        (rsa.generate_private_key(3, 2048), "exponent is 3"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1 is not allowed"),
        (ec.generate_private_key(ec.SECP521R1()), "secp521r1 is not allowed"),
        (ed25519.Ed25519PrivateKey.generate(), "weak digest"),
        (dsa.generate_private_key(2048), "neither RSA nor EC"),
    ],
    ids=["rsa1024", "exponent 3", "secp256k1", "secp521r1", "ed25519", "dsa"],
)
def test_weak_and_foreign_keys_are_refused(raw: Raw, key: Any, words: str) -> None:
    status, message = raw.enrol(Slot.SIGNATURE, request(QUALIFIED, key))
    assert status == 400
    assert words in message


def test_a_request_signed_with_sha1_is_refused(raw: Raw, tmp_path: Path) -> None:
    key, csr = Files(tmp_path).key("weak", new_key(KeyAlgorithm.RSA_2048)), tmp_path / "weak.csr"
    subject = f"/C=IT/OU=Camera di Commercio/CN={CNS_NAME.replace('/', chr(92) + '/')}"
    openssl("req", "-new", "-sha1", "-key", key, "-subj", subject, "-outform", "DER", "-out", csr)
    status, message = raw.enrol(Slot.AUTHENTICATION, csr.read_bytes())
    assert (status, "weak digest" in message) == (400, True)


def test_a_roca_key_is_recognised() -> None:
    """Primes k·M + (65537^a mod M), as the weak library of some cards made them (CVE-2017-15361)."""
    product = 1
    for prime in profiles._SMALL_PRIMES[:125]:
        product *= prime
    product *= 2

    def weak_prime(exponent: int) -> int:
        candidate = product * (1 << 55) + pow(65537, exponent, product)
        while not probably_prime(candidate):
            candidate += product
        return candidate

    p, q = weak_prime(17), weak_prime(23)
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)
    )
    weak = numbers.private_key()
    assert weak.key_size in range(2040, 2100)
    with pytest.raises(profiles.Unfit, match="ROCA"):
        profiles.check_key(weak.public_key(), (f"rsa{weak.key_size}",))
    profiles.check_key(rsa.generate_private_key(65537, 2048).public_key(), ("rsa2048",))


def probably_prime(number: int) -> bool:
    return all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7, 11))


@pytest.mark.parametrize("factor", [2, 3, 751])
def test_a_modulus_with_a_small_factor_is_recognised(factor: int) -> None:
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    modulus -= modulus % factor
    with pytest.raises(profiles.Unfit, match="small factor"):
        profiles._check_modulus(rsa.RSAPublicNumbers(65537, modulus))


@pytest.mark.parametrize(
    ("slot", "change", "words"),
    [
        (Slot.SIGNATURE, {NameOID.COUNTRY_NAME: "DE"}, "country is not IT"),
        (Slot.SIGNATURE, {NameOID.SERIAL_NUMBER: "RSSMRA80A01H501U"}, "TINIT-"),
        (Slot.SIGNATURE, {NameOID.SERIAL_NUMBER: "TINIT-RSSMRA80A01H501"}, "TINIT-"),
        (Slot.SIGNATURE, {NameOID.DN_QUALIFIER: "a=b"}, "holder code"),
        (Slot.SIGNATURE, {NameOID.ORGANIZATION_NAME: "ACME"}, "attributes of the profile"),
        (Slot.SIGNATURE, {NameOID.GIVEN_NAME: None}, "attributes of the profile"),
        (Slot.AUTHENTICATION, {NameOID.COMMON_NAME: "Mario Rossi"}, "that of a CNS"),
        (Slot.AUTHENTICATION, {NameOID.COMMON_NAME: CNS_NAME[:-1] + "A"}, "that of a CNS"),
        (Slot.AUTHENTICATION, {NameOID.ORGANIZATIONAL_UNIT_NAME: None}, "attributes of the profile"),
        (Slot.AUTHENTICATION, {NameOID.SURNAME: "Rossi"}, "attributes of the profile"),
    ],
)
def test_a_subject_that_does_not_fit_is_refused(
    raw: Raw, slot: Slot, change: dict[x509.ObjectIdentifier, str | None], words: str
) -> None:
    base: dict[x509.ObjectIdentifier, str | None] = {**(CNS if slot is Slot.AUTHENTICATION else QUALIFIED)}
    attributes = {oid: value for oid, value in {**base, **change}.items() if value is not None}
    status, message = raw.enrol(slot, request(attributes))
    assert (status, words in message) == (400, True), message


def test_a_subject_other_than_the_registered_one_is_refused(raw: Raw) -> None:
    subject = "CN=Maria Rossi,SURNAME=Rossi,GIVENNAME=Maria,SN=TINIT-RSSMRA80A41H501Y,DN=1,C=IT"
    status, message = raw.enrol(Slot.SIGNATURE, request(QUALIFIED), subject=subject)
    assert (status, "not that of the end entity" in message) == (400, True)


@pytest.mark.parametrize(
    ("slot", "extension", "registered", "words"),
    [
        (Slot.SIGNATURE, [x509.RFC822Name("a@example.com")], "a@example.com", "no subjectAltName"),
        (Slot.AUTHENTICATION, [x509.RFC822Name("a@example.com")], "b@example.com", "end entity"),
        (Slot.AUTHENTICATION, [x509.RFC822Name("a@example.com")], "", "end entity"),
        (Slot.AUTHENTICATION, [], "a@example.com", "end entity"),
        (Slot.AUTHENTICATION, [x509.DNSName("example.com")], "", "not one e-mail"),
        (
            Slot.AUTHENTICATION,
            [x509.RFC822Name("a@example.com"), x509.RFC822Name("b@example.com")],
            "a@example.com",
            "not one e-mail",
        ),
        (Slot.AUTHENTICATION, [x509.RFC822Name("nobody")], "nobody", "not an e-mail"),
    ],
)
def test_an_alternative_name_that_does_not_fit_is_refused(
    raw: Raw, slot: Slot, extension: list[x509.GeneralName], registered: str, words: str
) -> None:
    name = x509.SubjectAlternativeName(extension) if extension else None
    csr = request(CNS if slot is Slot.AUTHENTICATION else QUALIFIED, extension=name)
    status, message = raw.enrol(slot, csr, registered)
    assert (status, words in message) == (400, True), message


def test_extensions_are_the_profile_s_affair(raw: Raw) -> None:
    csr = request(QUALIFIED, extension=x509.BasicConstraints(ca=True, path_length=None))
    status, message = raw.enrol(Slot.SIGNATURE, csr)
    assert (status, "profile sets itself" in message) == (400, True)


def test_a_key_belongs_to_one_end_entity(raw: Raw) -> None:
    key = new_key(KeyAlgorithm.EC_P384)
    assert raw.enrol(Slot.SIGNATURE, request(QUALIFIED, key))[0] == 201
    status, message = raw.enrol(Slot.SIGNATURE, request(QUALIFIED, key))
    assert (status, "same key as another user" in message) == (409, True)


def test_a_code_works_once_and_only_for_its_end_entity(raw: Raw) -> None:
    csr, username = request(QUALIFIED), new_id()
    subject = x509.load_der_x509_csr(csr).subject.rfc4514_string(KEYWORDS)
    assert raw.add(Slot.SIGNATURE, subject, username=username) == (200, "")
    assert raw.add(Slot.SIGNATURE, subject, username=username)[0] == 409
    assert "invalid password" in raw.certify(username, csr, password="guess")[1]
    assert "CA of end entity" in raw.certify(username, csr, Slot.AUTHENTICATION)[1]
    assert raw.certify(username, csr)[0] == 201
    again = request(QUALIFIED)
    assert "Got request with status GENERATED (40)" in raw.certify(username, again)[1]
    assert raw.call("PUT", f"/endentity/{username}/revoke", {"reason_code": 5, "delete": False})[0] == 200
    assert "Got request with status REVOKED (50)" in raw.certify(username, again)[1]
    assert "not found" in raw.certify(new_id(), again)[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ca_name": "OtherCA"}, "unknown CA"),
        ({"certificate_profile_name": "SERVER"}, "unknown certificate profile"),
        ({"end_entity_profile_name": "EMPTY"}, "unknown end entity profile"),
        ({"token": "P12"}, "user generated"),
        ({"subject_dn": "CN=ab+c=,C=IT"}, "subject DN"),
        ({"username": ""}, "'username'"),
        ({"password": None}, "'password'"),
    ],
)
def test_an_end_entity_that_does_not_fit_is_refused(raw: Raw, change: dict[str, Any], words: str) -> None:
    status, message = raw.add(Slot.SIGNATURE, "CN=x,C=IT", **change)
    assert status in (400, 422)
    assert words in message


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/endentity/search", None, 404),
        ("POST", "/endentity", [1], 400),
        ("POST", "/endentity/search", {"criteria": []}, 400),
        ("PUT", "/endentity/nobody/revoke", {"reason_code": 5}, 404),
        ("PUT", "/endentity/nobody/revoke", {"reason_code": 7}, 400),
        ("PUT", "/endentity/nobody/revoke", {}, 400),
        ("GET", "/certificate/CN%3DNobody/1234/revocationstatus", None, 404),
        ("GET", "/certificate/{issuer}/1234/revocationstatus", None, 404),
        ("GET", "/certificate/{issuer}/xyz/revocationstatus", None, 400),
        ("PUT", "/certificate/{issuer}/1234/revoke?reason=WHIM", {}, 400),
        ("PUT", "/certificate/{issuer}/1234/revoke?reason=SUPERSEDED", {}, 404),
        ("GET", "/ca/CN%3DNobody/getLatestCrl", None, 404),
        ("POST", "/certificate/certificaterequest", {"certificate_authority_name": "x"}, 400),
    ],
)
def test_calls_that_make_no_sense_are_answered(
    raw: Raw, method: str, path: str, body: Any, status: int
) -> None:
    _, listed = raw.transport.send("GET", f"{API}/ca")
    [issuer] = (
        quote(each["subject_dn"], safe="")
        for each in json.loads(listed)["certificate_authorities"]
        if each["name"] == "SandboxQualified"
    )
    assert raw.call(method, path.format(issuer=issuer), body)[0] == status


def test_a_request_that_is_no_request_is_refused(raw: Raw) -> None:
    csr, username = request(QUALIFIED), new_id()
    subject = x509.load_der_x509_csr(csr).subject.rfc4514_string(KEYWORDS)
    assert raw.add(Slot.SIGNATURE, subject, username=username)[0] == 200
    assert raw.certify(username, b"no request")[0] == 400
    assert raw.certify(username, csr, certificate_request="not base64!")[0] == 400
    pem = x509.load_der_x509_csr(csr).public_bytes(serialization.Encoding.PEM).decode()
    assert raw.certify(username, csr, certificate_request=pem)[0] == 201
