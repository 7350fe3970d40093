"""The offline checker: is this journal what it was, and are the state tables what it says? (OPS-6)

Nothing stored is believed. Every leaf hash, the tree and its peaks are computed anew from the
public parts; heads count by their signature and by where they were kept. Whoever controls the
database can rewrite entries and tree so that they fit each other: only a head kept outside
(`Evidence`: a desk's, a time stamp's, the paper's) shows that, and it shows it for everything up
to its size. The report says how far that goes (`Report.covered`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cmsdesk.backend.journal.export import JournalSource, LeafRecord
from cmsdesk.backend.journal.findings import Finding, Kind, Report
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.backend.journal.store import FIRST_EPOCH, TILE_LEVELS
from cmsdesk.domain.journal import (
    ERASED,
    NEW_EPOCH,
    SALT_BYTES,
    Entry,
    SignedHead,
    TreeState,
    commitment_of,
    time_text,
)
from cmsdesk.domain.merkle import EMPTY_ROOT, CompactRange, leaf_hash

VerifyTimestamp = Callable[[bytes, bytes], datetime]
"""Returns the time of an RFC 3161 token over a message; raises ValueError when it is not genuine."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What somebody else knows of the tree."""

    state: TreeState
    origin: str
    """Where it was kept, for the report: «desk BZ-3», «paper of 12 March»."""
    signed: SignedHead | None = None
    """None: the paper is believed as such."""
    outside: bool = True
    """Whether the service's administrator could not reach it."""

    @classmethod
    def of_head(cls, signed: SignedHead, origin: str, *, outside: bool = True) -> Self:
        """Return what a signed head attests.

        Raises:
            ValueError: the signed bytes are no head.
        """
        return cls(signed.head.state, origin, signed, outside)

    @classmethod
    def of_paper(cls, line: str, origin: str) -> Self:
        """Return what the line of a closing sheet attests.

        Raises:
            ValueError: a slip in typing.
        """
        return cls(TreeState.from_paper(line), origin)


def check(
    source: JournalSource,
    keys: Keys,
    evidence: Iterable[Evidence] = (),
    *,
    replay: Replay | None = None,
    verify_timestamp: VerifyTimestamp | None = None,
) -> Report:
    """Check one body's journal; one pass, memory for the state and some bytes an entry.

    Heads kept beside the journal are checked too; a genuine time stamp lifts them to outside
    evidence, when ``verify_timestamp`` is given.

    Raises:
        UnknownJournal, ExportDamaged: there is nothing to check.
        ValueError: ``replay`` on an export without personal data.
    """
    if replay is not None and not source.with_personal:
        raise ValueError("a replay needs the personal data")
    body = source.body()
    report = Report(body.body, personal_checked=source.with_personal)
    gathered = [*evidence, *_kept_heads(source, report, verify_timestamp)]
    walk = _Walk(report, _genuine(gathered, body.body, keys, report), source.with_personal, replay)
    for record in source.leaves():
        walk.take(record)
    walk.finish()
    report.entries, report.root = walk.tree.size, walk.tree.root()
    _check_kept_tree(source, walk, report)
    report.findings += [Finding(Kind.STRAY, index, detail=table) for table, index in source.strays()]
    if replay is not None:
        report.findings += replay.differences()
        report.replayed = replay.compared
    return report


_GAP_FOLLOWED = 100_000
"""Entries of a wider gap are not looked for later in the file."""


