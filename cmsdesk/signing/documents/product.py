"""What comes out: a signed document in pieces, saved whole or not at all."""

import glob
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from cmsdesk.signing.documents.sources import CHUNK_BYTES, MemorySource, Source, verified_chunks
from cmsdesk.signing.errors import DocumentUnreadable
from cmsdesk.signing.signers.base import Digest

_SAVE = "Check the folder, the free space and that the file is not open in another program."


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Proof that a saved file is the one that was written, without hashing the document a second time.

    `value` is SHA-256 over head, digest of the source stretch and tail; the source's digest was made for the
    signature anyway.
    """

    head_bytes: int
    source_bytes: int
    total_bytes: int
    digest: Digest
    value: str

    def matches(self, path: Path) -> bool:
        """Say whether the file at `path` is the one this fingerprint was taken of."""
        try:
            if path.stat().st_size != self.total_bytes:
                return False
            with path.open("rb") as stream:
                head = stream.read(self.head_bytes)
                middle, left = hashlib.new(self.digest.value), self.source_bytes
                while left and (chunk := stream.read(min(left, CHUNK_BYTES))):
                    middle.update(chunk)
                    left -= len(chunk)
                return _value(head, middle.digest(), stream.read()) == self.value
        except OSError:
            return False


class Product(Protocol):
    """A signed document that is not saved yet."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the caller should know."""
        ...

    def noted(self, note: str) -> "Product":
        """Return the same document with one note more."""
        ...

    def to_bytes(self) -> bytes:
        """Return the signed document."""
        ...

    def save(self, target: Path, *, durable: bool = True) -> Fingerprint:
        """Write the signed document; `target` appears whole or not at all."""
        ...


@dataclass(slots=True)
class Pieces:
    """`head`, the unchanged content of `source`, `tail`.

    Attributes:
        source_digest: of the source's content as it was hashed, made with `digest`.
    """

    head: bytes
    source: Source
    tail: bytes
    digest: Digest
    source_digest: bytes
    notes: tuple[str, ...] = field(default=())

    def noted(self, note: str) -> "Pieces":
        """Return the same document with one note more."""
        return replace(self, notes=(*self.notes, note))

    def parts(self) -> Iterator[bytes]:
        """Give the signed document in pieces; see `verified_chunks`."""
        if self.head:
            yield self.head
        yield from verified_chunks(self.source, self.digest, self.source_digest)
        yield self.tail

    def to_bytes(self) -> bytes:
        """Return the signed document."""
        if isinstance(self.source, MemorySource):
            return b"".join((self.head, self.source.data, self.tail))
        return b"".join(self.parts())

    def save(self, target: Path, *, durable: bool = True) -> Fingerprint:
        """Write the signed document beside `target`, then put it in its place.

        Raises:
            DocumentChanged: the source is no longer what was signed.
            DocumentUnreadable: it cannot be written.
        """
        write_whole(target, self.parts(), durable=durable)
        total = len(self.head) + self.source.size + len(self.tail)
        value = _value(self.head, self.source_digest, self.tail)
        return Fingerprint(len(self.head), self.source.size, total, self.digest, value)


@dataclass(frozen=True, slots=True)
class Whole:
    """A signed document made in one piece by slower means: in memory, or as a finished temporary file."""

    content: bytes | Path
    notes: tuple[str, ...] = field(default=())

    def noted(self, note: str) -> "Whole":
        """Return the same document with one note more."""
        return replace(self, notes=(*self.notes, note))

    def to_bytes(self) -> bytes:
        """Return the signed document."""
        if isinstance(self.content, bytes):
            return self.content
        data = self.content.read_bytes()
        self.content.unlink()
        return data

    def save(self, target: Path, *, durable: bool = True) -> Fingerprint:
        """Put the signed document in its place.

        Raises:
            DocumentUnreadable: it cannot be written.
        """
        if isinstance(self.content, bytes):
            write_whole(target, iter((self.content,)), durable=durable)
        else:
            try:
                self.content.replace(target)
            except OSError as error:
                self.content.unlink(missing_ok=True)
                raise unwritable(target, error) from error
        hashed = hashlib.sha256()
        with target.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                hashed.update(chunk)
        size = target.stat().st_size
        return Fingerprint(0, size, size, Digest.SHA256, _value(b"", hashed.digest(), b""))


def write_whole(target: Path, parts: Iterator[bytes], *, durable: bool = True) -> None:
    """Write a file under a temporary name beside `target` and rename it.

    Args:
        durable: force the content to the disk before the file gets its name, so that a power cut leaves the
            whole file or none.

    Raises:
        DocumentUnreadable: the folder cannot be written.
    """
    temporary = temporary_beside(target)
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666
        )
        try:
            for part in parts:
                _write_all(descriptor, part)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(target, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_beside(target: Path, label: str = "new") -> Path:
    """Name a temporary file in the folder of `target`, of this process alone."""
    return target.with_name(f".{target.name}.{os.getpid()}.{label}.part")


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files that killed processes left beside `target`."""
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        leftover.unlink(missing_ok=True)


def unwritable(target: Path, error: OSError) -> DocumentUnreadable:
    """Describe why `target` cannot be written."""
    return DocumentUnreadable(
        "The signed document cannot be saved.", _SAVE, path=str(target), reason=error.strerror or "?"
    )


def _write_all(descriptor: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(descriptor, view) :]


def _value(head: bytes, source_digest: bytes, tail: bytes) -> str:
    return hashlib.sha256(head + source_digest + tail).hexdigest()
