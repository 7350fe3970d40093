"""What the use cases need from outside, as Protocols; adapters satisfy them, one contract suite each.

Vocabulary: a *slot* is one of the two places for a key and its certificate on the device
(PRO-5); a *secret label* names a pair of PIN and PUK without telling it; PINs and PUKs reach a
card host only sealed (`SealedCodes`) or typed by a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from cmsdesk.base.secret import Secret
from cmsdesk.domain.certificate import CertificateStatus, RevocationReason, Slot
from cmsdesk.domain.device import Device, DeviceKind, KeyAlgorithm
from cmsdesk.domain.production import Production
from cmsdesk.domain.request import Request
from cmsdesk.domain.scratch_card import ScratchCard, ScratchDelivery

# --- readers and cards -------------------------------------------------------------------------


@dataclass(frozen=True)
class ReaderInfo:
    """A reader as PC/SC sees it now."""

    name: str
    atr: bytes | None
    """ATR of the card in it (ISO 7816-3 §8); None when the reader is empty."""


@dataclass(frozen=True)
class PinCounters:
    """True tries left, read from the card without trying anything; None where a card does not tell."""

    pin_tries: int | None
    pin_tries_max: int | None
    puk_tries: int | None
    puk_tries_max: int | None


@dataclass(frozen=True)
class DeviceFacts:
    """What identification found: the profile of ``drivers/`` that fits, and the chip's own word."""

    reader: str
    atr: bytes
    profile: str
    family: str
    kind: DeviceKind
    card_id: str
    """EF.ID_Carta, 16 characters: the device's serial everywhere in cmsdesk (domain.md §1.1)."""
    chip_serial: str
    counters: PinCounters


@dataclass(frozen=True)
class ChipDetails:
    """What a chip tells of itself (ANP-11); empty or None where it does not tell."""

    version: str
    total_bytes: int | None
    free_bytes: int | None


@dataclass(frozen=True)
class KeyOnCard:
    """A key pair that the card holds."""

    slot: Slot | None
    label: str
    object_id: bytes
    public_key: bytes
    """SubjectPublicKeyInfo, DER (RFC 5280 §4.1.2.7)."""


@dataclass(frozen=True)
class CertificateOnCard:
    """A certificate object that the card holds."""

    slot: Slot | None
    label: str
    object_id: bytes
    der: bytes


@dataclass(frozen=True)
class CardContents:
    """All that the card holds, read afresh."""

    keys: tuple[KeyOnCard, ...]
    certificates: tuple[CertificateOnCard, ...]
    personal_data: bytes
    """EF.Dati_personali up to its own length field; empty when never written."""
    cns_certificate: bytes
    """EF.C_Carta, DER; empty when never written."""
    readable: bool
    """False when the card's structure cannot be parsed: only a wipe helps."""

    def key(self, slot: Slot) -> KeyOnCard | None:
        """Return the key in ``slot``."""
        return next((key for key in self.keys if key.slot is slot), None)

    def certificate(self, slot: Slot) -> CertificateOnCard | None:
        """Return the certificate in ``slot``."""
        return next((found for found in self.certificates if found.slot is slot), None)


@dataclass(frozen=True)
class SealedCodes:
    """Pairs of PIN and PUK, sealed by HPKE (RFC 9180) to one card host's one-time key.

    ``binding`` is the HPKE ``info``: it names production, device and step, and the card host
    refuses codes whose binding is not that of the card in its reader.
    """

    ciphertext: bytes
    binding: bytes


@dataclass(frozen=True)
class TryOutcome:
    """What a card said to one PIN or PUK."""

    accepted: bool
    tries_left: int | None


