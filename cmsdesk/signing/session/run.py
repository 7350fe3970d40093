"""The pipeline of one batch: read and hash, sign in the background, save, tell."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from cmsdesk.signing.documents.model import Document, Level, Result, State
from cmsdesk.signing.documents.product import Fingerprint, remove_leftovers
from cmsdesk.signing.documents.sources import SMALL_BYTES
from cmsdesk.signing.errors import (
    BadSignature,
    DocumentError,
    DocumentUnreadable,
    SettingsError,
    SigningError,
)
from cmsdesk.signing.session.envelopes import Envelope, Prepared
from cmsdesk.signing.session.groups import Grouping
from cmsdesk.signing.session.log import ResultLog
from cmsdesk.signing.signers.base import Signer
from cmsdesk.signing.timestamps.base import TimeStamper


@dataclass(slots=True)
class _Item:
    """One document on its way; either `prepared` or `result` is set."""

    document: Document
    moment: datetime
    attempts: int = 1
    prepared: Prepared | None = None
    result: Result | None = None


@dataclass(slots=True)
class _Signed:
    """Outcome of the background part for one document."""

    signature: bytes
    token: bytes | None


_Outcome = _Signed | SigningError


@dataclass(slots=True)
class _Group:
    """Documents whose digests are signed in one call."""

    items: list[_Item]
    pending: "Future[list[_Outcome]] | None" = field(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run borrows from its session.

    Attributes:
        grouping: how many documents go to the signer in one call.
        verify_every: which signatures of a group are verified at once: the first, and every n-th after it.
        lanes: threads that wait for the signer.
        stamping: threads that wait for the time stamp service; None at level B.
    """

    signer: Signer
    grouping: Grouping
    timestamper: TimeStamper | None
    clock: Callable[[], datetime]
    verify: Callable[[bytes, bytes], bool]
    verify_every: int
    durable: bool
    envelope: Envelope
    level: Level
    log: ResultLog | None
    retry_failed: bool
    lanes: ThreadPoolExecutor
    stamping: ThreadPoolExecutor | None


