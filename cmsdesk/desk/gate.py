"""From a card and a PIN to a session: what the window asks of whoever signs people in.

Nothing heavy is imported here: this is on the way to the first frame. `desk.far_gate` does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_

if TYPE_CHECKING:
    from cmsdesk.base.secret import Secret
    from cmsdesk.desk.session import SessionParts
    from cmsdesk.operations.ports import PinCounters
    from cmsdesk.sync.far import MandateChoice, Session
    from cmsdesk.sync.http import Connection


class NoCertificate(Mendable):
    """A card without an authentication certificate."""

    code = "NO-CERTIFICATE"
    cause = N_("The card in the reader holds no authentication certificate.")
    next_step = N_("Insert the operator's own CNS.")


class NoMandate(Mendable):
    """The service knows the card but no mandate for its holder."""

    code = "NO-MANDATE"
    cause = N_("No mandate is in force for the holder of this card.")
    next_step = N_("Ask the body's administrator for a mandate.")


class AnotherCard(Mendable):
    """Unlocking wants the card that signed in."""

    code = "ANOTHER-CARD"
    cause = N_("This is not the card that signed in.")
    next_step = N_("Insert the card of {operator}, or sign out.")


@dataclass(frozen=True)
class CardShown:
    """What the sign-in screen says of the card in a reader before it asks for the PIN."""

    reader: str
    name: str
    """Given name and surname; empty when the certificate names none."""
    fiscal_code: str
    counters: PinCounters
    certificate: bytes


@dataclass(frozen=True)
class Office:
    """A mandate to choose from, in words."""

    choice: MandateChoice
    body_name: str
    office_name: str
    body_names: Mapping[str, str] = field(default_factory=dict)
    office_names: Mapping[str, str] = field(default_factory=dict)
    """In other languages."""

    def said(self, language: str) -> str:
        """Return office and body in a language."""
        from cmsdesk.domain.organisation import name_in

        office = name_in(language, self.office_name, self.office_names)
        return f"{office} · {name_in(language, self.body_name, self.body_names)}"


@dataclass
class Arrival:
    """Signed in, no mandate chosen yet."""

    card: CardShown
    connection: Connection
    session: Session
    offices: tuple[Office, ...]
    alone: bool = False
    """The service could not be asked: the desk's vouchers let the operator in."""


class Gate(Protocol):
    """What signs people in. Every call blocks: `desk.work.start`."""

    def look(self, reader: str) -> CardShown:
        """Read whose card it is and how many tries are left; no PIN is tried."""
        ...

    def sign_in(self, card: CardShown, pin: Secret) -> Arrival:
        """Have the card sign the service's challenge; the PIN goes to the card once."""
        ...

    def enter(self, arrival: Arrival, office: Office) -> SessionParts:
        """Work under a mandate."""
        ...

    def unlock(self, card: CardShown, pin: Secret, operator: str) -> None:
        """Prove that the card of ``operator`` (codice fiscale) and its PIN are here; needs no network."""
        ...
