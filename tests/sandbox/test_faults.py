"""Each fault does what it says, as a PC/SC client and OpenSC see it."""

from __future__ import annotations

import time
from functools import reduce
from operator import xor
from pathlib import Path

import pytest
from smartcard.scard import (
    SCARD_E_NO_SMARTCARD,
    SCARD_E_READER_UNAVAILABLE,
    SCARD_W_REMOVED_CARD,
)

from cmsdesk.sandbox.card.control import EmulatorError
from cmsdesk.sandbox.readers.stack import ReaderStack
from cmsdesk.sandbox.readers.transport import CardOrder
from tests.fixtures.readers import CardMaker, MadeCard
from tests.sandbox.conftest import READER
from tests.sandbox.tools import ToolFailed, Tools, run, tries_left, wire

GONE = [f"{code & 0xFFFFFFFF:08X}" for code in (SCARD_W_REMOVED_CARD, SCARD_E_NO_SMARTCARD)]
NOT_TRANSACTED = "80100016"
SELECT_PERSONAL = ("00 A4 08 0C", bytes.fromhex("1100 1102"))


def personal_data(stack: ReaderStack, tools: Tools) -> bytes:
    with wire(tools.reader) as chip:
        chip.send(*SELECT_PERSONAL)
        return chip.send("00 B0 00 00", le="05").data


@pytest.mark.parametrize(("when", "left"), [("before", bytes(5)), ("after", b"hello")])
def test_cut_pulls_the_card_at_that_command(
    card: MadeCard, stack: ReaderStack, tools: Tools, when: str, left: bytes
) -> None:
    emulator = stack.emulator
    emulator.set_faults(READER, cut_at=2, cut_when=when)
    with wire(tools.reader) as chip:
        chip.send(*SELECT_PERSONAL)
        chip.verify(1, card.order.transport_pin)
        with pytest.raises(ConnectionError) as failure:
            chip.send("00 D6 00 00", b"hello")
        assert str(failure.value) == NOT_TRANSACTED
    status = emulator.wait_cut(READER)
    assert (status.card, status.seen, status.cuts, status.counter) == (None, False, 1, 3)
    assert [(entry.ins, entry.sw) for entry in emulator.log(READER)] == [
        (0xA4, 0x9000),
        (0x20, 0x9000),
        (0xD6, -1),
    ]
    with pytest.raises(ConnectionError) as failure, wire(tools.reader):
        pass
    assert str(failure.value) in GONE
    emulator.set_faults(READER)
    emulator.insert(READER, card.path)
    assert personal_data(stack, tools) == left


@pytest.mark.parametrize(("when", "tries"), [("before", 3), ("after", 2)])
def test_cut_at_a_wrong_pin_counts_only_when_it_took_effect(
    card: MadeCard, stack: ReaderStack, tools: Tools, when: str, tries: int
) -> None:
    stack.emulator.set_faults(READER, cut_at=0, cut_when=when)
    with wire(tools.reader) as chip, pytest.raises(ConnectionError):
        chip.verify(1, "00000000")
    stack.emulator.wait_cut(READER)
    assert stack.emulator.tries(card.path)[1][0] == tries


