"""A person's own codes at the card tools: PIN changed and unblocked, each code sent once (ANP-11)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cmsdesk.base.secret import Secret
from cmsdesk.cards.apdu import iso7816
from cmsdesk.cards.client import HostSession, PcscReaders
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.profiles import Support
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import CodeUnfit, LastTry, PinBlocked, PukBlocked, WrongPin
from tests.cards.bench import OTHER_READER, RANDOM, READER, Bench, produce

FACES = ("myeid", "cns")
NEW = "31415926"


@pytest.fixture(params=FACES)
def card(request: pytest.FixtureRequest, bench: Bench, readers: PcscReaders) -> Iterator[HostSession]:
    """A produced card with the codes `RANDOM`, seen as its maker's card and as a CNS."""
    bench.load()
    produce(bench.session, KeyAlgorithm.RSA_2048)
    bench.session.close()
    bench.stack.emulator.remove(READER)
    bench.stack.emulator.insert(OTHER_READER, bench.path, face=request.param)
    with readers.open(bench.stack.pcsc_name(OTHER_READER)) as session:
        session.identify_as(Support.USE)
        yield session


def sent(bench: Bench, ins: int) -> int:
    """Commands of that INS that carried data."""
    return sum(e.ins == ins and e.sent_bytes > 0 for e in bench.stack.emulator.log(OTHER_READER))


def test_pin_is_changed(card: HostSession, bench: Bench) -> None:
    card.change_typed_pin(Secret(RANDOM[0]), Secret(NEW))
    assert sent(bench, iso7816.INS_CHANGE_REFERENCE_DATA) == 1
    assert card.sign_with_typed_pin(Slot.AUTHENTICATION, b"test", Secret(NEW))
    assert bench.tries() == (3, 3)


def test_wrong_current_pin_is_sent_once_and_never_the_last_try(card: HostSession, bench: Bench) -> None:
    for left in (2, 1):
        with pytest.raises(WrongPin) as wrong:
            card.change_typed_pin(Secret("00000000"), Secret(NEW))
        assert wrong.value.facts["tries_left"] == left
    with pytest.raises(LastTry):
        card.change_typed_pin(Secret(RANDOM[0]), Secret(NEW))
    assert bench.tries()[0] == 1
    assert sent(bench, iso7816.INS_CHANGE_REFERENCE_DATA) == 2


@pytest.mark.parametrize("code", ["123", "123456789", "12ab5678"])
def test_unfit_codes_never_reach_the_card(card: HostSession, bench: Bench, code: str) -> None:
    with pytest.raises(CodeUnfit):
        card.change_typed_pin(Secret(RANDOM[0]), Secret(code))
    with pytest.raises(CodeUnfit):
        card.unblock_typed_pin(Secret(RANDOM[1]), Secret(code))
    assert sent(bench, iso7816.INS_CHANGE_REFERENCE_DATA) == 0
    assert sent(bench, iso7816.INS_RESET_RETRY_COUNTER) == 0
    assert bench.tries() == (3, 3)


def block_pin(card: HostSession, bench: Bench) -> None:
    """Another program spends what this one never would."""
    reference = 0x01 if card.identify_as(Support.USE).family == "myeid" else 0x10
    name = bench.stack.pcsc_name(OTHER_READER)
    other = Connection(name)
    for _ in range(3):
        other.transmit(iso7816.verify(reference, b"0" * 8))
    other.close()


def test_blocked_pin_is_unblocked_by_the_puk(card: HostSession, bench: Bench) -> None:
    block_pin(card, bench)
    with pytest.raises(PinBlocked):
        card.change_typed_pin(Secret(RANDOM[0]), Secret(NEW))
    card.unblock_typed_pin(Secret(RANDOM[1]), Secret(NEW))
    assert bench.tries() == (3, 3)
    assert card.sign_with_typed_pin(Slot.AUTHENTICATION, b"test", Secret(NEW))


def test_wrong_puk_is_sent_once_and_never_the_last_try(card: HostSession, bench: Bench) -> None:
    for left in (2, 1):
        with pytest.raises(WrongPin) as wrong:
            card.unblock_typed_pin(Secret("00000000"), Secret(NEW))
        assert wrong.value.facts["tries_left"] == left
    with pytest.raises(LastTry):
        card.unblock_typed_pin(Secret(RANDOM[1]), Secret(NEW))
    assert bench.tries()[1] == 1


def test_blocked_puk_is_said_before_anything_is_typed(card: HostSession, bench: Bench) -> None:
    myeid = card.identify_as(Support.USE).family == "myeid"
    other = Connection(bench.stack.pcsc_name(OTHER_READER))
    for _ in range(3):
        wrong = (
            iso7816.verify(0x03, b"0" * 8)
            if myeid
            else iso7816.reset_retry_counter(0x10, b"0" * 8, NEW.encode())
        )
        other.transmit(wrong)
    other.close()
    with pytest.raises(PukBlocked):
        card.unblock_typed_pin(Secret(RANDOM[1]), Secret(NEW))


def test_chip_tells_what_it_can(card: HostSession) -> None:
    details = card.details()
    if card.identify_as(Support.USE).family == "myeid":
        assert details.version.count(".") == 1
        assert details.free_bytes is not None
        assert 0 < details.free_bytes < 65536
    else:
        assert details.free_bytes is None
    assert details.total_bytes is None
