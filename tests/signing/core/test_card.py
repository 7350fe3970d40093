"""A card in a reader: OpenSC's module over a real pcscd, an emulated chip that counts its PIN tries.

The key is generated on the card; the certificate is written by OpenSC's own tools.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from cmsdesk.sandbox.readers.stack import ReaderStack
from cmsdesk.signing.cades.profile import CadesProfile
from cmsdesk.signing.documents.model import Document, State
from cmsdesk.signing.errors import PinLocked, PinRefused, SignerError, SignerLost
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.pkcs11.refused import forget_refused_pins
from cmsdesk.signing.pkcs11.settings import Pkcs11Settings
from cmsdesk.signing.pkcs11.signer import Pkcs11Signer
from cmsdesk.signing.session.session import SigningSession
from tests.fixtures.readers import CardMaker, MadeCard
from tests.sandbox.tools import Tools
from tests.signing import samples
from tests.signing.checkers import openssl_cades, pdfsig
from tests.signing.pki import Pki, name, signer_extensions

READER = "Sandbox Lettore 1"
MODULE = Path("/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so")
USER_PIN = 1


@dataclass(frozen=True)
class SigningCard:
    """A card with a key and certificate, in the first reader."""

    made: MadeCard
    stack: ReaderStack
    settings: Pkcs11Settings

    @property
    def pin(self) -> Pin:
        return Pin(self.made.order.transport_pin)

    @property
    def tries_left(self) -> int:
        return self.stack.emulator.tries(self.made.path)[USER_PIN][0]

    def pins_sent(self) -> int:
        """VERIFY commands with a PIN, as the chip saw them."""
        return sum(entry.ins == 0x20 and entry.sent_bytes > 0 for entry in self.stack.emulator.log(READER))


def certify(pki: Pki, public: Path) -> bytes:
    """Issue a certificate for a public key that never leaves its card."""
    now = pki.issuing.parsed.not_valid_before_utc
    builder = (
        x509.CertificateBuilder()
        .subject_name(name("Carla Verdi"))
        .issuer_name(pki.issuing.parsed.subject)
        .serial_number(x509.random_serial_number())
        .public_key(load_pem_public_key(public.read_bytes()))
        .not_valid_before(now)
        .not_valid_after(pki.issuing.parsed.not_valid_after_utc)
    )
    for extension, critical in signer_extensions():
        builder = builder.add_extension(extension, critical)
    return builder.sign(pki.issuing.key, hashes.SHA256()).public_bytes(Encoding.DER)


def personalised(
    card_maker: CardMaker, stack: ReaderStack, pki: Pki, folder: Path, *options: str
) -> SigningCard:
    """Insert a card, let OpenSC's tools make a key on it and write its certificate."""
    forget_refused_pins()
    made = card_maker.make()
    pin = made.order.transport_pin
    stack.emulator.insert(READER, made.path)
    tools = Tools(stack.pcsc_name(READER), stack.environment(), folder)
    key = ("--key-type", "rsa:2048", "--id", "45", "--label", "firma")
    tools.pkcs11("--keypairgen", *key, *options, pin=pin)
    certificate = folder / "certificate.der"
    certificate.write_bytes(certify(pki, tools.public_key("45")))
    tools.pkcs11("--write-object", certificate, "--type", "cert", "--id", "45", pin=pin)
    stack.emulator.reset_counter(READER)
    settings = Pkcs11Settings(
        module=MODULE,
        chain=pki.chain,
        environment=tuple(stack.environment().items()),
        lock_path=folder / "open.lock",
    )
    return SigningCard(made, stack, settings)


@pytest.fixture
def card(card_maker: CardMaker, stack: ReaderStack, pki: Pki, tmp_path: Path) -> Iterator[SigningCard]:
    yield personalised(card_maker, stack, pki, tmp_path)
    stack.emulator.remove(READER)
    forget_refused_pins()


def test_many_documents_with_one_pin(card, root_file, tmp_path):
    documents = [Document(source=b"Atto %d" % n, target=tmp_path / f"{n}.p7m") for n in range(5)]
    with SigningSession(Pkcs11Signer(card.settings, card.pin)) as session:
        results = list(session.sign_many(documents, CadesProfile()))
        session.sign(Document(source=samples.plain(), target=tmp_path / "a.pdf"), PadesProfile())
    assert all(result.state is State.SIGNED for result in results)
    assert openssl_cades(tmp_path / "3.p7m", root_file) == b"Atto 3"
    assert pdfsig(tmp_path / "a.pdf").valid == 1
    assert card.pins_sent() == 1
    assert card.tries_left == 3


