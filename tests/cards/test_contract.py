"""The contract of `ports.CardSession`, on each kind of device it is offered for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cmsdesk.cards.client import HostSession, PcscReaders
from cmsdesk.cards.errors import CertificateConflict, KeyConflict, KeyMissing
from cmsdesk.cards.profiles import load
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.operations.errors import CardError, WrongPin
from cmsdesk.operations.ports import DeviceFacts
from tests.cards.bench import (
    READER,
    TOKEN_READER,
    Bench,
    SoftTokens,
    certificate,
    load_codes,
    personal_data,
    produce,
    verify,
)
from tests.cards.real_card import wanted_card
from tests.fixtures.readers import CardMaker

CARD, TOKEN, SOFT, REAL = "smart card", "USB token", "SoftHSM", "real card"


@dataclass(frozen=True)
class Device:
    """A device in its transport state, opened, its codes loaded."""

    session: HostSession
    card_id: str
    kind: DeviceKind
    counts: bool
    """It tells its tries."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The contract runs on every stand-in, or on the one real card that was named."""
    if "device" in metafunc.fixturenames:
        real = wanted_card(metafunc.config) is not None
        kinds = [pytest.param(REAL, marks=pytest.mark.card)] if real else [CARD, TOKEN, SOFT]
        metafunc.parametrize("device", kinds, indirect=True)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    with ExitStack() as ends:
        yield {CARD: _emulated, TOKEN: _emulated, SOFT: _soft, REAL: _real}[request.param](request, ends)


def _emulated(request: pytest.FixtureRequest, ends: ExitStack) -> Device:
    shape = "card" if request.param == CARD else "token"
    stack = request.getfixturevalue("stack")
    maker: CardMaker = request.getfixturevalue("card_maker")
    readers: PcscReaders = request.getfixturevalue("readers")
    made = maker.make(shape)
    reader = READER if shape == "card" else TOKEN_READER
    stack.emulator.insert(reader, made.path)
    session = ends.enter_context(readers.open(stack.pcsc_name(reader)))
    load_codes(session, made.order.card_id, transport=(made.order.transport_pin, made.order.transport_puk))
    kind = DeviceKind.SMART_CARD if shape == "card" else DeviceKind.USB_TOKEN
    return Device(session, made.order.card_id, kind, counts=True)


def _soft(request: pytest.FixtureRequest, ends: ExitStack) -> Device:
    tokens: SoftTokens = request.getfixturevalue("soft_tokens")
    token = tokens.make()
    readers: PcscReaders = request.getfixturevalue("readers")
    session = ends.enter_context(readers.open_token("softhsm", token.serial))
    load_codes(session, token.serial, transport=token.transport)
    return Device(session, token.serial, DeviceKind.USB_TOKEN, counts=False)


def _real(request: pytest.FixtureRequest, ends: ExitStack) -> Device:
    """The card asked for by ``--card``, in any reader; its transport codes from the environment.

    Other cards are only asked who they are. The card is brought back to its transport state at the end.
    """
    wanted = wanted_card(request.config)
    readers: PcscReaders = request.getfixturevalue("readers_of_this_computer")
    for found in readers.readers():
        session = ends.enter_context(readers.open(found.name))
        facts = _identified(session)
        if facts is not None and facts.card_id == wanted:
            transport = os.environ["CMSDESK_CARD_PIN"], os.environ["CMSDESK_CARD_PUK"]
            load_codes(session, wanted, transport=transport)
            ends.callback(_bring_back, session)
            return Device(session, wanted, facts.kind, counts=facts.counters.pin_tries is not None)
        session.close()
    pytest.fail(f"no reader holds card {wanted}: any other card is left alone")


def _identified(session: HostSession) -> DeviceFacts | None:
    try:
        return session.identify()
    except CardError:
        return None


def _bring_back(session: HostSession) -> None:
    puk = "transport" if session.try_puk("transport").accepted else "random"
    session.wipe(puk=puk, transport="transport")


@pytest.fixture
def readers_of_this_computer(tmp_path: Path) -> Iterator[PcscReaders]:
    with PcscReaders(tmp_path / "run") as opened:
        yield opened


def test_identifies_device(device: Device) -> None:
    facts = device.session.identify()
    assert facts.card_id == device.card_id
    assert len(facts.card_id) == 16
    assert facts.kind is device.kind
    profile = load().named(facts.profile)
    assert profile.family == facts.family
    assert not facts.atr or load().for_atr(facts.atr) == profile
    if device.counts:
        assert (facts.counters.pin_tries, facts.counters.puk_tries) == (3, 3)


