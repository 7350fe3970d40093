"""Who opens a production: the operator's own CNS, for this very production."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmsdesk.domain.production import Production, ProductionState
from cmsdesk.operations.card_signature import check_card_signature, fiscal_code_of
from cmsdesk.operations.errors import OperatorNotTrusted
from cmsdesk.operations.issue.opening import check_opening, opening_message
from cmsdesk.operations.ports import SignedOpening
from tests.fixtures.people import a_request

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
OPERATOR = "RSSMRA80A01H501U"
COMMON_NAME = f"{OPERATOR}/7430010024925855.lsKV/lNtBAmc8x5lzSb+cxx2UzE="
REQUEST = a_request().approved()
PRODUCTION = Production("P-1", REQUEST.id, "7430010024925855", "S-1", OPERATOR, ProductionState.RUNNING)
MESSAGE = opening_message(PRODUCTION, REQUEST, NOW)
CA_KEY, CARD_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(
    common_name: str | None = COMMON_NAME,
    *,
    signer: ec.EllipticCurvePrivateKey = CA_KEY,
    key: ec.EllipticCurvePrivateKey = CARD_KEY,
    begins: datetime = NOW - DAY,
    ends: datetime = NOW + DAY,
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> bytes:
    names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "IT")]
    if common_name is not None:
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    builder = (
        x509.CertificateBuilder(serial_number=x509.random_serial_number())
        .subject_name(x509.Name(names))
        .issuer_name(issuer_name())
        .public_key(key.public_key())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def issuer_name() -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CNS di prova")])


def issuer(key: ec.EllipticCurvePrivateKey = CA_KEY) -> bytes:
    usage = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    built = (
        x509.CertificateBuilder(serial_number=1)
        .subject_name(issuer_name())
        .issuer_name(issuer_name())
        .public_key(key.public_key())
        .not_valid_before(NOW - 9 * DAY)
        .not_valid_after(NOW + 9 * DAY)
        .add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def signed(
    message: bytes = MESSAGE, der: bytes | None = None, key: ec.EllipticCurvePrivateKey = CARD_KEY
) -> SignedOpening:
    return SignedOpening(message, key.sign(message, ec.ECDSA(hashes.SHA256())), der or certificate())


def check(opening: SignedOpening, operator: str = OPERATOR) -> None:
    check_opening(opening, MESSAGE, operator, [issuer()], NOW)


def test_the_operators_own_card_opens() -> None:
    check(signed())
    opening = signed()
    assert check_card_signature(MESSAGE, opening.signature, opening.certificate, [issuer()], NOW) == OPERATOR


def test_the_message_names_purpose_request_data_device_card_and_time() -> None:
    assert json.loads(MESSAGE) == {
        "purpose": "cmsdesk production opening",
        "production": "P-1",
        "request": "R-1",
        "request_sha256": REQUEST.approved_digest,
        "device": "7430010024925855",
        "scratch_card": "S-1",
        "at": "2026-06-01T08:00:00+00:00",
    }


OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
REFUSED = {
    "another opening": (signed(MESSAGE.replace(b"P-1", b"P-2")), "another opening"),
    "signed by another key": (signed(key=OTHER_KEY), "not its own"),
    "no signature": (replace(signed(), signature=b""), "not its own"),
    "an expired certificate": (
        signed(der=certificate(ends=NOW - timedelta(seconds=1))),
        "within its validity",
    ),
    "a certificate of the future": (
        signed(der=certificate(begins=NOW + timedelta(seconds=1))),
        "within its validity",
    ),
    "a signature certificate": (signed(der=certificate(usage=None)), "not for authentication"),
    "a mail certificate": (
        signed(der=certificate(usage=ExtendedKeyUsageOID.EMAIL_PROTECTION)),
        "not for authentication",
    ),
    "an issuer of the same name": (signed(der=certificate(signer=OTHER_KEY)), "unknown issuer"),
    "another CNS": (signed(der=certificate(COMMON_NAME.replace("RSS", "VRD"))), "another card signed"),
    "no CNS at all": (signed(der=certificate("Mario Rossi")), "not that of a CNS"),
    "no name": (signed(der=certificate(None)), "not that of a CNS"),
    "garbage": (signed(der=b"\x30\x03\x02\x01\x01"), "cannot be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_nothing_else_opens(what: str) -> None:
    opening, reason = REFUSED[what]
    with pytest.raises(OperatorNotTrusted, match=reason):
        check(opening)


def test_no_issuer_is_trusted_by_default() -> None:
    with pytest.raises(OperatorNotTrusted, match="unknown issuer"):
        check_opening(signed(), MESSAGE, OPERATOR, [], NOW)


def test_the_fiscal_code_is_read_before_the_first_slash() -> None:
    assert fiscal_code_of(certificate()) == OPERATOR
