"""The transport card: what pkcs15-init and the factory put on a chip, and what a wipe leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmsdesk.sandbox.readers.stack import ReaderStack
from cmsdesk.sandbox.readers.transport import personalise, random_order
from tests.fixtures.readers import CardMaker, MadeCard
from tests.sandbox.conftest import READER
from tests.sandbox.tools import ToolFailed, Tools, run, tries_left, wire

DATI_PERSONALI, C_CARTA, ID_CARTA = "1100 1102", "1100 1101", "1000 1003"
WIPE = bytes.fromhex("FFFF113FFF113FFF")


def select(path: str) -> tuple[str, bytes]:
    return "00 A4 08 0C", bytes.fromhex(path)


def test_cloned_card_is_an_initialised_token_with_its_card_id_as_serial(card: MadeCard, tools: Tools) -> None:
    slots = tools.pkcs11("--list-token-slots")
    assert f"serial num         : {card.order.card_id}" in slots
    assert "token label        : CNS" in slots
    assert "token initialized, PIN initialized" in slots
    assert "pin min/max        : 4/8" in slots


def test_cloned_card_reads_as_one_made_by_pkcs15_init(
    stack: ReaderStack, card_maker: CardMaker, tools: Tools, tmp_path: Path
) -> None:
    order = random_order()
    made = tmp_path / "made.card"
    personalise(stack, made, order)
    cloned = card_maker.make(order=order)
    dumps = []
    for path in (made, cloned.path):
        stack.emulator.insert(READER, path)
        dump = tools.pkcs15("--dump", "--verify-pin", "--auth-id", "01", "--pin", order.transport_pin)
        dumps.append([line for line in dump.splitlines() if "Last update" not in line])
        stack.emulator.remove(READER)
    assert dumps[0] == dumps[1]
    assert any(order.card_id in line for line in dumps[0])


def test_own_unblocking_codes_are_not_known(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    """MyEID keeps a PUK beside each PIN: neither code of the card opens that way."""
    for code in (card.order.transport_pin, card.order.transport_puk):
        with pytest.raises(ToolFailed, match="PUK code incorrect"):
            tools.pkcs15("--unblock-pin", "--auth-id", "01", "--puk", code, "--new-pin", "12345678")
    assert stack.emulator.tries(card.path)[1] == [3, 3, 8, 10]


def test_factory_files_are_read_by_all_and_written_under_the_pin(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        for path, size in ((DATI_PERSONALI, 400), (C_CARTA, 4096)):
            assert chip.send(*select(path)).sw == 0x9000
            assert chip.send("00 B0 00 00", le="10").data == bytes(16)
            assert chip.send(f"00 B0 {size >> 8:02X} {size & 255:02X}", le="10").data == b""
            assert chip.send("00 D6 00 00", b"hello").sw == 0x6982
        assert chip.verify(3, card.order.transport_puk).sw == 0x9000
        assert chip.send("00 D6 00 00", b"hello").sw == 0x6982, "the SO PIN does not write it"
        assert chip.verify(1, card.order.transport_pin).sw == 0x9000
        assert chip.send("00 D6 0F FB", b"hello").sw == 0x9000
        assert chip.send("00 D6 0F FC", b"hello").sw == 0x6B00, "past the end"
        assert chip.send("00 B0 0F FB", le="05").data == b"hello"


def test_card_id_is_never_writable(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        chip.verify(1, card.order.transport_pin)
        chip.verify(3, card.order.transport_puk)
        chip.send(*select(ID_CARTA))
        assert chip.send("00 D6 00 00", b"7").sw == 0x6982
        assert chip.send("00 B0 00 00", le="10").data.decode() == card.order.card_id
        assert chip.send("A0 E4 00 00").sw == 0x6982, "nor can it be deleted"
        chip.send(*select("1100"))
        assert chip.send("A0 E4 00 00").sw == 0x6982
        new_file = bytes.fromhex("62 17 80020010 820101 83021199 8603000FFF 85020000 8A0100")
        assert chip.send("00 E0 00 00", new_file).sw == 0x6982, "nor anything put beside it"


def test_wipe_by_pkcs15_init_gives_a_blank_chip_with_its_card_id(
    card: MadeCard, stack: ReaderStack, tools: Tools
) -> None:
    with wire(tools.reader) as chip:
        chip.verify(1, card.order.transport_pin)
        for path in (DATI_PERSONALI, C_CARTA):
            chip.send(*select(path))
            assert chip.send("00 D6 00 00", b"personal").sw == 0x9000
    tools.generate(card.order.transport_pin, "EC:prime256v1", "45")
    tools.pkcs15_init("-E", "--secret", f"@ff={card.order.transport_puk}")
    assert stack.emulator.tries(card.path) == {}
    with wire(tools.reader) as chip:
        for path in (DATI_PERSONALI, C_CARTA):
            chip.send(*select(path))
            assert chip.send("00 B0 00 00", le="08").data == bytes(8)
            assert chip.send("00 D6 00 00", b"x").sw == 0x6982, "bound also without any PIN"
        chip.send(*select(ID_CARTA))
        assert chip.send("00 B0 00 00", le="10").data.decode() == card.order.card_id
        assert chip.send(*select("5015 4B01")).sw == 0x6A82
    with pytest.raises(ToolFailed, match="PKCS#15 binding failed"):
        tools.pkcs15("--dump")


def test_wiped_card_can_be_made_a_transport_card_again(card: MadeCard, tools: Tools) -> None:
    codes = {"so": "87654321", "pin": "12345678", "puk": "55555555"}
    with wire(tools.reader) as chip:
        assert chip.verify(3, card.order.transport_puk).sw == 0x9000
        assert chip.send("00 A4 00 0C", b"\x3f\x00").sw == 0x9000
        assert chip.send("00 DA 01 E0", WIPE).sw == 0x9000
    so = ("--so-pin", "env:SO")
    create = ("-C", *so, "--so-puk", "env:PUK", "--label", "CNS", "--serial", card.order.card_id)
    tools.pkcs15_init(*create, **codes)
    tools.pkcs15_init("-P", "-a", "1", *so, "--pin", "env:PIN", "--puk", "env:PUK", "--label", "PIN", **codes)
    tools.pkcs15_init("-F", *so, **codes)
    assert f"serial num         : {card.order.card_id}" in tools.pkcs11("--list-token-slots")
    tools.generate(codes["pin"], "EC:prime256v1", "45")
    assert tries_left(tools.reader, 1) == 3


def test_wipe_needs_the_so_pin(card: MadeCard, tools: Tools) -> None:
    with wire(tools.reader) as chip:
        assert chip.send("00 DA 01 E0", WIPE).sw == 0x6982
        chip.verify(1, card.order.transport_pin)
        assert chip.send("00 DA 01 E0", WIPE).sw == 0x6982
    assert "PIN initialized" in tools.pkcs11("--list-token-slots")


def test_operational_card_takes_no_new_pin_values_by_put_data(card: MadeCard, tools: Tools) -> None:
    record = b"11111111" + b"22222222" + bytes((3, 3, 0))
    with wire(tools.reader) as chip:
        chip.verify(1, card.order.transport_pin)
        chip.verify(3, card.order.transport_puk)
        for ref in (1, 3):
            assert chip.send(f"00 DA 01 {ref:02X}", record).sw == 0x6985
        assert chip.send("00 2E 00 00").sw == 0x9000
        assert chip.send("00 DA 01 02", record).sw == 0x6982, "a further PIN needs the right to create"


def test_opensc_explorer_walks_the_factory_files(card: MadeCard, tools: Tools) -> None:
    script = b"cd 1000\nls\ncat 1003\ncd ..\ncd 1100\nls\nquit\n"
    shown = run("opensc-explorer", "--reader", tools.reader, env=tools.env, data=script)
    assert card.order.card_id in shown
    for fid in ("1002", "1003", "1101", "1102"):
        assert fid in shown
