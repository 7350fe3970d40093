"""An incremental update (ISO 32000-1 clause 7.5.6): new and changed objects, a cross-reference, a trailer."""

import hashlib
import itertools
import os
import struct
from dataclasses import dataclass, field

from cmsdesk.signing.pdf.reader import PdfReader, Reference
from cmsdesk.signing.pdf.syntax import HardPdf, Raw, write_dictionary

_RANGE_BYTES = 48
_ROW = struct.Struct(">BQH")
_SEED = os.urandom(32)
_COUNTER = itertools.count()
_MAX_TABLE_OFFSET = 10**10 - 1
_Entry = tuple[int, int, int]  # number, generation, offset


def _new_identifier() -> str:
    """Make a file identifier that never comes again (clause 14.4), cheaper than by asking the system."""
    return hashlib.blake2b(b"%d" % next(_COUNTER), digest_size=16, key=_SEED).hexdigest().upper()


def reference(number: int, generation: int = 0) -> Raw:
    """Write an indirect reference."""
    return b"%d %d R" % (number, generation)


@dataclass(slots=True)
class Update:
    """Collects objects, then writes them to stand right after the original file.

    Attributes:
        reader: of the original.
        size: octets of the original.
        ends_line: whether the original ends with a line feed.
    """

    reader: PdfReader
    size: int
    ends_line: bool
    _objects: dict[Reference, bytes] = field(default_factory=dict)
    _runs: list[tuple[int, bytes, tuple[int, ...]]] = field(default_factory=list)
    _next: int = 0

    def __post_init__(self) -> None:
        self._next = self.reader.next_number

    def __contains__(self, number: Reference) -> bool:
        return number in self._objects

    def reserve(self, count: int = 1) -> int:
        """Take `count` object numbers in a row; return the first."""
        first = self._next
        self._next += count
        return first

    def put(self, number: Reference, body: bytes) -> None:
        """Add the whole body of an object (a value, or a dictionary with its stream).

        Raises:
            HardPdf: the object was put before; two changes of one object are for pyHanko to merge.
        """
        if number in self._objects:
            raise HardPdf("one object in two roles")
        self._objects[number] = body

    def put_run(self, first: int, written: bytes, offsets: tuple[int, ...]) -> None:
        """Add new objects, numbered from `first`, that are written already and begin at `offsets`."""
        self._runs.append((first, written, offsets))

    def render(self, signature: "SignatureObject") -> tuple[bytes, bytes]:
        """Write the update, the signature dictionary last.

        Returns:
            What stands before and after the place of the CMS in hexadecimal digits, `signature.gap` octets
            wide; the byte range is filled in.
        """
        parts = [] if self.ends_line else [b"\n"]
        position = self.size + len(parts)
        entries: list[_Entry] = []
        for (number, generation), body in self._objects.items():
            written = b"%d %d obj\n%b\nendobj\n" % (number, generation, body)
            entries.append((number, generation, position))
            parts.append(written)
            position += len(written)
        for first, written, offsets in self._runs:
            entries += [(number, 0, position + offset) for number, offset in enumerate(offsets, first)]
            parts.append(written)
            position += len(written)
        head = b"%d 0 obj\n%b" % (signature.number, signature.before_range)
        entries.append((signature.number, 0, position))
        gap_start = position + len(head) + _RANGE_BYTES + len(signature.before_gap)
        tail = signature.after_gap + b"\nendobj\n"
        entries.sort()
        gap_end = gap_start + signature.gap
        after = tail + self._ending(entries, gap_end + len(tail))
        # ISO 32000-1 clause 12.8.1: all but the value of Contents, whose angle brackets belong to it
        byte_range = b"0 %d %d %d" % (gap_start - 1, gap_end + 1, len(after) - 1)
        parts += (head, byte_range.ljust(_RANGE_BYTES), signature.before_gap)
        return b"".join(parts), after

    def _ending(self, entries: list[_Entry], start: int) -> bytes:
        write = self._xref_stream if self.reader.has_xref_stream else self._xref_table
        return b"%bstartxref\n%d\n%%%%EOF\n" % (write(entries, start), start)

    def _trailer(self) -> bytes:
        changed = b"<%b>" % _new_identifier().encode("ascii")
        present = self.reader.identifiers
        first = present[0] if present else changed
        # clause 14.4: the first part stays, the second changes with every update
        own = b"/Size %d/Prev %d/ID[%b %b]>>" % (self._next, self.reader.newest_xref, first, changed)
        return write_dictionary(self.reader.trailer)[:-2] + own

    def _xref_table(self, entries: list[_Entry], start: int) -> bytes:
        if start > _MAX_TABLE_OFFSET:
            raise HardPdf("a file beyond 10 GB needs a cross-reference stream")
        parts = [b"xref\n"]
        for first, count, run in _runs(entries):
            parts.append(b"%d %d\n" % (first, count))
            parts += [b"%010d %05d n\r\n" % (offset, generation) for _, generation, offset in run]
        parts += (b"trailer\n", self._trailer(), b"\n")
        return b"".join(parts)

    def _xref_stream(self, entries: list[_Entry], start: int) -> bytes:
        number = self.reserve()
        rows = [*entries, (number, 0, start)]
        index = b" ".join([b"%d %d" % (first, count) for first, count, _ in _runs(rows)])
        data = b"".join([_ROW.pack(1, offset, generation) for _, generation, offset in rows])
        head = b"%d 0 obj\n<</Type/XRef/W[1 8 2]/Index[%b]/Length %d" % (number, index, len(data))
        return b"%b%b\nstream\n%b\nendstream\nendobj\n" % (head, self._trailer()[2:], data)


@dataclass(slots=True)
class SignatureObject:
    """The signature dictionary, cut at its byte range and at its contents.

    Attributes:
        number: of the object.
        before_range: up to the opening bracket of the byte range.
        before_gap: from its closing bracket to the opening angle bracket of the contents.
        gap: hexadecimal digits kept free.
        after_gap: from the closing angle bracket on.
    """

    number: int
    before_range: bytes
    before_gap: bytes
    gap: int
    after_gap: bytes


def _runs(entries: list[_Entry]) -> list[tuple[int, int, list[_Entry]]]:
    """Split entries, sorted by number, into runs of consecutive numbers: first number, count, entries."""
    runs = []
    begin, first = 0, entries[0][0]
    for place, entry in enumerate(entries):
        if entry[0] != first + place - begin:
            runs.append((first, place - begin, entries[begin:place]))
            begin, first = place, entry[0]
    runs.append((first, len(entries) - begin, entries[begin:]))
    return runs
