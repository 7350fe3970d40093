"""Pushing the outbox and following the feed: decisions only, what is sent goes through a `Line`.

One core for network, tests and simulation. It can be stopped between any two calls and started
again: every call may be repeated.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.domain.canonical import canonical
from cmsdesk.domain.commands import Command
from cmsdesk.domain.journal import NEW_EPOCH, Entry, SignedHead, commitment_of
from cmsdesk.domain.merkle import CompactRange, leaf_hash, verify_consistency, verify_inclusion
from cmsdesk.domain.organisation import Mandate
from cmsdesk.operations.journal_errors import CursorLost
from cmsdesk.sync.desk_store import Applied, DeskStore, Followed, OutboxState
from cmsdesk.sync.outbox import KEPT
from cmsdesk.sync.push import Pusher
from cmsdesk.sync.snapshot import Pictured

PAGE = 200
"""Entries asked for at once: of larger pages, collecting their garbage stops the window for 80 ms."""
FIRST_EPOCH = 1
WAIT_S = 25.0
"""How long the service is asked to hold a call until there is news, seconds."""
_MOST_SCOPES = 3
"""So often a mandate may change while one round goes on."""


class FeedBroken(Mendable):
    """What the service sends does not fit what it sent before or signed."""

    code = "FEED"
    cause = N_("The service's journal does not fit what this desk knows of it: {what}.")
    next_step = N_("Go on working; give this code to the security administrator at once.")


class HeadCheck(Protocol):
    """Whoever knows the keys that sign the journal's heads."""

    def verify(self, head: SignedHead) -> bool:
        """Tell whether a known key signed the head."""
        ...


class Line(Protocol):
    """The calls that synchronising needs, under one mandate. Each may raise `ServiceUnreachable`."""

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        """Send commands; return the answers in order (``command, accepted, code, facts``)."""
        ...

    def pull(self, cursor: tuple[int, int] | None, limit: int) -> dict[str, Any]:
        """Return the next page of the feed (see the interface's `FeedAnswer`)."""
        ...

    def next_page(self, cursor: tuple[int, int], limit: int, wait_s: float) -> dict[str, Any] | None:
        """As `pull`, as soon as there is news; None: the service does not hold this call."""
        ...

    def snapshot(self, after: tuple[str, str] | None, limit: int, size: int) -> dict[str, Any]:
        """Return the things behind one of all that the mandate sees (`SnapshotAnswer`), proven to continue
        the journal's first ``size`` entries."""
        ...


@dataclass(frozen=True)
class Round:
    """What one synchronisation did."""

    pushed: int = 0
    refused: int = 0
    received: int = 0


