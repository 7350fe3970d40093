"""The library's own sentences in Italian and German; the English ones stand in the code and are the keys."""

import json
from functools import cache
from pathlib import Path

LANGUAGES = ("it", "de", "en")
_TABLE = Path(__file__).parent / "resources" / "sentences.json"


def sentence(english: str, language: str, /, **values: object) -> str:
    """Return a sentence in a language, its placeholders filled.

    Args:
        english: as the code has it; a sentence that is not the library's comes back as it is.
        language: ``it``, ``de`` or ``en``; any other means English.
    """
    found = english
    if language in LANGUAGES[:2]:
        translated = _table().get(english)
        found = translated[LANGUAGES.index(language)] if translated is not None else english
    return found.format(**values) if values else found


@cache
def _table() -> dict[str, tuple[str, str]]:
    loaded = json.loads(_TABLE.read_text("utf-8"))
    return {english: (italian, german) for english, (italian, german) in loaded.items()}
