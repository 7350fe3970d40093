"""The pool's side of one worker process: start it, call it, end it when it hangs."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from cmsdesk.signing import errors
from cmsdesk.signing.errors import SignerError, SignerLost
from cmsdesk.signing.pkcs11 import frames
from cmsdesk.signing.pkcs11.settings import Pkcs11Settings

FROZEN_WORKER_FLAG = "--cmsdesk-pkcs11-worker"
_STOP_WAIT_S = 2.0


def worker_command() -> list[str]:
    """Return the command that runs `cmsdesk.signing.pkcs11.worker`.

    A frozen program has no interpreter to hand a module to: it is started again with `FROZEN_WORKER_FLAG`,
    which its `main` passes on to `worker.main`.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, FROZEN_WORKER_FLAG]
    return [sys.executable, "-P", "-m", "cmsdesk.signing.pkcs11.worker"]


class WorkerProcess:
    """One worker; `call` is for one thread at a time."""

    def __init__(self, settings: Pkcs11Settings) -> None:
        environment = settings.worker_environment()
        environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(
            worker_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    def call(self, kind: bytes, payload: bytes, timeout_s: float) -> bytes:
        """Send a request and wait for its answer.

        Raises:
            SignerLost: the worker died, or was ended because it did not answer in time.
            SignerError: what the worker answered.
        """
        requests, replies = self._process.stdin, self._process.stdout
        if requests is None or replies is None:
            raise SignerError("The signing process has no pipes.", "Report this fault.")
        with WATCHDOG.watch(self._process, timeout_s):
            try:
                frames.write(requests, kind, payload)
                answer = frames.read(replies)
            except (OSError, ValueError):
                answer = None
        if answer is None:
            self.close()
            raise SignerLost(
                "The signing process ended or did not answer in time.",
                "Check the card reader or the HSM and its driver, then resume.",
                exit_code=self._process.returncode,
                timeout_s=timeout_s,
            )
        if answer[0] == frames.FAILED:
            raise _rebuilt(answer[1])
        return answer[1]

    def close(self) -> None:
        """End the worker, kindly first."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # a worker that died leaves a broken pipe behind: nothing is left to flush
                    continue
        try:
            self._process.wait(_STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _rebuilt(payload: bytes) -> SignerError:
    told = json.loads(payload)
    kind = getattr(errors, told["kind"], SignerError)
    rebuilt: SignerError = kind(told["cause"], told["next_step"], **told["facts"])
    return rebuilt


class _Watch:
    """Guards one call: on leaving, the process is no longer watched."""

    def __init__(self, watchdog: "_Watchdog", process: "subprocess.Popen[bytes]", deadline: float) -> None:
        self._watchdog = watchdog
        self._process = process
        self._deadline = deadline

    def __enter__(self) -> None:
        self._watchdog.deadlines[self._process] = self._deadline
        self._watchdog.wake()

    def __exit__(self, *unused: object) -> None:
        self._watchdog.deadlines.pop(self._process, None)


class _Watchdog:
    """Kills processes whose call is overdue: Windows pipes have no timeout, C calls cannot be cancelled."""

    _PERIOD_S = 0.25

    def __init__(self) -> None:
        self.deadlines: dict[subprocess.Popen[bytes], float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, process: "subprocess.Popen[bytes]", timeout_s: float) -> _Watch:
        """Return a context in which `process` is killed when `timeout_s` has passed."""
        return _Watch(self, process, time.monotonic() + timeout_s)

    def wake(self) -> None:
        """Make sure the watching thread runs."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pkcs11-watchdog", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(self._PERIOD_S)
            with self._lock:
                if not self.deadlines:
                    self._thread = None
                    return
            now = time.monotonic()
            for process, deadline in list(self.deadlines.items()):
                if now > deadline:
                    process.kill()


WATCHDOG = _Watchdog()


def pack_sign(scheme_index: int, digest_index: int, digests: Sequence[bytes]) -> bytes:
    """Encode a `SIGN` request."""
    return bytes((scheme_index, digest_index)) + b"".join(digests)
