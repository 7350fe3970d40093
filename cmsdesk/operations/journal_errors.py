"""What may go wrong with the journal and can be mended."""

from __future__ import annotations

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_


class JournalError(Mendable):
    """Anything about the journal."""


class UnknownJournal(JournalError):
    """The body has no journal."""

    code = "JOURNAL-UNKNOWN"
    cause = N_("The body «{body}» has no journal.")
    next_step = N_("Create the body first, or check its name.")


class JournalDamaged(JournalError):
    """The tables do not fit together: somebody or something changed them."""

    code = "JOURNAL-DAMAGED"
    cause = N_("The journal of «{body}» does not fit together: {what}.")
    next_step = N_("Stop changing data, keep a copy of the database, and run the journal check.")


class CursorLost(JournalError):
    """The reader followed a history that this service no longer has: it was restored since."""

    code = "JOURNAL-CURSOR"
    cause = N_("The service was restored; entries from number {fork} on are no longer those known here.")
    next_step = N_("The changes from there on are fetched again and pending work is handed back; wait.")


class NotRestored(JournalError):
    """The reader knows more than this service, and no restore was declared."""

    code = "JOURNAL-BEHIND"
    cause = N_("The service has {size} entries of «{body}», this reader already had {known}.")
    next_step = N_("The service's administrator must declare the restore, or bring back the missing entries.")


class StillKept(JournalError):
    """Personal data within the legal time (domain.md §7)."""

    code = "JOURNAL-KEPT"
    cause = N_("The law keeps these data until {until}.")
    next_step = N_("They can be restricted now, and erased after that day.")


class ExportDamaged(JournalError):
    """A file that should be an exported journal."""

    code = "JOURNAL-EXPORT"
    cause = N_("Line {line} of the exported journal cannot be read.")
    next_step = N_("Export the journal again; if it was kept as evidence, compare it with another copy.")
