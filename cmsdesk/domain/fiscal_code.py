"""The codice fiscale's letters (domain.md §3.1): omocodia, and the check letter. No tables of places."""

from __future__ import annotations

import re

FORM = re.compile(r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]")
"""Sixteen characters, omocodia included."""
_OMOCODIA = str.maketrans("LMNPQRSTUV", "0123456789")
_DIGIT_POSITIONS = (6, 7, 9, 10, 12, 13, 14)
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def undo_omocodia(code: str) -> str:
    """Return the code that ``code`` replaces, its check letter included; of others the same in capitals.

    What has not sixteen characters is no codice fiscale of a person.
    """
    letters = list(code.upper())
    if len(letters) == 16:
        for position in _DIGIT_POSITIONS:
            letters[position] = letters[position].translate(_OMOCODIA)
        letters[15] = check_letter("".join(letters[:15])) or letters[15]
    return "".join(letters)


def check_letter(first: str) -> str:
    """Return the check letter of the first fifteen characters; empty when they are no code's."""
    if not re.fullmatch(r"[A-Z0-9]{15}", first):
        return ""
    values = [int(letter) if letter.isdigit() else ord(letter) - ord("A") for letter in first]
    total = sum(_ODD[value] for value in values[0::2]) + sum(values[1::2])
    return chr(ord("A") + total % 26)
