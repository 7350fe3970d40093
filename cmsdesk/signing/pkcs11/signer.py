"""A signer over a pool of PKCS#11 worker processes."""

import getpass
import hashlib
import json
import queue
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from filelock import FileLock, Timeout

from cmsdesk.signing.cms.certificates import Certificate, verifier
from cmsdesk.signing.errors import PinLocked, PinRefused, SignerError, SignerLost, TokenMissing
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.pkcs11 import frames, refused
from cmsdesk.signing.pkcs11.process import WorkerProcess, pack_sign
from cmsdesk.signing.pkcs11.settings import Pkcs11Settings
from cmsdesk.signing.signers.base import Digest, Scheme, SignatureAlgorithm

_SCHEMES = tuple(Scheme)
_DIGESTS = tuple(Digest)


class Pkcs11Signer:
    """Signs with a key on a card, token or HSM; one PIN entry for as many signatures as wanted.

    The PIN is sent once by the first worker. Only when the token has accepted it do the other workers get it.
    A PIN that a token has refused is never sent to it again by this process.

    Args:
        settings: module, token, key.
        pin: the user PIN; the signer keeps its own copy and wipes it on `close`. None uses the PIN pad of the
            reader.

    Raises:
        TokenMissing: no such module, token, key or certificate.
        PinRefused, PinLocked: as the token answered, or foretold.
        CertificateUnfit: the certificate is not of this key.
    """

    def __init__(self, settings: Pkcs11Settings, pin: Pin | None) -> None:
        self._settings = settings
        self._pin = Pin(pin.reveal()) if pin is not None else None
        self._idle: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        self._workers: set[WorkerProcess] = set()
        self._guard = threading.Lock()
        self._dead: SignerError | None = None
        try:
            worker, key = self._start_worker(first=True)
            self.certificate, self.chain = _certificates(settings, key)
            self.algorithm = _algorithm(settings, self.certificate)
            self._idle.put(worker)
            for _ in range(settings.workers - 1):
                self._idle.put(self._start_worker(first=False)[0])
        except BaseException:
            self.close()
            raise

    @property
    def lanes(self) -> int:
        """Number of worker processes."""
        return self._settings.workers

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.pid for worker in self._workers)

    def sign(self, digests: Sequence[bytes]) -> list[bytes]:
        """Sign each digest in the next idle worker; see `Signer.sign`.

        A worker that died is replaced once per call, and the call repeated: the signatures of that call were
        never handed out.

        Raises:
            SignerLost: the token went away, or the replacement died too.
            SignerError: the token refuses.
        """
        payload = pack_sign(
            _SCHEMES.index(self.algorithm.scheme), _DIGESTS.index(self.algorithm.digest), digests
        )
        timeout_s = self._settings.call_timeout_s * max(len(digests), 1)
        worker = self._take_worker()
        try:
            try:
                answer = worker.call(frames.SIGN, payload, timeout_s)
            except SignerLost as lost:
                if "exit_code" not in lost.facts:
                    raise
                worker = self._replace(worker)
                answer = worker.call(frames.SIGN, payload, timeout_s)
        except SignerError as error:
            if isinstance(error, PinRefused | PinLocked):
                self._dead = error
            raise
        finally:
            self._idle.put(worker if worker in self._workers else None)
        values = frames.unpack_items(answer)
        if len(values) != len(digests):
            raise SignerError("The signing process gave a wrong number of signatures.", "Report this fault.")
        return values

    def close(self) -> None:
        """End the workers and wipe the PIN."""
        with self._guard:
            workers, self._workers = self._workers, set()
            self._dead = self._dead or SignerLost("The signer is closed.", "Open a new session.")
        for worker in workers:
            worker.close()
        if self._pin is not None:
            self._pin.wipe()

    def _take_worker(self) -> WorkerProcess:
        if self._dead is not None:
            raise self._dead
        worker = self._idle.get()
        if worker is not None:
            return worker
        try:
            return self._start_worker(first=False)[0]
        except SignerError:
            self._idle.put(None)
            raise

    def _replace(self, worker: WorkerProcess) -> WorkerProcess:
        with self._guard:
            self._workers.discard(worker)
        return self._start_worker(first=False)[0]

    def _start_worker(self, *, first: bool) -> tuple[WorkerProcess, dict[str, object]]:
        if self._dead is not None:
            raise self._dead
        with _opening_lock(self._settings):
            worker = WorkerProcess(self._settings)
            try:
                token = json.loads(worker.call(frames.OPEN, self._wanted(), self._settings.call_timeout_s))
                self._check_pin(token, first=first)
                key = self._log_in(worker, str(token["serial"]))
            except BaseException:
                worker.close()
                raise
        with self._guard:
            self._workers.add(worker)
        return worker, key

    def _wanted(self) -> bytes:
        settings = self._settings
        return frames.pack_json(
            {
                "module": str(settings.module),
                "token_label": settings.token_label,
                "token_serial": settings.token_serial,
                "key_label": settings.key_label,
                "key_id": settings.key_id.hex() if settings.key_id is not None else None,
            }
        )

    def _check_pin(self, token: dict[str, object], *, first: bool) -> None:
        if token["pin_locked"]:
            raise PinLocked("The PIN is locked.", "Unblock the PIN with the PUK.", token=str(token["label"]))
        if self._pin is None:
            if not token["pin_pad"]:
                raise PinRefused("A PIN is needed.", "Give the PIN of the token.", token=str(token["label"]))
            return
        if not self._pin:
            raise PinRefused("The PIN is empty; it was not sent.", "Give the PIN of the token.", sent=False)
        if refused.is_refused(str(token["serial"]), self._pin):
            raise PinRefused(
                "The token has already refused this PIN; it was not sent again.",
                "Give the right PIN; do not guess, or the PIN locks.",
                token=str(token["label"]),
                sent=False,
            )
        if first and token["pin_final_try"] and not self._settings.allow_final_try:
            raise PinLocked(
                "Only one try is left before the PIN locks; the PIN was not sent.",
                "Unblock the PIN with the PUK, or allow the last try.",
                token=str(token["label"]),
                sent=False,
            )

    def _log_in(self, worker: WorkerProcess, serial: str) -> dict[str, object]:
        pin = self._pin.reveal() if self._pin is not None else b""
        try:
            key: dict[str, object] = json.loads(worker.call(frames.LOGIN, pin, self._settings.call_timeout_s))
        except PinRefused as error:
            if self._pin is not None:
                refused.remember(serial, self._pin)
            self._dead = error
            raise
        return key


