"""Reads the few objects that a signature touches: catalogue, form, page (ISO 32000-1 clauses 7.7, 12.7)."""

from dataclasses import dataclass

from cmsdesk.signing.documents.sources import Buffer
from cmsdesk.signing.pdf import xref
from cmsdesk.signing.pdf.syntax import (
    Dictionary,
    HardPdf,
    Raw,
    ReadDictionary,
    array_of,
    dictionary_of,
    four_numbers,
    integer_of,
    name_of,
    number_of,
    object_start,
    read_dictionary,
    read_stream,
    reference_of,
    require_end_of_object,
    value_span,
)

Reference = tuple[int, int]
_INHERITED = (b"MediaBox", b"CropBox", b"Rotate")
_NODES = (b"/Pages", b"/Page")
_MAX_HOPS = 64
_MAX_UNKNOWN = 1000
_STREAM_KEYS = (b"Type", b"W", b"Index", b"Filter", b"DecodeParms", b"Length")
_SECTION_KEYS = frozenset((b"Size", b"Prev", b"XRefStm", b"ID", *_STREAM_KEYS))
_SEARCHED_BYTES = 4096


@dataclass(slots=True)
class Page:
    """One page.

    Attributes:
        number: counted from 1.
        box: the crop box in user space: left, bottom, right, top.
        rotate: 0, 90, 180 or 270 degrees clockwise.
        user_unit: points in a unit of user space.
    """

    reference: Reference
    entries: ReadDictionary
    number: int
    box: tuple[float, float, float, float]
    rotate: int
    user_unit: float

    @property
    def shown_size(self) -> tuple[float, float]:
        """Width and height as displayed, in points."""
        left, bottom, right, top = self.box
        size = ((right - left) * self.user_unit, (top - bottom) * self.user_unit)
        return size if self.rotate % 180 == 0 else (size[1], size[0])


