"""Is what stands on the paper what was signed? Values found among words, and compared.

The same functions place a field when the seal is made and read it when the seal is checked, so that both
mean the same by "here".
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cmsdesk.signing.seal.content import Area
from cmsdesk.signing.seal.paper import Word

_MAX_FREE_MM = 20.0
_ENDS = " .,;:()[]«»\"'"
_SAME = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-"})
# characters that a text reader takes for one another; no forger gains by swapping them
_LOOKALIKES = str.maketrans("OoQIl|!", "0001111")


class State(StrEnum):
    """What came of comparing a field."""

    SAME = "same"
    DIFFERENT = "different"
    UNREADABLE = "unreadable"
    NOT_COMPARED = "not-compared"


@dataclass(frozen=True, slots=True)
class Located:
    """A value found on a page."""

    page: int
    words: Sequence[Word]

    @property
    def one_line(self) -> bool:
        """All words stand beside one another."""
        return all(self.words[0].beside(word) for word in self.words[1:])


def normal(text: str) -> str:
    """Return a text without what typography adds: spaces, ligatures, kinds of quotes and hyphens."""
    folded = unicodedata.normalize("NFKC", text).translate(_SAME)
    return " ".join(folded.split()).strip(_ENDS)


def find_value(pages: Sequence[Sequence[Word]], value: str) -> Iterator[Located]:
    """Give every place where a value is printed as whole words."""
    wanted = normal(value).split()
    if not wanted:
        return
    for number, words in enumerate(pages):
        plain = [normal(word.text) for word in words]
        for start in range(len(words) - len(wanted) + 1):
            if plain[start : start + len(wanted)] == wanted or (
                plain[start] == wanted[0]
                and normal(" ".join(w.text for w in words[start : start + len(wanted)])).split() == wanted
            ):
                yield Located(number, words[start : start + len(wanted)])


def area_of(found: Located, words: Sequence[Word]) -> Area:
    """Return the rectangle of a value with the free space beside it, so that nothing can be added there."""
    left, right = min(w.left for w in found.words), max(w.right for w in found.words)
    top, bottom = min(w.top for w in found.words), max(w.bottom for w in found.words)
    if found.one_line:
        free = [w for w in words if w not in found.words and w.beside(found.words[0])]
        before = max((w.right for w in free if w.right <= left), default=left - _MAX_FREE_MM)
        behind = min((w.left for w in free if w.left >= right), default=right + _MAX_FREE_MM)
        left -= max(0.0, min(_MAX_FREE_MM, left - before) - 1)
        right += max(0.0, min(_MAX_FREE_MM, behind - right) - 1)
    x, y = max(0, math.floor(left)), max(0, math.floor(top))
    return Area(found.page, x, y, math.ceil(right) - x, math.ceil(bottom) - y)


def read_area(words: Sequence[Word], area: Area, tolerance_mm: float = 0.0) -> list[Word]:
    """Return the words whose middle lies in the area, line by line."""
    inside = []
    for word in words:
        x, y = word.centre
        across = area.x_mm - tolerance_mm <= x <= area.x_mm + area.width_mm + tolerance_mm
        down = area.y_mm - tolerance_mm <= y <= area.y_mm + area.height_mm + tolerance_mm
        if across and down:
            inside.append(word)
    return _in_lines(inside)


def _in_lines(words: Sequence[Word]) -> list[Word]:
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.centre[1]):
        if lines and lines[-1][0].beside(word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [word for line in lines for word in sorted(line, key=lambda w: w.left)]


def same_text(signed: str, read: str, *, looked: bool) -> bool:
    """Tell whether a text read is the value signed; `looked` allows for what a text reader confuses."""
    one, other = normal(signed), normal(read)
    if not looked:
        return one == other
    return _folded(one) == _folded(other)


def _folded(text: str) -> str:
    return "".join(text.translate(_LOOKALIKES).casefold().split()).strip(_ENDS)
