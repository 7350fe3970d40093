"""What the chip keeps without power: files, keys, PINs, life cycle; and the one file on disk that holds it.

The state is written whole for every command that changes something, so that a process killed at any moment
leaves either the state before the command or the state after it, as a chip's EEPROM transaction does. PINs
are kept as salted digests: a search of the disk for a PIN finds none.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import secrets
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1
STATE_CREATION = 1
STATE_OPERATIONAL = 7
KIND_DF = "df"
KIND_EF = "ef"
KIND_RSA = "rsa"
KIND_EC = "ec"
MF_ID = 0x3F00
APPLICATION_ID = 0x5015
DEFAULT_EEPROM_BYTES = 80 * 1024
_FILE_OVERHEAD_BYTES = 32
_MARK = b"CHIP"
_HEADER = struct.Struct(">4sQII")
_SLOT_BYTES = 512 * 1024


@dataclass(slots=True)
class Code:
    """A PIN or PUK value as the chip keeps it, with its retry counter."""

    salt: bytes
    digest: bytes
    tries_max: int
    tries_left: int

    @classmethod
    def of(cls, value: bytes, tries_max: int) -> Code:
        """A fresh code with a full counter."""
        salt = secrets.token_bytes(8)
        return cls(salt, _digest(salt, value), tries_max, tries_max)

    def matches(self, value: bytes) -> bool:
        """Whether `value` (8 bytes, FF-padded) is this code; touches no counter."""
        return hmac.compare_digest(self.digest, _digest(self.salt, value))


def _digest(salt: bytes, value: bytes) -> bytes:
    return hashlib.sha256(salt + value).digest()


@dataclass(slots=True)
class Pin:
    """A PIN object: the code and the unblocking code set together with it."""

    code: Code
    puk: Code


@dataclass(slots=True)
class Node:
    """A directory, a transparent file or a key of the chip's file tree.

    `size` is in bytes for a file and in bits for a key. `rules` are the three access bytes of tag 86.
    `factory` nodes were put there by the maker: no wipe or delete removes them. `secret` is a private key
    (PKCS#8 DER) and `public` its SubjectPublicKeyInfo (DER), both empty until a key is generated.
    """

    fid: int
    kind: str
    rules: bytes
    size: int = 0
    content: bytearray = field(default_factory=bytearray)
    proprietary: bytes = b"\0\0"
    name: bytes = b""
    factory: bool = False
    secret: bytes = b""
    public: bytes = b""
    children: list[Node] = field(default_factory=list)

    def child(self, fid: int) -> Node | None:
        """The child with that file identifier, if any."""
        return next((node for node in self.children if node.fid == fid), None)

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for node in self.children:
            yield from node.walk()

    @property
    def is_key(self) -> bool:
        """Whether this node is a key file."""
        return self.kind in (KIND_RSA, KIND_EC)

    def cost_bytes(self) -> int:
        """EEPROM bytes this node takes, without its children."""
        if self.kind == KIND_RSA:
            return _FILE_OVERHEAD_BYTES + self.size // 8 * 7 // 2
        if self.kind == KIND_EC:
            return _FILE_OVERHEAD_BYTES + self.size // 8 * 3
        return _FILE_OVERHEAD_BYTES + (self.size if self.kind == KIND_EF else 0)


@dataclass(slots=True)
class Eeprom:
    """The whole persistent state of one chip. `serial`: the maker's 10 bytes; `shape`: card or token."""

    serial: bytes
    shape: str
    mf: Node
    capacity_bytes: int = DEFAULT_EEPROM_BYTES
    state: int = STATE_CREATION
    changes: int = 0
    pins: dict[int, Pin] = field(default_factory=dict)

    def used_bytes(self) -> int:
        """EEPROM bytes taken by files and keys."""
        return sum(node.cost_bytes() for node in self.mf.walk())

    def free_bytes(self) -> int:
        """EEPROM bytes left."""
        return self.capacity_bytes - self.used_bytes()

    def generated_keys(self) -> list[Node]:
        """All key files holding a key."""
        return [node for node in self.mf.walk() if node.is_key and node.public]


class CardFile:
    """One chip's state on disk, in two slots written by turns.

    A slot is a header (mark, number of the write, length, CRC-32) and the state as JSON; the whole slot with
    the higher number counts. A process killed while it writes one leaves the other. With `durable`, every
    save also waits for the disk.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self.durable = durable
        self._writes = 0

    def load(self) -> Eeprom:
        """Read the state. Raises `OSError` or `ValueError` when the file is missing or not a card."""
        found = [slot for slot in map(self._read_slot, range(2)) if slot]
        if not found:
            raise ValueError(f"{self.path.name} is not a card file")
        self._writes, payload = max(found)
        raw = json.loads(payload)
        if raw["format"] != FORMAT:
            raise ValueError(f"{self.path.name} is not a card file of format {FORMAT}")
        return _eeprom_from(raw)

    def save(self, eeprom: Eeprom) -> None:
        """Write the state into the older slot; without a `load` before, begin the file anew."""
        payload = json.dumps(_eeprom_to(eeprom), separators=(",", ":")).encode()
        if _HEADER.size + len(payload) > _SLOT_BYTES:
            raise ValueError("the chip's state is larger than its file allows")
        flags = os.O_WRONLY | os.O_CREAT | (0 if self._writes else os.O_TRUNC)
        self._writes += 1
        header = _HEADER.pack(_MARK, self._writes, len(payload), zlib.crc32(payload))
        handle = os.open(self.path, flags, 0o600)
        try:
            written = os.pwrite(handle, header + payload, self._writes % 2 * _SLOT_BYTES)
            if written != len(header) + len(payload):
                raise OSError(errno.ENOSPC, "the chip's state does not fit on the disk", str(self.path))
            if self.durable:
                os.fsync(handle)
        finally:
            os.close(handle)

    def _read_slot(self, number: int) -> tuple[int, bytes] | None:
        with self.path.open("rb") as file:
            file.seek(number * _SLOT_BYTES)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return None
            mark, writes, size, check = _HEADER.unpack(header)
            payload = file.read(size) if mark == _MARK and size <= _SLOT_BYTES else b""
        return (writes, payload) if payload and zlib.crc32(payload) == check else None


def _eeprom_to(eeprom: Eeprom) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "serial": eeprom.serial.hex(),
        "shape": eeprom.shape,
        "capacity_bytes": eeprom.capacity_bytes,
        "state": eeprom.state,
        "changes": eeprom.changes,
        "pins": {str(ref): [_code_to(pin.code), _code_to(pin.puk)] for ref, pin in eeprom.pins.items()},
        "mf": _node_to(eeprom.mf),
    }


def _eeprom_from(raw: dict[str, Any]) -> Eeprom:
    return Eeprom(
        serial=bytes.fromhex(raw["serial"]),
        shape=raw["shape"],
        mf=_node_from(raw["mf"]),
        capacity_bytes=raw["capacity_bytes"],
        state=raw["state"],
        changes=raw["changes"],
        pins={int(ref): Pin(_code_from(code), _code_from(puk)) for ref, (code, puk) in raw["pins"].items()},
    )


def _code_to(code: Code) -> list[Any]:
    return [code.salt.hex(), code.digest.hex(), code.tries_max, code.tries_left]


def _code_from(raw: list[Any]) -> Code:
    return Code(bytes.fromhex(raw[0]), bytes.fromhex(raw[1]), raw[2], raw[3])


def _node_to(node: Node) -> dict[str, Any]:
    raw: dict[str, Any] = {"fid": node.fid, "kind": node.kind, "rules": node.rules.hex(), "size": node.size}
    raw["proprietary"] = node.proprietary.hex()
    if node.factory:
        raw["factory"] = True
    for name in ("name", "secret", "public"):
        if value := getattr(node, name):
            raw[name] = value.hex()
    if node.content:
        raw["content"] = node.content.rstrip(b"\0").hex()
    if node.children:
        raw["children"] = [_node_to(child) for child in node.children]
    return raw


def _node_from(raw: dict[str, Any]) -> Node:
    content = bytearray.fromhex(raw.get("content", ""))
    if raw["kind"] == KIND_EF:
        content = content.ljust(raw["size"], b"\0")
    return Node(
        fid=raw["fid"],
        kind=raw["kind"],
        rules=bytes.fromhex(raw["rules"]),
        size=raw["size"],
        content=content,
        proprietary=bytes.fromhex(raw["proprietary"]),
        name=bytes.fromhex(raw.get("name", "")),
        factory=raw.get("factory", False),
        secret=bytes.fromhex(raw.get("secret", "")),
        public=bytes.fromhex(raw.get("public", "")),
        children=[_node_from(child) for child in raw.get("children", ())],
    )
