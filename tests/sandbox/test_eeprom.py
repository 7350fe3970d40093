"""The chip's state file: whole at every moment, and holding no PIN in clear."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cmsdesk.sandbox.card.eeprom import CardFile
from cmsdesk.sandbox.card.factory import make_blank_chip
from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.fixtures.readers import MadeCard
from tests.sandbox.conftest import READER
from tests.sandbox.tools import Tools, wire

WRITER = """
import sys
from pathlib import Path
from cmsdesk.sandbox.card.eeprom import CardFile
file = CardFile(Path(sys.argv[1]), durable=False)
eeprom = file.load()
print("ready", flush=True)
while True:
    eeprom.changes += 1
    file.save(eeprom)
"""


def test_file_is_whole_after_a_kill_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "a.card"
    make_blank_chip(path, bytes(10), "7430010000000001", durable=False)
    before = -1
    for turn in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(0.01 * (turn + 1))
            writer.kill()
        changes = CardFile(path).load().changes
        assert changes > before
        before = changes


def test_state_survives_the_emulators_death_between_two_commands(
    card: MadeCard, stack: ReaderStack, tools: Tools
) -> None:
    with wire(tools.reader) as chip:
        chip.verify(1, card.order.transport_pin)
        chip.send("00 A4 08 0C", bytes.fromhex("1100 1102"))
        assert chip.send("00 D6 00 00", b"written").sw == 0x9000
        stack.kill_emulator()
    stack.start_emulator()
    stack.emulator.insert(READER, card.path)
    with wire(tools.reader) as chip:
        chip.send("00 A4 08 0C", bytes.fromhex("1100 1102"))
        assert chip.send("00 B0 00 00", le="07").data == b"written"


def test_a_refused_command_changes_nothing(card: MadeCard, tools: Tools) -> None:
    before = card.path.read_bytes()
    with wire(tools.reader) as chip:
        assert chip.send("00 A4 08 0C", bytes.fromhex("7777")).sw == 0x6A82
        assert chip.send("00 E0 00 00", b"\x62\x00").sw == 0x6A80
        assert chip.send("00 99 00 00").sw == 0x6D00
        assert chip.send("80 A4 00 0C").sw == 0x6E00
        assert chip.send("00 2A 9E 9A", b"\0" * 51, le="00").sw == 0x6985
        assert chip.send("00 C0 00 00", le="10").sw == 0x6985
        assert chip.send("00 84 00 00", le="00 00 08").sw == 0x6700, "this card edge knows no long lengths"
        assert chip.send("10 2A 80 86", bytes(255)).sw == 0x9000
        assert chip.send("00 2A 9E 9A", bytes(2), le="00").sw == 0x6883, "another command ends no chain"
    assert card.path.read_bytes() == before


def test_a_file_that_is_no_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.card"
    for content in (b"", b"[]", b"CHIP" + bytes(100), bytes(2**20)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a card file"):
            CardFile(path).load()


def test_a_write_torn_at_any_byte_leaves_the_state_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.card"
    make_blank_chip(path, bytes(10), "7430010000000001", durable=False)
    file = CardFile(path, durable=False)
    eeprom = file.load()
    eeprom.changes = 1
    file.save(eeprom)
    before = path.read_bytes()
    eeprom.changes = 2
    file.save(eeprom)
    after = path.read_bytes()
    changed = [at for at, byte in enumerate(after) if at >= len(before) or byte != before[at]]
    for at in range(changed[0], changed[-1], 97):
        path.write_bytes(after[:at] + before[at:])
        assert CardFile(path).load().changes == 1
    path.write_bytes(after)
    assert CardFile(path).load().changes == 2


def test_only_the_owner_may_read_the_file(card: MadeCard) -> None:
    assert card.path.stat().st_mode & 0o777 == 0o600
