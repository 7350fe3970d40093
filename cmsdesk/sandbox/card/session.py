"""What the chip forgets at every reset: verified PINs, the selected file, the security environment.

Also the PIN commands' common core, which both faces of the chip use, so that there is one set of counters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cmsdesk.sandbox.card.apdu import (
    SW_BLOCKED,
    SW_REFERENCE_NOT_FOUND,
    SW_SECURITY,
    SW_TRIES_LEFT,
    SW_WRONG_DATA,
    SW_WRONG_LENGTH,
    Refused,
)
from cmsdesk.sandbox.card.eeprom import KIND_DF, STATE_CREATION, Code, Eeprom, Node, Pin

PIN_BYTES = 8
PIN_MIN_DIGITS = 4
PAD = b"\xff"
RULE_FREE = 0x0
RULE_NEVER = 0xF


@dataclass(slots=True)
class Environment:
    """The key and algorithm reference chosen by MANAGE SECURITY ENVIRONMENT."""

    key: Node
    algorithm: int


@dataclass(slots=True)
class Session:
    """Volatile state between two resets. `folders` is the way from the MF to the current directory."""

    folders: list[Node]
    file: Node | None = None
    verified: set[int] = field(default_factory=set)
    environment: Environment | None = None

    @property
    def folder(self) -> Node:
        """The current directory."""
        return self.folders[-1]

    def enter(self, way: list[Node]) -> None:
        """Select the last node of a way that starts at the MF."""
        if way[-1].kind == KIND_DF:
            self.folders, self.file = way, None
        else:
            self.folders, self.file = way[:-1], way[-1]


class PinCommands:
    """VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER on the chip's PIN objects.

    `on_secret` is told every PIN or PUK value that reaches the chip, so that tests can hunt for copies.
    Each method raises `Refused` with the status word and sets `changed` when EEPROM has to be written.
    """

    def __init__(self, eeprom: Eeprom, session: Session, on_secret: Callable[[bytes], None]) -> None:
        self._eeprom = eeprom
        self._session = session
        self._on_secret = on_secret
        self.changed = False

    def set_new(self, ref: int, pin: bytes, puk: bytes, tries: int, puk_tries: int) -> None:
        """Create or replace a PIN object (8-byte padded values)."""
        self._check_form(pin)
        self._check_form(puk)
        self._tell(pin, puk)
        self._eeprom.pins[ref] = Pin(Code.of(pin, tries), Code.of(puk, puk_tries))
        self._session.verified.discard(ref)
        self.changed = True

    def verify(self, ref: int, data: bytes) -> None:
        """Compare; with empty data tell the state: granted, 63Cx or 6983 (ISO/IEC 7816-4 §11.5.6)."""
        pin = self._pin(ref)
        if not data:
            if ref in self._session.verified:
                return
            raise Refused(SW_TRIES_LEFT | pin.code.tries_left if pin.code.tries_left else SW_BLOCKED)
        if len(data) != PIN_BYTES:
            raise Refused(SW_WRONG_LENGTH)
        self._session.verified.discard(ref)
        self._compare(pin.code, data)
        self._session.verified.add(ref)

    def change(self, ref: int, data: bytes) -> None:
        """Old value and new value, 8 bytes each. The PIN has to be verified anew afterwards."""
        pin = self._pin(ref)
        old, new = self._split(data)
        self._check_form(new)
        self._compare(pin.code, old)
        self._tell(new)
        self._replace(ref, pin, new)

    def unblock_with_code(self, ref: int, by: Code, data: bytes) -> None:
        """Unblocking code and new value, 8 bytes each; `by` is the code to compare with."""
        pin = self._pin(ref)
        puk, new = self._split(data)
        self._check_form(new)
        self._compare(by, puk)
        self._tell(new)
        self._replace(ref, pin, new)

    def unblock_by(self, ref: int, officer_ref: int, data: bytes) -> None:
        """New value alone, allowed while the officer's PIN is verified."""
        pin = self._pin(ref)
        if officer_ref not in self._session.verified or ref == officer_ref:
            raise Refused(SW_SECURITY)
        if len(data) != PIN_BYTES:
            raise Refused(SW_WRONG_LENGTH)
        self._check_form(data)
        self._tell(data)
        self._replace(ref, pin, data)

    def code_of(self, ref: int) -> Code:
        """The code of a PIN object. Raises `Refused` 6A88 when there is none."""
        return self._pin(ref).code

    def puk_of(self, ref: int) -> Code:
        """The unblocking code set together with a PIN object."""
        return self._pin(ref).puk

    def _pin(self, ref: int) -> Pin:
        pin = self._eeprom.pins.get(ref)
        if pin is None:
            raise Refused(SW_REFERENCE_NOT_FOUND)
        return pin

    def _replace(self, ref: int, pin: Pin, new: bytes) -> None:
        pin.code = Code.of(new, pin.code.tries_max)
        self._session.verified.discard(ref)
        self.changed = True

    def _compare(self, code: Code, value: bytes) -> None:
        self._tell(value)
        if not code.tries_left:
            raise Refused(SW_BLOCKED)
        if code.matches(value):
            if code.tries_left != code.tries_max:
                code.tries_left = code.tries_max
                self.changed = True
            return
        code.tries_left -= 1
        self.changed = True
        raise Refused(SW_TRIES_LEFT | code.tries_left)

    def _tell(self, *values: bytes) -> None:
        for value in values:
            self._on_secret(value.rstrip(PAD))

    @staticmethod
    def _split(data: bytes) -> tuple[bytes, bytes]:
        if len(data) != 2 * PIN_BYTES:
            raise Refused(SW_WRONG_LENGTH)
        return data[:PIN_BYTES], data[PIN_BYTES:]

    @staticmethod
    def _check_form(value: bytes) -> None:
        digits = value.rstrip(PAD)
        if len(value) != PIN_BYTES or len(digits) < PIN_MIN_DIGITS or PAD in digits:
            raise Refused(SW_WRONG_DATA)


def allows(session: Session, rule: int) -> bool:
    """Whether an access rule nibble is met: 0 free, F never, otherwise the number of a verified PIN."""
    return rule == RULE_FREE or (rule != RULE_NEVER and rule in session.verified)


class Context:
    """One chip under power, as the commands of a face share it.

    `root` is the MF the face shows. `changed` asks for EEPROM to be written after the command; `memory_full`
    makes every allocation fail (a fault for tests).
    """

    def __init__(self, eeprom: Eeprom, root: Node, on_secret: Callable[[bytes], None]) -> None:
        self.eeprom = eeprom
        self.root = root
        self.changed = False
        self.memory_full = False
        self._on_secret = on_secret
        self.reset()

    def reset(self) -> None:
        """Forget the session: nothing verified, the MF selected."""
        self.session = Session([self.root])
        self.pins = PinCommands(self.eeprom, self.session, self._on_secret)

    def take_changed(self) -> bool:
        """Whether EEPROM has to be written after the last command; clears the mark."""
        changed = self.changed or self.pins.changed
        if self.changed:
            self.eeprom.changes = (self.eeprom.changes + 1) & 0xFFFF
        self.changed = self.pins.changed = False
        return changed

    def require(self, node: Node, rule: int) -> None:
        """Raise `Refused` 6982 unless the rule is met; the applet's own rules bind once it is operational."""
        free = self.eeprom.state == STATE_CREATION and not node.factory
        if not free and not allows(self.session, rule):
            raise Refused(SW_SECURITY)
