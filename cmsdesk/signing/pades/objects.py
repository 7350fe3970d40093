"""PDF objects whose mutual references are filled in once their numbers are known."""

from collections.abc import Sequence
from itertools import accumulate

Part = bytes | int


class Template:
    """A dictionary, perhaps with a stream.

    Args:
        parts: octets, and places in the list of objects that stand for references to them; begins with `<<`
            and leaves out the closing `>>`.
        stream: content of a stream, encoded.
    """

    __slots__ = ("_pattern", "_places", "stream")

    def __init__(self, parts: Sequence[Part], stream: bytes | None = None) -> None:
        pattern = b"".join(
            b"%d 0 R" if isinstance(part, int) else part.replace(b"%", b"%%") for part in parts
        )
        length = b"" if stream is None else b"/Length %d" % len(stream)
        self._pattern = b"%b%b>>" % (pattern, length)
        self._places = [part for part in parts if isinstance(part, int)]
        self.stream = stream

    def dictionary(self, numbers: Sequence[int]) -> bytes:
        """Write the dictionary; `numbers` are those of the objects, by place."""
        return self._pattern % tuple([numbers[place] for place in self._places])

    def body(self, numbers: Sequence[int]) -> bytes:
        """Write the whole object."""
        if self.stream is None:
            return self.dictionary(numbers)
        return b"%b\nstream\n%b\nendstream" % (self.dictionary(numbers), self.stream)

    def numbered(self, place: int) -> tuple[bytes, list[int]]:
        """Return the indirect object as a pattern, and the places of the numbers that it wants."""
        stream = b""
        if self.stream is not None:
            stream = b"\nstream\n%b\nendstream" % self.stream.replace(b"%", b"%%")
        return b"%%d 0 obj\n%b%b\nendobj\n" % (self._pattern, stream), [place, *self._places]


class ObjectRun:
    """Templates that get consecutive numbers, written in one step: the same box in every document."""

    __slots__ = ("_offsets", "_patterns", "_places", "_whole", "count")

    def __init__(self, templates: Sequence[Template]) -> None:
        numbered = [template.numbered(place) for place, template in enumerate(templates)]
        self.count = len(numbered)
        self._patterns = numbered
        self._whole = b"".join([pattern for pattern, _ in numbered])
        self._places = [place for _, places in numbered for place in places]
        # by the number of digits that all the numbers have
        self._offsets: dict[int, tuple[int, ...]] = {}

    def write(self, first: int) -> tuple[bytes, tuple[int, ...]]:
        """Write the objects, numbered from `first`; return them and where each begins."""
        written = self._whole % tuple([first + place for place in self._places])
        digits = len(str(first))
        if len(str(first + self.count)) != digits:
            return written, self._measured(first)
        if digits not in self._offsets:
            self._offsets[digits] = self._measured(first)
        return written, self._offsets[digits]

    def _measured(self, first: int) -> tuple[int, ...]:
        sizes = [
            len(pattern % tuple([first + place for place in places])) for pattern, places in self._patterns
        ]
        return tuple(accumulate(sizes[:-1], initial=0))
