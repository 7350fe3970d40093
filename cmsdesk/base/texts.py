"""The one catalogue of texts: Italian, German and English for screens, paper, mail and errors.

Message ids are the plain English sentences that stand in the code, marked with `N_` where they
are declared and translated with `Texts` where they are shown. Catalogues are gettext files in
``resources/locale``; English needs none.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cmsdesk.base.errors import Mendable

LANGUAGES = ("it", "de", "en")
_LOCALE_DIR = Path(__file__).resolve().parents[2] / "resources" / "locale"


def N_(message: str) -> str:  # noqa: N802 - the name gettext's tools look for
    """Mark ``message`` for the catalogue without translating it."""
    return message


class Texts:
    """The catalogue in one language."""

    def __init__(self, language: str = "it") -> None:
        if language not in LANGUAGES:
            raise ValueError(f"no catalogue for {language!r}: one of {', '.join(LANGUAGES)}")
        self.language = language
        self._catalogue = _catalogue(language)

    def __call__(self, message: str, /, **values: object) -> str:
        """Return ``message`` in this language with ``values`` put into its braces."""
        text = self._catalogue.get(message) if message else ""
        return text.format_map(_Values(values)) if values else text

    def error(self, error: Mendable) -> tuple[str, str]:
        """Return an error's cause and next step in this language."""
        return error.sentences(self)


class _Values(dict[str, object]):
    """Formatting values; a missing one is a bug that names itself."""

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)

    def __missing__(self, key: str) -> object:
        raise KeyError(f"the text names {{{key}}}, which was not given")


class _Catalogue:
    """A gettext catalogue in which a message is looked up where it stands, by halves.

    `gettext.GNUTranslations` reads all of it first, which a window waits for: its first frame needs few.
    """

    def __init__(self, content: bytes) -> None:
        """``content``: of a ``.mo`` file, little-endian; empty: every message is its own translation."""
        self._content = content
        self._known: dict[str, str] = {}
        self._count, self._messages, self._translations = (
            struct.unpack_from("<8x3I", content) if content else (0, 0, 0)
        )

    def get(self, message: str) -> str:
        """Return the translation; the message itself where there is none."""
        if message not in self._known:
            self._known[message] = self._find(message)
        return self._known[message]

    def _find(self, message: str) -> str:
        wanted, low, high = message.encode(), 0, self._count
        while low < high:
            middle = (low + high) // 2
            found = self._text(self._messages, middle)
            if found == wanted:
                return self._text(self._translations, middle).decode()
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return message

    def _text(self, table: int, number: int) -> bytes:
        length, start = struct.unpack_from("<2I", self._content, table + 8 * number)
        return self._content[start : start + length]


def _catalogue(language: str) -> _Catalogue:
    if language == "en":
        return _Catalogue(b"")
    return _Catalogue((_LOCALE_DIR / language / "LC_MESSAGES" / "cmsdesk.mo").read_bytes())


@lru_cache(maxsize=len(LANGUAGES))
def texts(language: str = "it") -> Texts:
    """Return the catalogue of ``language``, read once."""
    return Texts(language)
