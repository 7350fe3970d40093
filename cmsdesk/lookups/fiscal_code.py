"""Codici fiscali by ``python-codicefiscale``, with its history of places (domain.md §3.1)."""

from __future__ import annotations

import re
from datetime import date

from codicefiscale import codicefiscale

from cmsdesk.domain.fiscal_code import check_letter, undo_omocodia
from cmsdesk.operations.register import FiscalCodeFacts

_MONTHS = "ABCDEHLMPRST"
_FEMALE = 40
_PLACE = re.compile(r"[A-Z][0-9]{3}")
_CANONICAL = re.compile(r"[A-Z0-9]{16}")


class LibraryFiscalCodes:
    """`operations.register.FiscalCodes` on the library's tables."""

    def read(self, code: str) -> FiscalCodeFacts | None:
        """Return what ``code`` says, omocodia undone; None when it is not valid.

        Only the canonical form counts, sixteen capitals and digits: it goes into certificates.
        """
        if not _CANONICAL.fullmatch(code):
            return None
        try:
            decoded = codicefiscale.decode(code)
        except ValueError:
            return None
        return FiscalCodeFacts(
            surname_code=decoded["raw"]["lastname"],
            given_name_code=decoded["raw"]["firstname"],
            sex=decoded["gender"],
            born_on=decoded["birthdate"].date(),
            birthplace_code=undo_omocodia(code)[11:15],
        )

    def name_codes(self, surname: str, given_name: str) -> tuple[str, str]:
        """Return the three letters each of surname and given name."""
        return (
            codicefiscale.encode_lastname(surname),
            codicefiscale.encode_firstname(given_name),
        )

    def compute(self, surname: str, given_name: str, sex: str, born_on: date, place: str) -> str:
        """Return the code of personal data, without omocodia; ``place`` is the cadastral code.

        Raises:
            ValueError: the sex is neither «M» nor «F», or the place's code is not one.
        """
        if sex not in ("M", "F") or not _PLACE.fullmatch(place):
            raise ValueError("a sex is M or F, a place's code a letter and three digits")
        names = "".join(self.name_codes(surname, given_name))
        day = born_on.day + (_FEMALE if sex == "F" else 0)
        first = f"{names}{born_on.year % 100:02d}{_MONTHS[born_on.month - 1]}{day:02d}{place}"
        return first + check_letter(first)

    def same_person(self, code: str, computed: str) -> bool:
        """Tell whether a code is the computed one, omocodia undone."""
        return undo_omocodia(code) == undo_omocodia(computed)
