"""Texts that only a body's lawyers can write: templates of the body, with a plain default each.

A template is plain text; a blank line begins a paragraph, and ``{holder}`` stands for a value of the
paper. What values there are is in `VALUES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_


class Clause(Enum):
    """A place of a paper that holds such a text."""

    TRUTH = "truth"
    """On the form: the data given are true."""
    TERMS = "terms"
    """On the form: the terms of the service have been read."""
    UNFAIR = "unfair"
    """On the form: clauses that want a signature of their own (art. 1341 of the Codice civile)."""
    PRIVACY = "privacy"
    """On the form: the privacy notice has been handed over (CAD art. 32 c. 5)."""
    DELIVERY = "delivery"
    """On the delivery receipt: what the holder signs for."""
    LETTER = "letter"
    """In the accompanying letter, after the list of what is enclosed."""
    LETTER_HELP = "letter_help"
    """In the accompanying letter, at the end: where help is."""
    TILL = "till"
    """On the till receipt: what kind of document it is."""


class ClauseWrong(Mendable):
    """A body's template names a value that does not exist."""

    code = "DOC-CLAUSE"
    cause = N_("The body's text «{clause}» ({language}) names a value that does not exist: «{value}».")
    next_step = N_("Correct the text in the body's configuration, then print again.")


VALUES: Mapping[Clause, frozenset[str]] = {
    Clause.TRUTH: frozenset({"holder", "body"}),
    Clause.TERMS: frozenset({"holder", "body"}),
    Clause.UNFAIR: frozenset({"holder", "body"}),
    Clause.PRIVACY: frozenset({"holder", "body"}),
    Clause.DELIVERY: frozenset({"holder", "body", "serial", "envelope"}),
    Clause.LETTER: frozenset({"holder", "body", "serial", "envelope"}),
    Clause.LETTER_HELP: frozenset({"holder", "body", "office"}),
    Clause.TILL: frozenset({"body"}),
}
"""What a template may name in braces."""

_DEFAULTS: Mapping[Clause, str] = {
    Clause.TRUTH: N_(
        "The applicant declares that the data above are true and complete, "
        "and undertakes to report any change."
    ),
    Clause.TERMS: N_(
        "The applicant has read and accepts the terms of the certification service "
        "and the certificates’ limits of use."
    ),
    Clause.UNFAIR: N_(
        "The applicant specifically approves, under articles 1341 and 1342 of the Civil Code, "
        "the clauses of the terms on liability, suspension and revocation of the certificates, "
        "and place of jurisdiction."
    ),
    Clause.PRIVACY: N_(
        "The applicant has received the notice on the processing of personal data "
        "(Regulation (EU) 2016/679, art. 13)."
    ),
    Clause.DELIVERY: N_(
        "The holder declares to have received the device described above, intact, with its secret codes "
        "in a sealed envelope or by e-mail, and to keep device and codes apart from each other."
    ),
    Clause.LETTER: N_(
        "PIN, PUK and emergency code are known to the holder alone: nobody at the office knows them, "
        "and nobody will ever ask for them. Keep them apart from the device. "
        "After several wrong PINs the device locks; the PUK unlocks it."
    ),
    Clause.LETTER_HELP: N_(
        "If the device is lost or stolen, ask for the suspension of the certificates at once, "
        "with the emergency code or through the office named below."
    ),
    Clause.TILL: N_("Receipt of the amount collected. Kept with the office’s cash records."),
}


def default_clause(clause: Clause) -> str:
    """Return the plain default of a clause, a message id."""
    return _DEFAULTS[clause]


_VALUE = re.compile(r"\{([^{}]*)\}")


def filled(clause: Clause, template: str, values: Mapping[str, str], language: str = "it") -> str:
    """Return a body's template with its values in place.

    Raises:
        ClauseWrong: it names a value that there is not.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ClauseWrong(clause=clause.value, language=language, value=match[1])
        return values[match[1]]

    return _VALUE.sub(value, template)
