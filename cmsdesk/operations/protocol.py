"""The version of what desk and service say to one another: a number that desks send with every call."""

from __future__ import annotations

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_

HEADER = "Cmsdesk-Protocol"
VERSION = 3
OLDEST = 3
"""The oldest desks that the service still understands."""


class DeskTooOld(Mendable):
    """The desk's program is older than the service understands; nothing it holds is lost."""

    code = "DESK-OLD"
    cause = N_("This program is too old for the service: it speaks version {spoken}, needed is {needed}.")
    next_step = N_("Update the program; what was entered is kept here and sent afterwards.")


def check_spoken(version: str) -> None:
    """Check the version that a call names; an empty one is the first.

    Raises:
        DeskTooOld.
    """
    spoken = int(version) if version.isascii() and version.isdigit() and len(version) < 6 else 1
    if spoken < OLDEST:
        raise DeskTooOld(spoken=spoken, needed=OLDEST)
