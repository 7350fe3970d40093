"""Signing sessions: a signer, opened once, and the documents it signs."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from cmsdesk.signing.cms.certificates import Certificate, verifier
from cmsdesk.signing.documents.model import Document, Level, Result
from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.session.envelopes import Profile, make_envelope
from cmsdesk.signing.session.groups import Grouping
from cmsdesk.signing.session.log import ResultLog
from cmsdesk.signing.session.run import Parts, Run
from cmsdesk.signing.signers.base import Signer
from cmsdesk.signing.timestamps.base import TimeStamper

_TIME_STAMP_THREADS = 4


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SigningSession:
    """Signs any number of documents with one signer, opened with one PIN entry.

    Args:
        signer: the key; closed with the session.
        timestamper: needed for levels T, LT and LTA.
        clock: tells the signing time, UTC.
        durable: force every signed file to the disk before its result is told.
        verify_every: verify the first signature of each call to the signer and every n-th after it, before
            any of that call is used. Cards sign one at a time, so all of theirs are verified; 1 verifies all.

    Raises:
        CertificateUnfit: the certificate must not sign now.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        timestamper: TimeStamper | None = None,
        clock: Callable[[], datetime] = _utc_now,
        durable: bool = True,
        verify_every: int = 8,
    ) -> None:
        self._signer = signer
        self._timestamper = timestamper
        self._clock = clock
        self._durable = durable
        self._verify_every = verify_every
        certificate = Certificate.from_der(signer.certificate)
        certificate.check_fit(clock())
        self._verify = verifier(certificate, signer.algorithm)
        self._grouping = Grouping(getattr(signer, "batch_size", None))

    def __enter__(self) -> "SigningSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out and free the signer."""
        self._signer.close()

    def sign(self, document: Document, profile: Profile) -> Result:
        """Sign one document.

        Raises:
            SigningError: it was not signed; nothing was written.
        """
        result = next(iter(self.sign_many([document], profile)))
        if result.error is not None:
            raise result.error
        return result

    def sign_many(
        self,
        documents: Iterable[Document],
        profile: Profile,
        *,
        log: Path | None = None,
        retry_failed: bool = False,
    ) -> Iterator[Result]:
        """Sign documents, one result for each, in order.

        Args:
            documents: may be endless; read as needed.
            log: the durable result log. With it, an interrupted batch is resumed by calling again with the
                same documents: those that have a result are not signed again.
            retry_failed: on resuming, sign documents again that failed before.

        Raises:
            SigningError: the batch stopped (`stops_batch`): the documents that follow have no result, and may
                be signed by resuming.
        """
        self._check(profile)
        with ExitStack() as stack:
            book = None
            if log is not None:
                book = ResultLog(log, self._identity(profile))
                stack.callback(book.close)
            stamping = None
            if profile.level is not Level.B:
                stamping = stack.enter_context(ThreadPoolExecutor(_TIME_STAMP_THREADS, "time-stamps"))
            parts = Parts(
                signer=self._signer,
                grouping=self._grouping,
                timestamper=self._timestamper,
                clock=self._clock,
                verify=self._verify,
                verify_every=self._verify_every,
                durable=self._durable,
                envelope=make_envelope(profile, self._signer, self._timestamper),
                level=profile.level,
                log=book,
                retry_failed=retry_failed,
                lanes=stack.enter_context(ThreadPoolExecutor(self._signer.lanes, "signer")),
                stamping=stamping,
            )
            yield from Run(parts).results(documents)

    def _check(self, profile: Profile) -> None:
        if profile.level is not Level.B and self._timestamper is None:
            raise SettingsError(
                "This level needs a time stamp service.", "Name one.", level=profile.level.value
            )

    def _identity(self, profile: Profile) -> dict[str, str]:
        return {
            "profile": hashlib.sha256(repr(profile).encode()).hexdigest()[:32],
            "certificate": hashlib.sha256(self._signer.certificate).hexdigest(),
        }