class Synchroniser:
    """Keeps one desk's store and the service together, under one mandate."""

    def __init__(
        self,
        store: DeskStore,
        line: Line,
        mandate: str,
        body: str,
        heads: HeadCheck,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """``after`` is called at the end of every round that went through (`vouchers.Renewal`)."""
        self._store = store
        self._after = after
        self._line = line
        self._mandate = mandate
        self._body = body
        self._heads = heads
        self._first = True
        self._ahead: tuple[tuple[int, int], dict[str, Any]] | None = None

    def run(self) -> Round:
        """Push all that is pending, then follow the feed to its end.

        What the service could not take before is tried once more by each new synchroniser: the
        program may have been mended.

        Raises:
            ServiceUnreachable: try again later; nothing is lost.
            FeedBroken: the journal was tampered with, or is another one.
        """
        if self._first:
            self._store.send_again(mandate=self._mandate)
            self._first = False
        pushed = refused = received = 0
        while True:
            sent = Pusher(self._store, self._line, self._mandate).run()
            pushed, refused = pushed + sent.pushed, refused + sent.refused
            before = self._epoch()
            received += self._pull_all()
            if before == self._epoch():
                self._after()
                return Round(pushed, refused, received)
            # the service was restored meanwhile: what it had taken goes there again

    def listen(self) -> bool:
        """Wait at the service for news, up to `WAIT_S`; the next `run` takes what came. In another thread.

        Returns:
            False: the service does not wait (an older one, or it holds too many): ask it again after a while.

        Raises:
            Mendable: as `run`, which tells it better.
        """
        known = self._store.followed()
        if known is None or known.body != self._body:
            return False
        cursor = known.epoch, known.size
        page = self._line.next_page(cursor, PAGE, WAIT_S)
        if page is None:
            return False
        self._ahead = cursor, page
        return True

    def _page(self, cursor: tuple[int, int] | None) -> tuple[dict[str, Any], bool]:
        """Return the page behind a cursor, and whether it was fetched before now."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == cursor:
            return ahead[1], True
        return self._line.pull(cursor, PAGE), False

    def _epoch(self) -> int:
        """Return the epoch that this desk knows; one that never followed may have pushed in the first."""
        known = self._store.followed()
        if known is None or known.body != self._body:
            known = self._store.witnessed(self._body)
        return FIRST_EPOCH if known is None else known.epoch

    def _pull_all(self) -> int:
        received = scopes = 0
        while True:
            known = self._store.followed()
            if known is not None and known.body != self._body:
                # a cursor into one body's journal means nothing in another's
                self._store.begin_anew()
                continue
            try:
                page, ahead = self._page(None if known is None else (known.epoch, known.size))
            except CursorLost:
                if known is None:
                    raise
                self._store.hand_back(self._body)
                continue
            if known is not None and known.scope != page["scope"]:
                scopes += 1
                if scopes > _MOST_SCOPES:
                    raise FeedBroken(what=N_("it names another scope each time"))
                self._take_snapshot(known)
                continue
            entries, followed = self._checked(known, page)
            if self._epoch() != followed.epoch:
                # restored: even where the feed goes on, what was accepted since may be lost
                self._store.hand_back(self._body)
                page, ahead = self._line.pull(None, PAGE), False
                entries, followed = self._checked(None, page)
            self._store.apply(entries, followed)
            received += len(entries)
            if page["cursor"]["index"] >= page["size"]:
                if ahead and self._store.queued(OutboxState.ACCEPTED, mandate=self._mandate, limit=1):
                    continue  # this end may be from before they were taken
                self._finish(followed)
                return received

    def _take_snapshot(self, known: Followed) -> None:
        """The mandate sees other things than before: forget what it may not see, fetch the rest.

        The journal goes on where it was followed: its hashes are the same, whoever sees what of it. Each
        entry is checked to be of the journal that continues it.
        """
        staged, after = self._store.snapshot, None
        staged.begin()
        while True:
            page = self._line.snapshot(after, PAGE, known.size)
            try:
                if page["cursor"]["epoch"] != known.epoch:
                    self._store.hand_back(self._body)
                    return
                self._check_snapshot(known, page)
                if after is None:
                    self._store.forget_unseen(Mandate.of(self._mandate, page["mandate"]))
                staged.add([Pictured.of(item, self._body) for item in page["items"]])
                scope, after = str(page["scope"]), page["after"] and (page["after"][0], page["after"][1])
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                raise FeedBroken(what=N_("a page cannot be read")) from error
            if after is None:
                self._store.take_snapshot(scope)
                return

    def _check_snapshot(self, known: Followed, page: Mapping[str, Any]) -> None:
        """Check every entry of a page against a signed head that continues what was followed."""
        tree = CompactRange(known.size, known.peaks)
        followed = self._with_head(known, tree, page)
        head = SignedHead.from_document(json.loads(followed.head or "{}")).head.state
        hashes = [bytes.fromhex(step) for step in page["hashes"]]
        for found in (entry for item in page["items"] for entry in item["entries"]):
            public = found["public"].encode()
            entry, path = Entry.decode(public), [hashes[step] for step in found["proof"]]
            if not verify_inclusion(entry.index, head.size, leaf_hash(public), path, head.root):
                raise FeedBroken(what=N_("an entry is not in its place"))
            _check_personal(entry, found)

    def _checked(self, known: Followed | None, page: Mapping[str, Any]) -> tuple[list[Applied], Followed]:
        try:
            return self._check(known, page)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FeedBroken(what=N_("a page cannot be read")) from error

    def _check(self, known: Followed | None, page: Mapping[str, Any]) -> tuple[list[Applied], Followed]:
        """Return what a page says, when it continues what is known and what was witnessed."""
        start = known or Followed(self._body, page["scope"], FIRST_EPOCH, 0, b"")
        checkpoints = self._store.checkpoints(self._body, start.size)
        tree, era = CompactRange(start.size, start.peaks), start.era
        entries = []
        for item in page["items"]:
            if item["index"] != tree.size:
                raise FeedBroken(what=N_("an entry is missing or repeated"))
            entry = self._read(item)
            tree.append(bytes.fromhex(item["leaf_hash"]))
            if entry is not None:
                entries.append(entry)
                era = _era_after(entry, era)
            seen_era, seen = checkpoints.get(tree.size, (0, b""))
            if seen_era >= era and seen != tree.peaks:
                raise FeedBroken(what=N_("entries that this desk knew have changed"))
        at_end = tree.size == page["size"]
        goes_on = tree.size < page["size"] and page["items"]
        if page["cursor"]["index"] != tree.size or not (at_end or goes_on):
            raise FeedBroken(what=N_("an entry is missing or repeated"))
        followed = replace(start, epoch=page["cursor"]["epoch"], size=tree.size, peaks=tree.peaks, era=era)
        witnessed = self._store.witnessed(self._body)
        same_epoch = witnessed is not None and witnessed.epoch == followed.epoch
        if at_end and witnessed is not None and same_epoch and witnessed.size > tree.size:
            raise FeedBroken(what=N_("entries that this desk knew are missing"))
        return entries, self._with_head(followed, tree, page)

    def _read(self, item: Mapping[str, Any]) -> Applied | None:
        """Return an entry that this desk may see, checked against its hash and commitment."""
        if item["public"] is None:
            return None
        public = item["public"].encode()
        if leaf_hash(public).hex() != item["leaf_hash"]:
            raise FeedBroken(what=N_("an entry differs from its hash"))
        entry = Entry.decode(public)
        if entry.body != self._body or entry.index != item["index"]:
            raise FeedBroken(what=N_("an entry is not in its place"))
        _check_personal(entry, item)
        act = entry.act
        return Applied(
            command=act.command,
            event=entry.event(item["personal"] or {}),
            at=act.at.isoformat(),
            index=entry.index,
            epoch=entry.epoch,
            actor=act.actor,
            workstation=act.workstation or "",
        )

    def _with_head(self, followed: Followed, tree: CompactRange, page: Mapping[str, Any]) -> Followed:
        """Return the position with the signed head that the page belongs to."""
        if page["head"] is None:
            raise FeedBroken(what=N_("the head is missing"))
        signed = SignedHead.from_document(page["head"])
        if not self._heads.verify(signed):
            raise FeedBroken(what=N_("the head's signature is not the service's"))
        head, root = signed.head.state, tree.root()
        proof = [bytes.fromhex(step) for step in page["proof"]]
        if (
            (head.body, head.epoch) != (self._body, followed.epoch)
            or head.size < tree.size
            or not verify_consistency(tree.size, head.size, root, head.root, proof)
        ):
            raise FeedBroken(what=N_("the head does not fit the entries"))
        return replace(followed, head=json.dumps(signed.document()))

    def _finish(self, followed: Followed) -> None:
        """A command that the service took before the end of the feed and that left no event is done."""
        for queued in self._store.queued(OutboxState.ACCEPTED, mandate=self._mandate):
            self._store.finish(queued.command.id)
        head = SignedHead.from_document(json.loads(followed.head or "{}")).head
        self._store.vouchers.note_time(head.at)
        self._store.forget_before((head.at - KEPT).isoformat())


def _check_personal(entry: Entry, found: Mapping[str, Any]) -> None:
    """Check the personal data of an entry, where there are any yet, against its commitment."""
    if found["personal"] is None:
        return
    salt = base64.b64decode(found["salt"])
    if entry.commitment != commitment_of(salt, canonical(found["personal"])):
        raise FeedBroken(what=N_("personal data differ from their commitment"))


def _era_after(entry: Applied, era: int) -> int:
    """Return the epoch that begins with an entry, if one does."""
    if entry.event.kind != NEW_EPOCH:
        return era
    return entry.epoch