class _Walk:
    """One pass over the entries."""

    def __init__(
        self, report: Report, evidence: Sequence[Evidence], with_personal: bool, replay: Replay | None
    ) -> None:
        self.tree = CompactRange()
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.epoch = FIRST_EPOCH
        self._report = report
        self._with_personal = with_personal
        self._replay = replay
        self._expected = 0
        self._gaps: set[int] = set()
        self._commands: set[int] = set()
        self._epochs = [(FIRST_EPOCH, 0)]
        self._absent: set[int] = set()
        self._erased: set[int] = set()
        self._agreed = 0
        self._due: dict[int, list[Evidence]] = {}
        for piece in evidence:
            self._due.setdefault(piece.state.size, []).append(piece)
        self._compare(EMPTY_ROOT)

    def take(self, record: LeafRecord) -> None:
        """Check one entry and put it into the tree."""
        computed = leaf_hash(record.public)
        try:
            # SQLite keeps whatever was written where the number belongs
            entry = Entry.decode(record.public) if isinstance(record.index, int) else None
        except ValueError:
            entry = None
        if isinstance(record.index, int):
            self._check_order(record.index)
        if entry is None:
            self._find(Kind.UNREADABLE, record.index)
        else:
            self._check_entry(entry, record, computed)
        completed = self.tree.append(computed)
        size = self.tree.size
        for level in range(TILE_LEVELS, len(completed), TILE_LEVELS):
            self.nodes[level, (size >> level) - 1] = completed[level]
        if size in self._due:
            self._compare(self.tree.root())

    def finish(self) -> None:
        """Say what only the end can tell."""
        for first, last in _runs(sorted(self._gaps)):
            self._find(Kind.MISSING, first, last)
        for index in sorted(self._absent - self._erased):
            self._find(Kind.PERSONAL_MISSING, index)
        if self._with_personal:
            for index in sorted(self._erased - self._absent):
                self._find(Kind.PERSONAL_LEFT, index)
        self._report.erased = len(self._erased)
        size = self.tree.size
        for due in sorted(found for found in self._due if found > size):
            for piece in self._due[due]:
                kind, first = self._loss(piece) or (Kind.CUT, size)
                self._find(kind, first, due - 1, piece.origin)

    def _find(self, kind: Kind, first: int, last: int | None = None, detail: str = "") -> None:
        self._report.findings.append(Finding(kind, first, first if last is None else last, detail))

    def _check_order(self, index: int) -> None:
        if index == self._expected:
            self._expected += 1
        elif index > self._expected + _GAP_FOLLOWED:
            self._find(Kind.MISSING, self._expected, index - 1)
            self._expected = index + 1
        elif index > self._expected:
            self._gaps.update(range(self._expected, index))
            self._expected = index + 1
        elif index in self._gaps:
            self._gaps.remove(index)
            self._find(Kind.MOVED, index, detail="later than its successor")
        else:
            self._find(Kind.DUPLICATE, index, detail="the same number")

    def _check_entry(self, entry: Entry, record: LeafRecord, computed: bytes) -> None:
        if entry.index != record.index:
            self._find(Kind.MOVED, record.index, detail=f"it says it is entry {entry.index}")
        changed = [name for name, written, kept in _columns(entry, record, computed) if written != kept]
        if entry.body != self._report.body:
            changed.append("body")
        if changed:
            self._find(Kind.EDITED, record.index, detail=", ".join(changed))
        # 64 bits of a hash for each entry: enough to be sure, and small enough for millions
        command = hash((entry.act.command, entry.part))
        if command in self._commands:
            self._find(Kind.DUPLICATE, record.index, detail="the same command")
        self._commands.add(command)
        self._check_epoch(entry)
        self._check_personal(entry, record)
        if entry.kind == ERASED:
            self._note_erasure(entry)
        if self._replay is not None:
            genuine = entry.commitment is not None and _opens(entry, record)
            self._replay.apply(entry, record.personal if genuine else None)

    def _check_epoch(self, entry: Entry) -> None:
        if entry.epoch == self.epoch:
            return
        begins = entry.kind == NEW_EPOCH and entry.changes.get("previous") == self.epoch
        if not begins or entry.epoch < self.epoch:
            self._find(Kind.EPOCH, entry.index)
        self.epoch = entry.epoch
        self._epochs.append((entry.epoch, entry.index))

    def _check_personal(self, entry: Entry, record: LeafRecord) -> None:
        if not self._with_personal:
            return
        salt, personal, index = record.salt, record.personal, record.index
        if entry.commitment is None:
            if salt is not None or personal is not None:
                self._find(Kind.PERSONAL_EDITED, index)
        elif salt is None and personal is None:
            self._absent.add(index)
        elif not _opens(entry, record):
            self._find(Kind.PERSONAL_EDITED, index)

    def _note_erasure(self, entry: Entry) -> None:
        entries, until = entry.changes.get("entries"), entry.changes.get("kept_until")
        if isinstance(entries, list):
            self._erased.update(index for index in entries if isinstance(index, int))
        if not isinstance(until, str) or until >= time_text(entry.act.at):
            self._find(Kind.ERASED_EARLY, entry.index)

    def _compare(self, root: bytes) -> None:
        """Compare the tree as it is now with what is known of it at this size."""
        size = self.tree.size
        agreed = self._agreed
        for piece in self._due.get(size, ()):
            loss = self._loss(piece)
            if loss is not None:
                self._find(loss[0], loss[1], size - 1, piece.origin)
            elif piece.state.root != root:
                self._find(Kind.REWRITTEN, agreed, max(agreed, size - 1), piece.origin)
            else:
                self._agreed = size
                if piece.outside:
                    self._report.covered = size

    def _loss(self, piece: Evidence) -> tuple[Kind, int] | None:
        """Tell whether evidence is of a history that a declared restore ended, and from where on."""
        for epoch, start in self._epochs:
            if epoch > piece.state.epoch and start < piece.state.size:
                return Kind.LOST_IN_RESTORE, start
        return None