def test_a_key_that_wants_the_pin_for_every_signature(card_maker, stack, pki, root_file, tmp_path):
    """CKA_ALWAYS_AUTHENTICATE: the person enters the PIN once all the same."""
    card = personalised(card_maker, stack, pki, tmp_path, "--always-auth")
    documents = [Document(source=b"Atto %d" % n, target=tmp_path / f"{n}.p7m") for n in range(3)]
    with SigningSession(Pkcs11Signer(card.settings, card.pin)) as session:
        assert all(r.state is State.SIGNED for r in session.sign_many(documents, CadesProfile()))
    assert openssl_cades(tmp_path / "2.p7m", root_file) == b"Atto 2"
    assert card.pins_sent() >= len(documents)
    assert card.tries_left == 3


def test_a_wrong_pin_costs_one_try_however_often_it_is_given(card):
    for _ in range(5):
        with pytest.raises(PinRefused):
            Pkcs11Signer(card.settings, Pin("0000000"))
    assert card.tries_left == 2
    assert card.pins_sent() == 1
    Pkcs11Signer(card.settings, card.pin).close()
    assert card.tries_left == 3


def test_the_last_try_is_left_to_who_asks_for_it(card):
    for wrong in ("1111111", "2222222"):
        with pytest.raises(PinRefused):
            Pkcs11Signer(card.settings, Pin(wrong))
    assert card.tries_left == 1
    with pytest.raises(PinLocked, match="one try is left"):
        Pkcs11Signer(card.settings, card.pin)
    assert card.tries_left == 1
    Pkcs11Signer(replace(card.settings, allow_final_try=True), card.pin).close()
    assert card.tries_left == 3


def test_a_locked_pin_is_told_and_not_sent(card):
    settings = replace(card.settings, allow_final_try=True)
    for wrong in ("1111111", "2222222", "3333333"):
        with pytest.raises((PinRefused, PinLocked)):
            Pkcs11Signer(settings, Pin(wrong))
    assert card.tries_left == 0
    sent = card.pins_sent()
    with pytest.raises(PinLocked, match="locked"):
        Pkcs11Signer(settings, card.pin)
    assert card.pins_sent() == sent


def test_a_card_that_is_pulled_out_stops_the_batch_which_is_then_resumed(card, tmp_path):
    def documents(*, pull_out_at: int | None = None) -> Iterator[Document]:
        for number in range(8):
            if number == pull_out_at:
                card.stack.emulator.remove(READER)
            yield Document(source=b"Atto", target=tmp_path / f"{number}.p7m", name=str(number))

    signer = Pkcs11Signer(card.settings, card.pin)
    with SigningSession(signer) as session, pytest.raises(SignerError) as lost:
        list(session.sign_many(documents(pull_out_at=4), CadesProfile(), log=tmp_path / "log"))
    assert isinstance(lost.value, SignerLost), lost.value.facts
    assert "taken away" in lost.value.cause
    done = len(list(tmp_path.glob("*.p7m")))
    assert 0 < done < 8
    card.stack.emulator.insert(READER, card.made.path)
    with SigningSession(Pkcs11Signer(card.settings, card.pin)) as session:
        results = list(session.sign_many(documents(), CadesProfile(), log=tmp_path / "log"))
    assert [result.state for result in results] == [State.SIGNED] * 8
    assert sum(result.resumed for result in results) == done


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("command", [0, 1, 2])
def test_whatever_the_moment_a_card_goes_it_is_told_as_taken_away(card, command, when):
    """Cut at every command of a signature: OpenSC's error differs, what the person is told does not."""
    with closing(Pkcs11Signer(card.settings, card.pin)) as signer:
        signer.sign([b"\0" * 32])
        card.stack.emulator.reset_counter(READER)
        signer.sign([b"\1" * 32])
        assert len(card.stack.emulator.log(READER)) == 3
        card.stack.emulator.reset_counter(READER)
        card.stack.emulator.set_faults(READER, cut_at=command, cut_when=when)
        with pytest.raises(SignerLost, match="taken away"):
            signer.sign([b"\2" * 32])


def test_a_card_that_refuses_is_not_told_as_taken_away(card):
    with closing(Pkcs11Signer(card.settings, card.pin)) as signer:
        card.stack.emulator.set_faults(READER, sw_by_ins={0x2A: 0x6F00})
        with pytest.raises(SignerError, match="did not sign") as refused:
            signer.sign([b"\0" * 32])
        assert not isinstance(refused.value, SignerLost)
        card.stack.emulator.set_faults(READER)
        assert len(signer.sign([b"\0" * 32])) == 1
