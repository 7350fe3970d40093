"""Commands: what a person at a desk wants, and what the rules say to it (architecture.md, mechanism 1).

``decide`` is pure and the same at the desk and at the service: the service's word counts, the
desk's is shown until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cmsdesk.base.errors import Facts, Mendable
from cmsdesk.base.texts import N_
from cmsdesk.domain.events import Document, Event, View
from cmsdesk.domain.organisation import Mandate
from cmsdesk.domain.words import spoken


@dataclass(frozen=True)
class Command:
    """One act; its id is its idempotency key for ever."""

    id: str
    """UUIDv7."""
    kind: str
    body: str
    facts: Mapping[str, Any]
    """JSON values."""
    again: bool = False
    """Handed back: the service took it once, and was restored from an earlier backup since."""
    link: Mapping[str, Any] | None = None
    """Its place in a voucher's chain, where it was given without the service (`domain.voucher.Link`)."""


@dataclass(frozen=True)
class Actor:
    """Who acts, under which mandate, from which workstation."""

    mandate: Mandate
    workstation: str
    """SHA-256 of the workstation's certificate, hex."""


class Refusal(Mendable):
    """The rules say no; nothing happened. Its facts are codes, the same at the desk and at the service."""

    def spoken_facts(self) -> Facts:
        """Return words in place of the codes."""
        return spoken(self.facts)


class NotAllowed(Refusal):
    """The mandate does not give the right."""

    code = "RULE-NOT-ALLOWED"
    cause = N_("This mandate does not allow it: {action}.")
    next_step = N_("Ask somebody whose mandate does, or work under another mandate.")


class MandateNotInForce(Refusal):
    """Expired, not yet begun, or suspended (ORG-4)."""

    code = "RULE-MANDATE"
    cause = N_("The mandate is suspended or out of its period.")
    next_step = N_("Ask the body's administrator.")


class OwnMandate(Refusal):
    """Nobody ends what they work under: so an administrator is always left (ORG-2)."""

    code = "RULE-OWN"
    cause = N_("This would stop the mandate under which you are working.")
    next_step = N_("Ask another administrator of the body to do it.")


class Unknown(Refusal):
    """No such thing, or none that this mandate may see: the answer does not tell which."""

    code = "RULE-UNKNOWN"
    cause = N_("{thing} {id} is not known.")
    next_step = N_("Look for it again; it may belong to another body.")


class WrongState(Refusal):
    """The transition table does not hold the step."""

    code = "RULE-STATE"
    cause = N_("{thing} {id} is in state «{state}» and cannot become «{wanted}».")
    next_step = N_("Reload it and look at what changed.")


class AlreadyThere(Refusal):
    """A thing with this identity exists."""

    code = "RULE-EXISTS"
    cause = N_("{thing} {id} exists already.")
    next_step = N_("Open the one that exists.")


class BadFacts(Refusal):
    """The command lacks a value or holds a wrong one."""

    code = "RULE-FACTS"
    cause = N_("The value «{name}» is missing or wrong.")
    next_step = N_("Correct it and try again.")


class UnknownCommand(Refusal):
    """A command of another version of the program."""

    code = "RULE-COMMAND"
    cause = N_("This version does not know the command «{kind}».")
    next_step = N_("Update the program.")


class NotTaken(Refusal):
    """The service could not take a command because of an error of its own; it takes the others."""

    code = "RULE-NOT-TAKEN"
    cause = N_("The service could not take the command «{kind}»: an error in the program.")
    next_step = N_("It is kept here and can be sent again; give this code to the help desk.")


class IdReused(Refusal):
    """One command id with two contents."""

    code = "RULE-ID"
    cause = N_("Command {command} was sent before with other contents.")
    next_step = N_("Give this code to the help desk.")


@dataclass(frozen=True)
class Case:
    """What a rule decides on."""

    command: Command
    view: View
    actor: Actor
    now: datetime

    def text(self, name: str) -> str:
        """Return a text among the command's facts.

        Raises:
            BadFacts: missing, empty or no text.
        """
        value = self.command.facts.get(name)
        if not isinstance(value, str) or not value:
            raise BadFacts(name=name)
        return value

    def need(self, thing: str, identifier: str) -> Document:
        """Return a thing's document of the command's body.

        Raises:
            Unknown: there is none, or it is another body's.
        """
        document = self.view.get(thing, identifier)
        if document is None or document.get("body") != self.command.body:
            raise Unknown(thing=thing, id=identifier)
        return document

    def refuse_existing(self, thing: str, identifier: str) -> None:
        """Refuse when a thing exists.

        Raises:
            AlreadyThere.
        """
        if self.view.get(thing, identifier) is not None:
            raise AlreadyThere(thing=thing, id=identifier)


Rule = Callable[[Case], list[Event]]
