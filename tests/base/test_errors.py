"""The error tree: sentences from messages and facts, and the way over a process border."""

from __future__ import annotations

import pytest

from cmsdesk.base.errors import Bug, CmsdeskError, Facts, Mendable, mendable_kinds, revive


class Base(Mendable):
    """Has no code: a branch, not an error of its own."""


class Jam(Base):
    """The drawer is stuck."""

    code = "TEST-JAM"
    cause = "Drawer {number} is stuck: {reason}."
    next_step = "Pull drawer {number} harder."


ITALIAN = {
    "Drawer {number} is stuck: {reason}.": "Il cassetto {number} è bloccato: {reason}.",
    "Pull drawer {number} harder.": "Tirare più forte il cassetto {number}.",
    "it is {state}": "è {state}",
    "rusty": "arrugginito",
}


def italian(message: str) -> str:
    return ITALIAN.get(message, message)


def test_sentences_are_made_in_the_readers_language() -> None:
    error = Jam(number=3, reason="unknown")
    assert error.sentences(str) == ("Drawer 3 is stuck: unknown.", "Pull drawer 3 harder.")
    assert error.sentences(italian) == (
        "Il cassetto 3 è bloccato: unknown.",
        "Tirare più forte il cassetto 3.",
    )


def test_a_fact_that_is_a_message_is_translated_and_may_name_other_facts() -> None:
    error = Jam(number=3, reason="it is {state}", state="rusty")
    assert error.sentences(italian)[0] == "Il cassetto 3 è bloccato: è arrugginito."
    assert error.sentences(str)[0] == "Drawer 3 is stuck: it is rusty."
    assert str(error) == "TEST-JAM Drawer 3 is stuck: it is rusty."


@pytest.mark.parametrize(
    "outside", ["{", "}", "{}", "{0}", "{elsewhere}", "{number.__class__}", "%s", "{{number}"]
)
def test_braces_in_a_text_from_outside_are_harmless(outside: str) -> None:
    (cause, _), shown = Jam(number=3, reason=outside).sentences(italian), str(Jam(number=3, reason=outside))
    assert cause == f"Il cassetto 3 è bloccato: {outside.replace('{number}', '3')}."
    assert "stuck" in shown


def test_an_empty_fact_is_never_asked_of_the_catalogue() -> None:
    asked: list[str] = []

    def noting(message: str) -> str:
        asked.append(message)
        return message

    Jam(number=3, reason="").sentences(noting)
    assert "" not in asked


def test_placeholders_are_those_of_both_sentences() -> None:
    assert Jam.placeholders() == {"number", "reason"}
    assert Base.placeholders() == set()


def test_facts_are_kept_for_the_log() -> None:
    error = Jam(number=3, reason="rust")
    assert error.facts == {"number": 3, "reason": "rust"}
    assert isinstance(error, CmsdeskError)


def test_branches_are_no_kinds() -> None:
    kinds = list(mendable_kinds())
    assert Jam in kinds
    assert Base not in kinds


def test_an_error_crosses_a_process_border_as_code_and_facts() -> None:
    facts: Facts = {"number": 3, "reason": "rust"}
    revived = revive("TEST-JAM", facts)
    assert type(revived) is Jam
    assert revived.facts == facts


def test_an_unknown_code_is_a_bug_that_shows_no_values() -> None:
    revived = revive("NO-SUCH", {"reason": "private"})
    assert isinstance(revived, Bug)
    assert "NO-SUCH" in str(revived)
    assert "private" not in str(revived)
