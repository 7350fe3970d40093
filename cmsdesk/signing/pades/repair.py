"""Rewrites a damaged PDF by qpdf, before it is signed and only when nobody has signed it."""

import mmap
from pathlib import Path

import pikepdf

from cmsdesk.signing.documents.sources import MemorySource, Opened, buffer_of
from cmsdesk.signing.errors import NotAPdf
from cmsdesk.signing.pades.hard import careful
from cmsdesk.signing.pades.stage import Stage

_SIGNATURE_MARK = b"/ByteRange"


def repair(source: Opened, target: Path | None) -> Stage:
    """Rewrite a damaged PDF.

    Returns:
        The stage that holds the new file.

    Raises:
        NotAPdf: it cannot be repaired, or carries a signature that repairing would break.
    """
    buffer = buffer_of(source)
    signed = buffer.find(_SIGNATURE_MARK) >= 0
    if isinstance(buffer, mmap.mmap):
        buffer.close()
    if signed:
        raise NotAPdf(
            "The file is damaged and carries signatures, which repairing would break.",
            "Ask for the original file again.",
        )
    original = Stage.copy_of(source, None).stream if isinstance(source, MemorySource) else source.path
    stage = Stage(target, in_memory=isinstance(source, MemorySource), label="repaired")
    try:
        with careful(), pikepdf.open(original, suppress_warnings=True) as pdf:
            if not len(pdf.pages):
                raise NotAPdf("The file is too damaged: no page is left.", "Ask for the file again.")
            # qpdf writes /Size only where there was one, and a file without it is damaged again
            pdf.trailer["/Size"] = len(pdf.objects) + 1
            pdf.save(stage.stream)
    except BaseException:
        stage.drop()
        raise
    return stage
