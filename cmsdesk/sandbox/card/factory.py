"""The card maker: blank chips, and transport cards as a chamber receives them.

A transport card carries an empty PKCS#15 structure with its two PINs (user PIN, reference 1; SO PIN = PUK,
reference 3) and the maker's CNS files:

    3F00/1000/1003  EF.ID_Carta        16 bytes, the card id, never writable
    3F00/1100/1101  EF.C_Carta         empty, 4 kB, written under the user PIN, read by all
    3F00/1100/1102  EF.Dati_personali  empty, 400 bytes, likewise
    and the other files of the CNS tree (domain: EF.GDO, Dati_processore, …), fixed by the maker

The wipe (`00 DA 01 E0`) removes what PKCS#15 holds, the PINs and all keys, zeroes EF.C_Carta and
EF.Dati_personali, and keeps the rest. Each PIN object's own unblocking code, which MyEID sets together with
the PIN, is a random value nobody keeps: the only way to unblock is the SO PIN.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cmsdesk.sandbox.card.atr import SHAPE_CARD
from cmsdesk.sandbox.card.eeprom import (
    DEFAULT_EEPROM_BYTES,
    KIND_DF,
    KIND_EF,
    MF_ID,
    CardFile,
    Code,
    Eeprom,
    Node,
    Pin,
)
from cmsdesk.sandbox.card.myeid import SO_PIN_REF
from cmsdesk.sandbox.card.myeid_files import wipe

USER_PIN_REF = 1
SERIAL_BYTES = 10
CARD_ID_BYTES = 16
C_CARTA_BYTES = 4096
DATI_PERSONALI_BYTES = 400
_READ_FREE = b"\x0f\xff\xff"
_PIN_WRITES = b"\x01\xff\xff"
_FOLDER_RULES = b"\xff\xff\xff"
# create under the user PIN, wipe (MF) and delete under the SO PIN: what OpenSC's profile asks for
_APPLET_RULES = b"\x11\x3f\xff"
_PIN_BYTES = 8


def make_blank_chip(
    path: Path,
    serial: bytes,
    card_id: str,
    shape: str = SHAPE_CARD,
    eeprom_bytes: int = DEFAULT_EEPROM_BYTES,
    *,
    durable: bool = True,
) -> None:
    """A chip as it leaves the chip factory: the CNS files, an empty applet, no PIN. `serial` is 10 bytes."""
    eeprom = Eeprom(serial, shape, Node(MF_ID, KIND_DF, _APPLET_RULES, factory=True), eeprom_bytes)
    eeprom.mf.children = _cns_files(serial, card_id)
    wipe(eeprom, _APPLET_RULES, _APPLET_RULES)
    CardFile(path, durable=durable).save(eeprom)


def clone_transport_card(
    template: Path,
    path: Path,
    serial: bytes,
    card_id: str,
    transport_pin: str,
    transport_puk: str,
    *,
    shape: str = SHAPE_CARD,
    eeprom_bytes: int = DEFAULT_EEPROM_BYTES,
    durable: bool = True,
) -> None:
    """A transport card from a template made by `pkcs15-init`, with its own serial, card id and PINs.

    The card id stands in EF.ID_Carta and, two digits a byte, as the serial in PKCS#15's TokenInfo.
    """
    eeprom = CardFile(template).load()
    old_id = bytes.fromhex(_id_file(eeprom.mf).content.decode("ascii"))
    new_id = bytes.fromhex(_checked_id(card_id).decode("ascii"))
    for node in eeprom.mf.walk():
        if not node.factory and old_id in node.content:
            node.content = bytearray(node.content.replace(old_id, new_id))
    eeprom.serial, eeprom.shape, eeprom.capacity_bytes = _checked_serial(serial), shape, eeprom_bytes
    _replace_fixed(eeprom.mf, serial, card_id)
    _set_code(eeprom.pins[USER_PIN_REF], transport_pin)
    _set_code(eeprom.pins[SO_PIN_REF], transport_puk)
    CardFile(path, durable=durable).save(eeprom)


def random_puk() -> str:
    """A PUK value for a PIN object that nobody will keep: 8 random digits."""
    return f"{secrets.randbelow(10**8):08d}"


def _set_code(pin: Pin, value: str) -> None:
    pin.code = Code.of(_padded(value), pin.code.tries_max)
    pin.puk = Code.of(_padded(random_puk()), pin.puk.tries_max)


def _padded(value: str) -> bytes:
    return value.encode("ascii").ljust(_PIN_BYTES, b"\xff")


def _cns_files(serial: bytes, card_id: str) -> list[Node]:
    _checked_serial(serial)
    identity = _fixed(0x1003, _checked_id(card_id))
    return [
        _folder(0x1000, _fixed(0x1002, b"SANDBOX CHIP\0" + serial), identity),
        _folder(0x1100, _writable(0x1101, C_CARTA_BYTES), _writable(0x1102, DATI_PERSONALI_BYTES)),
        _folder(
            0x1200,
            _fixed(0x1201, bytes(16)),
            _fixed(0x1202, bytes(8)),
            _fixed(0x1203, bytes(16)),
            _fixed(0x4142, bytes(16)),
        ),
        _fixed(0x2F02, b"\x5a\x0a" + serial),
        _fixed(0x3F02, b"\x01"),
        _fixed(0x0405, bytes(16)),
    ]


def _replace_fixed(mf: Node, serial: bytes, card_id: str) -> None:
    """Renew the files that carry the serial, keeping what the template's writable files hold (nothing)."""
    kept = [node for node in mf.children if not node.factory]
    mf.children = _cns_files(serial, card_id) + kept


def _id_file(mf: Node) -> Node:
    folder = mf.child(0x1000)
    node = folder.child(0x1003) if folder else None
    if node is None:
        raise ValueError("not a card of this factory")
    return node


def _folder(fid: int, *children: Node) -> Node:
    return Node(fid, KIND_DF, _FOLDER_RULES, factory=True, children=list(children))


def _fixed(fid: int, content: bytes) -> Node:
    return Node(fid, KIND_EF, _READ_FREE, len(content), bytearray(content), factory=True)


def _writable(fid: int, size: int) -> Node:
    return Node(fid, KIND_EF, _PIN_WRITES, size, bytearray(size), factory=True)


def _checked_serial(serial: bytes) -> bytes:
    if len(serial) != SERIAL_BYTES:
        raise ValueError(f"a chip serial has {SERIAL_BYTES} bytes")
    return serial


def _checked_id(card_id: str) -> bytes:
    raw = card_id.encode("ascii")
    if len(raw) != CARD_ID_BYTES or not card_id.isdecimal():
        raise ValueError(f"a card id has {CARD_ID_BYTES} digits")
    return raw
