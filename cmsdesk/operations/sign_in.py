"""Sign-in by the operator's card (ORG-10): what the card signs, and how it is checked.

The card signs a typed message naming purpose, service, workstation, nonce and expiry, never a bare
challenge (architecture.md, Trust).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_

PURPOSE = "cmsdesk sign-in"
ALONE = "cmsdesk sign-in without the service"
UNLOCK = "cmsdesk unlock"


class SignInRefused(Mendable):
    """The service does not let this card in."""

    code = "SIGN-IN"
    cause = N_("The sign-in was refused ({reason}).")
    next_step = N_("Try again with the operator's own valid CNS; else ask the body's administrator.")


class NotSignedIn(Mendable):
    """The session ended or never was."""

    code = "SESSION"
    cause = N_("The session has ended.")
    next_step = N_("Sign in again with the operator's card; nothing entered is lost.")


class WorkstationRefused(Mendable):
    """The workstation's certificate is unknown or blocked."""

    code = "WORKSTATION"
    cause = N_("This workstation is not enabled ({reason}).")
    next_step = N_("Ask the security administrator to enable its certificate.")


class EnrolmentRefused(Mendable):
    """The service does not enrol this PC."""

    code = "ENROLMENT"
    cause = N_("The workstation was not enrolled ({reason}).")
    next_step = N_("Ask the administrator for a new code and type it as it is printed.")


def local_message(purpose: str, workstation: str, nonce: str) -> bytes:
    """Return what a card signs for the desk itself, no service asked: typed, like a challenge.

    Args:
        purpose: `ALONE` or `UNLOCK`.
        workstation: SHA-256 of the workstation's certificate, hex.
    """
    values = {"purpose": purpose, "workstation": workstation, "nonce": nonce}
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Challenge:
    """What the service wants signed."""

    service: str
    workstation: str
    """SHA-256 of the workstation's certificate, hex."""
    nonce: str
    expires_at: str
    """ISO 8601, UTC."""

    def message(self) -> bytes:
        """Return the message for the card: canonical JSON."""
        values = {"purpose": PURPOSE, **asdict(self)}
        return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def of(cls, message: bytes) -> Self:
        """Read a message back.

        Raises:
            SignInRefused: not a sign-in message in canonical form.
        """
        try:
            values = json.loads(message)
            purpose = values.pop("purpose")
            challenge = cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise SignInRefused(reason=N_("the message cannot be read")) from None
        if purpose != PURPOSE or challenge.message() != message:
            raise SignInRefused(reason=N_("the message is not a sign-in"))
        return challenge
