"""A working file: in memory when small, else a temporary file beside the target."""

import io
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cmsdesk.signing.documents.product import Pieces, Product, Whole, temporary_beside, unwritable
from cmsdesk.signing.documents.sources import FileSource, MemorySource, Opened, Source


class Stage:
    """A stream to build a document in.

    A temporary file is removed when the stage is forgotten without `take`.

    Args:
        target: where the document will go; a temporary file is made in the same folder.
        in_memory: keep it in memory.
        label: tells temporary files of one document apart.

    Raises:
        DocumentUnreadable: the file cannot be made.
    """

    def __init__(self, target: Path | None, *, in_memory: bool, label: str = "work") -> None:
        self.stream: BinaryIO
        self.path: Path | None = None
        if in_memory:
            self.stream = io.BytesIO()
            return
        path = temporary_beside(target or Path(tempfile.gettempdir()) / "document", label)
        try:
            self.stream = path.open("w+b")
        except OSError as error:
            raise unwritable(path, error) from error
        self.path = path
        self._finalizer = weakref.finalize(self, _remove, self.stream, path)

    @classmethod
    def copy_of(cls, source: Source, target: Path | None) -> "Stage":
        """Make a stage that holds the content of `source`."""
        stage = cls(target, in_memory=isinstance(source, MemorySource))
        try:
            for chunk in source.chunks():
                stage.stream.write(chunk)
        except BaseException:
            stage.drop()
            raise
        stage.stream.seek(0)
        return stage

    @classmethod
    def of_product(cls, product: Product, target: Path | None) -> "Stage":
        """Make a stage that holds a document which is already signed."""
        if isinstance(product, Pieces) and not isinstance(product.source, MemorySource):
            stage = cls(target, in_memory=False)
            try:
                for part in product.parts():
                    stage.stream.write(part)
            except BaseException:
                stage.drop()
                raise
        elif isinstance(product, Whole) and isinstance(product.content, Path):
            stage = cls(target, in_memory=False)
            stage.stream.close()
            product.content.replace(stage.path or product.content)
            stage.stream = (stage.path or product.content).open("r+b")
        else:
            stage = cls(target, in_memory=True)
            stage.stream.write(product.to_bytes())
        stage.stream.seek(0)
        return stage

    def take(self, notes: tuple[str, ...]) -> Whole:
        """Hand the finished document over; the stage must not be used any more."""
        if self.path is None:
            return Whole(self._content(), notes)
        self.stream.close()
        self._finalizer.detach()
        return Whole(self.path, notes)

    def drop(self) -> None:
        """Remove the file."""
        if self.path is not None:
            self._finalizer()

    def as_source(self) -> Opened:
        """Give the present content as a source; the stage must not grow while it is used."""
        if self.path is None:
            return MemorySource(self._content())
        self.stream.flush()
        return FileSource(self.path)

    def _content(self) -> bytes:
        return self.stream.getvalue() if isinstance(self.stream, io.BytesIO) else b""


def _remove(stream: BinaryIO, path: Path) -> None:
    with suppress(OSError):
        stream.close()
    path.unlink(missing_ok=True)
