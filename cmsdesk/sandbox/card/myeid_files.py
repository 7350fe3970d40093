"""Files of the MyEID face: SELECT, READ and UPDATE BINARY, CREATE, DELETE, and the wipe of the applet."""

from __future__ import annotations

from collections.abc import Callable

from cmsdesk.sandbox.card import keys
from cmsdesk.sandbox.card.apdu import (
    SW_EXISTS,
    SW_NO_CURRENT_EF,
    SW_NO_SPACE,
    SW_NOT_FOUND,
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
from cmsdesk.sandbox.card.eeprom import (
    APPLICATION_ID,
    KIND_DF,
    KIND_EC,
    KIND_EF,
    KIND_RSA,
    MF_ID,
    STATE_CREATION,
    STATE_OPERATIONAL,
    Eeprom,
    Node,
)
from cmsdesk.sandbox.card.session import RULE_NEVER, Context, allows

AID = bytes.fromhex("A000000063504B43532D3135")
_TYPE_BYTES = {0x01: KIND_EF, 0x11: KIND_RSA, 0x22: KIND_EC, 0x38: KIND_DF}
_BYTE_OF_TYPE = {kind: byte for byte, kind in _TYPE_BYTES.items()}
_RULE_BYTES = 3
_OFFSET_LIMIT = 0x8000
_MF_PATH = MF_ID.to_bytes(2, "big")


class FileCommands:
    """The file commands over the chip's tree."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def commands(self) -> dict[int, Callable[[Command], bytes]]:
        """The commands by INS."""
        return {
            0xA4: self._select,
            0xB0: self._read,
            0xD6: self._update,
            0xE0: self._create,
            0xE4: self._delete,
        }

    def listing(self) -> bytes:
        """The file identifiers in the current directory, two bytes each."""
        return b"".join(node.fid.to_bytes(2, "big") for node in self._context.session.folder.children)

    # selection

    def _select(self, cmd: Command) -> bytes:
        root, session = [self._context.eeprom.mf], self._context.session
        if cmd.p1 == 4:
            self._select_application(cmd.data)
        elif cmd.p1 == 0 and cmd.data in (b"", _MF_PATH):
            session.enter(root)
        elif cmd.p1 == 0:
            session.enter(self._find(_fid(cmd.data)))
        elif cmd.p1 in (8, 9):
            session.enter(_descend(root if cmd.p1 == 8 else session.folders, cmd.data))
        elif cmd.p1 == 3:
            session.enter(session.folders[:-1] or root)
        else:
            raise Refused(SW_WRONG_P1P2)
        return b"" if cmd.p2 & 0x0C == 0x0C else self._control_information()

    def _select_application(self, name: bytes) -> None:
        """Selecting the applet starts a new session in it: PINs have to be verified again."""
        if not name or not AID.startswith(name):
            raise Refused(SW_NOT_FOUND)
        self._context.reset()

    def _find(self, fid: int) -> list[Node]:
        """By identifier: a child, the current directory or one above it, or a child of one above."""
        folders = self._context.session.folders
        for depth in range(len(folders), 0, -1):
            way = folders[:depth]
            if node := way[-1].child(fid):
                return [*way, node]
            if way[-1].fid == fid:
                return way
        raise Refused(SW_NOT_FOUND)

    def _control_information(self) -> bytes:
        """The FCI template (ISO/IEC 7816-4 §7.4.3) of what is selected."""
        eeprom, session = self._context.eeprom, self._context.session
        node = session.file or session.folder
        size = min(eeprom.free_bytes(), _OFFSET_LIMIT - 1) if node.kind == KIND_DF else node.size
        state = STATE_OPERATIONAL if node.factory and node is not eeprom.mf else eeprom.state
        fields = [
            tlv(0x80 if node.kind == KIND_EF else 0x81, size.to_bytes(2, "big")),
            tlv(0x82, bytes((_BYTE_OF_TYPE[node.kind],))),
            tlv(0x83, node.fid.to_bytes(2, "big")),
            tlv(0x86, node.rules),
            tlv(0x85, node.proprietary),
            tlv(0x8A, bytes((state,))),
        ]
        if node.name:
            fields.append(tlv(0x84, node.name))
        return tlv(0x6F, b"".join(fields))

    # contents

    def _current(self) -> Node:
        node = self._context.session.file
        if node is None:
            raise Refused(SW_NO_CURRENT_EF)
        if node.kind != KIND_EF:
            raise Refused(SW_WRONG_FILE_KIND)
        return node

    def _read(self, cmd: Command) -> bytes:
        node, offset = self._current(), cmd.p1p2
        self._context.require(node, node.rules[0] >> 4)
        if offset > node.size or offset >= _OFFSET_LIMIT:
            raise Refused(SW_WRONG_OFFSET)
        return bytes(node.content[offset : offset + cmd.ne])

    def _update(self, cmd: Command) -> bytes:
        node, offset = self._current(), cmd.p1p2
        self._context.require(node, node.rules[0] & 0xF)
        if offset >= _OFFSET_LIMIT or offset + len(cmd.data) > node.size:
            raise Refused(SW_WRONG_OFFSET)
        node.content[offset : offset + len(cmd.data)] = cmd.data
        self._context.changed = True
        return b""

    # the tree

    def _create(self, cmd: Command) -> bytes:
        node = _described(cmd.data)
        context, folder = self._context, self._context.session.folder
        rule = folder.rules[0] >> 4 if node.kind == KIND_DF else folder.rules[0] & 0xF
        if folder.factory and folder is not context.eeprom.mf:
            raise Refused(SW_SECURITY)
        if context.eeprom.state != STATE_CREATION and not allows(context.session, rule):
            raise Refused(SW_SECURITY)
        if folder.child(node.fid) or node.fid in (MF_ID, folder.fid):
            raise Refused(SW_EXISTS)
        if context.memory_full or node.cost_bytes() > context.eeprom.free_bytes():
            raise Refused(SW_NO_SPACE)
        folder.children.append(node)
        context.session.enter([*context.session.folders, node])
        context.changed = True
        return b""

    def _delete(self, cmd: Command) -> bytes:
        """Delete what is selected, or the file named by its identifier."""
        session = self._context.session
        if cmd.data:
            session.enter(self._find(_fid(cmd.data)))
        node = session.file or session.folder
        if node.factory:
            raise Refused(SW_SECURITY)
        self._context.require(node, node.rules[1] >> 4)
        session.enter(session.folders if session.file else session.folders[:-1])
        session.folder.children.remove(node)
        self._context.changed = True
        return b""


def _described(data: bytes) -> Node:
    """The new file described by a CREATE's file control parameters (tag 62)."""
    if len(data) < 2 or data[0] != 0x62:
        raise Refused(SW_WRONG_DATA)
    # OpenSC counts two bytes too many for a directory: take what is there
    fields = read_tlvs(data[2 : 2 + data[1]])
    kind = _TYPE_BYTES.get((fields.get(0x82) or b"\0")[0])
    rules = fields.get(0x86, b"")
    size = int.from_bytes(fields.get(0x80) or fields.get(0x81) or b"", "big")
    if kind is None or len(rules) != _RULE_BYTES:
        raise Refused(SW_WRONG_DATA)
    if kind in (KIND_RSA, KIND_EC) and not keys.is_supported(kind, size):
        raise Refused(SW_WRONG_DATA)
    return Node(
        _fid(fields.get(0x83, b"")),
        kind,
        rules,
        size,
        bytearray(size if kind == KIND_EF else 0),
        fields.get(0x85, b"\0\0"),
        fields.get(0x84, b""),
    )


def wipe(eeprom: Eeprom, mf_rules: bytes, application_rules: bytes) -> None:
    """Back to an empty applet in the creation state, with the given access rules.

    Gone: all files, keys and PINs of the applet, and the contents of the factory's writable files.
    Kept: the factory's files themselves and what it wrote in them for good, such as the card id.
    """
    mf = eeprom.mf
    mf.children = [node for node in mf.children if node.factory]
    for node in mf.walk():
        if node.kind == KIND_EF and node.rules[0] & 0xF != RULE_NEVER:
            node.content = bytearray(node.size)
    mf.rules = mf_rules
    mf.children.append(Node(APPLICATION_ID, KIND_DF, application_rules, name=AID))
    eeprom.pins.clear()
    eeprom.state = STATE_CREATION


def _fid(data: bytes) -> int:
    if len(data) != 2:
        raise Refused(SW_WRONG_DATA)
    return int.from_bytes(data, "big")


def _descend(start: list[Node], path: bytes) -> list[Node]:
    way = list(start)
    for at in range(0, len(path), 2):
        node = way[-1].child(_fid(path[at : at + 2]))
        if node is None:
            raise Refused(SW_NOT_FOUND)
        way.append(node)
    return way