class CardSession(Protocol):
    """One card in one reader, through its card host. Every call may raise `CardGone` and its kin."""

    def identify(self) -> DeviceFacts:
        """Read ATR, serials and counters; tries no PIN.

        Raises:
            UnknownCard, UnsupportedCard: no profile fits, or one that is only recognised.
        """
        ...

    def counters(self) -> PinCounters:
        """Read the true tries left; ends any login first."""
        ...

    def contents(self) -> CardContents:
        """Read keys, certificates and files afresh."""
        ...

    def sealing_key(self) -> bytes:
        """Return a new one-time public key (HPKE) for the next `load_codes`."""
        ...

    def load_codes(self, sealed: SealedCodes) -> tuple[str, ...]:
        """Open sealed pairs of PIN and PUK and keep them by label; return the labels now held."""
        ...

    def forget_codes(self) -> None:
        """Wipe every pair held and log out."""
        ...

    def try_pin(self, label: str) -> TryOutcome:
        """Verify the PIN of pair ``label`` once.

        Raises:
            LastTry: only one try is left; nothing was sent to the card.
        """
        ...

    def try_puk(self, label: str) -> TryOutcome:
        """Verify the PUK of pair ``label`` once; the same rule."""
        ...

    def change_pin(self, current: str, new: str) -> None:
        """Replace the PIN of pair ``current`` by that of pair ``new``."""
        ...

    def change_puk(self, current: str, new: str) -> None:
        """Replace the PUK of pair ``current`` by that of pair ``new``."""
        ...

    def write_personal_data(self, data: bytes, *, pin: str) -> None:
        """Write EF.Dati_personali (at most 400 bytes) after verifying the PIN of pair ``pin``."""
        ...

    def generate_key(self, slot: Slot, algorithm: KeyAlgorithm, *, pin: str) -> bytes:
        """Generate a key pair on the card; return its SubjectPublicKeyInfo, DER."""
        ...

    def sign(self, slot: Slot, data: bytes, *, pin: str) -> bytes:
        """Sign ``data`` with SHA-256 (SHA-384 for P-384) on the card.

        Returns PKCS #1 v1.5 for RSA, a DER ``ECDSA-Sig-Value`` for EC.
        """
        ...

    def write_certificate(self, slot: Slot, der: bytes, *, pin: str) -> None:
        """Write a certificate object; in the CNS slot EF.C_Carta too. Writing the same again is harmless."""
        ...

    def wipe(self, *, puk: str, transport: str) -> None:
        """Bring the card back to its transport state (PRO-7): empty, with pair ``transport``.

        ``puk`` names the pair whose PUK the card has now; a card that an earlier wipe left blank
        needs none. Safe to repeat after an interruption at any point.
        """
        ...

    def close(self) -> None:
        """End the card host."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class OperatorCard(Protocol):
    """The operator's own CNS, in a second reader (PRO-3 a, ORG-10)."""

    def certificate(self) -> bytes:
        """Return the authentication certificate, DER; needs no PIN."""
        ...

    def counters(self) -> PinCounters:
        """Read the tries left, to show before a PIN is asked."""
        ...

    def sign(self, message: bytes, pin: Secret) -> bytes:
        """Sign ``message`` (PKCS #1 v1.5 or ECDSA, SHA-256); the PIN is sent to the card once.

        Raises:
            WrongPin: with the tries left; the caller asks the person again.
        """
        ...


class CardReaders(Protocol):
    """The readers of this computer."""

    def readers(self) -> Sequence[ReaderInfo]:
        """Return the readers and what is in them.

        Raises:
            SmartCardServiceDown, NoReader.
        """
        ...

    def open(self, reader: str) -> CardSession:
        """Start the card host of ``reader``; it is the reader's only owner until closed."""
        ...

    def wait_change(self, timeout_s: float) -> bool:
        """Wait until a card or reader comes or goes; False when the time ran out."""
        ...


# --- certificate authority ---------------------------------------------------------------------


@dataclass(frozen=True)
class EnrolmentOrder:
    """One certificate asked of a CA."""

    key: str
    """Idempotency key: the same key never yields two certificates."""
    slot: Slot
    csr: bytes
    """PKCS #10, DER (RFC 2986), signed by the card."""
    email: str | None = None
    """Address for the certificate's SAN (REG-8, CNS only)."""


@dataclass(frozen=True)
class Issued:
    """The CA issued."""

    certificate: bytes
    chain: tuple[bytes, ...]


@dataclass(frozen=True)
class Pending:
    """The CA took the order and has not decided; ask again with `poll`."""

    retry_after_s: float


@dataclass(frozen=True)
class Refused:
    """The CA will not issue this order."""

    reason: str


@dataclass(frozen=True)
class NotFound:
    """The CA knows no order under this key."""


