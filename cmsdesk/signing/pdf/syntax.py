"""PDF objects as raw octets (ISO 32000-1 clause 7.3).

A dictionary is read as a mapping from name to the octets of its value, so that what is not changed is written
back exactly as it was.
"""

import re

from cmsdesk.signing.documents.sources import Buffer

Raw = bytes
Dictionary = dict[bytes, Raw]


class ReadDictionary(dict[bytes, Raw]):
    """A dictionary as it was read; `raw` is the octets it was read from."""

    __slots__ = ("raw",)

    raw: Raw

    def with_entry(self, key: bytes, value: Raw) -> Raw:
        """Write the dictionary with one entry added or replaced, the others octet by octet as they were."""
        if key in self:
            return write_dictionary({**self, key: value})
        return b"%b/%b %b>>" % (self.raw[:-2], key, value)


class HardPdf(Exception):
    """The file is not plainly sound: it needs a more capable reader. The text says why."""


_DELIMITERS = rb"\0\t\n\f\r ()<>\[\]{}/%"
_SPACE = rb"[\0\t\n\f\r ]"
_WHITE = b"\0\t\n\f\r "
# Possessive throughout: a hostile file must not make the engine try the same octets in many ways.
_GAP = _SPACE + rb"*+(?:%[^\r\n]*+" + _SPACE + rb"*+)*+"
_TOKEN = re.compile(
    _GAP
    + rb"(?:(<<|>>|\[|\])"
    + rb"|(/[^" + _DELIMITERS + rb"]*)"
    + rb"|(<[0-9A-Fa-f\0\t\n\f\r ]*>)"
    + rb"|(\()"
    + rb"|([^" + _DELIMITERS + rb"]+))"
)  # fmt: skip
_MARK, _NAME, _HEX, _STRING, _WORD = 1, 2, 3, 4, 5
_REFERENCE = re.compile(
    rb"(\d{1,10})" + _SPACE + rb"+(\d{1,5})" + _SPACE + rb"+R(?=[" + _DELIMITERS + rb"]|\Z)"
)
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)")
_FOUR = b"".join([_SPACE + rb"*([+-]?\d+(?:\.\d*)?)" + (_SPACE + rb"+" if n < 3 else b"") for n in range(4)])
_RECTANGLE = re.compile(rb"\[" + _FOUR + _SPACE + rb"*\]")
_STRING_PART = re.compile(rb"[^()\\]*(?:\\.[^()\\]*)*", re.DOTALL)
_OBJECT = re.compile(
    _GAP + rb"(\d{1,10})" + _SPACE + rb"+(\d{1,5})" + _SPACE + rb"+obj(?=[" + _DELIMITERS + rb"])"
)
_END_OF_OBJECT = re.compile(_GAP + rb"endobj")
_END_OF_STREAM = re.compile(_SPACE + rb"*endstream")
_STREAM = re.compile(_GAP + rb"stream(\r\n|\n)")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
# Most entries of most dictionaries, whole, in one step: a reference, number, keyword, name, plain string, or
# a flat array or dictionary (no strings, no comments, at most one level nested in a dictionary).
_FLAT = rb"[^\[\]<>(){}%]*+"
_HEX_STRING = rb"<[0-9A-Fa-f]*+>"
_PLAIN_NAME = rb"[^" + _DELIMITERS + rb"]*+"
_PLAIN_VALUE = (
    rb"/" + _PLAIN_NAME
    + rb"|\d++(?:" + _SPACE + rb"++\d{1,5}+" + _SPACE + rb"++R(?=[" + _DELIMITERS + rb"])"
    + rb"|(?:\.\d*+)?(?=" + _SPACE + rb"*+[/>]))"
    + rb"|\[(?:" + _FLAT + rb"|(?:" + _SPACE + rb"*+" + _HEX_STRING + rb")++" + _SPACE + rb"*+)\]"
    + rb"|<<" + _FLAT + rb"(?:(?:\[" + _FLAT + rb"\]|<<" + _FLAT + rb">>)" + _FLAT + rb")*+>>"
    + rb"|(?:[+-]\d++(?:\.\d*+)?|true|false|null)(?=" + _SPACE + rb"*+[/>])"
    + rb"|\([^()\\]*+\)|" + _HEX_STRING
)  # fmt: skip
_PLAIN_ENTRY = re.compile(_GAP + rb"/(" + _PLAIN_NAME + rb")" + _SPACE + rb"*+(" + _PLAIN_VALUE + rb")")
_MAX_PLAIN_BYTES = 4096
_WORDS = (
    rb"(?>" + _HEX_STRING + rb"|\d{1,10}" + _SPACE + rb"+\d{1,5}" + _SPACE + rb"+R"
    + rb"|[+-]?(?:\d+(?:\.\d*)?|\.\d+)|/" + _PLAIN_NAME + rb")"
)  # fmt: skip
_FLAT_ARRAY = re.compile(rb"\[" + _SPACE + rb"*+(?:" + _WORDS + rb"(?:" + _SPACE + rb"++|(?=[/<\]])))*+\]")
_FLAT_ITEM = re.compile(_WORDS)
_KEYWORDS = frozenset((b"true", b"false", b"null"))
_MAX_DEPTH = 64
_MAX_STRING = 1 << 20


