"""The chip's first face: the MyEID card edge, as OpenSC's `myeid` driver speaks it.

Two life-cycle states: *creation*, where the rules of the applet's own files do not bind yet, and
*operational*, entered by ACTIVATE. Files of the factory (`Node.factory`) are bound by their rules always,
and no command creates, deletes or rewrites them but UPDATE BINARY where their rule allows it.
"""

from __future__ import annotations

from collections.abc import Callable

from cmsdesk.sandbox.card import keys
from cmsdesk.sandbox.card.apdu import (
    SW_CONDITIONS,
    SW_NOT_FOUND,
    SW_NOT_SUPPORTED,
    SW_REFERENCE_NOT_FOUND,
    SW_SECURITY,
    SW_WRONG_DATA,
    SW_WRONG_LENGTH,
    SW_WRONG_P1P2,
    Command,
    Refused,
    tlv,
)
from cmsdesk.sandbox.card.eeprom import STATE_CREATION, STATE_OPERATIONAL, Eeprom
from cmsdesk.sandbox.card.myeid_files import AID, FileCommands, wipe
from cmsdesk.sandbox.card.myeid_keys import KeyCommands
from cmsdesk.sandbox.card.session import PIN_BYTES, Context, allows

SO_PIN_REF = 3
PIN_REF_MAX = 14
TRIES_MAX = 15
VERSION = bytes((4, 5, 5))
_DELETE_CLA = 0xA0
_RULE_BYTES = 3
# what GET DATA AA tells: version 1, RSA and ECC, longest RSA, DES, AES and ECC key in bits
_CAPABILITIES = b"\x01" + b"".join(n.to_bytes(2, "big") for n in (0x01 | 0x08, 4096, 0, 0, 384))


class MyEidFace:
    """The command set over one chip: PINs and data objects here, files and keys in their own classes."""

    classes = frozenset((0x00, _DELETE_CLA))
    takes_extended = False

    def __init__(self, eeprom: Eeprom, on_secret: Callable[[bytes], None]) -> None:
        self.context = Context(eeprom, eeprom.mf, on_secret)
        self._files = FileCommands(self.context)
        self._keys = KeyCommands(self.context)
        self.commands: dict[int, Callable[[Command], bytes]] = {
            **self._files.commands(),
            **self._keys.commands(),
            0x20: self._verify,
            0x24: self._change_pin,
            0x2C: self._reset_retry,
            0x2E: self._logout,
            0x44: self._activate,
            0xCA: self._get_data,
            0xDA: self._put_data,
        }

    def reset(self) -> None:
        """Power on or warm reset: forget the session."""
        self.context.reset()
        self._keys.reset()

    # PINs

    def _verify(self, cmd: Command) -> bytes:
        _require_p1(cmd)
        self.context.pins.verify(cmd.p2, cmd.data)
        return b""

    def _change_pin(self, cmd: Command) -> bytes:
        _require_p1(cmd)
        self.context.pins.change(cmd.p2, cmd.data)
        return b""

    def _reset_retry(self, cmd: Command) -> bytes:
        pins = self.context.pins
        if cmd.p1 == 0:
            pins.unblock_with_code(cmd.p2, pins.puk_of(cmd.p2), cmd.data)
        elif cmd.p1 == 2:
            pins.unblock_by(cmd.p2, SO_PIN_REF, cmd.data)
        else:
            raise Refused(SW_WRONG_P1P2)
        return b""

    def _logout(self, cmd: Command) -> bytes:
        if cmd.p2:
            self.context.session.verified.discard(cmd.p2)
        else:
            self.context.session.verified.clear()
        return b""

    # data objects

    def _get_data(self, cmd: Command) -> bytes:
        _require_p1(cmd, 1)
        if cmd.p2 == 0xA0:
            eeprom = self.context.eeprom
            return bytes(5) + VERSION + eeprom.serial + eeprom.changes.to_bytes(2, "big")
        if cmd.p2 == 0xA1:
            return self._files.listing()
        if cmd.p2 == 0xAA:
            return _CAPABILITIES
        if cmd.p2 == 0x01:
            return keys.rsa_modulus(self._keys.current())
        if cmd.p2 == 0x86:
            return tlv(0x86, keys.ec_point(self._keys.current()))
        raise Refused(SW_REFERENCE_NOT_FOUND)

    def _put_data(self, cmd: Command) -> bytes:
        _require_p1(cmd, 1)
        if 1 <= cmd.p2 <= PIN_REF_MAX:
            self._initialise_pin(cmd.p2, cmd.data)
        elif cmd.p2 == 0xE0:
            self._wipe(cmd.data)
        else:
            # 80–89 would load a private key made elsewhere: this chip holds only keys it made itself
            raise Refused(SW_NOT_SUPPORTED)
        return b""

    def _initialise_pin(self, ref: int, data: bytes) -> None:
        """PIN, its unblocking code (8 bytes each) and their tries."""
        context = self.context
        if len(data) < 2 * PIN_BYTES + 2:
            raise Refused(SW_WRONG_LENGTH)
        if context.eeprom.state != STATE_CREATION:
            if ref in context.eeprom.pins:
                raise Refused(SW_CONDITIONS)
            if not allows(context.session, context.eeprom.mf.rules[0] & 0xF):
                raise Refused(SW_SECURITY)
        tries, puk_tries = data[16], data[17]
        if not (1 <= tries <= TRIES_MAX and 1 <= puk_tries <= TRIES_MAX):
            raise Refused(SW_WRONG_DATA)
        context.pins.set_new(ref, data[:PIN_BYTES], data[PIN_BYTES : 2 * PIN_BYTES], tries, puk_tries)

    def _wipe(self, data: bytes) -> None:
        """INITIALISE APPLET: see `myeid_files.wipe`. Data: two bytes of size, rules of the MF and of 5015."""
        context = self.context
        rule = context.eeprom.mf.rules[1] >> 4
        if context.eeprom.state != STATE_CREATION and not allows(context.session, rule):
            raise Refused(SW_SECURITY)
        if len(data) != 2 + 2 * _RULE_BYTES:
            raise Refused(SW_WRONG_LENGTH)
        wipe(context.eeprom, data[2 : 2 + _RULE_BYTES], data[2 + _RULE_BYTES :])
        self.reset()
        context.changed = True

    def _activate(self, cmd: Command) -> bytes:
        if cmd.data and cmd.data != AID:
            raise Refused(SW_NOT_FOUND)
        self.context.eeprom.state = STATE_OPERATIONAL
        self.context.changed = True
        return b""


def _require_p1(cmd: Command, value: int = 0) -> None:
    if cmd.p1 != value:
        raise Refused(SW_WRONG_P1P2)
