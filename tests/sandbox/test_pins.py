"""PIN, SO PIN and their retry counters, through OpenSC's tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.fixtures.readers import MadeCard
from tests.sandbox.conftest import READER
from tests.sandbox.tools import ToolFailed, Tools, pad, tries_left, wire

WRONG, NEW = "00000000", "24681357"


def log_in(tools: Tools, pin: str) -> None:
    tools.pkcs11("--list-objects", pin=pin)


def wrong_pin(tools: Tools, pin: str = WRONG) -> None:
    with pytest.raises(ToolFailed, match=r"CKR_PIN_INCORRECT|CKR_PIN_LOCKED"):
        log_in(tools, pin)


def test_wrong_pin_counts_down_and_the_right_one_refills(card: MadeCard, tools: Tools) -> None:
    assert tries_left(tools.reader, 1) == 3
    wrong_pin(tools)
    assert tries_left(tools.reader, 1) == 2
    log_in(tools, card.order.transport_pin)
    with wire(tools.reader) as chip:
        chip.send("00 2E 00 00")
    assert tries_left(tools.reader, 1) == 3


def test_pkcs11_flags_follow_the_counter(card: MadeCard, tools: Tools) -> None:
    for _ in range(2):
        wrong_pin(tools)
    assert "final user PIN try" in tools.pkcs11("--list-token-slots")
    wrong_pin(tools)
    assert "user PIN locked" in tools.pkcs11("--list-token-slots")
    wrong_pin(tools, card.order.transport_pin)
    with wire(tools.reader) as chip:
        assert chip.send("00 20 00 01").sw == 0x6983
        assert chip.verify(1, card.order.transport_pin).sw == 0x6983


def test_counter_is_kept_without_power(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    wrong_pin(tools)
    stack.emulator.remove(READER)
    stack.emulator.insert(READER, card.path)
    assert tries_left(tools.reader, 1) == 2


def test_pin_is_changed_by_its_holder(card: MadeCard, tools: Tools) -> None:
    tools.pkcs11("--change-pin", "--new-pin", NEW, pin=card.order.transport_pin)
    wrong_pin(tools, card.order.transport_pin)
    log_in(tools, NEW)


def test_change_with_a_wrong_old_pin_counts(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        assert chip.send("00 24 00 01", pad(WRONG) + pad(NEW)).sw == 0x63C2
        assert chip.send("00 24 00 01", pad(card.order.transport_pin) + pad(NEW)).sw == 0x9000
        assert chip.send("00 20 00 01").sw == 0x63C3, "the new PIN is still to be verified"
        assert chip.verify(1, NEW).sw == 0x9000


@pytest.mark.parametrize("bad", ["123", "12 45".replace(" ", "\x00")[:3]])
def test_too_short_a_pin_is_refused_before_anything_is_tried(card: MadeCard, tools: Tools, bad: str) -> None:
    with wire(tools.reader) as chip:
        assert chip.send("00 24 00 01", pad(card.order.transport_pin) + pad(bad)).sw == 0x6A80
        assert chip.send("00 20 00 01").sw == 0x63C3


def test_unpadded_pin_is_refused_and_costs_no_try(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        assert chip.send("00 20 00 01", b"12345").sw == 0x6700
        assert chip.send("00 20 00 01").sw == 0x63C3


def test_blocked_pin_is_set_anew_by_the_so_pin(card: MadeCard, tools: Tools) -> None:
    for _ in range(3):
        wrong_pin(tools)
    tools.pkcs11("--init-pin", "--new-pin", NEW, so_pin=card.order.transport_puk)
    log_in(tools, NEW)
    with wire(tools.reader) as chip:
        chip.send("00 2E 00 00")
    assert tries_left(tools.reader, 1) == 3


def test_unblocking_needs_the_so_pin(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        assert chip.send("00 2C 02 01", pad(NEW)).sw == 0x6982
        chip.verify(1, card.order.transport_pin)
        assert chip.send("00 2C 02 01", pad(NEW)).sw == 0x6982
        chip.verify(3, card.order.transport_puk)
        assert chip.send("00 2C 02 03", pad(NEW)).sw == 0x6982, "not for itself"
        assert chip.send("00 2C 02 01", pad(NEW)).sw == 0x9000


def test_so_pin_is_changed_and_has_its_own_counter(card: MadeCard, tools: Tools) -> None:
    tools.pkcs11("--change-pin", "--new-pin", NEW, so_pin=card.order.transport_puk)
    with pytest.raises(ToolFailed, match="CKR_PIN_INCORRECT"):
        tools.pkcs11("--init-pin", "--new-pin", WRONG, so_pin=card.order.transport_puk)
    assert (tries_left(tools.reader, 3), tries_left(tools.reader, 1)) == (2, 3)
    tools.pkcs11("--init-pin", "--new-pin", WRONG, so_pin=NEW)
    log_in(tools, WRONG)


def test_a_blocked_so_pin_ends_wiping_and_unblocking(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        assert [chip.verify(3, WRONG).sw for _ in range(4)] == [0x63C2, 0x63C1, 0x63C0, 0x6983]
        assert chip.send("00 2C 02 01", pad(NEW)).sw == 0x6982
        assert chip.send("00 DA 01 E0", bytes.fromhex("FFFF113FFF113FFF")).sw == 0x6982


def test_verified_pin_is_forgotten(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    pin = card.order.transport_pin
    with wire(tools.reader) as chip:
        chip.verify(1, pin)
        assert chip.send("00 20 00 01").sw == 0x9000
        chip.send("00 A4 04 0C", bytes.fromhex("A000000063504B43532D3135"))
        assert chip.send("00 20 00 01").sw == 0x63C3, "selecting the applet starts afresh"
        chip.verify(1, pin)
        chip.verify(1, WRONG)
        assert chip.send("00 20 00 01").sw == 0x63C2, "a failed comparison ends it"
        chip.verify(1, pin)
    stack.emulator.remove(READER)
    stack.emulator.insert(READER, card.path)
    assert tries_left(tools.reader, 1) == 3


def test_every_code_sent_is_known_to_the_tests_and_stands_in_no_file(
    card: MadeCard, stack: ReaderStack, tools: Tools, tmp_path: Path
) -> None:
    wrong_pin(tools)
    tools.pkcs11("--change-pin", "--new-pin", NEW, pin=card.order.transport_pin)
    tools.pkcs11("--init-pin", "--new-pin", "97531864", so_pin=card.order.transport_puk)
    sent = {WRONG, NEW, "97531864", card.order.transport_pin, card.order.transport_puk}
    assert {code.encode() for code in sent} <= stack.emulator.secrets_seen()
    stack.kill_emulator()
    stack.start_emulator()
    assert {code.encode() for code in sent} <= stack.emulator.secrets_seen()
    files = [path for folder in (stack.runtime, tmp_path) for path in folder.rglob("*") if path.is_file()]
    assert card.path in files
    assert stack.runtime / "emulator.log" in files
    for path in files:
        held = path.read_bytes()
        for code in sent - {WRONG}:
            raw = code.encode()
            assert raw not in held, path
            assert raw.hex().encode() not in held, path
            assert raw.hex().upper().encode() not in held, path