def value_span(buffer: Buffer, position: int) -> tuple[int, int]:
    """Return (start, end) of the value that follows `position`.

    Raises:
        HardPdf: no whole value is there.
    """
    token = _TOKEN.match(buffer, position)
    if token is None or token.lastindex is None:
        raise HardPdf("no value where one is due")
    kind = token.lastindex
    start = token.start(kind)
    if kind == _WORD:
        reference = _REFERENCE.match(buffer, start)
        if reference is not None:
            return start, reference.end()
        word = token[_WORD]
        if word not in _KEYWORDS and not _NUMBER.fullmatch(word):
            raise HardPdf("a keyword where a value is due")
        return start, token.end()
    if kind == _STRING:
        return start, _string_end(buffer, token.end())
    if kind == _MARK:
        return start, _container_end(buffer, token[_MARK], token.end())
    return start, token.end()


def _string_end(buffer: Buffer, position: int) -> int:
    depth, limit = 1, position + _MAX_STRING
    while depth:
        part = _STRING_PART.match(buffer, position, limit)
        end = part.end() if part is not None else position
        mark = buffer[end : end + 1]
        if mark not in (b"(", b")"):
            raise HardPdf("an unfinished string")
        depth += 1 if mark == b"(" else -1
        position = end + 1
    return position


def _container_end(buffer: Buffer, opening: bytes, position: int) -> int:
    stack = [_closing(opening)]
    while stack:
        token = _TOKEN.match(buffer, position)
        if token is None:
            raise HardPdf("an unfinished array or dictionary")
        position = token.end()
        if token.lastindex == _STRING:
            position = _string_end(buffer, position)
        elif token.lastindex == _MARK:
            mark = token[_MARK]
            if mark == stack[-1]:
                stack.pop()
            elif len(stack) < _MAX_DEPTH:
                stack.append(_closing(mark))
            else:
                raise HardPdf("nested too deeply")
    return position


def _closing(opening: bytes) -> bytes:
    if opening == b"<<":
        return b">>"
    if opening == b"[":
        return b"]"
    raise HardPdf("unbalanced array or dictionary")


def read_dictionary(buffer: Buffer, position: int, stop: int) -> tuple[ReadDictionary, int]:
    """Read the dictionary that follows `position`; return it and where it ends.

    Args:
        stop: where the next thing after the dictionary probably begins, or -1. When only white space stands
            between, and the dictionary is plain, it is read in one step; else entry by entry.

    Raises:
        HardPdf: none is there, or it is malformed or has a key twice.
    """
    if position < stop <= position + _MAX_PLAIN_BYTES:
        raw = buffer[position:stop].strip(_WHITE)
        found = plain_dictionary(raw)
        if found is not None:
            return found, stop
    return _read_any_dictionary(buffer, position)


def plain_dictionary(raw: Raw) -> ReadDictionary | None:
    """Read `raw` as one dictionary of plain entries; return None when it is anything else.

    Raises:
        HardPdf: it has a key twice.
    """
    if raw[:2] != b"<<" or raw[-2:] != b">>":
        return None
    # what stands between the entries, key, value, what stands ...; one octet more than the entries, because
    # some of them end where a delimiter follows
    parts = _PLAIN_ENTRY.split(raw[2:-1])
    if b"".join(parts[::3]).strip(_WHITE) != b">":
        return None
    keys = parts[1::3]
    if b"#" in raw:
        keys = [_unescaped(key) for key in keys]
    entries = ReadDictionary(zip(keys, parts[2::3], strict=True))
    if len(entries) != len(keys):
        raise HardPdf("a key that is there twice")
    entries.raw = raw
    return entries


def _read_any_dictionary(buffer: Buffer, position: int) -> tuple[ReadDictionary, int]:
    """Read a dictionary entry by entry: strings, comments and nesting included."""
    token = _TOKEN.match(buffer, position)
    if token is None or token[_MARK] != b"<<":
        raise HardPdf("no dictionary where one is due")
    entries = ReadDictionary()
    begin, position = token.start(_MARK), token.end()
    while True:
        position = _read_plain_entries(buffer, position, entries)
        token = _TOKEN.match(buffer, position)
        if token is None:
            raise HardPdf("an unfinished dictionary")
        if token[_MARK] == b">>":
            entries.raw = buffer[begin : token.end()]
            return entries, token.end()
        if token.lastindex != _NAME:
            raise HardPdf("a key that is no name")
        key = name_of(token[_NAME])
        start, position = value_span(buffer, token.end())
        if key in entries:
            raise HardPdf("a key that is there twice")
        entries[key] = buffer[start:position]


