"""What a card host does for its client: one reader, one card, one thread.

A card that leaves takes the codes with it: pairs are never tried on a card other than the one
they were sealed for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmsdesk.base.errors import Bug
from cmsdesk.base.secret import Secret
from cmsdesk.cards import profiles, wire
from cmsdesk.cards.codes import Codes
from cmsdesk.cards.families.isocodes import guard
from cmsdesk.cards.ownership import Ownership
from cmsdesk.cards.profiles import CodeRule, Support
from cmsdesk.cards.seat import Seat
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import (
    CardInterrupted,
    CodeUnfit,
    PinBlocked,
    PukBlocked,
    SmartCardServiceDown,
    UnsupportedCard,
)
from cmsdesk.operations.ports import DeviceFacts, SealedCodes


@dataclass(frozen=True)
class Line:
    """How an operation talks back while it runs."""

    progress: Callable[[str], None]
    prompt: Callable[[str, dict[str, Any]], Any]
    """Ask the client (kind, facts); returns its reply."""
    check: Callable[[], None]
    """Raises Cancelled when the client gave up."""


class Worker:
    """The operations of a host, each a method named as in `wire`'s requests."""

    def __init__(self) -> None:
        self._codes = Codes("")
        self._card_id: str | None = None
        self._attached: Seat | None = None

    def handle(self, operation: str, arguments: dict[str, Any], line: Line) -> Any:
        """Carry out one request; return what `wire` sends back."""
        method = _OPERATIONS.get(operation)
        if method is None:
            raise Bug(f"no operation {operation!r}")
        try:
            return method(self, line, **arguments)
        except CardInterrupted as error:
            if self._attached is not None:
                self._attached.after_interruption(error)
            raise
        except SmartCardServiceDown:
            if self._attached is not None:
                self._attached.lose_card()
            raise

    # the reader

    def attach(
        self,
        line: Line,
        *,
        reader: str,
        runtime: str,
        drivers: str,
        wait_s: float,
        profile: str | None = None,
        serial: str | None = None,
    ) -> None:
        """Own ``reader``; a token without a reader is named by ``profile`` and ``serial``."""
        folder = Path(runtime)
        folder.mkdir(parents=True, exist_ok=True)
        known = profiles.load(Path(drivers))
        ownership = Ownership(folder, reader)
        ownership.take(wait_s, line.check)
        self._codes = Codes(reader)
        self._attached = Seat(reader, folder, known, ownership, self._forget)
        if profile is not None and serial is not None:
            self._attached.token = known.named(profile), serial

    def identify(self, line: Line, *, support: str) -> wire.Json:
        """Name the card; ``support`` is what the caller needs of it (`Support`)."""
        self._seat.renew()
        face, profile = self._seat.face(), self._seat.profile()
        if profile.support is not Support.ISSUE and profile.support.value != support:
            raise UnsupportedCard(reader=self._seat.reader, card=profile.title)
        if profile.support is Support.ISSUE:
            profile.check_installed()
        self._card_id, chip_serial = face.serials()
        facts = DeviceFacts(
            reader=self._seat.reader,
            atr=self._seat.atr,
            profile=profile.name,
            family=profile.family,
            kind=profile.kind,
            card_id=self._card_id,
            chip_serial=chip_serial,
            counters=face.counters(),
        )
        return wire.facts_out(facts)

    def counters(self, line: Line) -> list[int | None]:
        """Read the tries left."""
        return wire.counters_out(self._seat.face().counters())

    def contents(self, line: Line) -> wire.Json:
        """Read everything."""
        return wire.contents_out(self._seat.face().contents())

    def certificate(self, line: Line) -> str:
        """Read the CNS certificate."""
        return self._seat.face().certificate().hex()

    # codes

    def sealing_key(self, line: Line) -> str:
        """Make a one-time key."""
        return self._codes.sealing_key().hex()

    def load_codes(self, line: Line, *, ciphertext: str, binding: str) -> list[str]:
        """Take sealed codes for the card in the reader."""
        self._seat.confirm_present()
        if self._card_id is None:
            self._card_id, _ = self._seat.face().serials()
        sealed = SealedCodes(bytes.fromhex(ciphertext), bytes.fromhex(binding))
        return list(self._codes.load(sealed, self._card_id))

    def forget_codes(self, line: Line) -> None:
        """Overwrite all codes and log out."""
        self._codes.forget()
        self._seat.log_out()

    def try_pin(self, line: Line, *, label: str) -> list[Any]:
        """Verify a PIN once."""
        code = self._codes.pin(label)
        return wire.outcome_out(self._seat.face().try_pin(code))

    def try_puk(self, line: Line, *, label: str) -> list[Any]:
        """Verify a PUK once."""
        code = self._codes.puk(label)
        return wire.outcome_out(self._seat.face().try_puk(code))

    def change_pin(self, line: Line, *, current: str, new: str) -> None:
        """Replace a PIN."""
        codes = self._codes.pin(current), self._codes.pin(new)
        self._seat.face().change_pin(*codes)

    def change_puk(self, line: Line, *, current: str, new: str) -> None:
        """Replace a PUK."""
        codes = self._codes.puk(current), self._codes.puk(new)
        self._seat.face().change_puk(*codes)

    # production

    def write_personal_data(self, line: Line, *, data: str, pin: str) -> None:
        """Write EF.Dati_personali."""
        code = self._codes.pin(pin)
        self._seat.face().write_personal_data(bytes.fromhex(data), code)

    def generate_key(self, line: Line, *, slot: str, algorithm: str, pin: str) -> str:
        """Generate a key pair."""
        code = self._codes.pin(pin)
        return self._seat.face().generate_key(Slot(slot), KeyAlgorithm(algorithm), code).hex()

    def sign(self, line: Line, *, slot: str, data: str, pin: str) -> str:
        """Sign with a pair's PIN."""
        code = self._codes.pin(pin)
        return self._seat.face().sign(Slot(slot), bytes.fromhex(data), code).hex()

    def write_certificate(self, line: Line, *, slot: str, der: str, pin: str) -> None:
        """Write a certificate."""
        code = self._codes.pin(pin)
        self._seat.face().write_certificate(Slot(slot), bytes.fromhex(der), code)

    def wipe(self, line: Line, *, puk: str, transport: str) -> None:
        """Bring the card back to its transport state."""
        codes = self._codes.puk_if_held(puk), self._codes.pair(transport)
        self._seat.face().wipe(*codes, line.progress)

    def sign_with_typed_pin(self, line: Line, *, slot: str, data: str) -> str:
        """Sign with the PIN a person types: asked for when the card is ready, used once, wiped."""
        face = self._seat.face()
        counters = face.counters()
        guard(counters.pin_tries, self._seat.reader)
        with Secret(line.prompt("pin", {"tries_left": counters.pin_tries})) as pin:
            return face.sign(Slot(slot), bytes.fromhex(data), pin).hex()

    # a person's own codes (ANP-11)

    def details(self, line: Line) -> list[Any]:
        """Read what the chip tells of itself."""
        return wire.details_out(self._seat.face().details())

    def change_typed_pin(self, line: Line) -> None:
        """Replace the PIN: both values are asked for when the card is ready, used once, wiped."""
        face = self._seat.face()
        counters = face.counters()
        guard(counters.pin_tries, self._seat.reader)
        reply = line.prompt("pin_change", {"tries_left": counters.pin_tries})
        with Secret(reply["current"]) as current, Secret(reply["new"]) as new:
            rule = face.profile.pin
            _check_length(current, rule)
            _check_length(new, rule)
            face.change_pin(current, new)

    def unblock_typed_pin(self, line: Line) -> None:
        """Give the PIN a new value and all its tries, by the PUK; asked for as in `change_typed_pin`."""
        face = self._seat.face()
        counters = face.counters()
        if counters.puk_tries == 0:
            raise PukBlocked(reader=self._seat.reader)
        guard(counters.puk_tries, self._seat.reader)
        reply = line.prompt("pin_unblock", {"tries_left": counters.puk_tries})
        with Secret(reply["puk"]) as puk, Secret(reply["new"]) as new:
            _check_length(puk, face.profile.puk)
            _check_length(new, face.profile.pin)
            try:
                face.unblock_pin(puk, new)
            except PinBlocked:
                raise PukBlocked(reader=self._seat.reader) from None

    # inside

    @property
    def _seat(self) -> Seat:
        if self._attached is None:
            raise Bug("the host is attached to no reader")
        return self._attached

    def _forget(self) -> None:
        """A card that is gone takes the codes sealed for it along."""
        self._codes.forget()
        self._card_id = None


def _check_length(code: Secret, rule: CodeRule) -> None:
    """Refuse what the card could not take, before it is sent and spends a try.

    Raises:
        CodeUnfit.
    """
    if not rule.digits_min <= len(code) <= rule.digits_max or not code.reveal().isdigit():
        raise CodeUnfit(digits_min=rule.digits_min, digits_max=rule.digits_max)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    method.__name__: method
    for method in (
        Worker.attach,
        Worker.identify,
        Worker.counters,
        Worker.contents,
        Worker.certificate,
        Worker.sealing_key,
        Worker.load_codes,
        Worker.forget_codes,
        Worker.try_pin,
        Worker.try_puk,
        Worker.change_pin,
        Worker.change_puk,
        Worker.write_personal_data,
        Worker.generate_key,
        Worker.sign,
        Worker.write_certificate,
        Worker.wipe,
        Worker.sign_with_typed_pin,
        Worker.details,
        Worker.change_typed_pin,
        Worker.unblock_typed_pin,
    )
}
