"""What every card family can be asked for, and the rules that hold for all of them.

A face speaks to one card; it lives in a card host's single worker thread and ends with the card.
Families that lack an ability raise `UnsupportedCard`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cmsdesk.base.errors import Bug
from cmsdesk.base.secret import Secret
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.profiles import Profile
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import UnsupportedCard
from cmsdesk.operations.ports import CardContents, ChipDetails, PinCounters, TryOutcome
from cmsdesk.operations.sealing import CodePair

Progress = Callable[[str], None]
"""Told the name of each part of a long operation as it begins."""


@dataclass(frozen=True)
class Surroundings:
    """What a face works with."""

    profile: Profile
    reader: str
    settings: Path
    """File for the middleware's settings, of this reader's host alone."""
    helper_lock: Path
    """Lock file that a program started for the card holds while it runs."""
    other_readers: Callable[[], list[str]]
    """The readers that are not ours now."""
    serial: str | None = None
    """Token serial, for a token that sits in no PC/SC reader."""
    card: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection to the card."""
        if self.card is None:
            raise Bug("a token without a reader has no connection")
        return self.card


class CardFace(ABC):
    """One card, as its family speaks."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.profile = surroundings.profile
        self.reader = surroundings.reader

    @abstractmethod
    def serials(self) -> tuple[str, str]:
        """Return card id and chip serial."""

    @abstractmethod
    def counters(self) -> PinCounters:
        """Read the tries left, ending any login first."""

    @abstractmethod
    def contents(self) -> CardContents:
        """Read all that is on the card afresh; never raises for what is only half written."""

    @abstractmethod
    def try_pin(self, pin: Secret) -> TryOutcome:
        """Verify ``pin`` once. Raises LastTry, PinBlocked before anything is sent."""

    @abstractmethod
    def try_puk(self, puk: Secret) -> TryOutcome:
        """Verify ``puk`` once; the same rule."""

    @abstractmethod
    def change_pin(self, current: Secret, new: Secret) -> None:
        """Replace the PIN. Raises WrongPin, LastTry, PinBlocked."""

    @abstractmethod
    def sign(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        """Sign ``data`` (SHA-256; SHA-384 for P-384). Raises WrongPin, LastTry, PinBlocked, KeyMissing."""

    @abstractmethod
    def rest(self) -> None:
        """Log out wherever logged in."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the middleware; the connection is the caller's."""

    def certificate(self) -> bytes:
        """Return the CNS authentication certificate, DER; empty when there is none."""
        raise self.unable()

    def details(self) -> ChipDetails:
        """Return what the chip tells of itself."""
        return ChipDetails("", None, None)

    def unblock_pin(self, puk: Secret, new: Secret) -> None:
        """Give the PIN a new value and all its tries. Raises WrongPin, LastTry, PinBlocked, of the PUK."""
        raise self.unable()

    def change_puk(self, current: Secret, new: Secret) -> None:
        """Replace the PUK. Raises WrongPin, LastTry, PinBlocked."""
        raise self.unable()

    def write_personal_data(self, data: bytes, pin: Secret) -> None:
        """Write EF.Dati_personali."""
        raise self.unable()

    def generate_key(self, slot: Slot, algorithm: KeyAlgorithm, pin: Secret) -> bytes:
        """Generate a key pair; return SubjectPublicKeyInfo, DER. Raises KeyConflict."""
        raise self.unable()

    def write_certificate(self, slot: Slot, der: bytes, pin: Secret) -> None:
        """Write a certificate; the same again is harmless. Raises CertificateConflict."""
        raise self.unable()

    def wipe(self, puk: Secret | None, transport: CodePair, progress: Progress) -> None:
        """Bring the card to its transport state; repeatable from wherever a cut left it."""
        raise self.unable()

    def unable(self) -> UnsupportedCard:
        """Return the error for what this family cannot do."""
        return UnsupportedCard(reader=self.reader, card=self.profile.title)
