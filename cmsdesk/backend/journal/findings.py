"""What a check of a journal says: findings, each with its place and a sentence, and the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from cmsdesk.base.texts import N_
from cmsdesk.domain.canonical import Json


class Kind(Enum):
    """Kinds of findings."""

    UNREADABLE = "unreadable"
    EDITED = "edited"
    MISSING = "missing"
    MOVED = "moved"
    DUPLICATE = "duplicate"
    CUT = "cut"
    REWRITTEN = "rewritten"
    LOST_IN_RESTORE = "lost_in_restore"
    EPOCH = "epoch"
    PERSONAL_EDITED = "personal_edited"
    PERSONAL_MISSING = "personal_missing"
    PERSONAL_LEFT = "personal_left"
    ERASED_EARLY = "erased_early"
    HEAD = "head"
    TREE = "tree"
    STRAY = "stray"
    STATE_DIFFERS = "state_differs"
    STATE_MISSING = "state_missing"
    STATE_UNKNOWN = "state_unknown"


SENTENCES: dict[Kind, str] = {
    Kind.UNREADABLE: N_("Entry {first} cannot be read."),
    Kind.EDITED: N_("Entry {first} was changed: {detail}."),
    Kind.MISSING: N_("Entries {first} to {last} are missing."),
    Kind.MOVED: N_("Entry {first} stands in the wrong place: {detail}."),
    Kind.DUPLICATE: N_("Entry {first} is there twice: {detail}."),
    Kind.CUT: N_("The end was cut off: entries {first} to {last} existed ({detail})."),
    Kind.REWRITTEN: N_(
        "Something among entries {first} to {last} was changed, left out or added ({detail})."
    ),
    Kind.LOST_IN_RESTORE: N_("Entries {first} to {last} were lost in a declared restore ({detail})."),
    Kind.EPOCH: N_("Entry {first} belongs to an epoch that was not begun."),
    Kind.PERSONAL_EDITED: N_("The personal data of entry {first} were changed."),
    Kind.PERSONAL_MISSING: N_("The personal data of entry {first} are missing and no erasure is recorded."),
    Kind.PERSONAL_LEFT: N_("The personal data of entry {first} should have been erased."),
    Kind.ERASED_EARLY: N_("Entry {first} records an erasure within the legal time."),
    Kind.HEAD: N_("A tree head is not genuine ({detail})."),
    Kind.TREE: N_("What is kept of the tree does not fit the entries: {detail}."),
    Kind.STRAY: N_("A row of {detail} belongs to no entry: number {first}."),
    Kind.STATE_DIFFERS: N_("The stored {detail} is not what the journal says."),
    Kind.STATE_MISSING: N_("The stored {detail} is missing."),
    Kind.STATE_UNKNOWN: N_("The stored {detail} is unknown to the journal."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    kind: Kind
    first: int | None = None
    """Index of the first entry concerned."""
    last: int | None = None
    detail: str = ""
    """Names of columns, origin of a head, thing and id: never a value, never personal data."""

    def sentence(self, translate: Callable[[str], str]) -> str:
        """Return the finding in the language of ``translate``."""
        return translate(SENTENCES[self.kind]).format(first=self.first, last=self.last, detail=self.detail)


@dataclass(slots=True)
class Report:
    """The outcome of a check."""

    body: str
    entries: int = 0
    root: bytes = b""
    """Root of the tree over the entries that were read."""
    covered: int = 0
    """So many entries are attested by a head kept outside the administrator's reach. Those after
    them are consistent in themselves, which somebody who rewrites everything can achieve."""
    personal_checked: bool = True
    """Whether personal data were there to be compared with what the entries commit to."""
    erased: int = 0
    """Entries whose personal data were erased after the legal time."""
    replayed: int | None = None
    """Things compared with the state tables; None: no state was given."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def document(self) -> dict[str, Json]:
        """Return the report as JSON values."""
        return {
            "body": self.body,
            "entries": self.entries,
            "root": self.root.hex(),
            "covered": self.covered,
            "personal_checked": self.personal_checked,
            "erased": self.erased,
            "replayed": self.replayed,
            "sound": self.sound,
            "findings": [
                {"kind": found.kind.value, "first": found.first, "last": found.last, "detail": found.detail}
                for found in self.findings
            ],
        }
