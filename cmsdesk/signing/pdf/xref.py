"""Cross-reference tables and streams (ISO 32000-1 clauses 7.5.4, 7.5.8), looked up without being parsed."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from cmsdesk.signing.documents.sources import Buffer
from cmsdesk.signing.pdf.syntax import (
    Dictionary,
    HardPdf,
    any_object_start,
    array_of,
    dictionary_of,
    integer_of,
    name_of,
    read_dictionary,
    read_stream,
)

_START = re.compile(rb"startxref[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]+%%EOF[\0\t\n\f\r ]*\Z")
_TABLE = re.compile(rb"xref[ ]*(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"(\d{1,10})[ ]+(\d{1,10})[ ]*(?:\r\n|\n|\r)")
_TRAILER = re.compile(rb"[\0\t\n\f\r ]*trailer")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_ENTRIES = re.compile(rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*")
_WIDTHS = re.compile(rb"\[\s*([0-8])\s+([1-8])\s+([0-8])\s*\]")
_ENTRY_BYTES = 20
_TAIL_BYTES = 1024
_SEARCHED_BYTES = 4096
_MAX_SECTIONS = 1000
_MAX_DECODED_BYTES = 64 * 1024 * 1024
_FEW_ROWS = 512
_NO_PREDICTOR, _PNG_FIRST, _PNG_UP = 1, 10, 2

FREE, IN_FILE, IN_STREAM = 0, 1, 2
Entry = tuple[int, int, int]  # kind; offset and generation, or number of the object stream and index in it


class Section(Protocol):
    """One cross-reference section with its trailer."""

    @property
    def trailer(self) -> Dictionary:
        """The trailer dictionary."""
        ...

    @property
    def size(self) -> int:
        """One more than the greatest object number the section knows."""
        ...

    def find(self, number: int) -> Entry | None:
        """Return the entry of an object, or None when the section says nothing about it."""
        ...


@dataclass(slots=True)
class _Table:
    buffer: Buffer
    trailer: Dictionary
    subsections: tuple[tuple[int, int, int], ...]  # first number, count, offset of the entries

    @property
    def size(self) -> int:
        return max((first + count for first, count, _ in self.subsections), default=0)

    def find(self, number: int) -> Entry | None:
        for first, count, offset in self.subsections:
            if first <= number < first + count:
                entry = _ENTRY.match(self.buffer, offset + (number - first) * _ENTRY_BYTES)
                if entry is None:
                    raise HardPdf("a malformed cross-reference entry")
                return (IN_FILE if entry[3] == b"n" else FREE), int(entry[1]), int(entry[2])
        return None


@dataclass(slots=True)
class _Stream:
    trailer: Dictionary
    ranges: tuple[tuple[int, int], ...]  # first number, count
    widths: tuple[int, int, int]
    rows: "_Rows"

    @property
    def size(self) -> int:
        return max((first + count for first, count in self.ranges), default=0)

    def find(self, number: int) -> Entry | None:
        before = 0
        for first, count in self.ranges:
            if first <= number < first + count:
                row = self.rows.row(before + number - first)
                kind, second, third = self.widths
                # clause 7.5.8.2: a width of zero means the default, and the default kind is 1
                found = int.from_bytes(row[:kind], "big") if kind else IN_FILE
                place = int.from_bytes(row[kind : kind + second], "big")
                return found, place, int.from_bytes(row[kind + second : kind + second + third], "big")
            before += count
        return None


class _Rows:
    """The rows of a cross-reference stream, the PNG "up" predictor undone."""

    def __init__(self, data: bytes, width: int, predicted: bool) -> None:
        self._width = width
        self._stride = width + 1 if predicted else width
        self._data = data
        self._predicted = predicted
        self._columns: list[list[int]] = []
        if not predicted:
            return
        if data[:: self._stride].strip(bytes((_PNG_UP,))):
            raise HardPdf("a predictor other than PNG up")
        if self.count <= _FEW_ROWS:
            self._columns = [list(accumulate(data[column :: self._stride])) for column in range(1, width + 1)]

    @property
    def count(self) -> int:
        return len(self._data) // self._stride

    def row(self, index: int) -> bytes:
        start = index * self._stride
        if not self._predicted:
            return self._data[start : start + self._width]
        # each octet is the sum of its column so far, modulo 256 (PNG specification clause 9); of a long table
        # only the rows that are asked for are added up
        if self._columns:
            return bytes([column[index] & 0xFF for column in self._columns])
        stop, stride = start + self._stride, self._stride
        return bytes([sum(self._data[column:stop:stride]) & 0xFF for column in range(1, stride)])


def decode(entries: Dictionary, data: bytes) -> tuple[bytes, Dictionary]:
    """Undo the one filter that object and cross-reference streams have in practice.

    Returns:
        (data, decode parameters).

    Raises:
        HardPdf: another filter, or damaged or overlong data.
    """
    filters = entries.get(b"Filter", b"[]")
    names = [name_of(raw) for raw in (array_of(filters) if filters[:1] == b"[" else [filters])]
    parameters = entries.get(b"DecodeParms", b"null")
    if parameters[:1] == b"[":
        parameters = (array_of(parameters) or [b"null"])[0]
    if not names:
        return data, {}
    if names != [b"FlateDecode"]:
        raise HardPdf("an unusual filter")
    engine = zlib.decompressobj()
    try:
        decoded = engine.decompress(data, _MAX_DECODED_BYTES)
    except zlib.error as error:
        raise HardPdf("damaged compressed data") from error
    if not engine.eof:
        raise HardPdf("a stream that is cut short or grows too large")
    return decoded, dictionary_of(parameters) if parameters != b"null" else {}


def _read_table(buffer: Buffer, position: int) -> _Table:
    subsections = []
    while not (end := _TRAILER.match(buffer, position)):
        head = _SUBSECTION.match(buffer, position)
        if head is None:
            raise HardPdf("a malformed cross-reference table")
        first, count = int(head[1]), int(head[2])
        subsections.append((first, count, head.end()))
        position = head.end() + count * _ENTRY_BYTES
        if not _ENTRIES.fullmatch(buffer, head.end(), position):
            raise HardPdf("a malformed cross-reference entry")
    trailer, _ = read_dictionary(
        buffer, end.end(), buffer.find(b"startxref", end.end(), end.end() + _SEARCHED_BYTES)
    )
    if b"XRefStm" in trailer:
        raise HardPdf("a hybrid-reference file")
    return _Table(buffer, trailer, tuple(subsections))


def _read_stream(buffer: Buffer, offset: int) -> _Stream:
    number, start = any_object_start(buffer, offset)
    entries, end = read_dictionary(buffer, start, buffer.find(b"stream", start, start + _SEARCHED_BYTES))
    if name_of(entries.get(b"Type", b"/")) != b"XRef":
        raise HardPdf("no cross-reference where one is due")
    decoded, parameters = decode(entries, read_stream(buffer, end, integer_of(entries[b"Length"])))
    widths = _WIDTHS.fullmatch(entries[b"W"])
    if widths is None:
        raise HardPdf("odd widths in a cross-reference stream")
    first, second, third = map(int, widths.groups())
    numbers = [0, integer_of(entries[b"Size"])]
    if b"Index" in entries:
        numbers = [integer_of(raw) for raw in array_of(entries[b"Index"])]
    ranges = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    predictor = integer_of(parameters.get(b"Predictor", b"1"))
    if predictor != _NO_PREDICTOR:
        columns = integer_of(parameters.get(b"Columns", b"1"))
        if predictor < _PNG_FIRST or columns != first + second + third:
            raise HardPdf("an unusual predictor")
    rows = _Rows(decoded, first + second + third, predictor != _NO_PREDICTOR)
    if sum(numbers[1::2]) != rows.count:
        raise HardPdf("a cross-reference stream of another size than it says")
    section = _Stream(entries, ranges, (first, second, third), rows)
    # an offset that is a digit off reads "12 0 obj" as "2 0 obj"
    if section.find(number) not in (None, (IN_FILE, offset, 0)):
        raise HardPdf("a cross-reference stream that does not know itself")
    return section


def read_sections(buffer: Buffer) -> tuple[Sequence[Section], int]:
    """Follow the chain of cross-reference sections, newest first.

    Returns:
        (sections, offset of the newest).

    Raises:
        HardPdf: the chain is broken, circular or of an unusual kind.
    """
    size = len(buffer)
    start = _START.match(buffer, max(0, buffer.rfind(b"startxref", max(0, size - _TAIL_BYTES))))
    if start is None:
        raise HardPdf("the end of the file is missing")
    newest = offset = int(start[1])
    sections: list[Section] = []
    seen: set[int] = set()
    while True:
        if offset >= size or offset in seen or len(seen) >= _MAX_SECTIONS:
            raise HardPdf("a broken chain of cross-references")
        seen.add(offset)
        table = _TABLE.match(buffer, offset)
        section = _read_table(buffer, table.end()) if table else _read_stream(buffer, offset)
        sections.append(section)
        if b"Encrypt" in section.trailer:
            raise HardPdf("an encrypted file")
        if b"Prev" not in section.trailer:
            return sections, newest
        offset = integer_of(section.trailer[b"Prev"])
