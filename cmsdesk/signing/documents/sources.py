"""Where content comes from: memory, a file read in pieces, or stretches of another source.

Small files are read at once; large ones are read in pieces as often as needed, and the second reading is
compared with the first, so that what was hashed and what is written cannot differ.
"""

import hashlib
import mmap
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, overload

from cmsdesk.signing.errors import DocumentChanged, DocumentUnreadable
from cmsdesk.signing.signers.base import Digest

SMALL_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
_BLOCK_BYTES = 64 * 1024
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_SAVE = "Check that the file exists and may be read."

Buffer = bytes | mmap.mmap


class Source(Protocol):
    """Content that can be read from its start any number of times."""

    @property
    def size(self) -> int:
        """Octets of content."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Read the content from its start, in pieces."""
        ...


class MemorySource:
    """Content held in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def chunks(self) -> Iterator[bytes]:
        """Give the content as one piece."""
        yield self.data


class FileSource:
    """Content of a large file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        """Read the file in pieces.

        Raises:
            DocumentUnreadable: reading failed.
            DocumentChanged: the file is no longer as long as it was.
        """
        done = 0
        try:
            with self.path.open("rb", buffering=0) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    done += len(chunk)
                    yield chunk
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if done != self.size:
            raise DocumentChanged(
                "The file changed while it was read.", "Sign it again.", path=str(self.path)
            )


class FileWindow:
    """Octets of a large file, read where they are asked for; one block is kept."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb", buffering=0)
        weakref.finalize(self, self._stream.close)
        self._size = path.stat().st_size
        self._start = 0
        self._block = b""

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> bytes: ...

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, int):
            return self._read(key, key + 1)[0]
        start, stop, _ = key.indices(self._size)
        return self._read(start, stop)

    def _read(self, start: int, stop: int) -> bytes:
        if not self._start <= start <= stop <= self._start + len(self._block):
            self._stream.seek(start)
            if stop - start > _BLOCK_BYTES:
                return self._stream.read(stop - start)
            self._start, self._block = start, self._stream.read(_BLOCK_BYTES)
        return self._block[start - self._start : stop - self._start]


Octets = bytes | FileWindow | mmap.mmap


class SpanSource:
    """Stretches of a message, end to end.

    Args:
        octets: of the message.
        spans: makes an iterator over (start, end).
    """

    def __init__(self, octets: Octets, spans: Callable[[], Iterable[tuple[int, int]]]) -> None:
        self._octets = octets
        self._spans = spans
        self.size = sum(end - start for start, end in spans())

    def chunks(self) -> Iterator[bytes]:
        """Read the stretches in pieces.

        Raises:
            DocumentUnreadable: reading failed.
        """
        try:
            for start, end in self._spans():
                for position in range(start, end, CHUNK_BYTES):
                    yield self._octets[position : min(position + CHUNK_BYTES, end)]
        except OSError as error:
            raise DocumentUnreadable("The file cannot be read.", _SAVE) from error


Opened = MemorySource | FileSource


def open_source(source: Path | bytes) -> Opened:
    """Open content given as bytes or as a path.

    Raises:
        DocumentUnreadable: no such file, or it may not be read.
    """
    if isinstance(source, bytes):
        return MemorySource(source)
    try:
        found = FileSource(source)
        if found.size > SMALL_BYTES:
            return found
        with source.open("rb", buffering=0) as stream:
            return MemorySource(stream.readall())
    except OSError as error:
        raise _unreadable(source, error) from error


def buffer_of(source: Opened) -> Buffer:
    """Give random access to the content without reading a large file into memory."""
    if isinstance(source, MemorySource):
        return source.data
    try:
        with source.path.open("rb") as stream:
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise _unreadable(source.path, error) from error


def octets_of(source: Opened) -> Octets:
    """Give access to the octets without reading or mapping a large file."""
    if isinstance(source, MemorySource):
        return source.data
    try:
        return FileWindow(source.path)
    except OSError as error:
        raise _unreadable(source.path, error) from error


def hash_source(source: Source, digest: Digest) -> "hashlib._Hash":
    """Hash the whole content; the returned object can go on."""
    if isinstance(source, MemorySource):
        return _HASHES[digest.value](source.data)
    hashed = hashlib.new(digest.value)
    for chunk in source.chunks():
        hashed.update(chunk)
    return hashed


def verified_chunks(source: Source, digest: Digest, expected: bytes) -> Iterator[bytes]:
    """Read the content again and make sure that it is what was hashed.

    Raises:
        DocumentChanged: it is not; raised after the last piece, so the caller must throw away what it wrote.
    """
    if isinstance(source, MemorySource):
        yield source.data
        return
    hashed = hashlib.new(digest.value)
    for chunk in source.chunks():
        hashed.update(chunk)
        yield chunk
    if hashed.digest() != expected:
        raise DocumentChanged("The document changed while it was being signed.", "Sign it again.")


def _unreadable(path: Path, error: Exception) -> DocumentUnreadable:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return DocumentUnreadable("The file cannot be read.", _SAVE, path=str(path), reason=reason)
