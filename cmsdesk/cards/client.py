"""The port's readers and cards, each card behind its card host (`cmsdesk.operations.ports`)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from cmsdesk.base.secret import Secret
from cmsdesk.cards import profiles, wire
from cmsdesk.cards.pcsc.monitor import Monitor
from cmsdesk.cards.process import HostLink, HostStarter, host_command
from cmsdesk.cards.profiles import DRIVERS_DIR, Support
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.ports import (
    CardContents,
    ChipDetails,
    DeviceFacts,
    PinCounters,
    ReaderInfo,
    SealedCodes,
    TryOutcome,
)

OWNER_WAIT_S = 10.0
"""How long a new host waits for the reader's last owner to end."""


class PcscReaders:
    """The readers of this computer (`ports.CardReaders`).

    Spare hosts are kept started, so that opening a reader costs no start-up.
    """

    def __init__(
        self,
        runtime: Path,
        *,
        drivers: Path = DRIVERS_DIR,
        command: Sequence[str] = (),
        errors: IO[bytes] | int = subprocess.DEVNULL,
        owner_wait_s: float = OWNER_WAIT_S,
        spares: int = 2,
    ) -> None:
        """``runtime``: folder for locks, the same for all of a computer's users of readers.

        ``command`` starts a host (default: this interpreter); ``errors`` takes what modules print;
        ``spares`` is how many hosts wait started: one for the card, one for the operator's own.
        """
        self._starter = HostStarter(list(command) or host_command(), str(drivers), errors, spares)
        self._arguments = {"runtime": str(runtime), "drivers": str(drivers), "wait_s": owner_wait_s}
        self._drivers = drivers
        self._monitor = Monitor()
        self._starter.prepare()

    def readers(self) -> Sequence[ReaderInfo]:
        """Return the readers and what is in them.

        Raises:
            SmartCardServiceDown, NoReader.
        """
        return self._monitor.snapshot()

    def wait_change(self, timeout_s: float) -> bool:
        """Wait until a card, reader or the service comes or goes; False when the time ran out."""
        return self._monitor.wait(timeout_s)

    def open(self, reader: str) -> HostSession:
        """Start the card host of ``reader``; it is the reader's only owner until closed.

        Raises:
            ReaderBusy: another owner did not end in time.
        """
        return self._open({**self._arguments, "reader": reader})

    def open_token(self, profile: str, serial: str) -> HostSession:
        """Open a token that sits in no reader (SoftHSM), by its profile and serial."""
        name = f"{profile} {serial}"
        arguments = {**self._arguments, "reader": name, "profile": profile, "serial": serial}
        session = self._open(arguments)
        session.link.timeout_s = profiles.load(self._drivers).named(profile).timeout_s
        return session

    def _open(self, arguments: dict[str, Any]) -> HostSession:
        return HostSession(HostLink(self._starter, arguments), self._drivers)

    def open_operator(self, reader: str) -> OperatorCardSession:
        """Open the operator's own card in ``reader``; errors as in `open`."""
        return OperatorCardSession(self.open(reader))

    def close(self) -> None:
        """End the running `wait_change` and the spare hosts."""
        self._monitor.close()
        self._starter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HostSession:
    """One card in one reader, through its host (`ports.CardSession`).

    A host that hangs or crashes is killed and reported as `CardHostFailed`; the next call starts
    another. Codes are then gone: load them again.
    """

    def __init__(self, link: HostLink, drivers: Path) -> None:
        self.link = link
        self._drivers = drivers

    # the port

    def identify(self) -> DeviceFacts:
        """Read ATR, serials and counters; tries no PIN."""
        return self.identify_as(Support.ISSUE)

    def counters(self) -> PinCounters:
        """Read the true tries left; ends any login first."""
        return wire.counters_in(self.link.call("counters"))

    def contents(self) -> CardContents:
        """Read keys, certificates and files afresh."""
        return wire.contents_in(self.link.call("contents"))

    def sealing_key(self) -> bytes:
        """Return a new one-time public key (`operations.sealing`) for the next `load_codes`."""
        return bytes.fromhex(self.link.call("sealing_key"))

    def load_codes(self, sealed: SealedCodes) -> tuple[str, ...]:
        """Open sealed pairs and keep them by label; return the labels now held.

        Raises:
            CodesRefused: sealed for another key or device, or altered.
        """
        arguments = {"ciphertext": sealed.ciphertext.hex(), "binding": sealed.binding.hex()}
        return tuple(self.link.call("load_codes", arguments))

    def forget_codes(self) -> None:
        """Wipe every pair held and log out."""
        self.link.call("forget_codes")

    def try_pin(self, label: str) -> TryOutcome:
        """Verify the PIN of pair ``label`` once."""
        return wire.outcome_in(self.link.call("try_pin", {"label": label}))

    def try_puk(self, label: str) -> TryOutcome:
        """Verify the PUK of pair ``label`` once."""
        return wire.outcome_in(self.link.call("try_puk", {"label": label}))

    def change_pin(self, current: str, new: str) -> None:
        """Replace the PIN of pair ``current`` by that of pair ``new``."""
        self.link.call("change_pin", {"current": current, "new": new})

    def change_puk(self, current: str, new: str) -> None:
        """Replace the PUK of pair ``current`` by that of pair ``new``."""
        self.link.call("change_puk", {"current": current, "new": new})

    def write_personal_data(self, data: bytes, *, pin: str) -> None:
        """Write EF.Dati_personali (at most 400 bytes)."""
        self.link.call("write_personal_data", {"data": data.hex(), "pin": pin})

    def generate_key(self, slot: Slot, algorithm: KeyAlgorithm, *, pin: str) -> bytes:
        """Generate a key pair on the card; return its SubjectPublicKeyInfo, DER."""
        arguments = {"slot": slot.value, "algorithm": algorithm.value, "pin": pin}
        return bytes.fromhex(self.link.call("generate_key", arguments))

    def sign(self, slot: Slot, data: bytes, *, pin: str) -> bytes:
        """Sign ``data`` with SHA-256 (SHA-384 for P-384) on the card."""
        return bytes.fromhex(self.link.call("sign", {"slot": slot.value, "data": data.hex(), "pin": pin}))

    def write_certificate(self, slot: Slot, der: bytes, *, pin: str) -> None:
        """Write a certificate object; in the CNS slot EF.C_Carta too."""
        self.link.call("write_certificate", {"slot": slot.value, "der": der.hex(), "pin": pin})

    def wipe(self, *, puk: str, transport: str) -> None:
        """Bring the card back to its transport state."""
        self.link.call("wipe", {"puk": puk, "transport": transport})

    def close(self) -> None:
        """End the card host; every later call is a bug."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # beyond the port

    def identify_as(self, support: Support) -> DeviceFacts:
        """Identify for another use than production.

        Raises:
            UnknownCard, UnsupportedCard.
        """
        facts = wire.facts_in(self.link.call("identify", {"support": support.value}))
        self.link.timeout_s = profiles.load(self._drivers).named(facts.profile).timeout_s
        return facts

    def certificate(self) -> bytes:
        """Return the CNS authentication certificate (EF.C_Carta), DER; empty when there is none."""
        return bytes.fromhex(self.link.call("certificate"))

    def sign_with_typed_pin(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        """Sign with a PIN a person typed; it goes down the pipe when the card is ready, once."""
        arguments = {"slot": slot.value, "data": data.hex()}
        return bytes.fromhex(
            self.link.call("sign_with_typed_pin", arguments, prompted=lambda kind, facts: pin.reveal_text())
        )

    def details(self) -> ChipDetails:
        """Return what the chip tells of itself."""
        return wire.details_in(self.link.call("details"))

    def change_typed_pin(self, current: Secret, new: Secret) -> None:
        """Replace the PIN by values a person typed; each goes down the pipe once.

        Raises:
            WrongPin: with the tries left. LastTry, PinBlocked, CodeUnfit: nothing was sent to the card.
        """
        self.link.call(
            "change_typed_pin",
            prompted=lambda kind, facts: {"current": current.reveal_text(), "new": new.reveal_text()},
        )

    def unblock_typed_pin(self, puk: Secret, new: Secret) -> None:
        """Give the PIN a new value and all its tries by the PUK a person typed.

        Raises:
            WrongPin: with the tries left of the PUK. LastTry, PukBlocked, CodeUnfit: nothing was sent.
        """
        self.link.call(
            "unblock_typed_pin",
            prompted=lambda kind, facts: {"puk": puk.reveal_text(), "new": new.reveal_text()},
        )


class OperatorCardSession:
    """The operator's own CNS (`ports.OperatorCard`)."""

    def __init__(self, session: HostSession) -> None:
        self._session = session
        self._facts: DeviceFacts | None = None

    def identify(self) -> DeviceFacts:
        """Return what the card is.

        Raises:
            UnknownCard, UnsupportedCard.
        """
        self._facts = self._session.identify_as(Support.USE)
        return self._facts

    def certificate(self) -> bytes:
        """Return the authentication certificate, DER; needs no PIN."""
        return self._session.certificate()

    def counters(self) -> PinCounters:
        """Read the tries left, to show before a PIN is asked."""
        return self._session.counters()

    def sign(self, message: bytes, pin: Secret) -> bytes:
        """Sign ``message`` (PKCS #1 v1.5 or ECDSA, SHA-256); the PIN is sent to the card once.

        Raises:
            WrongPin: with the tries left. LastTry, PinBlocked: nothing was sent.
        """
        return self._session.sign_with_typed_pin(Slot.AUTHENTICATION, message, pin)

    def close(self) -> None:
        """End the card host."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
