"""Cards that leave, readers that vanish, chips that are full or slow: what is said, and what is left."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cmsdesk.cards.apdu import cns, iso7816
from cmsdesk.cards.client import HostSession, PcscReaders
from cmsdesk.cards.errors import CodesMissing, CodesRefused
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.profiles import DRIVERS_DIR
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import (
    CardFull,
    CardGone,
    CardInterrupted,
    DriverMissing,
    LastTry,
    PinBlocked,
    ReaderGone,
    SmartCardServiceDown,
    WrongPin,
)
from tests.cards.bench import OTHER_READER, RANDOM, READER, Bench, load_codes, personal_data, produce
from tests.fixtures.readers import CardMaker

_EC = KeyAlgorithm.EC_P256


def _round(session: HostSession) -> None:
    produce(session, _EC)
    session.change_pin("random", "scratch")
    session.change_puk("random", "scratch")


@pytest.fixture(scope="module")
def round_length() -> dict[str, int]:
    """Commands in one round, counted by the first test that needs it."""
    return {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.03, 0.2, 0.35, 0.45, 0.55, 0.7, 0.8, 0.9, 0.97])
def test_cut_anywhere_in_a_round_is_told_and_mended_by_a_wipe(
    bench: Bench, round_length: dict[str, int], share: float, when: str
) -> None:
    bench.load()
    emulator = bench.stack.emulator
    if not round_length:
        emulator.reset_counter(READER)
        _round(bench.session)
        round_length["commands"] = emulator.status(READER).counter
        bench.session.wipe(puk="scratch", transport="transport")
    emulator.reset_counter(READER)
    emulator.set_faults(READER, cut_at=1 + round(share * (round_length["commands"] - 1)), cut_when=when)
    with pytest.raises(CardGone):
        _round(bench.session)
    with pytest.raises(CardInterrupted):
        bench.session.contents()
    emulator.set_faults(READER)
    bench.reinsert()

    assert bench.session.identify().card_id == bench.order.card_id
    with pytest.raises(CodesMissing):
        bench.session.try_pin("random")
    bench.load()
    bench.session.contents()
    bench.session.wipe(puk=_puk_now(bench, share), transport="transport")
    contents = bench.session.contents()
    assert contents.readable
    assert (contents.keys, contents.certificates) == ((), ())
    assert (contents.personal_data, contents.cns_certificate) == (b"", b"")
    assert bench.tries() == (3, 3)
    _round(bench.session)


def _puk_now(bench: Bench, share: float) -> str:
    """Which PUK the card has after a cut there: at most two are possible, the later is tried once."""
    if 0.05 < share < 0.95:
        return "random"
    later, earlier = ("random", "transport") if share < 0.5 else ("scratch", "random")
    return later if bench.session.try_puk(later).accepted else earlier


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
def test_cut_anywhere_in_a_wipe_is_mended_by_the_next(bench: Bench, share: float) -> None:
    bench.load()
    emulator = bench.stack.emulator
    produce(bench.session, _EC)
    emulator.reset_counter(READER)
    commands = 98
    emulator.set_faults(READER, cut_at=1 + round(share * (commands - 1)), cut_when="after")
    with pytest.raises(CardInterrupted):
        bench.session.wipe(puk="random", transport="transport")
    emulator.set_faults(READER)
    bench.reinsert()
    facts = bench.session.identify()
    assert facts.card_id == bench.order.card_id
    bench.load()
    bench.session.contents()
    bench.session.wipe(puk="random", transport="transport")
    assert bench.session.contents().readable
    assert bench.session.try_pin("transport").accepted
    assert bench.session.try_puk("transport").accepted


def test_wipe_of_a_card_with_damaged_structure(bench: Bench) -> None:
    bench.load()
    produce(bench.session, _EC)
    _damage_directories(bench)
    assert not bench.session.contents().readable
    bench.session.wipe(puk="random", transport="transport")
    assert bench.session.contents().readable


def test_wipe_of_a_blank_chip_needs_no_puk(bench: Bench) -> None:
    bench.load()
    emulator = bench.stack.emulator
    emulator.reset_counter(READER)
    emulator.set_faults(READER, cut_at=6, cut_when="after")
    with pytest.raises(CardInterrupted):
        bench.session.wipe(puk="transport", transport="transport")
    emulator.set_faults(READER)
    bench.reinsert()
    facts = bench.session.identify()
    assert facts.counters.pin_tries is None, "the chip is blank"
    load_codes(bench.session, bench.order.card_id, transport=bench.transport)
    bench.session.wipe(puk="never loaded", transport="transport")
    assert bench.session.try_pin("transport").accepted


def test_counters_are_true_and_the_last_try_is_never_spent(bench: Bench) -> None:
    bench.load()
    session = bench.session
    for left in (2, 1):
        assert session.try_pin("random").tries_left == left
        assert session.counters().pin_tries == left == bench.tries()[0]
    for spend in _ways_to_spend(session):
        with pytest.raises(LastTry):
            spend()
    assert bench.tries() == (1, 3)
    for left in (2, 1):
        assert session.try_puk("random").tries_left == left
    for spend in (
        lambda: session.try_puk("transport"),
        lambda: session.change_puk("transport", "random"),
        lambda: session.wipe(puk="transport", transport="transport"),
    ):
        with pytest.raises(LastTry):
            spend()
    assert bench.tries() == (1, 1)


def _ways_to_spend(session: HostSession) -> tuple[Callable[[], object], ...]:
    return (
        lambda: session.try_pin("transport"),
        lambda: session.change_pin("transport", "random"),
        lambda: session.write_personal_data(personal_data(), pin="transport"),
        lambda: session.generate_key(Slot.SIGNATURE, _EC, pin="transport"),
        lambda: session.sign(Slot.SIGNATURE, b"", pin="transport"),
        lambda: session.write_certificate(Slot.SIGNATURE, b"", pin="transport"),
    )


def test_wrong_pin_is_never_repeated_by_software(bench: Bench) -> None:
    bench.load()
    with pytest.raises(WrongPin):
        bench.session.write_personal_data(personal_data(), pin="random")
    assert bench.tries()[0] == 2
    # One wrong login must leave nothing behind that tries again: the module caches PINs.
    bench.session.contents()
    bench.session.counters()
    assert bench.tries()[0] == 2
    bench.session.generate_key(Slot.SIGNATURE, _EC, pin="transport")
    bench.session.change_pin("transport", "random")
    with pytest.raises(WrongPin):
        bench.session.sign(Slot.SIGNATURE, b"data", pin="transport")
    assert bench.tries()[0] == 2
    bench.session.sign(Slot.SIGNATURE, b"data", pin="random")
    assert bench.tries()[0] == 3


def test_blocked_pin_is_said(bench: Bench) -> None:
    bench.load()
    _block_pin(bench)
    assert bench.session.counters().pin_tries == 0
    with pytest.raises(PinBlocked):
        bench.session.try_pin("transport")
    bench.session.wipe(puk="transport", transport="transport")
    assert bench.session.try_pin("transport").accepted


def test_swapped_card_never_gets_the_codes(bench: Bench, card_maker: CardMaker) -> None:
    bench.load()
    other = card_maker.make()
    emulator = bench.stack.emulator
    emulator.remove(READER)
    emulator.insert(READER, other.path)
    with pytest.raises(CardGone):
        bench.session.try_pin("transport")
    assert bench.session.identify().card_id == other.order.card_id
    with pytest.raises(CodesMissing):
        bench.session.try_pin("transport")
    with pytest.raises(CodesRefused):
        bench.load()
    assert [left for left, *_ in emulator.tries(other.path).values()] == [3, 3]


def test_card_swapped_under_a_login_is_noticed(bench: Bench, card_maker: CardMaker) -> None:
    bench.load()
    produce(bench.session, _EC)
    other = card_maker.make()
    emulator = bench.stack.emulator
    emulator.remove(READER)
    emulator.insert(READER, other.path)
    with pytest.raises(CardGone):
        bench.session.sign(Slot.SIGNATURE, b"data", pin="random")
    assert [left for left, *_ in emulator.tries(other.path).values()] == [3, 3]


def test_other_readers_cards_are_left_alone(bench: Bench, card_maker: CardMaker) -> None:
    """A module that loads looks into every reader it may: OpenSC is told to look into its own only."""
    other = card_maker.make()
    emulator = bench.stack.emulator
    emulator.insert(OTHER_READER, other.path)
    emulator.reset_counter(OTHER_READER)
    bench.load()
    produce(bench.session, _EC)
    bench.session.wipe(puk="random", transport="transport")
    assert emulator.status(OTHER_READER).counter == 0


def test_two_readers_work_side_by_side(bench: Bench, readers: PcscReaders, card_maker: CardMaker) -> None:
    other = card_maker.make()
    bench.stack.emulator.insert(OTHER_READER, other.path)
    with readers.open(bench.stack.pcsc_name(OTHER_READER)) as second:
        both = {bench.order.card_id: bench.session, other.order.card_id: second}
        assert {card_id: session.identify().card_id for card_id, session in both.items()} == {
            card_id: card_id for card_id in both
        }
        bench.load()
        transport = other.order.transport_pin, other.order.transport_puk
        load_codes(second, other.order.card_id, transport=transport)
        failures: list[BaseException] = []
        threads = [threading.Thread(target=_run, args=(failures, session)) for session in both.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not failures


def test_full_chip_is_said(bench: Bench) -> None:
    bench.load()
    bench.stack.emulator.set_faults(READER, memory_full=True)
    with pytest.raises(CardFull):
        bench.session.generate_key(Slot.SIGNATURE, _EC, pin="transport")


def test_progress_of_a_wipe_is_told(bench: Bench) -> None:
    bench.load()
    told: list[str] = []
    bench.session.link.progressed = told.append
    bench.session.wipe(puk="transport", transport="transport")
    assert told == ["erasing the chip", "writing the empty structure"]


def test_missing_driver_is_said_before_anything_is_changed(bench: Bench, tmp_path: Path) -> None:
    drivers = Path(shutil.copytree(DRIVERS_DIR, tmp_path / "drivers"))
    profile = drivers / "sandbox-card.toml"
    profile.write_text(profile.read_text().replace('"pkcs15-init"', '"no-such-program"'))
    bench.session.close()
    with (
        PcscReaders(tmp_path / "run", drivers=drivers) as readers,
        readers.open(bench.stack.pcsc_name(READER)) as session,
        pytest.raises(DriverMissing),
    ):
        session.identify()


def test_slow_card_is_waited_for(bench: Bench) -> None:
    bench.load()
    bench.stack.emulator.set_faults(READER, delay_ms_by_ins={0x46: 1500})
    started = time.monotonic()
    bench.session.generate_key(Slot.SIGNATURE, _EC, pin="transport")
    assert time.monotonic() - started > 1.5


def test_empty_reader_is_said(bench: Bench, readers: PcscReaders) -> None:
    with (
        readers.open(bench.stack.pcsc_name(OTHER_READER)) as session,
        pytest.raises(CardGone),
    ):
        session.identify()


def test_reader_that_is_not_there_is_said(readers: PcscReaders) -> None:
    with readers.open("Unplugged Reader 00 00") as session, pytest.raises(ReaderGone):
        session.identify()


def test_another_program_cannot_come_between_select_and_write(bench: Bench) -> None:
    """A foreign SELECT inside ours would send personal data into another file."""
    bench.load()
    bench.stack.emulator.set_faults(READER, delay_ms=5)
    stop = threading.Event()
    disturber = threading.Thread(target=_disturb, args=(bench.stack.pcsc_name(READER), stop))
    disturber.start()
    try:
        for _ in range(2):
            bench.session.write_personal_data(personal_data(), pin="transport")
            contents = bench.session.contents()
            assert contents.readable
            assert contents.personal_data == personal_data()
    finally:
        stop.set()
        disturber.join(30)


def _disturb(reader: str, stop: threading.Event) -> None:
    with Connection(reader) as card:
        while not stop.is_set():
            card.transmit(iso7816.select_path(cns.PATH_C_CARTA))


def test_service_that_stops_is_said_and_its_return_used(bench: Bench) -> None:
    bench.load()
    produce(bench.session, _EC)
    bench.stack.stop_service()
    try:
        for _ in range(2):
            with pytest.raises(SmartCardServiceDown):
                bench.session.identify()
    finally:
        bench.stack.start_service()
    assert bench.session.identify().card_id == bench.order.card_id
    assert len(bench.session.contents().keys) == 2


def _run(failures: list[BaseException], session: HostSession) -> None:
    try:
        _round(session)
    except Exception as error:  # noqa: BLE001 — handed to the test
        failures.append(error)


def _damage_directories(bench: Bench) -> None:
    pin = iso7816.pad(RANDOM[0].encode(), 8, 0xFF)
    with Connection(bench.stack.pcsc_name(READER)) as card, card.transaction():
        assert card.transmit(iso7816.verify(1, pin)).ok
        assert card.transmit(iso7816.select_path(bytes.fromhex("50154402"))).ok
        assert card.transmit(iso7816.update_binary(5, b"\xff\xff\xff\xff")).ok


def _block_pin(bench: Bench) -> None:
    with Connection(bench.stack.pcsc_name(READER)) as card:
        for _ in range(3):
            card.transmit(iso7816.verify(1, b"00000000"))
