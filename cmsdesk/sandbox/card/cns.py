"""The chip's second face: the Italian CNS file system and commands, as OpenSC's `itacns` driver reads them.

Nothing is copied to make it: EF.ID_Carta, EF.C_Carta and EF.Dati_personali are the chip's own files, the
PIN (0x10, 0x1A) and the PUK (0x11, 0x1B) are the chip's user PIN and SO PIN with their counters, and key 01
is whichever of the chip's keys has the public key of the certificate in EF.C_Carta. The signature
application 1400 appears when a certificate with nonRepudiation alone, and its key, are on the chip.
This face changes no file: a CNS is written by its maker's means, here by the first face.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509

from cmsdesk.sandbox.card import keys
from cmsdesk.sandbox.card.apdu import (
    SW_NO_CURRENT_EF,
    SW_NOT_FOUND,
    SW_REFERENCE_NOT_FOUND,
    SW_SECURITY,
    SW_WRONG_DATA,
    SW_WRONG_FILE_KIND,
    SW_WRONG_OFFSET,
    SW_WRONG_P1P2,
    Command,
    Refused,
    read_tlvs,
    tlv,
)
from cmsdesk.sandbox.card.eeprom import KIND_DF, KIND_EF, KIND_RSA, MF_ID, Eeprom, Node
from cmsdesk.sandbox.card.myeid_keys import challenge
from cmsdesk.sandbox.card.session import Context, Environment, allows

PIN_REFS = {0x10: 1, 0x11: 3, 0x1A: 1, 0x1B: 3}
KEY_AUTHENTICATION, KEY_SIGNATURE = 0x01, 0x10
_BACKTRACK = 0x80
_OFFICER = 3
_RESTORE, _SET_SIGN, _SET_DECIPHER = 0xF3, 0xF1B6, 0xF1B8
_SIGN, _DECIPHER = 0x9E9A, 0x8086
_OFFSET_LIMIT = 0x8000
_MF_PATH = MF_ID.to_bytes(2, "big")
_READ_FREE = b"\x0f\xff\xff"
_ACCESS_READ_FREE = b"\x00" + b"\xff" * 8
_TYPE_BYTES = {KIND_DF: 0x38, KIND_EF: 0x01}


class CnsFace:
    """The command set over one chip, seen as a CNS. Has the same interface as the first face."""

    classes = frozenset((0x00,))
    takes_extended = True

    def __init__(self, eeprom: Eeprom, on_secret: Callable[[bytes], None]) -> None:
        self._eeprom = eeprom
        tree, self._keys = _view(eeprom)
        self.context = Context(eeprom, tree, on_secret)
        self.commands: dict[int, Callable[[Command], bytes]] = {
            0x20: self._verify,
            0x22: self._manage_environment,
            0x24: self._change_pin,
            0x2A: self._security_operation,
            0x2C: self._reset_retry,
            0x84: challenge,
            0xA4: self._select,
            0xB0: self._read,
        }

    def reset(self) -> None:
        """Power on or warm reset: forget the session and look afresh at what the chip holds."""
        self.context.root, self._keys = _view(self._eeprom)
        self.context.reset()

    # selection and reading

    def _select(self, cmd: Command) -> bytes:
        root, session = [self.context.root], self.context.session
        if cmd.p1 == 4:
            raise Refused(SW_NOT_FOUND)
        if cmd.p1 == 0 and cmd.data in (b"", _MF_PATH):
            session.enter(root)
        elif cmd.p1 in (0, 8, 9):
            session.enter(_below(root if cmd.p1 == 8 else session.folders, cmd.data))
        else:
            raise Refused(SW_WRONG_P1P2)
        if cmd.p2 & 0x0C == 0x0C:
            return b""
        return _control_information(session.file or session.folder)

    def _read(self, cmd: Command) -> bytes:
        node, offset = self.context.session.file, cmd.p1p2
        if node is None:
            raise Refused(SW_NO_CURRENT_EF)
        if node.kind != KIND_EF:
            raise Refused(SW_WRONG_FILE_KIND)
        if not allows(self.context.session, node.rules[0] >> 4):
            raise Refused(SW_SECURITY)
        if offset > node.size or offset >= _OFFSET_LIMIT:
            raise Refused(SW_WRONG_OFFSET)
        return bytes(node.content[offset : offset + cmd.ne])

    # PIN and PUK

    @staticmethod
    def _ref(cmd: Command) -> int:
        ref = PIN_REFS.get(cmd.p2 & ~_BACKTRACK)
        if cmd.p1:
            raise Refused(SW_WRONG_P1P2)
        if ref is None:
            raise Refused(SW_REFERENCE_NOT_FOUND)
        return ref

    def _verify(self, cmd: Command) -> bytes:
        self.context.pins.verify(self._ref(cmd), cmd.data)
        return b""

    def _change_pin(self, cmd: Command) -> bytes:
        self.context.pins.change(self._ref(cmd), cmd.data)
        return b""

    def _reset_retry(self, cmd: Command) -> bytes:
        """PUK and new PIN; the PUK is the SO PIN, with the SO PIN's counter."""
        ref, pins = self._ref(cmd), self.context.pins
        if ref == _OFFICER:
            raise Refused(SW_WRONG_P1P2)
        pins.unblock_with_code(ref, pins.code_of(_OFFICER), cmd.data)
        return b""

    # keys

    def _manage_environment(self, cmd: Command) -> bytes:
        if cmd.p1 == _RESTORE:
            self.context.session.environment = None
            return b""
        if cmd.p1p2 not in (_SET_SIGN, _SET_DECIPHER):
            raise Refused(SW_WRONG_P1P2)
        key = self._keys.get((read_tlvs(cmd.data).get(0x83) or b"\0")[0])
        if key is None:
            raise Refused(SW_REFERENCE_NOT_FOUND)
        self.context.session.environment = Environment(key, 0)
        return b""

    def _security_operation(self, cmd: Command) -> bytes:
        """Sign a DigestInfo or a whole block; decipher to a whole block."""
        used = self.context.session.environment
        if used is None:
            raise Refused(SW_REFERENCE_NOT_FOUND)
        if not allows(self.context.session, used.key.rules[0] >> 4):
            raise Refused(SW_SECURITY)
        if cmd.p1p2 == _SIGN:
            return keys.sign(used.key, cmd.data, pad=len(cmd.data) != used.key.size // 8)
        if cmd.p1p2 == _DECIPHER:
            return keys.decipher(used.key, cmd.data[1:], unpad=False)
        raise Refused(SW_WRONG_P1P2)


# what the chip looks like from here


def _view(eeprom: Eeprom) -> tuple[Node, dict[int, Node]]:
    """The CNS file tree over the chip's own nodes, and the chip's keys by CNS key number."""
    root = Node(MF_ID, KIND_DF, _READ_FREE)
    root.children = [node for node in eeprom.mf.children if node.factory]
    found: dict[int, Node] = {}
    if key := _key_of(eeprom, _certificate_in(eeprom.mf, 0x1100, 0x1101)):
        found[KEY_AUTHENTICATION] = key
        if key.kind == KIND_RSA:
            root.children.append(_shown(0x3F01, keys.pkcs1_public(key)))
    for node in eeprom.mf.walk():
        certificate = None if node.factory else _parse(node)
        key = _key_of(eeprom, certificate) if certificate and _is_for_signature(certificate) else None
        if key is not None and key.kind == KIND_RSA:
            found[KEY_SIGNATURE] = key
            root.children.append(_signature_folder(node, key))
            break
    return root, found


def _signature_folder(certificate: Node, key: Node) -> Node:
    shown = Node(0x9010, KIND_EF, _READ_FREE, certificate.size, certificate.content)
    key_folder = Node(0x8110, KIND_DF, _READ_FREE, children=[_shown(0x8010, keys.pkcs1_public(key))])
    return Node(0x1400, KIND_DF, _READ_FREE, children=[shown, key_folder])


def _shown(fid: int, content: bytes) -> Node:
    return Node(fid, KIND_EF, _READ_FREE, len(content), bytearray(content))


def _certificate_in(mf: Node, folder_id: int, fid: int) -> x509.Certificate | None:
    folder = mf.child(folder_id)
    node = folder.child(fid) if folder else None
    return _parse(node) if node else None


def _parse(node: Node) -> x509.Certificate | None:
    """The certificate at the start of a file, if there is one."""
    if node.kind != KIND_EF or node.content[:2] != b"\x30\x82":
        return None
    size = 4 + int.from_bytes(node.content[2:4], "big")
    try:
        return x509.load_der_x509_certificate(bytes(node.content[:size]))
    except ValueError:
        return None


def _key_of(eeprom: Eeprom, certificate: x509.Certificate | None) -> Node | None:
    if certificate is None:
        return None
    public = keys.spki(certificate.public_key())
    return next((node for node in eeprom.generated_keys() if node.public == public), None)


def _is_for_signature(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return usage.content_commitment and not usage.digital_signature


def _below(start: list[Node], path: bytes) -> list[Node]:
    way = list(start)
    if not path or len(path) % 2:
        raise Refused(SW_WRONG_DATA)
    for at in range(0, len(path), 2):
        node = way[-1].child(int.from_bytes(path[at : at + 2], "big"))
        if node is None:
            raise Refused(SW_NOT_FOUND)
        way.append(node)
    return way


def _control_information(node: Node) -> bytes:
    fields = (
        tlv(0x81, node.size.to_bytes(2, "big")),
        tlv(0x82, bytes((_TYPE_BYTES[node.kind],))),
        tlv(0x83, node.fid.to_bytes(2, "big")),
        tlv(0x86, _ACCESS_READ_FREE),
    )
    return tlv(0x6F, b"".join(fields))
