"""The PIN field: what is typed is in one buffer, and nowhere once it was handed over."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.desk.widgets.pin_field import LONGEST, PinField

HUNTED = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from cmsdesk.desk.widgets.pin_field import PinField
application = QApplication([])
field = PinField() if sys.argv[1] == "own" else QLineEdit()
field.show()
# the keys come one by one, so that nothing but the field ever holds them together
while (key := sys.stdin.buffer.raw.read(1)) not in (b"", b"\\n"):
    QTest.keyClick(field, Qt.Key(key[0]))
if sys.argv[1] == "own":
    with field.take() as secret:
        assert len(secret) == 12
else:
    field.clear()
field.repaint()
print("ready", flush=True)
sys.stdin.buffer.raw.read(1)
"""


def copies_left(kind: str) -> int:
    """Type a PIN into a field of another process, take it, and count what is left in its memory."""
    digits = [secrets.choice("0123456789") for _ in range(12)]
    with subprocess.Popen(
        [sys.executable, "-c", HUNTED, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for digit in [*digits, "\n"]:
            child.stdin.write(digit.encode())
        assert child.stdout.readline() == b"ready\n"
        pin = "".join(digits)
        found = count_in_memory(child.pid, [pin.encode(), pin.encode("utf-16-le"), pin.encode("utf-32-le")])
        child.stdin.write(b"\n")
    return found


def count_in_memory(pid: int, patterns: list[bytes]) -> int:
    """Count patterns in the writable memory of a process."""
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            found += sum(data.count(pattern) for pattern in patterns)
    return found


def test_no_copy_of_the_pin_is_left() -> None:
    assert copies_left("own") == 0


def test_the_hunt_finds_what_an_ordinary_line_leaves() -> None:
    assert copies_left("line") > 0


def test_typing_correcting_and_taking(application: QApplication) -> None:
    field = PinField()
    lengths: list[int] = []
    field.changed.connect(lengths.append)
    QTest.keyClicks(field, "12a4")
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    QTest.keyClicks(field, "56")
    with field.take() as pin:
        assert pin.reveal_text() == "12a56"
    assert field.length() == 0
    assert lengths[-1] == 0
    assert bytes(field._typed) == bytes(LONGEST)


def test_enter_is_for_a_pin_that_is_there_and_length_has_a_limit(application: QApplication) -> None:
    field = PinField()
    entered: list[bool] = []
    field.entered.connect(lambda: entered.append(True))
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert not entered
    QTest.keyClicks(field, "1" * (LONGEST + 4))
    assert field.length() == LONGEST
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert entered == [True]
    QTest.keyClick(field, Qt.Key.Key_Delete)
    assert field.length() == 0
