"""The journal's papers: the day's closing sheet with the signed head, and the proof for one device (OPS-6).

What a database holds its administrator can rewrite; what stands on a paper in a drawer, nobody can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cmsdesk.base.texts import N_
from cmsdesk.documents.contents import Column
from cmsdesk.documents.fonts import STRONG
from cmsdesk.documents.pieces import Field, Fields, Gap, Heading, Piece, Signatures, Spring, Style, Words
from cmsdesk.documents.request_form import title_pieces
from cmsdesk.documents.sheet import Sheet
from cmsdesk.documents.stationery import Stationery
from cmsdesk.documents.tables import Table

SHEET_TITLE = N_("Closing sheet of the journal")
PROOF_TITLE = N_("Proof from the journal for one device")
_KEEP = N_(
    "Sign this sheet and keep it where the service's administrator has no access. The offline checker "
    "(cmsdesk verify-journal, option --paper) takes the line above and finds every entry up to it that "
    "was changed, deleted, moved or cut off since."
)
_CHECK = N_(
    "The leaf of an entry is SHA-256 over a zero byte and its public part. Leaf and path give the root in "
    "the line above (RFC 9162, 2.1.3.2). The file that belongs to this paper holds the same for the command "
    "cmsdesk verify-proof."
)
_GROUP = 8


@dataclass(frozen=True)
class HeadShown:
    """A signed head as a paper shows it."""

    line: str
    """`domain.journal.TreeState.paper`: what the offline checker takes."""
    signed_at: datetime
    key_id: str
    signature: bytes
    stamped: bool
    """Whether a time stamp (RFC 3161) is kept beside it."""


@dataclass(frozen=True)
class ClosingSheet:
    """What a day left in one body's journal."""

    day: date
    body: str
    entries: int
    """All of them, from the first day on."""
    head: HeadShown
    of_day: Sequence[tuple[str, int]]
    """(what the entries are about, as a message id; how many of this day), most frequent first."""


@dataclass(frozen=True)
class ProvedEntry:
    """One entry about the device."""

    index: int
    at: datetime
    kind: str
    public: str
    """The public part; what is personal is only committed to in it."""
    leaf: bytes
    path: Sequence[bytes]


@dataclass(frozen=True)
class JournalProof:
    """Everything that the journal holds about one device, under a signed head."""

    device: str
    """Its serial number."""
    body: str
    entries: Sequence[ProvedEntry]
    head: HeadShown


def closing_sheet(sheet: ClosingSheet, stationery: Stationery, now: datetime) -> bytes:
    """Return the day's sheet as PDF/A-1b: the head's line, its signature, what the day recorded."""
    title = stationery.wording.first(SHEET_TITLE)
    return Sheet(stationery, title, now).set(lambda style: list(_sheet(sheet, stationery, style)))


def journal_proof(proof: JournalProof, stationery: Stationery, now: datetime) -> bytes:
    """Return the proof as PDF/A-1b: the head, then each entry with its leaf and its path to the root."""
    title = stationery.wording.first(PROOF_TITLE)
    return Sheet(stationery, title, now).set(lambda style: list(_proof(proof, stationery, style)))


def _sheet(sheet: ClosingSheet, stationery: Stationery, style: Style) -> Iterator[Piece]:
    say, label = stationery.wording, stationery.wording.label
    yield from title_pieces(say, SHEET_TITLE, style)
    yield Fields(
        (
            Field(label(N_("Day")), say.day(sheet.day), 1.2),
            Field(label(N_("Journal")), sheet.body, 2),
            Field(label(N_("Entries of this day")), str(sum(count for _, count in sheet.of_day)), 1.4),
            Field(label(N_("Entries in all")), str(sheet.entries), 1.6),
        ),
        style,
    )
    yield from _head(sheet.head, stationery, style)
    yield from _in_each(_KEEP, stationery, style)
    yield Gap(style.gap)
    yield Heading(label(N_("Recorded on this day")), style)
    rows = [(say.label(about), str(count)) for about, count in sheet.of_day]
    yield Table((Column(N_("About"), 3), Column(N_("Entries"), 1, numbers=True)), rows, say)
    yield Spring(style.gap * 2)
    yield Signatures(
        (label(N_("Signature of the operator")), label(N_("Seen by the person in charge"))), style
    )


def _proof(proof: JournalProof, stationery: Stationery, style: Style) -> Iterator[Piece]:
    say, label = stationery.wording, stationery.wording.label
    yield from title_pieces(say, PROOF_TITLE, style)
    yield Fields(
        (
            Field(label(N_("Serial number of the device")), proof.device, 3),
            Field(label(N_("Journal")), proof.body, 1.6),
            Field(label(N_("Entries")), str(len(proof.entries)), 1),
        ),
        style,
    )
    yield from _head(proof.head, stationery, style)
    yield from _in_each(_CHECK, stationery, style)
    for entry in proof.entries:
        yield Gap(style.gap)
        title = label(N_("Entry {index}"), index=entry.index)
        yield Heading(f"{title} · {say.moment(entry.at)} · {entry.kind}", style)
        yield Gap(3)
        yield Words(entry.public, style.body * 0.82)
        yield Words(label(N_("Leaf")), style.body * 0.82, STRONG)
        yield Words(_grouped(entry.leaf), style.body * 0.82)
        yield Words(label(N_("Path to the root, from below")), style.body * 0.82, STRONG)
        for number, step in enumerate(entry.path, 1):
            yield Words(f"{number}.  {_grouped(step)}", style.body * 0.82)


def _head(head: HeadShown, stationery: Stationery, style: Style) -> Iterator[Piece]:
    say, label = stationery.wording, stationery.wording.label
    yield Gap(style.gap)
    yield Heading(label(N_("Signed head")), style)
    yield Gap(4)
    yield Words(head.line, style.body * 1.12, STRONG, after=style.gap)
    stamped = N_("kept with the journal") if head.stamped else N_("not yet")
    yield Fields(
        (
            Field(label(N_("Signed")), say.moment(head.signed_at), 1.4),
            Field(label(N_("Time stamp")), label(stamped), 1.6),
        ),
        style,
    )
    yield Gap(4)
    # outside the f-strings, where the extraction of messages finds them
    key, signature = label(N_("Key")), label(N_("Signature"))
    yield Words(f"{key}: {_grouped(bytes.fromhex(head.key_id))}", style.body * 0.9)
    yield Words(f"{signature}: {_grouped(head.signature)}", style.body * 0.9, after=style.gap)


def _in_each(message: str, stationery: Stationery, style: Style) -> Iterator[Piece]:
    said = dict.fromkeys(stationery.wording.each(message))
    for text, language in zip(said, stationery.languages, strict=False):
        yield Words(text, style.body, language=language, after=2)


def _grouped(value: bytes) -> str:
    digits = value.hex()
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))