def _columns(entry: Entry, record: LeafRecord, computed: bytes) -> Sequence[tuple[str, Any, Any]]:
    """Return (column, what the entry says, what the column holds)."""
    return (
        ("leaf_hash", computed, record.leaf_hash),
        ("at", time_text(entry.act.at), record.at),
        ("command", entry.act.command, record.command),
        ("part", entry.part, record.part),
        ("thing", entry.thing, record.thing),
        ("thing_id", entry.id, record.id),
        ("office", entry.office, record.office),
        ("commitment", entry.commitment, record.commitment),
    )


def _opens(entry: Entry, record: LeafRecord) -> bool:
    if record.salt is None or record.personal is None or len(record.salt) != SALT_BYTES:
        return False
    return commitment_of(record.salt, record.personal) == entry.commitment


def _kept_heads(
    source: JournalSource, report: Report, verify_timestamp: VerifyTimestamp | None
) -> Iterable[Evidence]:
    for signed in source.heads():
        try:
            origin, outside = "kept beside the journal", False
            if signed.timestamp is not None and verify_timestamp is not None:
                stamped = verify_timestamp(signed.timestamp, signed.signed)
                origin, outside = f"time stamp of {time_text(stamped)}", True
            yield Evidence.of_head(signed, origin, outside=outside)
        except ValueError as error:
            report.findings.append(Finding(Kind.HEAD, detail=f"kept beside the journal: {error}"))


def _genuine(evidence: Iterable[Evidence], body: str, keys: Keys, report: Report) -> list[Evidence]:
    found = []
    for piece in evidence:
        if piece.state.body != body:
            problem = "of another body"
        elif piece.signed is not None and not keys.verify(piece.signed):
            problem = "signature"
        else:
            found.append(piece)
            continue
        report.findings.append(Finding(Kind.HEAD, detail=f"{piece.origin}: {problem}"))
    return found


def _check_kept_tree(source: JournalSource, walk: _Walk, report: Report) -> None:
    body = source.body()
    wrong = [
        name
        for name, kept, computed in (
            ("size", body.size, walk.tree.size),
            ("peaks", body.peaks, walk.tree.peaks),
            ("epoch", body.epoch, walk.epoch),
        )
        if kept != computed
    ]
    nodes = source.nodes()
    if nodes is not None and {(level, index): found for level, index, found in nodes} != walk.nodes:
        wrong.append("nodes")
    if wrong:
        report.findings.append(Finding(Kind.TREE, detail=", ".join(wrong)))


def _runs(indexes: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Yield (first, last) of the runs of consecutive numbers."""
    first = None
    for at, index in enumerate(indexes):
        if first is None:
            first = index
        if at + 1 == len(indexes) or indexes[at + 1] != index + 1:
            yield first, index
            first = None
