"""Scans of a request's papers: what may be attached, and how its content is named (REG-2, REG-10)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.domain.attachment import MOST_BYTES, AttachmentKind
from cmsdesk.domain.events import Document

KINDS: Mapping[AttachmentKind, str] = {
    AttachmentKind.SIGNED_FORM: N_("signed form"),
    AttachmentKind.IDENTITY_DOCUMENT: N_("identity document"),
    AttachmentKind.RESIDENCE_PERMIT: N_("residence permit"),
    AttachmentKind.RECEIPT: N_("signed delivery receipt"),
    AttachmentKind.OTHER: N_("other paper"),
}
_BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif"}
_MIB = 1024 * 1024


class NoScan(Mendable):
    """The file is of a kind that is not taken."""

    code = "NO-SCAN"
    cause = N_("This file is no PDF and no picture (JPEG, PNG, TIFF).")
    next_step = N_("Choose the file that the scanner made; nothing was attached.")


class ScanTooLarge(Mendable):
    """The file is too large."""

    code = "SCAN-TOO-LARGE"
    cause = N_("This file is larger than {most} MiB.")
    next_step = N_("Scan it again with fewer dots per inch (200 are enough); nothing was attached.")


class ScanUnreadable(Mendable):
    """The file cannot be read."""

    code = "SCAN-UNREADABLE"
    cause = N_("The file cannot be read.")
    next_step = N_("Copy it to this computer and choose it there; nothing was attached.")


class ScanNotHere(Mendable):
    """Its content is at the desk where it was attached."""

    code = "SCAN-NOT-HERE"
    cause = N_("The content of this scan is not on this computer.")
    next_step = N_("Look at it at the desk where it was attached.")


@dataclass(frozen=True)
class Scan:
    """A scan, named by the hash of its content."""

    sha256: str
    size: int
    media_type: str

    @classmethod
    def of(cls, content: bytes) -> Scan:
        """Return what a file is; what it calls itself does not matter.

        Raises:
            NoScan, ScanTooLarge.
        """
        if len(content) > MOST_BYTES:
            raise ScanTooLarge(most=MOST_BYTES // _MIB)
        for beginning, media_type in _BEGINNINGS:
            if content.startswith(beginning):
                return cls(hashlib.sha256(content).hexdigest(), len(content), media_type)
        raise NoScan()


@dataclass(frozen=True)
class Attached:
    """A scan of a request, or of one that is still being entered."""

    id: str
    kind: AttachmentKind
    scan: Scan

    def facts(self, request: str) -> dict[str, Any]:
        """Return the facts of its ``attachment.add``."""
        scan = self.scan
        return {
            "attachment": self.id,
            "request": request,
            "kind": self.kind.value,
            "sha256": scan.sha256,
            "size": scan.size,
            "media_type": scan.media_type,
        }

    @classmethod
    def of(cls, identifier: str, document: Mapping[str, Any]) -> Attached:
        """Return what an attachment's document, or facts of one, say."""
        scan = Scan(document["sha256"], document["size"], document["media_type"])
        return cls(identifier, AttachmentKind(document["kind"]), scan)


class Scans(Protocol):
    """Where scans are kept, encrypted, by the hash of their content."""

    def keep(self, scan: Scan, content: bytes) -> None:
        """Keep a content, durably; the same content is kept once."""
        ...

    def content(self, sha256: str) -> bytes:
        """Return a content.

        Raises:
            ScanNotHere.
        """
        ...

    def of_request(self, request: str) -> list[tuple[str, Document]]:
        """Return (id, document) of a request's attachments that were not withdrawn, by id."""
        ...