def test_cut_in_the_middle_of_a_program(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, "EC:prime256v1", "45")
    used = stack.emulator.status(READER).counter
    stack.emulator.reset_counter(READER)
    stack.emulator.set_faults(READER, cut_at=used // 2)
    with pytest.raises(ToolFailed):
        tools.generate(pin, "EC:prime256v1", "46")
    assert stack.emulator.wait_cut(READER).counter == used // 2 + 1
    stack.emulator.set_faults(READER)
    stack.emulator.insert(READER, card.path)
    assert "45" in tools.pkcs11("--list-objects", pin=pin)


def test_no_cut_is_told_after_a_bounded_wait(card: MadeCard, stack: ReaderStack) -> None:
    stack.emulator.set_faults(READER, cut_at=1000)
    with pytest.raises(EmulatorError, match="no cut"):
        stack.emulator.wait_cut(READER, wait_s=0.05)


def test_a_card_is_pulled_in_the_middle_of_a_long_command(
    card: MadeCard, stack: ReaderStack, tools: Tools
) -> None:
    stack.emulator.set_faults(READER, delay_ms=60_000)
    with wire(tools.reader) as chip:
        stack.emulator.remove(READER, wait_s=0)
        with pytest.raises(ConnectionError):
            chip.send("00 84 00 00", le="08")


def test_slow_card_is_slow_for_all_or_for_one_command(
    card: MadeCard, stack: ReaderStack, tools: Tools
) -> None:
    def took(command: str) -> float:
        with wire(tools.reader) as chip:
            start = time.perf_counter()
            assert chip.send(command, le="08").sw == 0x9000
            return time.perf_counter() - start

    challenge, identity = "00 84 00 00", "00 CA 01 AA"
    stack.emulator.set_faults(READER, delay_ms=1000)
    assert took(challenge) >= 1
    stack.emulator.set_faults(READER, delay_ms_by_ins={0x84: 1200})
    assert took(challenge) >= 1.2
    stack.emulator.set_faults(READER)
    assert min(took(challenge) for _ in range(5)) < 1
    assert identity


def test_unknown_atr_is_a_card_nobody_knows(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    stack.emulator.remove(READER)
    body = bytes.fromhex("F5 18 00 00 81 31 FE 45") + b"OTHER"
    atr = b"\x3b" + body + bytes((reduce(xor, body),))
    stack.emulator.set_faults(READER, atr=atr.hex())
    stack.emulator.insert(READER, card.path)
    shown = run("opensc-tool", "--reader", tools.reader, "--atr", env=tools.env)
    assert bytes.fromhex(shown.strip().replace(":", "")) == atr
    with pytest.raises(ToolFailed, match="Card is invalid or cannot be handled"):
        tools.pkcs15("--dump")
    stack.emulator.remove(READER)
    stack.emulator.set_faults(READER)
    stack.emulator.insert(READER, card.path)
    assert "CNS" in tools.pkcs15("--list-info")


def test_full_memory_refuses_new_files(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    stack.emulator.set_faults(READER, memory_full=True)
    with pytest.raises(ToolFailed, match="CKR_DEVICE_MEMORY"):
        tools.generate(card.order.transport_pin, "rsa:2048", "45")
    assert 0x6A84 in [entry.sw for entry in stack.emulator.log(READER)]
    stack.emulator.set_faults(READER)
    tools.generate(card.order.transport_pin, "rsa:2048", "45")


def test_small_memory_fills_up_by_itself(card_maker: CardMaker, stack: ReaderStack, tools: Tools) -> None:
    order = CardOrder(bytes(10), "7430010000000001", "12345678", "87654321", eeprom_bytes=16_000)
    made = card_maker.make(order=order)
    stack.emulator.insert(READER, made.path)

    def fill() -> None:
        for number in range(10):
            tools.generate(order.transport_pin, "rsa:2048", f"{number:02x}")

    with pytest.raises(ToolFailed, match="CKR_DEVICE_MEMORY"):
        fill()
    assert "Public Key Object" in tools.pkcs11("--list-objects")
    assert tries_left(tools.reader, 1) == 3


def test_a_command_answers_the_status_word_asked_for(
    card: MadeCard, stack: ReaderStack, tools: Tools
) -> None:
    stack.emulator.set_faults(READER, sw_by_ins={0x46: 0x6581})
    with pytest.raises(ToolFailed, match="CKR_DEVICE"):
        tools.generate(card.order.transport_pin, "EC:prime256v1", "45")
    stack.emulator.set_faults(READER)
    assert "45" not in tools.pkcs11("--list-objects", pin=card.order.transport_pin)


def test_unknown_faults_and_readers_are_refused(stack: ReaderStack, tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="unknown fault"):
        stack.emulator.set_faults(READER, cuts=3)
    with pytest.raises(EmulatorError, match="no reader"):
        stack.emulator.status("Sandbox Lettore 9")
    with pytest.raises(EmulatorError, match="FileNotFoundError"):
        stack.emulator.insert(READER, tmp_path / "none.card")
    assert not stack.emulator.status(READER).card


def test_two_cards_in_one_reader_are_refused(
    card: MadeCard, card_maker: CardMaker, stack: ReaderStack
) -> None:
    with pytest.raises(EmulatorError, match="a card in"):
        stack.emulator.insert(READER, card_maker.make().path)
    assert stack.emulator.status(READER).card == str(card.path)


def test_log_tells_headers_and_lengths_but_no_data(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        chip.verify(1, card.order.transport_pin)
        chip.send("00 84 00 00", le="08")
    entries = stack.emulator.log(READER)
    assert [(e.index, e.ins, e.p1, e.p2, e.sent_bytes, e.answered_bytes, e.sw) for e in entries] == [
        (0, 0x20, 0, 1, 8, 0, 0x9000),
        (1, 0x84, 0, 0, 0, 8, 0x9000),
    ]
    assert stack.emulator.log(READER, since=1) == entries[1:]


def test_reader_unplugged_and_plugged_again(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    listing = ("opensc-tool", "--list-readers")
    assert READER in run(*listing, env=tools.env)
    stack.unplug(READER)
    try:
        shown = run(*listing, env=tools.env)
        assert READER not in shown
        assert "Sandbox Lettore 2" in shown
        with pytest.raises(ConnectionError) as failure, wire(tools.reader):
            pass
        assert str(failure.value) in ("80100009", f"{SCARD_E_READER_UNAVAILABLE & 0xFFFFFFFF:08X}")
    finally:
        stack.plug(READER)
    stack.emulator.insert(READER, card.path)
    assert tries_left(tools.reader, 1) == 3
