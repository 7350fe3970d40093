"""The hunter finds what is planted, in each form, and nothing where only digits happen to stand."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.round.hunter import Hunter

CODE = b"40718265"
SHORT = b"59283"
EMERGENCY = b"7740182936"
CODES = (CODE, SHORT, EMERGENCY)
PADDED = SHORT.ljust(8, b"\xff")

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda code: b"the PIN is " + code + b".",
    "glued to a word": lambda code: b"PIN" + code + b"x",
    "json": lambda code: json.dumps({"pin": code.decode()}).encode(),
    "in binary": lambda code: bytes(range(128, 256)) + code + bytes(range(128, 256)),
    "utf-16 le": lambda code: code.decode().encode("utf-16-le"),
    "utf-16 be": lambda code: b"\x00x" + code.decode().encode("utf-16-be"),
    "utf-16 with mark": lambda code: code.decode().encode("utf-16"),
    "hex": lambda code: code.hex().encode(),
    "hex in capitals": lambda code: b"apdu 0020000108" + code.hex().upper().encode(),
    "hex with spaces": lambda code: code.hex(" ").encode(),
    "hex with colons": lambda code: b"00:20:00:01:08:" + code.hex(":").encode(),
    "hex at an odd place": lambda code: b"0" + (b"\xaa\xbb" + code + b"\xcc").hex().encode(),
    "base64": base64.b64encode,
    "base64, second alignment": lambda code: base64.b64encode(b"x" + code),
    "base64, third alignment": lambda code: base64.b64encode(b"xy" + code + b"z"),
    "base64 for addresses": lambda code: base64.urlsafe_b64encode(b"\xff\xfe" + code),
    "base64 of json": lambda code: base64.b64encode(json.dumps({"pin": code.decode()}).encode()),
    "base64 of hex": lambda code: base64.b64encode(b"pin " + code.hex().encode()),
    "hex of utf-16": lambda code: code.decode().encode("utf-16-le").hex().encode(),
    "padded": lambda code: code.ljust(12, b"\xff"),
    "padded in hex": lambda code: code.ljust(12, b"\xff").hex().encode(),
    "padded in base64": lambda code: base64.b64encode(code.ljust(12, b"\xff")),
}


@pytest.mark.parametrize("code", CODES, ids=["code", "short", "emergency"])
@pytest.mark.parametrize("form", FORMS)
def test_a_planted_code_is_found_in_each_form(tmp_path: Path, form: str, code: bytes) -> None:
    hunter = Hunter(CODES)
    (tmp_path / "planted").write_bytes(b"before\n" + FORMS[form](code) + b"\nafter")
    found = hunter.in_files(tmp_path)
    assert found
    assert {finding.where for finding in found} == {"planted"}
    assert code.decode() not in str(found)


@pytest.mark.parametrize("form", [form for form in FORMS if "of" not in form])
def test_a_planted_code_is_found_in_megabytes_of_certificates(form: str) -> None:
    noise = (
        base64.b64encode(bytes(range(256)) * 1024) + b"\n" + (bytes(range(255, 0, -1)) * 1024).hex().encode()
    )
    hunter = Hunter(CODES)
    assert hunter.in_bytes(noise, "noise") == []
    assert hunter.in_bytes(noise + b"\n" + FORMS[form](CODE) + b"\n" + noise, "large")


def test_a_planted_code_is_found_in_a_database_and_in_a_files_name(tmp_path: Path) -> None:
    hunter = Hunter(CODES)
    database = sqlite3.connect(tmp_path / "plain.db")
    database.execute("CREATE TABLE notes (id INTEGER, text TEXT, blob BLOB)")
    database.execute("INSERT INTO notes VALUES (1, 'nothing', NULL)")
    assert hunter.in_database(database, "plain") == []
    database.execute("INSERT INTO notes VALUES (2, NULL, ?)", (CODE.hex().encode(),))
    assert [str(found) for found in hunter.in_database(database, "plain")] == [
        "plain, table notes (hex of text)"
    ]
    database.close()
    (tmp_path / f"receipt-{CODE.decode()}.txt").write_text("nothing")
    assert any(found.where.startswith("name of") for found in hunter.in_files(tmp_path))


@pytest.mark.parametrize(
    "harmless",
    [
        b"740718265",
        b"4071826540718265",
        b"2026-11-22T00:40:71.8265",
        b"01a20091-7192-7891-ac3e-ab40718265cd",
        b"dGVzdDQwNz40718265E4MjY1dGVzdA" * 3,
        (b"\x12" + b"40718265" + b"0").hex().encode(),
        base64.b64encode(b"1" + CODE),
    ],
)
def test_digits_that_only_happen_to_stand_there_are_no_finding(harmless: bytes) -> None:
    assert Hunter(CODES).in_bytes(b"a " + harmless + b" b", "harmless") == []
