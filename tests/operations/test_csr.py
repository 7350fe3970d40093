"""Certificate signing requests, judged by OpenSSL and by cryptography's parser."""

from __future__ import annotations

import subprocess

import pytest
from cryptography import x509

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.csr import complete, finish, preliminary
from tests.fixtures.orders import certificate_holder, holder, new_key, new_request, sign, spki


def openssl(csr: bytes) -> str:
    command = [
        "openssl",
        "req",
        "-inform",
        "DER",
        "-noout",
        "-text",
        "-verify",
        "-nameopt",
        "utf8,sep_comma_plus",
    ]
    done = subprocess.run(command, input=csr, capture_output=True, timeout=10, check=False)
    assert done.returncode == 0, done.stderr
    assert b"verify OK" in done.stdout + done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize("slot", Slot)
@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_openssl_verifies_the_proof_of_possession(slot: Slot, algorithm: KeyAlgorithm) -> None:
    text = openssl(new_request(slot, new_key(algorithm), algorithm))
    digest = "SHA384" if algorithm is KeyAlgorithm.EC_P384 else "SHA256"
    expected = f"ecdsa-with-{digest}" if algorithm.value.startswith("ec") else "sha256WithRSAEncryption"
    assert f"Signature Algorithm: {expected}" in text


def test_the_subject_of_the_cns() -> None:
    text = openssl(new_request(Slot.AUTHENTICATION, new_key()))
    assert "Subject: C=IT,OU=Camera di Commercio di Roma,CN=RSSMRA80A01H501U/7430010024925855." in text
    assert "Subject Alternative Name" not in text


def test_the_subject_of_the_signature() -> None:
    of = certificate_holder(holder(surname="Òmëgå", given_name="Zoë Ünal"))
    text = openssl(new_request(Slot.SIGNATURE, new_key(), of=of))
    assert (
        "Subject: C=IT,SN=Òmëgå,GN=Zoë Ünal,serialNumber=TINIT-RSSMRA80A01H501U,CN=Zoë Ünal Òmëgå,"
        "dnQualifier=2026RSSMRA80A01H501U" in text
    )


def test_string_types_are_those_of_rfc_5280() -> None:
    subject = x509.load_der_x509_csr(new_request(Slot.SIGNATURE, new_key())).subject
    types = {each.oid.dotted_string: each._type.name for each in subject}
    printable = {oid for oid, kind in types.items() if kind == "PrintableString"}
    assert printable == {"2.5.4.6", "2.5.4.5", "2.5.4.46"}
    assert set(types.values()) == {"PrintableString", "UTF8String"}


def test_an_address_is_asked_for_in_the_alternative_name() -> None:
    csr = new_request(Slot.AUTHENTICATION, new_key(), email="mario.rossi@example.com")
    assert "email:mario.rossi@example.com" in openssl(csr)
    with pytest.raises(ValueError, match="REG-8"):
        preliminary(Slot.SIGNATURE, certificate_holder(), "mario.rossi@example.com")


@pytest.mark.parametrize(
    ("given_name", "surname", "common_name"),
    [
        ("Mario", "Rossi", "Mario Rossi"),
        (" Mario  Andrea ", "Rossi", "Mario Andrea Rossi"),
        ("Maria " + "Teodolinda " * 6, "Rossi", "Maria " + "Teodolinda " * 4 + "Rossi"),
        ("Mario", "R" * 70, "Mario " + "R" * 58),
    ],
)
def test_a_common_name_fits_in_64_characters(given_name: str, surname: str, common_name: str) -> None:
    of = certificate_holder(holder(given_name=given_name, surname=surname[:64]))
    text = x509.load_der_x509_csr(new_request(Slot.SIGNATURE, new_key(), of=of)).subject.rfc4514_string()
    assert f"CN={common_name}," in text
    assert len(common_name) <= 64


def test_a_card_id_or_digest_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="CNS"):
        preliminary(Slot.AUTHENTICATION, certificate_holder(card_id="123"))


def test_the_same_data_give_the_same_preliminary_request() -> None:
    assert preliminary(Slot.SIGNATURE, certificate_holder()) == preliminary(
        Slot.SIGNATURE, certificate_holder()
    )


def test_a_false_signature_does_not_pass() -> None:
    key = new_key()
    tbs = complete(preliminary(Slot.SIGNATURE, certificate_holder()), spki(key))
    csr = finish(tbs, sign(key, tbs + b"x"), KeyAlgorithm.EC_P256)
    assert not x509.load_der_x509_csr(csr).is_signature_valid
