"""Keys of the MyEID face: GENERATE, MANAGE SECURITY ENVIRONMENT, PERFORM SECURITY OPERATION, ECDH."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from cmsdesk.sandbox.card import keys
from cmsdesk.sandbox.card.apdu import (
    SW_CONDITIONS,
    SW_NO_CURRENT_EF,
    SW_REFERENCE_NOT_FOUND,
    SW_WRONG_DATA,
    SW_WRONG_FILE_KIND,
    SW_WRONG_P1P2,
    Command,
    Refused,
    read_tlvs,
)
from cmsdesk.sandbox.card.eeprom import APPLICATION_ID, Node
from cmsdesk.sandbox.card.session import Context, Environment

_SET_SIGN, _SET_DECIPHER, _SET_AGREE = 0x41B6, 0x41B8, 0x41A4
_SIGN, _DECIPHER = 0x9E9A, 0x8086
_ALGORITHM_PAD = 0x02
_EXPONENT = b"\x01\x00\x01"
_CHALLENGE_BYTES = 8
_CHALLENGE_MAX_BYTES = 256


class KeyCommands:
    """The key commands over the chip's key files."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._half = b""

    def commands(self) -> dict[int, Callable[[Command], bytes]]:
        """The commands by INS."""
        return {
            0x22: self._manage_environment,
            0x2A: self._security_operation,
            0x46: self._generate,
            0x84: challenge,
            0x86: self._agree,
        }

    def reset(self) -> None:
        """Forget a half-sent cryptogram."""
        self._half = b""

    def current(self) -> Node:
        """The selected key file."""
        node = self._context.session.file
        if node is None:
            raise Refused(SW_NO_CURRENT_EF)
        if not node.is_key:
            raise Refused(SW_WRONG_FILE_KIND)
        return node

    def _generate(self, cmd: Command) -> bytes:
        node = self.current()
        self._context.require(node, node.rules[1] & 0xF)
        if cmd.data and not cmd.data.endswith(_EXPONENT):
            raise Refused(SW_WRONG_DATA)
        keys.generate(node)
        self._context.changed = True
        return b""

    def _manage_environment(self, cmd: Command) -> bytes:
        if cmd.p1p2 not in (_SET_SIGN, _SET_DECIPHER, _SET_AGREE):
            raise Refused(SW_WRONG_P1P2)
        fields = read_tlvs(cmd.data)
        node = self._find(fields[0x81]) if 0x81 in fields else self.current()
        self._context.session.environment = Environment(node, (fields.get(0x80) or b"\0")[0])
        return b""

    def _find(self, reference: bytes) -> Node:
        fid = int.from_bytes(reference, "big")
        application = self._context.eeprom.mf.child(APPLICATION_ID)
        node = self._context.session.folder.child(fid) or (application.child(fid) if application else None)
        if node is None or not node.is_key:
            raise Refused(SW_REFERENCE_NOT_FOUND)
        return node

    def _in_use(self) -> Environment:
        environment = self._context.session.environment
        if environment is None:
            raise Refused(SW_CONDITIONS)
        self._context.require(environment.key, environment.key.rules[0] >> 4)
        return environment

    def _end_consent(self, key: Node) -> None:
        """A key made with "user consent" (PIN in the first proprietary nibble) wants the PIN every time."""
        self._context.session.verified.discard(key.proprietary[0] >> 4)

    def _security_operation(self, cmd: Command) -> bytes:
        if cmd.p1p2 == _SIGN:
            used = self._in_use()
            result = keys.sign(used.key, cmd.data, pad=bool(used.algorithm & _ALGORITHM_PAD))
            self._end_consent(used.key)
            return result
        if cmd.p1p2 == _DECIPHER:
            return self._decipher(cmd.data)
        raise Refused(SW_WRONG_P1P2)

    def _decipher(self, data: bytes) -> bytes:
        """The first byte tells how the cryptogram comes: 00 whole, 81 first half, 82 second half."""
        used = self._in_use()
        part, cryptogram = data[:1], data[1:]
        if part == b"\x81":
            self._half = cryptogram
            return b""
        if part == b"\x82":
            cryptogram, self._half = self._half + cryptogram, b""
        elif part != b"\x00":
            raise Refused(SW_WRONG_DATA)
        message = keys.decipher(used.key, cryptogram, unpad=bool(used.algorithm & _ALGORITHM_PAD))
        self._end_consent(used.key)
        return message

    def _agree(self, cmd: Command) -> bytes:
        """GENERAL AUTHENTICATE: 7C { 85 point } of the other side, answered by the shared x coordinate."""
        used = self._in_use()
        point = read_tlvs(read_tlvs(cmd.data).get(0x7C, b"")).get(0x85, b"")
        shared = keys.agree(used.key, point)
        self._end_consent(used.key)
        return shared


def challenge(cmd: Command) -> bytes:
    """GET CHALLENGE: random bytes, as many as wanted, at most 256."""
    return secrets.token_bytes(min(cmd.ne or _CHALLENGE_BYTES, _CHALLENGE_MAX_BYTES))