class PdfReader:
    """A sound PDF.

    Attributes:
        root_reference, catalogue: of the document.
        next_number: first object number that is free.
        newest_xref: offset of the newest cross-reference section.
        trailer: the newest trailer, without what belongs to its section alone and without the identifier.

    Args:
        buffer: bytes or a memory map.

    Raises:
        HardPdf: the file is encrypted, hybrid, damaged or unusual.
    """

    def __init__(self, buffer: Buffer) -> None:
        if buffer[:5] != b"%PDF-":
            raise HardPdf("no PDF header at the start")
        self._buffer = buffer
        self._sections, self.newest_xref = xref.read_sections(buffer)
        self._streams: dict[int, tuple[bytes, list[bytes], int]] = {}
        self._dictionaries: dict[Reference, ReadDictionary] = {}
        newest = self._sections[0].trailer
        self.trailer = {key: value for key, value in newest.items() if key not in _SECTION_KEYS}
        root = reference_of(newest.get(b"Root", b""))
        if root is None:
            raise HardPdf("no catalogue")
        self.root_reference = root
        self.catalogue: ReadDictionary = self.dictionary(root)
        if name_of(self.catalogue.get(b"Type", b"/")) != b"Catalog":
            raise HardPdf("a catalogue that is none")
        known = told = 0
        for section in self._sections:
            known = max(known, section.size)
            told = max(told, integer_of(section.trailer[b"Size"]))
        if told > known + _MAX_UNKNOWN:
            raise HardPdf("a size far beyond the objects that there are")
        self.next_number = max(known, told)

    @property
    def identifiers(self) -> list[Raw]:
        """The two parts of the file's identifier (clause 14.4), or none."""
        raw = self._sections[0].trailer.get(b"ID")
        return array_of(self.resolve(raw)) if raw is not None else []

    @property
    def has_xref_stream(self) -> bool:
        """Whether the newest section is a stream; an update must be of the same kind (clause 7.5.8.4)."""
        return b"W" in self._sections[0].trailer

    def _place(self, reference: Reference) -> tuple[Buffer, int, int]:
        """Find an object: where it is, where its value begins, and where that probably ends (or -1)."""
        number, generation = reference
        for section in self._sections:
            entry = section.find(number)
            if entry is None:
                continue
            kind, first, second = entry
            if kind == xref.IN_FILE and second == generation:
                start = object_start(self._buffer, first, number, generation)
                return self._buffer, start, self._buffer.find(b"endobj", start, start + _SEARCHED_BYTES)
            if kind == xref.IN_STREAM and generation == 0:
                return self._in_stream(first, number)
            break
        raise HardPdf("a reference to nothing")

    def _in_stream(self, stream_number: int, number: int) -> tuple[Buffer, int, int]:
        if stream_number not in self._streams:
            self._streams[stream_number] = self._read_object_stream(stream_number)
        data, words, first = self._streams[stream_number]
        try:
            # clause 7.5.7: pairs of object number and offset
            place = words[::2].index(b"%d" % number)
        except ValueError as error:
            raise HardPdf("an object stream without the object") from error
        follower = 2 * place + 3
        stop = first + int(words[follower]) if follower < len(words) else len(data)
        return data, first + int(words[2 * place + 1]), stop

    def _read_object_stream(self, stream_number: int) -> tuple[bytes, list[bytes], int]:
        """Decode an object stream (clause 7.5.7): data, the words of its head, where its objects begin."""
        entry = next((e for s in self._sections if (e := s.find(stream_number)) is not None), None)
        if entry is None or entry[0] != xref.IN_FILE:
            raise HardPdf("a missing object stream")
        position = object_start(self._buffer, entry[1], stream_number, entry[2])
        stop = self._buffer.find(b"stream", position, position + _SEARCHED_BYTES)
        entries, end = read_dictionary(self._buffer, position, stop)
        length = integer_of(self.resolve(entries[b"Length"]))
        data, parameters = xref.decode(entries, read_stream(self._buffer, end, length))
        if parameters.get(b"Predictor", b"1") != b"1":
            raise HardPdf("an object stream with a predictor")
        first = integer_of(entries[b"First"])
        return data, data[:first].split()[: 2 * integer_of(entries[b"N"])], first

    def value(self, reference: Reference) -> Raw:
        """Return the octets of an indirect object that is no stream."""
        buffer, position, _ = self._place(reference)
        start, end = value_span(buffer, position)
        return buffer[start:end]

    def resolve(self, raw: Raw) -> Raw:
        """Follow references to a direct value."""
        hops = 0
        while raw[-1:] == b"R":
            reference = reference_of(raw)
            if reference is None or hops > _MAX_HOPS:
                raise HardPdf("a circle of references")
            raw = self.value(reference)
            hops += 1
        return raw

    def dictionary(self, source: Raw | Reference) -> ReadDictionary:
        """Return a dictionary given directly or by reference; it must not be changed."""
        reference = source if isinstance(source, tuple) else reference_of(source)
        if reference is None:
            return dictionary_of(source) if isinstance(source, bytes) else ReadDictionary()
        found = self._dictionaries.get(reference)
        if found is None:
            buffer, position, stop = self._place(reference)
            found, end = read_dictionary(buffer, position, stop)
            if end != stop and buffer is self._buffer:
                require_end_of_object(buffer, end)
            self._dictionaries[reference] = found
        return found

    def array(self, raw: Raw) -> list[Raw]:
        """Return the elements of an array given directly or by reference."""
        return array_of(self.resolve(raw))

    # --- pages ---

    @property
    def page_count(self) -> int:
        """Number of pages, as the page tree tells it."""
        return integer_of(self.resolve(self.dictionary(self.catalogue[b"Pages"])[b"Count"]))

    def page(self, number: int) -> Page:
        """Find a page.

        Args:
            number: from 1, or from -1 backwards.

        Raises:
            IndexError: there is no such page.
            HardPdf: the page tree is unusual.
        """
        count = self.page_count
        index = number - 1 if number > 0 else count + number
        if not 0 <= index < count or number == 0:
            raise IndexError(number)
        reference = reference_of(self.catalogue[b"Pages"])
        inherited: Dictionary = {}
        left = index
        for _ in range(_MAX_HOPS):
            if reference is None:
                raise HardPdf("a page that is no indirect object")
            node = self.dictionary(reference)
            kind = node.get(b"Type", b"/")
            if kind not in _NODES and b"/" + name_of(kind) not in _NODES:
                raise HardPdf("a page tree that is none")
            for key in _INHERITED:
                if key in node:
                    inherited[key] = node[key]
            if b"Kids" not in node:
                return self._make_page(reference, node, inherited, index)
            reference, left = self._kid(node, left)
        raise HardPdf("a page tree nested too deeply")

    def _kid(self, node: Dictionary, index: int) -> tuple[Reference | None, int]:
        """Choose the child of a page tree node that holds the page at `index`, counted in that node."""
        kids = self.array(node[b"Kids"])
        if self.resolve(node[b"Count"]) == b"%d" % len(kids):
            found = reference_of(kids[index])
            if found is not None and b"Kids" not in self.dictionary(found):
                return found, 0
        for raw in kids:
            kid = self.dictionary(raw)
            count = integer_of(self.resolve(kid[b"Count"])) if b"Kids" in kid else 1
            if index < count:
                return reference_of(raw), index
            index -= count
        raise HardPdf("a page tree that counts wrongly")

    def _make_page(
        self, reference: Reference, node: ReadDictionary, inherited: Dictionary, index: int
    ) -> Page:
        kind = node.get(b"Type", b"/")
        if kind != b"/Page" and name_of(self.resolve(kind)) != b"Page":
            raise HardPdf("a page that is none")
        box = self._box(inherited.get(b"MediaBox", b"[0 0 612 792]"))
        if b"CropBox" in inherited:
            crop = self._box(inherited[b"CropBox"])
            # clause 14.11.2: what lies outside the media box is not there
            cut = (max(box[0], crop[0]), max(box[1], crop[1]), min(box[2], crop[2]), min(box[3], crop[3]))
            box = cut if cut[0] < cut[2] and cut[1] < cut[3] else box
        rotate = int(number_of(self.resolve(inherited[b"Rotate"]))) if b"Rotate" in inherited else 0
        user_unit = number_of(self.resolve(node[b"UserUnit"])) if b"UserUnit" in node else 1.0
        if rotate % 90 or box[0] >= box[2] or box[1] >= box[3] or user_unit <= 0:
            raise HardPdf("a page of no sensible shape")
        return Page(reference, node, index + 1, box, rotate % 360, user_unit)

    def _box(self, raw: Raw) -> tuple[float, float, float, float]:
        a, b, c, d = four_numbers(raw) or [number_of(self.resolve(item)) for item in self.array(raw)]
        return min(a, c), min(b, d), max(a, c), max(b, d)