class Run:
    """One call of `SigningSession.sign_many`.

    The signer is kept busy: while a group of digests is being signed in the background, the next group of
    documents is read and hashed and the previous one is saved. Documents are handed back in the order they
    came; at no time are more than a few groups in memory.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = parts.log
        self._targets: set[Path] = set()

    def results(self, documents: Iterable[Document]) -> Iterator[Result]:
        """Drive the pipeline.

        Raises:
            SigningError: the batch stopped; what was signed until then has been yielded.
        """
        waiting: deque[_Group] = deque()
        try:
            yield from self._pipeline(documents, waiting)
        except SigningError:
            while waiting:
                with suppress(SigningError):  # the first fault is the one to tell
                    yield from self._finish(waiting.popleft())
            raise
        finally:
            for left in waiting:
                if left.pending is not None:
                    left.pending.cancel()

    def _pipeline(self, documents: Iterable[Document], waiting: "deque[_Group]") -> Iterator[Result]:
        for items in self._parts.grouping.split(map(self._prepare, documents), _weight):
            waiting.append(self._submit(_Group(items)))
            while len(waiting) > self._parts.signer.lanes + 1:
                yield from self._finish(waiting.popleft())
        while waiting:
            yield from self._finish(waiting.popleft())

    def _prepare(self, document: Document) -> _Item:
        # signing times are told to the second; equal ones let envelopes reuse what they encoded
        item = _Item(document, self._parts.clock().replace(microsecond=0))
        try:
            if self._log is None or not self._already_done(item, self._log):
                if item.document.target is not None:
                    self._check_target(item, item.document.target)
                item.prepared = self._parts.envelope.prepare(item.document, item.moment)
        except SigningError as error:
            if error.stops_batch:
                raise
            item.result = self._failed(item, error)
        return item

    def _already_done(self, item: _Item, log: ResultLog) -> bool:
        """Take the result of an earlier run, if its file is still what was written."""
        document = item.document
        if document.target is None:
            raise SettingsError("A batch with a log needs a target for every document.", "Name the targets.")
        identity = document.identity
        log.claim(identity)
        item.attempts = log.attempts(identity) + 1
        earlier = log.earlier(identity)
        if earlier is not None:
            result, fingerprint = earlier
            kept = fingerprint is not None and fingerprint.matches(document.target)
            if kept or (result.error is not None and not self._parts.retry_failed):
                item.result = result
                return True
        if item.attempts > 1:
            remove_leftovers(document.target)
            item.document = replace(document, overwrite=True)
        return False

    def _check_target(self, item: _Item, target: Path) -> None:
        if target in self._targets or (not item.document.overwrite and target.exists()):
            raise DocumentUnreadable(
                "The target file is already there.", "Remove it, or allow replacing it.", path=str(target)
            )
        self._targets.add(target)

    def _submit(self, group: _Group) -> _Group:
        prepared = [item.prepared for item in group.items if item.prepared is not None]
        if prepared:
            if self._log is not None:
                self._log.begin(item.document.identity for item in group.items if item.prepared is not None)
            digests = [one.to_sign for one in prepared]
            group.pending = self._parts.lanes.submit(self._sign_group, digests)
        return group

    def _sign_group(self, digests: Sequence[bytes]) -> "list[_Outcome]":
        with self._parts.grouping.measured(len(digests)):
            outcomes = self._parts.signer.sign(digests)
        if len(outcomes) != len(digests):
            raise BadSignature("The signer gave a wrong number of signatures.", "Report this fault.")
        every = self._parts.verify_every
        for digest, outcome in zip(digests[::every], outcomes[::every], strict=True):
            if not isinstance(outcome, SigningError) and not self._parts.verify(digest, outcome):
                raise BadSignature(
                    "The signature made does not verify with the certificate.",
                    "Check that the certificate belongs to the key.",
                )
        return self._stamp(outcomes)

    def _stamp(self, outcomes: "Sequence[bytes | SigningError]") -> "list[_Outcome]":
        stamper, stamping = self._parts.timestamper, self._parts.stamping
        if stamper is None or stamping is None:
            return [one if isinstance(one, SigningError) else _Signed(one, None) for one in outcomes]
        digest = self._parts.signer.algorithm.digest

        def stamped(outcome: bytes | SigningError) -> _Outcome:
            if isinstance(outcome, SigningError):
                return outcome
            # EN 319 122-1 clause 5.3: the imprint is of the SignatureValue octets
            return _Signed(outcome, stamper.token(hashlib.new(digest.value, outcome).digest(), digest))

        return list(stamping.map(stamped, outcomes))

    def _finish(self, group: _Group) -> Iterator[Result]:
        outcomes = iter(group.pending.result() if group.pending is not None else ())
        if self._log is None:
            # one at a time: the memory of one document's product serves the next
            for item in group.items:
                yield self._conclude(item, outcomes)[0]
            return
        finished: list[tuple[Result, Fingerprint | None]] = []
        stop: SigningError | None = None
        for item in group.items:
            try:
                finished.append(self._conclude(item, outcomes))
            except SigningError as error:
                stop = error
                break
        self._log.record(pair for pair in finished if not pair[0].resumed)
        for result, _ in finished:
            yield result
        if stop is not None:
            raise stop

    def _conclude(self, item: _Item, outcomes: "Iterator[_Outcome]") -> tuple[Result, Fingerprint | None]:
        if item.result is not None:
            return item.result, None
        prepared, item.prepared = item.prepared, None
        outcome = next(outcomes)
        try:
            if prepared is None or isinstance(outcome, SigningError):
                return self._failed(item, outcome), None
            return self._save(item, prepared, outcome)
        except SigningError as error:
            if error.stops_batch:
                raise
            return self._failed(item, error), None
        finally:
            if item.document.target is not None:
                self._targets.discard(item.document.target)

    def _save(self, item: _Item, prepared: Prepared, signed: _Signed) -> tuple[Result, Fingerprint | None]:
        product = prepared.finish(signed.signature, signed.token)
        target = item.document.target
        data, fingerprint = None, None
        if target is None:
            data = product.to_bytes()
        else:
            fingerprint = product.save(target, durable=self._parts.durable)
        result = Result(
            identity=item.document.identity,
            state=State.SIGNED,
            target=target,
            data=data,
            size_bytes=len(data) if data is not None else fingerprint.total_bytes if fingerprint else 0,
            source_digest=prepared.source_digest.hex(),
            signing_time=item.moment,
            level=self._parts.level,
            attempts=item.attempts,
            notes=product.notes,
        )
        return result, fingerprint

    def _failed(self, item: _Item, error: "_Outcome") -> Result:
        told = (
            error
            if isinstance(error, SigningError)
            else DocumentError("It was not signed.", "Sign it again.")
        )
        return Result(identity=item.document.identity, state=State.FAILED, error=told, attempts=item.attempts)


def _weight(item: _Item) -> int:
    """Octets that the document keeps in memory until it is saved."""
    source = item.document.source
    if isinstance(source, bytes):
        return len(source)
    try:
        size = source.stat().st_size
    except OSError:
        return 0
    return size if size <= SMALL_BYTES else 0