def test_fresh_device_is_empty_and_readable(device: Device) -> None:
    contents = device.session.contents()
    assert contents.readable
    assert (contents.keys, contents.certificates) == ((), ())
    assert (contents.personal_data, contents.cns_certificate) == (b"", b"")


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.RSA_2048, KeyAlgorithm.EC_P256])
def test_produces_and_reads_back_and_wipes(device: Device, algorithm: KeyAlgorithm) -> None:
    session = device.session
    written = produce(session, algorithm)
    contents = session.contents()
    assert contents.readable
    assert contents.personal_data == personal_data()
    assert contents.cns_certificate == written[Slot.AUTHENTICATION]
    profile = load().named(session.identify().profile)
    for slot in Slot:
        key, found = contents.key(slot), contents.certificate(slot)
        assert key is not None
        assert found is not None
        assert found.der == written[slot]
        rule = profile.slots[slot]
        assert {(key.label, key.object_id), (found.label, found.object_id)} == {(rule.label, rule.object_id)}
        certified = x509.load_der_x509_certificate(found.der).public_key()
        assert key.public_key == certified.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        verify(key.public_key, session.sign(slot, b"proof", pin="random"), b"proof")

    session.change_pin("random", "scratch")
    session.change_puk("random", "scratch")
    assert session.try_pin("scratch").accepted
    assert session.try_puk("scratch").accepted

    session.wipe(puk="scratch", transport="transport")
    test_fresh_device_is_empty_and_readable(device)
    assert session.try_pin("transport").accepted
    assert session.try_puk("transport").accepted
    produce(session, algorithm)


def test_writing_the_same_certificate_again_is_harmless(device: Device) -> None:
    written = produce(device.session, KeyAlgorithm.EC_P256)
    for slot in Slot:
        device.session.write_certificate(slot, written[slot], pin="random")
    assert len(device.session.contents().certificates) == 2


def test_another_certificate_or_key_in_a_slot_is_refused(device: Device) -> None:
    written = produce(device.session, KeyAlgorithm.EC_P256)
    key = device.session.contents().key(Slot.SIGNATURE)
    assert key is not None
    with pytest.raises(CertificateConflict):
        device.session.write_certificate(
            Slot.SIGNATURE, certificate(key.public_key, Slot.SIGNATURE), pin="random"
        )
    with pytest.raises(KeyConflict):
        device.session.generate_key(Slot.SIGNATURE, KeyAlgorithm.EC_P256, pin="random")
    found = device.session.contents().certificate(Slot.SIGNATURE)
    assert found is not None
    assert found.der == written[Slot.SIGNATURE]


def test_signing_without_a_key_says_so(device: Device) -> None:
    with pytest.raises(KeyMissing):
        device.session.sign(Slot.SIGNATURE, b"data", pin="transport")


def test_wrong_code_is_told_and_changes_nothing(device: Device) -> None:
    session = device.session
    assert not session.try_pin("random").accepted
    assert session.try_pin("transport").accepted
    with pytest.raises(WrongPin):
        session.sign(Slot.AUTHENTICATION, b"data", pin="random")
    assert session.try_pin("transport").accepted
    assert not session.try_puk("random").accepted
    assert session.try_puk("transport").accepted
    with pytest.raises(WrongPin):
        session.change_puk("random", "scratch")
    assert session.try_puk("transport").accepted
    if device.counts:
        counters = session.counters()
        assert (counters.pin_tries, counters.puk_tries) == (3, 3)


@pytest.mark.parametrize(
    "algorithm", [KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_4096, KeyAlgorithm.EC_P384], ids=lambda a: a.value
)
def test_larger_keys_sign(bench: Bench, algorithm: KeyAlgorithm) -> None:
    bench.load()
    public_key = bench.session.generate_key(Slot.SIGNATURE, algorithm, pin="transport")
    verify(public_key, bench.session.sign(Slot.SIGNATURE, b"data", pin="transport"), b"data")
    key = bench.session.contents().key(Slot.SIGNATURE)
    assert key is not None
    assert key.public_key == public_key


def test_third_parties_see_what_was_written(bench: Bench) -> None:
    bench.load()
    written = produce(bench.session, KeyAlgorithm.RSA_2048)
    bench.session.close()
    environment = {**os.environ, **bench.stack.environment()}
    module = load().named("sandbox-card").module()

    def pkcs11_tool(*arguments: str) -> bytes:
        command = ["pkcs11-tool", "--module", module, *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, timeout=30).stdout

    listed = pkcs11_tool("--list-objects").decode()
    assert listed.count("Certificate Object") == 2
    for slot, label, object_id in ((Slot.AUTHENTICATION, "CNS0", "01"), (Slot.SIGNATURE, "CNS1", "10")):
        read = pkcs11_tool("--read-object", "--type", "cert", "--id", object_id)
        assert read == written[slot]
        assert f"label:      {label}" in listed