EnrolmentAnswer = Issued | Pending | Refused | NotFound


@dataclass(frozen=True)
class Opening:
    """Whether a CA enrols now (REN-3 a: none after 21:00)."""

    open: bool
    reason: str = ""
    reopens_at: datetime | None = None


class CertificateAuthority(Protocol):
    """A certificate authority (LCM-4). Every call may raise `CaUnreachable`: the outcome is then unknown."""

    @property
    def name(self) -> str:
        """The name that stock and bodies know this CA by."""
        ...

    def opening(self) -> Opening:
        """Tell whether enrolment is open now."""
        ...

    def enrol(self, orders: Sequence[EnrolmentOrder]) -> list[EnrolmentAnswer]:
        """Ask for certificates; asking again under the same keys returns the same ones.

        Returns one answer per order, in their order; orders after a refused one are not sent: `NotFound`.
        When the CA is lost on the way, the answers that came before are returned: at least one.
        """
        ...

    def poll(self, key: str) -> EnrolmentAnswer:
        """Tell what became of the order ``key``."""
        ...

    def withdraw(self, key: str, reason: RevocationReason) -> None:
        """Make sure that no certificate under ``key`` is valid, now or later: revoke what was
        issued, refuse what may still arrive. Returning means the CA confirmed it; idempotent."""
        ...

    def status(self, certificate: bytes) -> CertificateStatus:
        """Return the current status (LCM-3) of a certificate, DER."""
        ...

    def suspend(self, certificate: bytes) -> None:
        """Put on hold; idempotent."""
        ...

    def reactivate(self, certificate: bytes) -> None:
        """End a hold. Raises `CaRefused` when the certificate is revoked."""
        ...

    def revoke(self, certificate: bytes, reason: RevocationReason) -> None:
        """Revoke for ever; idempotent."""
        ...

    def trust_anchors(self) -> tuple[bytes, ...]:
        """Return the root certificates, DER, that this CA's chains end in."""
        ...

    def crl(self, slot: Slot) -> bytes:
        """Return the current CRL, DER, of the issuer of ``slot``'s certificates."""
        ...


# --- vault -------------------------------------------------------------------------------------


class Vault(Protocol):
    """Keeper of transport codes, production escrow and scratch-card codes (PRO-4).

    Codes leave it only sealed to a card host's one-time key, for one production, device and step.
    """

    def escrow(
        self,
        production: str,
        device: str,
        scratch_card: str,
        delivery: ScratchDelivery,
        *,
        pin_digits: int,
        puk_digits: int,
    ) -> None:
        """Make the random PIN and PUK of step b; repeating changes nothing.

        They are stored durably before the next `release` answers.
        """
        ...

    def release(
        self,
        production: str,
        device: str,
        step: str,
        labels: Sequence[str],
        *,
        sealing_key: bytes,
        proof: bytes | None = None,
    ) -> SealedCodes:
        """Seal the pairs ``labels`` (of ``transport``, ``random``, ``scratch``) for one step.

        ``proof`` is the card's signature, by its new CNS key, over `sealing.release_request`: due
        with the first release of ``scratch``.

        Raises:
            ReleaseRefused: another production or device, no proof, or codes deleted since.
        """
        ...

    def escrowed(self, production: str) -> bool:
        """Tell whether `escrow` was done for a production that is still open."""
        ...

    def enrolled(self, production: str, public_key: bytes) -> None:
        """Note the card's new CNS key (SubjectPublicKeyInfo, DER) for the proof of step j."""
        ...

    def scratch_released(self, production: str) -> bool:
        """Tell whether the scratch card's codes ever left for this production."""
        ...

    def confirm(self, production: str) -> None:
        """After step j: delete the escrow and a paper envelope's codes; leave an e-mailed scratch
        card's codes to the mailer alone. Repeating changes nothing."""
        ...

    def confirmed(self, production: str) -> bool:
        """Tell whether `confirm` was done."""
        ...

    def discard(self, production: str) -> None:
        """After a reset: delete the escrow, and a scratch card's codes that had been released."""
        ...


# --- records -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignedOpening:
    """The opening of a production, signed by the operator's card (PRO-3 a)."""

    message: bytes
    """Canonical JSON made by `operations.issue.opening`."""
    signature: bytes
    certificate: bytes
    """The operator's authentication certificate, DER."""


