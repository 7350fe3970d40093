"""The hunt for secrets in clear: in files, databases and prints, in every form they may take.

A code is a run of digits. In text it is found as a run of exactly its length, so that a serial number or
a time that contains the same digits is no finding; a run inside a blob (a word of 24 characters or more,
or one of hexadecimal letters and digits) is noise of an encoding, and is found where it is decoded:
hexadecimal and base64 are decoded at every alignment and searched as what they hold, encodings within
encodings too. In what is large (megabytes of certificates in base64) only those blobs are decoded whose
characters can hold digits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LAYERS = 2
_LARGE_BYTES = 1 << 17
_BLOB_CHARACTERS = 24
_RUN = re.compile(rb"(?<![0-9])[0-9]{4,16}(?![0-9])")
_WIDE_LITTLE = re.compile(rb"(?:[0-9]\x00){4,}")
_WIDE_BIG = re.compile(rb"(?:\x00[0-9]){4,}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}[ :]?){4,}")
_BASE64 = re.compile(rb"[0-9A-Za-z+/_-]{6,}")
# what four digits in hexadecimal, and three digits in base64 at their alignment, look like
_DIGITS_IN_HEX = re.compile(rb"(?:3[0-9][ :]?){4}")
_DIGITS_IN_BASE64 = re.compile(rb"[MNO][DTjz][AEIMQUYcgk][w-z0-5]")
_LETTER = re.compile(rb"[A-Za-z]")
_ONLY_HEX = re.compile(rb"[0-9A-Fa-f]+\Z")
_NEIGHBOURS = 40


@dataclass(frozen=True)
class Finding:
    """A secret in clear."""

    where: str
    form: str

    def __str__(self) -> str:
        return f"{self.where} ({self.form})"


class Hunter:
    """Searches for a set of codes; findings tell where, never what."""

    def __init__(self, codes: Iterable[bytes]) -> None:
        self._codes = frozenset(code for code in codes if code.isdigit())
        self._lengths = frozenset(map(len, self._codes))

    def __len__(self) -> int:
        return len(self._codes)

    def in_bytes(self, data: bytes, where: str) -> list[Finding]:
        """Search bytes."""
        return [Finding(where, form) for form in sorted(set(self._search(data, _LAYERS)))]

    def in_files(self, folder: Path, spare: Iterable[Path] = ()) -> list[Finding]:
        """Search every file below ``folder``, and its name, but not those in ``spare``."""
        spared = set(spare)
        found = []
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path not in spared:
                where = str(path.relative_to(folder))
                found += self.in_bytes(where.encode(), f"name of {where}")
                found += self.in_bytes(path.read_bytes(), where)
        return found

    def in_database(self, connection: Any, name: str) -> list[Finding]:
        """Search every value of every table: a value may lie split over the pages of its file."""
        found = []
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own tables' names
            found += self.in_bytes(b"\n".join(_values(rows)), f"{name}, table {table}")
        return found

    # --- forms ---------------------------------------------------------------------------------

    def _search(self, data: bytes, layers: int) -> Iterator[str]:
        yield from self._text(data)
        for form, pattern, step in (("UTF-16 LE", _WIDE_LITTLE, 0), ("UTF-16 BE", _WIDE_BIG, 1)):
            for match in pattern.finditer(data):
                if self._is_code(match[0][step::2]):
                    yield form
        if layers:
            large = len(data) > _LARGE_BYTES
            for form, inside in (*_hex(data, large=large), *_base64(data, large=large)):
                for found in self._search(inside, layers - 1):
                    yield f"{form} of {found}"

    def _text(self, data: bytes) -> Iterator[str]:
        for match in _RUN.finditer(data):
            code = match[0]
            if self._is_code(code) and not _in_a_blob(data, match):
                padded = data[match.end() : match.end() + 1] == b"\xff"
                yield "FF-padded" if padded else "text"

    def _is_code(self, run: bytes) -> bool:
        return len(run) in self._lengths and run in self._codes


def _values(rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    for row in rows:
        for value in row:
            if isinstance(value, (bytes, str)):
                yield value if isinstance(value, bytes) else value.encode()


def _in_a_blob(data: bytes, run: re.Match[bytes]) -> bool:
    before = data[max(0, run.start() - _NEIGHBOURS) : run.start()]
    after = data[run.end() : run.end() + _NEIGHBOURS]
    left = re.search(rb"[0-9A-Za-z]*\Z", before)
    right = re.match(rb"[0-9A-Za-z]*", after)
    word = (left[0] if left else b"") + run[0] + (right[0] if right else b"")
    if len(word) >= _BLOB_CHARACTERS:
        return True
    return _LETTER.search(word) is not None and _ONLY_HEX.match(word) is not None


def _hex(data: bytes, *, large: bool) -> Iterator[tuple[str, bytes]]:
    for match in _HEX.finditer(data):
        if large and not _DIGITS_IN_HEX.search(match[0]):
            continue
        digits = match[0].replace(b" ", b"").replace(b":", b"")
        for start in range(2):
            part = digits[start:]
            yield "hex", binascii.unhexlify(part[: len(part) // 2 * 2])


def _base64(data: bytes, *, large: bool) -> Iterator[tuple[str, bytes]]:
    for match in _BASE64.finditer(data):
        word = match[0].replace(b"-", b"+").replace(b"_", b"/")
        if len(word) >= _BLOB_CHARACTERS and _ONLY_HEX.match(word):
            continue
        if large and not _DIGITS_IN_BASE64.search(word):
            continue
        for start in range(4):
            part = word[start:]
            part = part[: -1 if len(part) % 4 == 1 else None]
            yield "base64", base64.b64decode(part + b"=" * (-len(part) % 4))
