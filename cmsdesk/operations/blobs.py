"""Contents of attachments as they travel: in chunks, so that a cut transfer goes on where it was (REG-2)."""

from __future__ import annotations

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_

CHUNK_BYTES = 256 * 1024


class ContentNotThere(Mendable):
    """The record of a scan came before its content."""

    code = "CONTENT-NOT-THERE"
    cause = N_("The content of this scan has not arrived at the service yet.")
    next_step = N_("Try again later; the desk where it was attached sends it when it is connected.")


class ContentDiffers(Mendable):
    """What came is not what was attached."""

    code = "CONTENT-DIFFERS"
    cause = N_("What arrived is not the content that was attached.")
    next_step = N_("Nothing of it was kept; attach the scan again.")


class NotViewed(Mendable):
    """Nobody sees a scan without a trace in the journal."""

    code = "CONTENT-NOT-VIEWED"
    cause = N_("A scan is shown only after its viewing was recorded.")
    next_step = N_("Open the scan again.")


def chunk_count(size: int) -> int:
    """Return how many chunks a content of ``size`` bytes has."""
    return -(-size // CHUNK_BYTES)


def chunk_length(size: int, number: int) -> int:
    """Return the length of one of its chunks, from 0; none is empty.

    Raises:
        ContentDiffers: there is no such chunk.
    """
    if not 0 <= number < chunk_count(size):
        raise ContentDiffers()
    return min(CHUNK_BYTES, size - number * CHUNK_BYTES)
