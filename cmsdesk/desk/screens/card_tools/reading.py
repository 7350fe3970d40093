"""What the card tools do with a card, free of Qt; every call blocks (`desk.work`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.cards import profiles
from cmsdesk.cards.client import HostSession, PcscReaders
from cmsdesk.cards.profiles import Profile, Support
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.operations.card_tools import CardReport, inspect, try_signature
from cmsdesk.operations.ports import CertificateAuthority


@dataclass(frozen=True)
class Reading:
    """What was learned of the card in one reader."""

    report: CardReport
    statuses: Mapping[bytes, CertificateStatus] = field(default_factory=dict)
    """What the CA says now, by certificate, DER; what it could not be asked about is not here."""
    status_error: Mendable | None = None
    """Why the CA could not be asked."""

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        return profiles.load().named(self.report.facts.profile)


def read(
    cards: PcscReaders, reader: str, authorities: Sequence[CertificateAuthority], now: datetime
) -> Reading:
    """Read the card, then ask the CAs how its certificates stand; a CA that does not answer hinders nothing.

    Raises:
        CardError: unknown card, no driver, the card left …
    """
    with cards.open(reader) as session:
        facts = session.identify_as(Support.USE)
        report = inspect(session, facts, now)
    try:
        return Reading(report, statuses_of(report, authorities))
    except Mendable as error:
        return Reading(report, status_error=error)


def statuses_of(
    report: CardReport, authorities: Sequence[CertificateAuthority]
) -> dict[bytes, CertificateStatus]:
    """Return the CA's word on each certificate; the first CA that knows one counts.

    Raises:
        ServiceUnreachable, CaUnreachable: there was nobody to ask.
    """
    found: dict[bytes, CertificateStatus] = {}
    for certificate in report.certificates:
        for authority in authorities:
            status = authority.status(certificate.der)
            if status is not CertificateStatus.UNKNOWN or certificate.der not in found:
                found[certificate.der] = status
            if status is not CertificateStatus.UNKNOWN:
                break
    return found


def change_pin(cards: PcscReaders, reader: str, current: Secret, new: Secret) -> None:
    """Replace the PIN; each code goes to the card once and is wiped.

    Raises:
        WrongPin, LastTry, PinBlocked, CodeUnfit, CardError.
    """
    with current, new, _identified(cards, reader) as session:
        session.change_typed_pin(current, new)


def unblock_pin(cards: PcscReaders, reader: str, puk: Secret, new: Secret) -> None:
    """Give the PIN a new value by the PUK; each code goes to the card once and is wiped.

    Raises:
        WrongPin, LastTry, PukBlocked, CodeUnfit, CardError.
    """
    with puk, new, _identified(cards, reader) as session:
        session.unblock_typed_pin(puk, new)


def test_signature(cards: PcscReaders, report: CardReport, slot: Slot, pin: Secret) -> None:
    """Have a key sign and check that against its certificate; the PIN goes to the card once and is wiped.

    Raises:
        WrongPin, LastTry, PinBlocked, DeviceUnproven, CardError.
    """
    with pin, _identified(cards, report.facts.reader) as session:
        try_signature(session, report, slot, pin)


class _identified:  # noqa: N801 - used as a word: a session whose card is known
    """An open session whose card was identified."""

    def __init__(self, cards: PcscReaders, reader: str) -> None:
        self._session = cards.open(reader)

    def __enter__(self) -> HostSession:
        try:
            self._session.identify_as(Support.USE)
        except BaseException:
            self._session.close()
            raise
        return self._session

    def __exit__(self, *_: object) -> None:
        self._session.close()
