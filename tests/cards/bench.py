"""What the card tests share: codes, certificates, personal data, devices to run the contract on."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from cmsdesk.base.secret import Secret
from cmsdesk.cards.client import HostSession
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.sealing import Binding, CodePair, seal
from cmsdesk.sandbox.readers.stack import ReaderStack
from cmsdesk.sandbox.readers.transport import CardOrder

READER = "Sandbox Lettore 1"
OTHER_READER = "Sandbox Lettore 2"
TOKEN_READER = "Sandbox Token 1"
RANDOM = ("20406080", "13579135")
SCRATCH = ("11223344", "99887766")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CA_KEY = ec.generate_private_key(ec.SECP256R1())
_CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])


@dataclass(frozen=True)
class Bench:
    """A device ready for the contract: its host, its transport codes, where it lies."""

    session: HostSession
    order: CardOrder
    stack: ReaderStack
    path: Path

    @property
    def transport(self) -> tuple[str, str]:
        """PIN and PUK it came with."""
        return self.order.transport_pin, self.order.transport_puk

    def load(self, **more: tuple[str, str]) -> None:
        """Load transport, random and scratch codes for this card."""
        load_codes(self.session, self.order.card_id, transport=self.transport, **more)

    def tries(self) -> tuple[int, int]:
        """The chip's own counters: PIN and PUK."""
        counters = self.stack.emulator.tries(self.path)
        return counters[1][0], counters[3][0]

    def reinsert(self) -> None:
        """Take the card out and put it back."""
        self.stack.emulator.remove(READER)
        self.stack.emulator.insert(READER, self.path)


def load_codes(session: HostSession, card_id: str, **pairs: tuple[str, str]) -> None:
    """Seal codes to the host as the vault would: random and scratch, and what is given."""
    codes = {"random": RANDOM, "scratch": SCRATCH, **pairs}
    sealed = seal(
        session.sealing_key(),
        {label: CodePair(Secret(pin), Secret(puk)) for label, (pin, puk) in codes.items()},
        Binding("production-1", card_id, "b"),
    )
    assert set(session.load_codes(sealed)) >= set(codes)


@dataclass(frozen=True)
class SoftToken:
    """A SoftHSM token with PIN and PUK."""

    serial: str
    transport: tuple[str, str]


class SoftTokens:
    """Makes SoftHSM tokens in a folder of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        (folder / "tokens").mkdir()
        settings = folder / "softhsm2.conf"
        settings.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        patch.setenv("SOFTHSM2_CONF", str(settings))

    def make(self) -> SoftToken:
        """A fresh token with transport codes."""
        pin, puk = "12345678", "87654321"
        before = set(self._serials())
        _softhsm("--init-token", "--free", "--label", "CNS", "--so-pin", puk, "--pin", pin)
        (serial,) = set(self._serials()) - before
        return SoftToken(serial, (pin, puk))

    @staticmethod
    def _serials() -> list[str]:
        lines = (line.split() for line in _softhsm("--show-slots").splitlines())
        return [words[2] for words in lines if words[:2] == ["Serial", "number:"] and len(words) == 3]


def _softhsm(*arguments: str) -> str:
    return subprocess.run(
        ["softhsm2-util", *arguments], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def personal_data(fields: Iterable[str] = ("", "01012026", "01012032", "ROSSI", "MARIA")) -> bytes:
    """EF.Dati_personali of an invented person: 16 fields (domain.md §1.3)."""
    values = [*fields, *[""] * 16][:16]
    body = "".join(f"{len(value):02X}{value}" for value in values)
    return f"{len(body) + 6:06X}{body}".encode("latin-1")


def certificate(public_key: bytes, slot: Slot, *, serial: int | None = None) -> bytes:
    """A certificate of the test CA for a card's key, DER."""
    authentication = slot is Slot.AUTHENTICATION
    usage = x509.KeyUsage(
        digital_signature=authentication,
        content_commitment=not authentication,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Maria Rossi {slot.value}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_CA_NAME)
        .public_key(serialization.load_der_public_key(public_key))  # type: ignore[arg-type]  # RSA or EC here
        .serial_number(serial or secrets.randbits(64) | 1 << 63)
        .not_valid_before(_NOW)
        .not_valid_after(_NOW + timedelta(days=1095))
        .add_extension(usage, critical=True)
    )
    return builder.sign(_CA_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def verify(public_key: bytes, signature: bytes, data: bytes) -> None:
    """Check a signature made by a card; raises InvalidSignature."""
    key = serialization.load_der_public_key(public_key)
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    digest = hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()
    key.verify(signature, data, ec.ECDSA(digest))


def produce(session: HostSession, algorithm: KeyAlgorithm) -> dict[Slot, bytes]:
    """Steps b–h on a transport card whose codes are loaded; return the certificates by slot."""
    session.change_pin("transport", "random")
    session.change_puk("transport", "random")
    session.write_personal_data(personal_data(), pin="random")
    written = {}
    for slot in Slot:
        public_key = session.generate_key(slot, algorithm, pin="random")
        verify(
            public_key, session.sign(slot, b"certification request", pin="random"), b"certification request"
        )
        written[slot] = certificate(public_key, slot)
        session.write_certificate(slot, written[slot], pin="random")
    return written
