"""Plain words for what was done: every command has its own, in every language."""

from __future__ import annotations

import pytest

from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.desk.words import DEEDS
from cmsdesk.domain.decisions import RULES


def test_every_command_has_words_and_no_word_is_left_over() -> None:
    assert set(DEEDS) == set(RULES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_commands_are_called_the_same(language: str) -> None:
    said = {kind: texts(language)(message) for kind, message in DEEDS.items()}
    assert len(set(said.values())) == len(said)
    codes = [words for words in said.values() if "." in words or "_" in words or not words[:1].isupper()]
    assert codes == []