@dataclass(frozen=True)
class Withdrawal:
    """A durable job: the CA must confirm that nothing under ``key`` is valid."""

    key: str
    production: str
    ca: str
    attempts: int


class Records(Protocol):
    """The central service's records, as far as a production touches them. Every change is one
    transaction, checked against the transition tables; repeating a change that was made is harmless.

    Raises (from every change):
        StaleState: the thing is no longer in the state that the change needs.
    """

    def save_request(self, request: Request) -> None:
        """Store a request as registered, amended or approved."""
        ...

    def request(self, request: str) -> Request:
        """Return a request. Raises `UnknownRequest`."""
        ...

    def device(self, card_id: str) -> Device | None:
        """Return a device of the stock."""
        ...

    def scratch_card(self, number: str) -> ScratchCard | None:
        """Return a scratch card of the stock."""
        ...

    def together(
        self, request: str, card_id: str, scratch_card: str | None
    ) -> tuple[Request, Device | None, ScratchCard | None]:
        """Return what is to meet in a production, seen at one moment. Raises `UnknownRequest`."""
        ...

    def production(self, production: str) -> Production | None:
        """Return a production."""
        ...

    def open_production(self, production: Production, opening: SignedOpening) -> None:
        """Request and device go into production, the scratch card is reserved."""
        ...

    def record_certificates(self, production: str, certificates: Mapping[Slot, bytes]) -> None:
        """Record the issued certificates, DER, before they are written to the card (PRO-3 h)."""
        ...

    def confirm_enrolment(self, production: str) -> None:
        """The card holds and proves what was recorded (PRO-3 i)."""
        ...

    def bind_scratch_card(self, production: str) -> None:
        """Bind the reserved scratch card: its codes are about to leave the vault (PRO-3 j)."""
        ...

    def complete(self, production: str) -> None:
        """The device is personalised, the scratch card used, the request produced."""
        ...

    def begin_reset(self, production: str, reason: str, withdraw: Sequence[str]) -> None:
        """The production will not be completed: one durable withdrawal per enrolment key."""
        ...

    def withdrawals(self, production: str | None = None) -> Sequence[Withdrawal]:
        """Return the withdrawals that the CA has not confirmed, of one production or all."""
        ...

    def withdrawal_tried(self, key: str, *, confirmed: bool) -> None:
        """Note one attempt at a withdrawal."""
        ...

    def finish_reset(self, production: str, *, set_aside: bool = False) -> None:
        """Nothing is valid; the card is clean and in stock, or ``set_aside``; the request is approved.

        Raises:
            StaleState: a withdrawal is not confirmed yet.
        """
        ...


@dataclass(frozen=True)
class LogLine:
    """A line to be written to the log. ``facts`` are JSON values, never secrets."""

    step: str
    phase: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class LogEntry(LogLine):
    """A line of the log."""

    at: datetime


class WriteAheadLog(Protocol):
    """The procedure's local, durable log (architecture.md, mechanism 4).

    Lines given together are written in one durable write, all or none of them.
    """

    def append(self, production: str, *lines: LogLine) -> Sequence[LogEntry]:
        """Write lines durably, then return them."""
        ...

    def entries(self, production: str) -> Sequence[LogEntry]:
        """Return a production's lines in order."""
        ...

    def open(self, production: str, device: str, *lines: LogLine) -> Sequence[LogEntry]:
        """Note that ``production`` is under way on ``device``, with its first lines."""
        ...

    def close(self, production: str, *lines: LogLine) -> Sequence[LogEntry]:
        """Note that nothing is left to do for ``production``, with its last lines."""
        ...

    def unfinished(self, device: str) -> str | None:
        """Return the production under way on ``device``, if any."""
        ...

    def all_unfinished(self) -> Mapping[str, str]:
        """Return every production that was begun here and not finished, by device, in their order."""
        ...


class Progress(Protocol):
    """Told of every step as it begins and ends."""

    def __call__(self, step: str, phase: str, seconds: float) -> None:
        """``phase`` is «begin», «acted» or «done»; ``seconds`` since the step began."""
        ...
