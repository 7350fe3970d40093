"""Holders' certificates: pkilint and OpenSSL agree; the contents are the profiles' (domain.md §1.1, §2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509

from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.cns import CommonName
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.ports import Issued
from tests.fixtures.orders import CARD_ID, SoftwareKey, ask, new_key, new_order, personal_data
from tests.sandbox.pki.judges import Files, lint_pkix, lint_qualified, openssl, refused

EMAIL = "mario.rossi@example.com"
CNS_TEXT = (
    "Identifies X.509 authentication certificates issued for the italian National Service Card (CNS) "
    "project in according to the italian regulation"
)
CNS_NAME = r"^(?P<cf>[A-Z0-9]{16})/(?P<card>[0-9A-Za-z]{16})\.(?P<hash>[A-Za-z0-9+/]{27}=)$"

Make = Callable[..., Issued]


class QcStatement(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    _fields = [("id", core.ObjectIdentifier), ("info", core.Any, {"optional": True})]  # noqa: RUF012


class QcStatements(core.SequenceOf):  # type: ignore[misc]  # asn1crypto has no types
    _child_spec = QcStatement


def identifiers(value: Any) -> list[str]:
    """Return the object identifiers of a SEQUENCE OF OBJECT IDENTIFIER."""
    return [each.dotted for each in core.SequenceOf.load(value.dump(), spec=core.ObjectIdentifier)]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def make(ca: EjbcaRest) -> Make:
    def make(
        slot: Slot,
        algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048,
        *,
        key: SoftwareKey | None = None,
        email: str | None = None,
    ) -> Issued:
        answer = ask(ca, new_order(slot, algorithm=algorithm, key=key, email=email))
        assert isinstance(answer, Issued), answer
        return answer

    return make


def parsed(issued: Issued) -> tuple[Any, dict[str, tuple[bool, Any]]]:
    """Return a certificate as asn1crypto sees it, and its extensions: dotted OID → (critical, value)."""
    certificate = asn1_x509.Certificate.load(issued.certificate)
    extensions = {
        each["extn_id"].dotted: (each["critical"].native, each["extn_value"])
        for each in certificate["tbs_certificate"]["extensions"]
    }
    return certificate, extensions


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_pkilint_finds_nothing_in_a_qualified_certificate(
    make: Make, files: Files, algorithm: KeyAlgorithm
) -> None:
    leaf, _, _ = files.issued("qualified", make(Slot.SIGNATURE, algorithm))
    assert lint_qualified(leaf) == 0


def test_pkilint_is_not_blind(make: Make, files: Files) -> None:
    leaf, _, _ = files.issued("cns", make(Slot.AUTHENTICATION))
    assert lint_qualified(leaf) > 0


@pytest.mark.parametrize("email", [None, EMAIL])
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.EC_P256])
def test_pkilint_finds_nothing_in_a_cns_certificate(
    make: Make, files: Files, algorithm: KeyAlgorithm, email: str | None
) -> None:
    leaf, issuer, root = files.issued("cns", make(Slot.AUTHENTICATION, algorithm, email=email))
    assert [lint_pkix(each) for each in (leaf, issuer, root)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("slot", "purpose", "fits"),
    [
        (Slot.AUTHENTICATION, "sslclient", True),
        (Slot.AUTHENTICATION, "smimesign", False),
        (Slot.AUTHENTICATION, "sslserver", False),
        (Slot.SIGNATURE, "any", True),
        (Slot.SIGNATURE, "sslclient", False),
    ],
)
def test_openssl_verifies_for_the_purposes_of_the_slot(
    make: Make, files: Files, slot: Slot, purpose: str, fits: bool
) -> None:
    leaf, issuer, root = files.issued("x", make(slot))
    command = ("verify", "-x509_strict", "-purpose", purpose, "-CAfile", root, "-untrusted", issuer, leaf)
    assert b"OK" in openssl(*command) if fits else b"unsuitable" in refused(*command)


def test_the_cns_certificate_is_as_the_profile_says(make: Make) -> None:
    certificate, extensions = parsed(make(Slot.AUTHENTICATION))
    subject = certificate.subject.native
    assert subject["country_name"] == "IT"
    assert subject["organizational_unit_name"] == "Camera di Commercio di Roma"
    match = re.match(CNS_NAME, subject["common_name"])
    assert match
    assert len(subject["common_name"]) == 62
    assert match["card"] == CARD_ID
    assert CommonName.parse(subject["common_name"]).binds(personal_data())
    assert extensions["2.5.29.15"][0] is True
    assert extensions["2.5.29.15"][1].native == {"digital_signature"}
    assert extensions["2.5.29.37"][1].native == ["client_auth"]
    assert "2.5.29.17" not in extensions
    [policy] = extensions["2.5.29.32"][1].parsed
    assert policy["policy_identifier"].dotted == "1.3.76.16.2.1"
    [qualifier] = policy["policy_qualifiers"]
    assert qualifier["policy_qualifier_id"].native == "user_notice"
    assert qualifier["qualifier"].native["explicit_text"] == CNS_TEXT


@pytest.mark.parametrize(
    ("algorithm", "usage"),
    [
        (KeyAlgorithm.RSA_2048, {"digital_signature", "key_encipherment"}),
        (KeyAlgorithm.EC_P256, {"digital_signature", "key_agreement"}),
    ],
)
def test_an_address_makes_the_cns_fit_for_mail(make: Make, algorithm: KeyAlgorithm, usage: set[str]) -> None:
    _, extensions = parsed(make(Slot.AUTHENTICATION, algorithm, email=EMAIL))
    assert extensions["2.5.29.15"][1].native == usage
    assert extensions["2.5.29.37"][1].native == ["client_auth", "email_protection"]
    assert extensions["2.5.29.17"][1].native == [EMAIL]


def test_the_qualified_certificate_is_as_the_profile_says(make: Make) -> None:
    certificate, extensions = parsed(make(Slot.SIGNATURE))
    subject = certificate.subject.native
    assert subject == {
        "country_name": "IT",
        "surname": "Rossi",
        "given_name": "Mario",
        "serial_number": "TINIT-RSSMRA80A01H501U",
        "common_name": "Mario Rossi",
        "dn_qualifier": "2026RSSMRA80A01H501U",
    }
    assert extensions["2.5.29.15"] == (True, extensions["2.5.29.15"][1])
    assert extensions["2.5.29.15"][1].native == {"non_repudiation"}
    assert "2.5.29.37" not in extensions
    policies = [each["policy_identifier"].dotted for each in extensions["2.5.29.32"][1].parsed]
    assert "0.4.0.194112.1.2" in policies
    assert policies[-1] == "1.3.76.16.6"
    assert extensions["2.5.29.35"][0] is False
    methods = [each["access_method"].native for each in extensions["1.3.6.1.5.5.7.1.1"][1].parsed]
    assert sorted(methods) == ["ca_issuers", "ocsp"]
    assert extensions["2.5.29.31"][0] is False
    validity = certificate["tbs_certificate"]["validity"].native
    lifetime = validity["not_after"] - validity["not_before"]
    assert lifetime in (timedelta(days=3 * 365), timedelta(days=3 * 365 + 1))
    assert validity["not_after"] == validity["not_before"].replace(year=validity["not_before"].year + 3)


def test_the_qualified_statements_are_complete(make: Make) -> None:
    _, extensions = parsed(make(Slot.SIGNATURE))
    critical, value = extensions["1.3.6.1.5.5.7.1.3"]
    statements = {each["id"].dotted: each["info"] for each in QcStatements.load(value.contents)}
    assert critical is False
    assert list(statements) == [
        "1.3.6.1.5.5.7.11.2",
        "0.4.0.1862.1.1",
        "0.4.0.1862.1.4",
        "0.4.0.1862.1.6",
        "0.4.0.1862.1.5",
        "0.4.0.1862.1.3",
    ]
    assert identifiers(statements["1.3.6.1.5.5.7.11.2"]) == ["0.4.0.194121.1.1"]
    assert identifiers(statements["0.4.0.1862.1.6"]) == ["0.4.0.1862.1.6.1"]
    assert core.Integer.load(statements["0.4.0.1862.1.3"].dump()).native == 20
    languages = [
        core.PrintableString.load(core.Sequence.load(each.dump())[1].dump()).native
        for each in core.SequenceOf.load(statements["0.4.0.1862.1.5"].dump(), spec=core.Any)
    ]
    assert languages == ["it", "en"]


def test_serial_numbers_are_long_and_random(make: Make) -> None:
    made = (make(Slot.SIGNATURE, KeyAlgorithm.EC_P256) for _ in range(20))
    serials = {parsed(each)[0].serial_number for each in made}
    assert len(serials) == 20
    assert min(serials).bit_length() > 120
    assert len({serial >> 140 for serial in serials}) > 10


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.EC_P256])
def test_mail_is_signed_encrypted_and_decrypted(make: Make, files: Files, algorithm: KeyAlgorithm) -> None:
    """REG-8, with a software key in place of the card's."""
    key = new_key(algorithm)
    leaf, issuer, root = files.issued("mail", make(Slot.AUTHENTICATION, algorithm, key=key, email=EMAIL))
    secret = files.key("mail", key)
    text = files.binary("mail.txt", b"Caro Mario,\r\nla tessera \xe8 pronta.\r\n")
    signed, sealed, opened = (files.folder / name for name in ("signed", "sealed", "opened"))
    openssl(
        "cms", "-sign", "-in", text, "-signer", leaf, "-inkey", secret, "-certfile", issuer,
        "-from", EMAIL, "-out", signed,
    )  # fmt: skip
    openssl("cms", "-verify", "-in", signed, "-CAfile", root, "-purpose", "smimesign", "-out", opened)
    assert opened.read_bytes() == text.read_bytes()
    openssl("cms", "-encrypt", "-aes-256-cbc", "-in", text, "-out", sealed, leaf)
    assert b"tessera" not in sealed.read_bytes()
    openssl("cms", "-decrypt", "-in", sealed, "-recip", leaf, "-inkey", secret, "-out", opened)
    assert opened.read_bytes() == text.read_bytes()
    # OpenSSL's smimeencrypt asks for keyEncipherment, which RFC 8813 §3 forbids to EC keys
    purpose = ("-purpose", "smimeencrypt" if algorithm is KeyAlgorithm.RSA_2048 else "smimesign")
    openssl("verify", *purpose, "-verify_email", EMAIL, "-CAfile", root, "-untrusted", issuer, leaf)
