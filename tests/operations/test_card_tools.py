"""What the card tools say of a device, and what the diagnostics file leaves out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cmsdesk.base.secret import Secret
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations import card_tools
from cmsdesk.operations.errors import DeviceUnproven
from cmsdesk.operations.ports import (
    CardContents,
    CertificateOnCard,
    ChipDetails,
    DeviceFacts,
    KeyOnCard,
    PinCounters,
)

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
FISCAL_CODE = "PRTLKS79S09F132H"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
FULL = PinCounters(3, 3, 3, 3)


def certificate(since: datetime, until: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{FISCAL_CODE}/7430010000000001.x")])
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")]),
        subject_name=name,
        public_key=KEY.public_key(),
        serial_number=4711,
        not_valid_before=since,
        not_valid_after=until,
    )
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def public_key() -> bytes:
    return KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


class Chip:
    """A device on the table, as `ToolSession` shows it."""

    def __init__(self, contents: CardContents, key: ec.EllipticCurvePrivateKey = KEY) -> None:
        self._contents, self._key = contents, key

    def details(self) -> ChipDetails:
        return ChipDetails("3.3", None, 20480)

    def contents(self) -> CardContents:
        return self._contents

    def sign_with_typed_pin(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def contents(der: bytes = b"") -> CardContents:
    if not der:
        return CardContents((), (), b"", b"", readable=True)
    return CardContents(
        keys=(KeyOnCard(Slot.AUTHENTICATION, "CNS0", b"\x01", public_key()),),
        certificates=(CertificateOnCard(Slot.AUTHENTICATION, "CNS0", b"\x01", der),),
        personal_data=b"00001APERSONAL DATA OF SOMEBODY",
        cns_certificate=der,
        readable=True,
    )


def facts(counters: PinCounters = FULL) -> DeviceFacts:
    return DeviceFacts(
        "Lettore 1",
        b"\x3b\x00",
        "sandbox-card",
        "myeid",
        DeviceKind.SMART_CARD,
        "7430010000000001",
        "ab",
        counters,
    )


def codes_found(held: CardContents, counters: PinCounters = FULL, now: datetime = NOW) -> list[str]:
    report = card_tools.inspect(Chip(held), facts(counters), now)
    return [error.code for error in report.findings]


def valid(days: int = 365) -> bytes:
    return certificate(NOW - timedelta(days=1), NOW + timedelta(days=days))


def test_a_good_device_has_no_findings() -> None:
    assert codes_found(contents(valid())) == []


@pytest.mark.parametrize(
    ("counters", "code"),
    [
        (PinCounters(0, 3, 3, 3), "CARD-PIN-BLOCKED"),
        (PinCounters(1, 3, 3, 3), "CARD-LAST-TRY"),
        (PinCounters(3, 3, 0, 3), "CARD-PUK-BLOCKED"),
    ],
)
def test_spent_tries_are_told(counters: PinCounters, code: str) -> None:
    assert codes_found(contents(valid()), counters) == [code]


def test_unknown_counters_are_no_finding() -> None:
    assert codes_found(contents(valid()), PinCounters(None, None, None, None)) == []


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [(-400, -1, "CARD-CERT-EXPIRED"), (-400, 30, "CARD-CERT-EXPIRING"), (1, 400, "CARD-CERT-FUTURE")],
)
def test_dates_are_told(since: int, until: int, code: str) -> None:
    der = certificate(NOW + timedelta(days=since), NOW + timedelta(days=until))
    assert codes_found(contents(der)) == [code]


def test_blank_and_broken_devices_are_told() -> None:
    assert codes_found(contents()) == ["CARD-BLANK"]
    assert codes_found(replace(contents(), readable=False)) == ["CARD-STRUCTURE"]


def test_the_clock_is_compared() -> None:
    assert card_tools.check_clock(NOW, NOW + timedelta(minutes=5)) is None
    for apart in (timedelta(hours=-1), timedelta(hours=1)):
        wrong = card_tools.check_clock(NOW, NOW + apart)
        assert wrong is not None
        assert wrong.facts == {"minutes": 60}


def test_signature_of_another_key_is_no_proof() -> None:
    report = card_tools.inspect(Chip(contents(valid())), facts(), NOW)
    card_tools.try_signature(Chip(contents(valid())), report, Slot.AUTHENTICATION, Secret("12345678"))
    with pytest.raises(DeviceUnproven):
        card_tools.try_signature(
            Chip(contents(valid()), OTHER_KEY), report, Slot.AUTHENTICATION, Secret("12345678")
        )


def test_diagnostics_hold_facts_and_nothing_personal() -> None:
    der = certificate(NOW - timedelta(days=400), NOW - timedelta(days=1))
    report = card_tools.inspect(Chip(contents(der)), facts(), NOW)
    wrong = card_tools.check_clock(NOW, NOW + timedelta(hours=1))
    assert wrong is not None
    text = card_tools.diagnostics([report], [wrong], NOW, "0.1")
    (device,) = json.loads(text)["devices"]
    assert device["keys"][0]["kind"] == "EC P-256"
    assert device["findings"][0]["code"] == "CARD-CERT-EXPIRED"
    assert json.loads(text)["troubles"] == [{"code": "CLOCK", "facts": {"minutes": 60}}]
    for personal in (FISCAL_CODE, "SOMEBODY", der.hex(), b"SOMEBODY".hex()):
        assert personal not in text
