"""Attachments of a request: scans of forms and identity documents, named by the hash of their content.

The content travels apart, encrypted; a record here says that it belongs to the request.
"""

from __future__ import annotations

from enum import Enum

MEDIA_TYPES = frozenset({"application/pdf", "image/jpeg", "image/png", "image/tiff"})
MOST_BYTES = 32 * 1024 * 1024


class AttachmentKind(Enum):
    """What was scanned."""

    SIGNED_FORM = "signed_form"
    IDENTITY_DOCUMENT = "identity_document"
    RESIDENCE_PERMIT = "residence_permit"
    RECEIPT = "receipt"
    """The delivery receipt that the holder signed."""
    OTHER = "other"


class AttachmentState(Enum):
    """Whether it still belongs to the request."""

    KEPT = "kept"
    WITHDRAWN = "withdrawn"
    """Attached by mistake; the record of it stays."""


# (from, to): what may follow what
TRANSITIONS: frozenset[tuple[AttachmentState, AttachmentState]] = frozenset(
    {(AttachmentState.KEPT, AttachmentState.WITHDRAWN)}
)