def _opening_lock(settings: Pkcs11Settings) -> FileLock:
    path = settings.lock_path
    if path is None:
        # one lock per user: a file in the shared temporary folder that another user owns cannot be locked
        owner = hashlib.sha256(getpass.getuser().encode()).hexdigest()[:12]
        path = Path(tempfile.gettempdir()) / f"cmsdesk-signing-{owner}.lock"
    return _PoliteLock(str(path), timeout=settings.call_timeout_s)


class _PoliteLock(FileLock):
    """A file lock whose timeout is an error that somebody can mend."""

    def __enter__(self) -> "_PoliteLock":
        try:
            super().__enter__()
        except Timeout as error:
            raise SignerLost(
                "Another program is opening the token and does not finish.",
                "Close the other program, then start again.",
            ) from error
        return self


def _certificates(settings: Pkcs11Settings, key: dict[str, object]) -> tuple[bytes, tuple[bytes, ...]]:
    found = key["certificates"]
    entries = [(str(e[0]), bytes.fromhex(e[1])) for e in found] if isinstance(found, list) else []
    own = settings.certificate or next(
        (value for identifier, value in entries if identifier == key["id"]), None
    )
    if own is None:
        raise TokenMissing(
            "The token holds no certificate for the key.",
            "Give the certificate as a file.",
            key=str(key["label"]),
        )
    chain = list(settings.chain)
    pool = {
        parsed.parsed.subject.public_bytes(): parsed
        for parsed in map(Certificate.from_der, _others(entries, own))
    }
    current = Certificate.from_der(own)
    while (issuer := pool.pop(current.issuer, None)) is not None:
        if issuer.encoded not in chain:
            chain.append(issuer.encoded)
        current = issuer
    return own, tuple(chain)


def _others(entries: list[tuple[str, bytes]], own: bytes) -> list[bytes]:
    return [value for _, value in entries if value != own]


def _algorithm(settings: Pkcs11Settings, certificate: bytes) -> SignatureAlgorithm:
    parsed = Certificate.from_der(certificate)
    public = parsed.parsed.public_key()
    digest = Digest.SHA256
    scheme = Scheme.RSA_PSS if settings.pss else Scheme.RSA_PKCS1
    if isinstance(public, ec.EllipticCurvePublicKey):
        scheme = Scheme.ECDSA
        digest = Digest.SHA384 if public.key_size > 256 else Digest.SHA256
    algorithm = SignatureAlgorithm(scheme, settings.digest or digest)
    verifier(parsed, algorithm)
    return algorithm
