"""What may go wrong with the journal; the desks know these errors too."""

from cmsdesk.operations.journal_errors import (
    CursorLost,
    ExportDamaged,
    JournalDamaged,
    JournalError,
    NotRestored,
    StillKept,
    UnknownJournal,
)

__all__ = [
    "CursorLost",
    "ExportDamaged",
    "JournalDamaged",
    "JournalError",
    "NotRestored",
    "StillKept",
    "UnknownJournal",
]
