"""What a caller gives (`Document`) and what it gets (`Result`), one for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cmsdesk.signing.errors import SigningError
from cmsdesk.signing.pin import Pin


class Level(StrEnum):
    """A baseline level (ETSI EN 319 122-1 and EN 319 142-1 clause 6.1)."""

    B = "B"
    T = "T"
    LT = "LT"
    LTA = "LTA"


class State(StrEnum):
    """What became of a document."""

    SIGNED = "signed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document to sign.

    Attributes:
        source: a file, or the content itself.
        target: where the signed document goes; None returns it in `Result.data`.
        name: identity of the document in a batch and its log; the source's path when empty.
        detached_content: the content of an existing detached CMS signature, when `source` is one.
        fields: values for the placeholders of a visible box, e.g. ``{"protocollo": "123/2026"}``.
        password: of an encrypted PDF.
        overwrite: replace a target that is already there.
    """

    source: Path | bytes
    target: Path | None = None
    name: str = ""
    detached_content: Path | bytes | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    password: Pin | None = None
    overwrite: bool = False

    @property
    def identity(self) -> str:
        """The name, or the path of the source."""
        if self.name:
            return self.name
        return str(self.source) if isinstance(self.source, Path) else "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one document.

    Attributes:
        identity: of the document.
        state: signed or failed.
        target: the file written, if a target was given.
        data: the signed document, if no target was given.
        size_bytes: of the signed document.
        source_digest: hex digest of the bytes that were signed, as the signature's algorithm makes it.
        signing_time: the claimed time in the signature, UTC.
        level: reached by the signature.
        attempts: how often a signature was asked for this document; above 1, earlier ones were lost unsaved.
        notes: what the caller should know, e.g. that a damaged PDF was repaired before signing.
        error: why it failed.
        resumed: the result stems from an earlier run of the batch.
    """

    identity: str
    state: State
    target: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    size_bytes: int = 0
    source_digest: str = ""
    signing_time: datetime | None = None
    level: Level | None = None
    attempts: int = 1
    notes: tuple[str, ...] = ()
    error: SigningError | None = None
    resumed: bool = False
