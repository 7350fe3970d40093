"""The terms by which a work list's rows are found, however many there are (PRO-1).

A row is found by the beginning of any word of its name, codice fiscale, serial and code, and by the last
digits of its numbers. Every beginning is a term of its own, and so is every value that is filtered by: a
question is always for the rows that several terms share. The index holds the rows of a term in the order
of their keys, so the first of them are there at once, and those that terms share are found by walking
their rows together, without looking at the list itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

TOKENIZER = "unicode61 remove_diacritics 0 tokenchars '='"
"""Terms come ready-made: nothing of them may be left out or changed."""
_LONGEST = 20
"""Letters of a beginning; longer words are found by so many."""
_ENDS = range(3, 9)
"""So many of a number's last digits find it."""
_BETWEEN = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d{4,}$")


def folded(text: str) -> str:
    """Return a text as names are sorted and found: without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def terms(texts: Sequence[str], values: Mapping[str, str]) -> str:
    """Return what is indexed of a row.

    Args:
        texts: what a person looks for: name, codice fiscale, serial, code.
        values: what is filtered by, by column; empty ones are left out.
    """
    found = {_value_term(column, value) for column, value in values.items() if value}
    for text in texts:
        for word in folded(text).split():
            found.update(_of_word(word))
    return " ".join(sorted(found))


def match(typed: str, filters: Mapping[str, Sequence[str]]) -> str | None:
    """Return the index's expression for what was typed and chosen; None when nothing can be found.

    Args:
        typed: beginnings of words, all of which must occur.
        filters: by column the values of which one must hold; empty: any.
    """
    asked = [_whole(word)[:_LONGEST] for word in folded(typed).split()]
    if not all(asked):
        return None  # a word without letters or digits is in no row
    parts = [f'"{word}"' for word in asked]
    for column, wanted in filters.items():
        if wanted:
            either = " OR ".join(f'"{_value_term(column, value)}"' for value in wanted)
            parts.append(f"({either})")
    return " AND ".join(parts)


def _of_word(word: str) -> Iterator[str]:
    """Give the beginnings of a word and of what follows each mark in it, and its last digits."""
    parts = [part for part in _BETWEEN.split(word) if part]
    for at in range(len(parts)):
        rest = "".join(parts[at:])
        yield from (rest[:length] for length in range(1, min(len(rest), _LONGEST) + 1))
    number = _NUMBER.search(parts[-1]) if parts else None
    if number is not None:
        digits = number.group()
        yield from (digits[-length:] for length in _ENDS if length <= len(digits))


def _whole(word: str) -> str:
    return _BETWEEN.sub("", word)


def _value_term(column: str, value: str) -> str:
    return f"={column}={value.encode().hex()}"
