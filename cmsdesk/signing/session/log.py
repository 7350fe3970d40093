"""The durable result log of a batch: an append-only file of JSON lines that survives any interruption.

Lines: a header that ties the log to one profile and certificate; `begin` before signatures are asked for; one
result for each document after its file is in place. A line that a crash cut short is dropped on opening. A
document with `begin` and no result is signed again, and counted.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from cmsdesk.signing import errors
from cmsdesk.signing.documents.model import Level, Result, State
from cmsdesk.signing.documents.product import Fingerprint
from cmsdesk.signing.errors import BatchBusy, DocumentUnreadable, SettingsError, SigningError
from cmsdesk.signing.signers.base import Digest

_FORMAT = "cmsdesk-signing-log-1"
_SYNC_PERIOD_S = 1.0


class ResultLog:
    """The log of one batch; held by one process at a time.

    Args:
        path: of the log; made when missing.
        identity: what the batch is: profile and certificate. A log of another batch is refused.

    Raises:
        BatchBusy: another process holds the log.
        SettingsError: the log belongs to another batch, or is no log.
        DocumentUnreadable: the file cannot be opened.
    """

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        self._lock = FileLock(f"{path}.lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise BatchBusy(
                "This batch is already being signed by another program.", "Wait for it to end.", log=str(path)
            ) from error
        except OSError as error:
            raise _unwritable(path, error) from error
        self._path = path
        self._offsets: dict[str, int] = {}
        self._begun: Counter[str] = Counter()
        # hashes, not names: one million documents cost tens of megabytes less
        self._this_run: set[int] = set()
        self._synced = time.monotonic()
        try:
            self._stream = path.open("a+b", buffering=0)
            try:
                self._load(identity)
            except BaseException:
                self._stream.close()
                raise
        except OSError as error:
            self._lock.release()
            raise _unwritable(path, error) from error
        except BaseException:
            self._lock.release()
            raise

    def _load(self, identity: Mapping[str, str]) -> None:
        header = {"log": _FORMAT, **identity}
        self._stream.seek(0)
        first, end = True, 0
        with self._path.open("rb") as lines:
            for line in lines:
                entry = _parsed(line)
                if entry is None:
                    break
                if first:
                    self._check_header(entry, header)
                    first = False
                elif "begin" in entry:
                    self._begun.update(_strings(entry["begin"]))
                else:
                    self._offsets[str(entry["done"])] = end
                end += len(line)
        self._stream.truncate(end)
        self._stream.seek(0, os.SEEK_END)
        if first:
            self._append([header])

    def _check_header(self, found: Mapping[str, object], wanted: Mapping[str, str]) -> None:
        if dict(found) != dict(wanted):
            raise SettingsError(
                "The result log belongs to another batch, profile or certificate.",
                "Name another log, or sign with the same settings as before.",
                log=str(self._path),
            )

    def attempts(self, identity: str) -> int:
        """Return how often signatures were asked for this document before."""
        return self._begun[identity]

    def claim(self, identity: str) -> None:
        """Note that this run has met the document.

        Raises:
            SettingsError: it has met it before: two documents of one batch share a name.
        """
        mark = hash(identity)
        if mark in self._this_run:
            raise SettingsError(
                "Two documents of the batch have the same name.",
                "Give every document its own.",
                name=identity,
            )
        self._this_run.add(mark)

    def earlier(self, identity: str) -> tuple[Result, Fingerprint | None] | None:
        """Return the result that an earlier run recorded, with the fingerprint of its file."""
        offset = self._offsets.get(identity)
        if offset is None:
            return None
        with self._path.open("rb") as lines:
            lines.seek(offset)
            return _result(json.loads(lines.readline()), self._begun[identity])

    def begin(self, identities: Iterable[str]) -> None:
        """Note that signatures are about to be asked for."""
        self._append([{"begin": list(identities)}])

    def record(self, results: Iterable[tuple[Result, Fingerprint | None]]) -> None:
        """Write results; forced to the disk once a second and on `close`."""
        self._append([_entry(result, fingerprint) for result, fingerprint in results])
        now = time.monotonic()
        if now - self._synced > _SYNC_PERIOD_S:
            os.fsync(self._stream.fileno())
            self._synced = now

    def _append(self, entries: Iterable[Mapping[str, object]]) -> None:
        data = b"".join(json.dumps(entry, separators=(",", ":")).encode() + b"\n" for entry in entries)
        try:
            _write_all(self._stream, data)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Force everything to the disk and let the log go."""
        if not self._stream.closed:
            os.fsync(self._stream.fileno())
            self._stream.close()
        self._lock.release()


def _write_all(stream: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def _unwritable(path: Path, error: OSError) -> DocumentUnreadable:
    return DocumentUnreadable(
        "The result log cannot be written.",
        "Check its folder and the free space.",
        log=str(path),
        reason=error.strerror or "?",
    )


def _parsed(line: bytes) -> dict[str, object] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and entry.keys() & {"log", "begin", "done"} else None


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _entry(result: Result, fingerprint: Fingerprint | None) -> dict[str, object]:
    entry: dict[str, object] = {"done": result.identity, "state": result.state.value}
    if result.error is not None:
        entry["error"] = {"kind": type(result.error).__name__, **result.error.as_json()}
    if fingerprint is not None and result.signing_time is not None and result.level is not None:
        entry["target"] = str(result.target)
        entry["digest"] = result.source_digest
        entry["time"] = result.signing_time.isoformat()
        entry["level"] = result.level.value
        entry["notes"] = list(result.notes)
        entry["file"] = [
            fingerprint.head_bytes,
            fingerprint.source_bytes,
            fingerprint.total_bytes,
            fingerprint.digest.value,
            fingerprint.value,
        ]
    return entry


def _result(entry: dict[str, object], attempts: int) -> tuple[Result, Fingerprint | None]:
    identity = str(entry["done"])
    file = entry.get("file")
    if not isinstance(file, list):
        error = _error(entry.get("error"))
        return Result(
            identity=identity, state=State.FAILED, error=error, attempts=max(attempts, 1), resumed=True
        ), None
    head, source, total, digest, value = file
    fingerprint = Fingerprint(int(head), int(source), int(total), Digest(digest), str(value))
    result = Result(
        identity=identity,
        state=State.SIGNED,
        target=Path(str(entry["target"])),
        size_bytes=int(total),
        source_digest=str(entry["digest"]),
        signing_time=datetime.fromisoformat(str(entry["time"])),
        level=Level(str(entry["level"])),
        attempts=max(attempts, 1),
        notes=tuple(_strings(entry.get("notes"))),
        resumed=True,
    )
    return result, fingerprint


def _error(told: object) -> SigningError:
    if not isinstance(told, dict):
        return SigningError("The earlier run recorded no cause.", "Sign the document again.")
    kind = getattr(errors, str(told["kind"]), SigningError)
    rebuilt: SigningError = kind(told["cause"], told["next_step"], **told["facts"])
    return rebuilt
