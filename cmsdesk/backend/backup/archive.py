"""An encrypted archive of files: a tar, AES-256-GCM in chunks (the STREAM construction).

Each chunk's nonce is its number and whether it is the last, so that chunks cannot be exchanged, left
out or cut off. The header, in clear and authenticated, holds what opens the archive: the key sealed
by the HSM, or nothing where the key is split among persons.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_

KEY_BYTES = 32
_MAGIC = b"cmsdesk backup 1\n"
_CHUNK = 1 << 20
_TAG = 16
_MAX_HEADER = 1 << 16


class ArchiveDamaged(Mendable):
    """A backup cannot be opened."""

    code = "BACKUP"
    cause = N_("The backup «{file}» cannot be used ({reason}).")
    next_step = N_("Take another day's backup, and check which key it was made with.")


class _Writer(io.RawIOBase):
    def __init__(self, out: BinaryIO, key: Secret, header: bytes) -> None:
        self._out, self._cipher, self._header = out, AESGCM(key.reveal()), header
        self._buffer, self._number = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        while len(self._buffer) > _CHUNK:
            self._seal(bytes(self._buffer[:_CHUNK]), last=False)
            del self._buffer[:_CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk, which is never empty-handed: it says that it is the last."""
        self._seal(bytes(self._buffer), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, last), chunk, self._header))
        self._number += 1


def write_archive(path: Path, files: Mapping[str, Path], key: Secret, header: Mapping[str, str]) -> None:
    """Write files under their names; the archive appears whole or not at all."""
    head = json.dumps(dict(header), sort_keys=True).encode() + b"\n"
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        out.write(_MAGIC + head)
        writer = _Writer(out, key, head)
        with tarfile.open(fileobj=writer, mode="w|") as tar:
            for name, file in sorted(files.items()):
                tar.add(file, name, recursive=True)
        writer.finish()
    partial.replace(path)


def read_header(path: Path) -> dict[str, str]:
    """Return an archive's header.

    Raises:
        ArchiveDamaged.
    """
    with path.open("rb") as file:
        header: dict[str, str] = json.loads(_header(file, path))
    return header


def extract_archive(path: Path, key: Secret, folder: Path) -> None:
    """Write an archive's files into a folder.

    Raises:
        ArchiveDamaged: another key, changed, or cut off; what was written is not to be used.
    """
    with path.open("rb") as file:
        head = _header(file, path)
        reader = io.BufferedReader(_Reader(_chunks(file, AESGCM(key.reveal()), head, path)), _CHUNK)
        try:
            with tarfile.open(fileobj=reader, mode="r|") as tar:
                tar.extractall(folder, filter="data")
            while reader.read(_CHUNK):  # to the last chunk, which proves that nothing is cut off
                pass
        except tarfile.TarError as error:
            raise ArchiveDamaged(file=path.name, reason=N_("it is damaged")) from error


class _Reader(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            following = next(self._chunks, None)
            if following is None:
                return 0
            self._rest = following
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _chunks(file: BinaryIO, cipher: AESGCM, header: bytes, path: Path) -> Iterator[bytes]:
    number, sealed = 0, file.read(_CHUNK + _TAG)
    while True:
        following = file.read(_CHUNK + _TAG)
        try:
            yield cipher.decrypt(_nonce(number, not following), sealed, header)
        except InvalidTag:
            raise ArchiveDamaged(file=path.name, reason=N_("another key, or it is damaged")) from None
        if not following:
            return
        number, sealed = number + 1, following


def _header(file: BinaryIO, path: Path) -> bytes:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ArchiveDamaged(file=path.name, reason=N_("it is no backup"))
    head = file.readline(_MAX_HEADER)
    if not head.endswith(b"\n"):
        raise ArchiveDamaged(file=path.name, reason=N_("it is damaged"))
    return head


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