def _read_plain_entries(buffer: Buffer, position: int, entries: ReadDictionary) -> int:
    """Read entries as long as they are plain and follow each other; return where they end."""
    while (plain := _PLAIN_ENTRY.match(buffer, position)) is not None:
        name, raw = plain.groups()
        key = name if b"#" not in name else _unescaped(name)
        if key in entries:
            raise HardPdf("a key that is there twice")
        entries[key] = raw
        position = plain.end()
    return position


def dictionary_of(raw: Raw) -> ReadDictionary:
    """Read a direct dictionary that stands alone."""
    return read_dictionary(raw, 0, len(raw))[0]


def array_of(raw: Raw) -> list[Raw]:
    """Read the elements of a direct array.

    Raises:
        HardPdf: it is no array.
    """
    if raw[:1] != b"[":
        raise HardPdf("no array where one is due")
    if _FLAT_ARRAY.fullmatch(raw):
        return _FLAT_ITEM.findall(raw, 1, len(raw) - 1)
    items: list[Raw] = []
    position, stop = 1, len(raw) - 1
    while True:
        token = _TOKEN.match(raw, position)
        if token is None or token.end() > stop:
            return items
        start, position = value_span(raw, position)
        items.append(raw[start:position])


def name_of(raw: Raw) -> bytes:
    """Return a name without its solidus, escapes undone (clause 7.3.5)."""
    return raw[1:] if b"#" not in raw else _unescaped(raw[1:])


def _unescaped(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), name)


def reference_of(raw: Raw) -> tuple[int, int] | None:
    """Return (number, generation) of an indirect reference, or None for a direct value."""
    if raw[-1:] != b"R":
        return None
    found = _REFERENCE.fullmatch(raw)
    return (int(found[1]), int(found[2])) if found is not None else None


def number_of(raw: Raw) -> float:
    """Return a number.

    Raises:
        HardPdf: it is none.
    """
    if raw.isdigit():
        return float(raw)
    if not _NUMBER.fullmatch(raw):
        raise HardPdf("no number where one is due")
    return float(raw)


def four_numbers(raw: Raw) -> list[float] | None:
    """Return the numbers of a rectangle that is written plainly, or None."""
    found = _RECTANGLE.fullmatch(raw)
    return [float(number) for number in found.groups()] if found is not None else None


def integer_of(raw: Raw) -> int:
    """Return a number that must be whole and not negative.

    Raises:
        HardPdf: it is not.
    """
    if not raw.isdigit() or len(raw) > 12:
        raise HardPdf("no whole number where one is due")
    return int(raw)


def object_start(buffer: Buffer, offset: int, number: int, generation: int) -> int:
    """Return where the value of an indirect object begins.

    Raises:
        HardPdf: another object, or none, stands at `offset`.
    """
    found = _OBJECT.match(buffer, offset)
    if found is None or int(found[1]) != number or int(found[2]) != generation:
        raise HardPdf("the cross-reference points to something else")
    return found.end()


def any_object_start(buffer: Buffer, offset: int) -> tuple[int, int]:
    """Return (object number, where its value begins) of the indirect object at `offset`.

    Raises:
        HardPdf: none is there.
    """
    found = _OBJECT.match(buffer, offset)
    if found is None:
        raise HardPdf("no object where one is due")
    return int(found[1]), found.end()


def require_end_of_object(buffer: Buffer, position: int) -> None:
    """Make sure that an object ends at `position`, and is no stream.

    Raises:
        HardPdf: something else follows.
    """
    if _END_OF_OBJECT.match(buffer, position) is None:
        raise HardPdf("an object that does not end")


def read_stream(buffer: Buffer, position: int, length: int) -> bytes:
    """Return the octets of a stream, given where its dictionary ends (clause 7.3.8).

    Raises:
        HardPdf: no stream follows, or it does not end where it should.
    """
    found = _STREAM.match(buffer, position)
    if found is None or not _END_OF_STREAM.match(buffer, found.end() + length):
        raise HardPdf("no stream where one is due, or of another length")
    return buffer[found.end() : found.end() + length]


def write_dictionary(entries: Dictionary) -> bytes:
    """Write a dictionary back."""
    lines = [
        b"/%b %b\n" % (key, value) if key.isalnum() else b"%b %b\n" % (write_name(key), value)
        for key, value in entries.items()
    ]
    return b"<<%b>>" % b"".join(lines)


def write_name(name: bytes) -> bytes:
    """Write a name, escaping what must be (clause 7.3.5)."""
    if name.isalnum():
        return b"/" + name
    return b"/" + b"".join(
        bytes((octet,)) if 0x21 <= octet <= 0x7E and octet not in b"#()<>[]{}/%" else b"#%02X" % octet
        for octet in name
    )


def write_text(text: str) -> bytes:
    """Write a text string as UTF-16BE in hexadecimal, or as ASCII (clause 7.9.2.2)."""
    if text.isascii() and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        return b"(" + escaped.encode("ascii") + b")"
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode("ascii") + b">"
