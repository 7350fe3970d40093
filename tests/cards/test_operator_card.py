"""The operator's own CNS: read without a PIN, signed with a PIN sent once, logged out at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cmsdesk.base.secret import Secret
from cmsdesk.cards.apdu import iso7816
from cmsdesk.cards.client import OperatorCardSession, PcscReaders
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import LastTry, PinBlocked, UnknownCard, UnsupportedCard, WrongPin
from tests.cards.bench import OTHER_READER, RANDOM, READER, Bench, produce, verify


@dataclass(frozen=True)
class OperatorBench:
    """An operator's card, CNS face, in the second reader."""

    card: OperatorCardSession
    bench: Bench
    certificate: bytes

    def tries(self) -> int:
        return self.bench.tries()[0]

    @property
    def public_key(self) -> bytes:
        key = x509.load_der_x509_certificate(self.certificate).public_key()
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def operator(bench: Bench, readers: PcscReaders) -> Iterator[OperatorBench]:
    bench.load()
    written = produce(bench.session, KeyAlgorithm.RSA_2048)
    bench.session.close()
    bench.stack.emulator.remove(READER)
    bench.stack.emulator.insert(OTHER_READER, bench.path, face="cns")
    with readers.open_operator(bench.stack.pcsc_name(OTHER_READER)) as card:
        yield OperatorBench(card, bench, written[Slot.AUTHENTICATION])


def test_is_read_without_a_pin(operator: OperatorBench) -> None:
    facts = operator.card.identify()
    assert facts.card_id == operator.bench.order.card_id
    assert facts.family == "itacns"
    assert operator.card.certificate() == operator.certificate
    counters = operator.card.counters()
    assert (counters.pin_tries, counters.puk_tries) == (3, 3)


def test_signs_and_is_logged_out(operator: OperatorBench) -> None:
    verify(operator.public_key, operator.card.sign(b"opening", Secret(RANDOM[0])), b"opening")
    assert operator.card.counters().pin_tries == 3
    log = operator.bench.stack.emulator.log(OTHER_READER)
    tries = [entry for entry in log if entry.ins == iso7816.INS_VERIFY and entry.sent_bytes]
    assert len(tries) == 1, "the PIN went to the card once"


def test_wrong_pin_is_sent_once_and_the_last_try_never(operator: OperatorBench) -> None:
    for left in (2, 1):
        with pytest.raises(WrongPin) as wrong:
            operator.card.sign(b"opening", Secret("00000000"))
        assert wrong.value.facts["tries_left"] == left
        assert operator.tries() == left
    with pytest.raises(LastTry):
        operator.card.sign(b"opening", Secret(RANDOM[0]))
    assert operator.tries() == 1


def test_blocked_pin_is_said_before_anything_is_sent(operator: OperatorBench) -> None:
    session = operator.card._session
    # Another program spends what this one never would.
    for _ in range(3):
        operator.bench.stack.emulator.remove(OTHER_READER)
        operator.bench.stack.emulator.insert(OTHER_READER, operator.bench.path, face="cns")
        _spend_a_try(operator.bench)
    operator.card.identify()
    with pytest.raises(PinBlocked):
        operator.card.sign(b"opening", Secret(RANDOM[0]))
    assert session.counters().pin_tries == 0


def test_cns_is_refused_for_production(operator: OperatorBench) -> None:
    with pytest.raises(UnsupportedCard):
        operator.card._session.identify()


def test_production_card_serves_an_operator_too(bench: Bench, readers: PcscReaders) -> None:
    bench.load()
    written = produce(bench.session, KeyAlgorithm.EC_P256)[Slot.AUTHENTICATION]
    bench.session.close()
    with readers.open_operator(bench.stack.pcsc_name(READER)) as card:
        card.identify()
        assert card.certificate() == written
        key = x509.load_der_x509_certificate(written).public_key()
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        verify(spki, card.sign(b"opening", Secret(RANDOM[0])), b"opening")


@pytest.mark.parametrize(
    ("atr", "error"), [("3B021450", UnknownCard), ("3B80800101", UnsupportedCard)], ids=["unknown", "cie"]
)
def test_foreign_cards_are_named(
    bench: Bench, readers: PcscReaders, atr: str, error: type[Exception]
) -> None:
    bench.session.close()
    emulator = bench.stack.emulator
    emulator.remove(READER)
    emulator.set_faults(READER, atr=atr)
    emulator.insert(READER, bench.path)
    with readers.open(bench.stack.pcsc_name(READER)) as session, pytest.raises(error):
        session.identify()


def _spend_a_try(bench: Bench) -> None:
    with Connection(bench.stack.pcsc_name(OTHER_READER)) as card:
        card.transmit(iso7816.verify(0x10, b"00000000"))
