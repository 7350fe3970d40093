"""The error tree: what a person can mend, and bugs. Nothing else reaches a screen.

A `Mendable` error declares its sentences as class attributes (message ids of the one catalogue,
`cmsdesk.base.texts`) and carries only *facts*; the sentence is made where it is shown, in the
reader's language. Facts are plain values that may be logged: never secrets, never personal data.
A fact that is itself a message of the catalogue (a reason, a state) is translated too, and may name
other facts in braces.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

Fact = str | int | bool | None
Facts = dict[str, Fact]

_NAMED_FACT = re.compile(r"\{([a-z_]+)\}")


class CmsdeskError(Exception):
    """Root of every error cmsdesk raises on purpose."""


class Bug(CmsdeskError):
    """The program is wrong: nothing a person at the desk can mend."""


class Mendable(CmsdeskError):
    """An error with a cause, facts and a next step.

    Subclasses set `code` (for the help desk, unique), `cause` (what happened and why, as far as
    known) and `next_step` (what to do now); both texts may name facts in braces.
    """

    code: ClassVar[str] = ""
    cause: ClassVar[str] = ""
    next_step: ClassVar[str] = ""

    def __init__(self, **facts: Fact) -> None:
        self.facts: Facts = facts
        super().__init__(self.code, facts)

    def __reduce__(self) -> tuple[Callable[[], Mendable], tuple[()]]:
        """Cross the border of a process whole: its facts are given by name."""
        return partial(type(self), **self.facts), ()

    def spoken_facts(self) -> Facts:
        """Return the facts as a sentence names them: a kind whose facts are bare codes gives their words."""
        return self.facts

    def sentences(self, translate: Callable[[str], str]) -> tuple[str, str]:
        """Return cause and next step in the language of ``translate``, facts filled in."""
        words = _in_words(self.spoken_facts(), translate)
        return translate(self.cause).format(**words), translate(self.next_step).format(**words)

    def __str__(self) -> str:
        return f"{self.code} {self.sentences(str)[0]}"

    @classmethod
    def placeholders(cls) -> set[str]:
        """Return the facts that the sentences name."""
        parse = string.Formatter().parse
        return {name for text in (cls.cause, cls.next_step) for _, name, _, _ in parse(text) if name}


def _in_words(facts: Facts, translate: Callable[[str], str]) -> Facts:
    """Return the facts with every message among them translated and filled in.

    A text from outside (a reader's name, a CA's answer) stays as it is: the catalogue does not know
    it, and braces that name no fact are left alone.
    """
    words = {
        name: translate(fact) if isinstance(fact, str) and fact else fact for name, fact in facts.items()
    }

    def named(match: re.Match[str]) -> str:
        return str(words.get(match[1], match[0]))

    return {
        name: _NAMED_FACT.sub(named, word) if isinstance(word, str) else word for name, word in words.items()
    }


def mendable_kinds(root: type[Mendable] = Mendable) -> Iterator[type[Mendable]]:
    """Yield every declared kind of mendable error below ``root``."""
    for kind in root.__subclasses__():
        if kind.code:
            yield kind
        yield from mendable_kinds(kind)


def revive(code: str, facts: Facts) -> CmsdeskError:
    """Rebuild an error that crossed a process border as its code and facts."""
    for kind in mendable_kinds():
        if kind.code == code:
            return kind(**facts)
    return Bug(f"unknown error code {code!r} with facts {sorted(facts)}")
