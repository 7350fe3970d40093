"""The one catalogue of texts: Italian, German and English for screens, paper, mail and errors.

Message ids are the plain English sentences that stand in the code, marked with `N_` where they
are declared and translated with `Texts` where they are shown. Catalogues are gettext files in
``resources/locale``; English needs none.
"""

from __future__ import annotations

import gettext
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
        text = self._catalogue.gettext(message) if message else ""
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


def _catalogue(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    # gettext.translation() would load all names of the world's locales to find this one file
    with (_LOCALE_DIR / language / "LC_MESSAGES" / "cmsdesk.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


@lru_cache(maxsize=len(LANGUAGES))
def texts(language: str = "it") -> Texts:
    """Return the catalogue of ``language``, read once."""
    return Texts(language)
