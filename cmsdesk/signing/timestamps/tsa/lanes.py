"""Many requests, one key: pending digests go to the signer in small batches, off the event loop."""

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cmsdesk.signing.errors import SignerLost, SigningError
from cmsdesk.signing.signers.base import Signer


class Overloaded(Exception):
    """More requests are waiting than the unit can answer in reasonable time."""


class Lanes:
    """Feeds a blocking `Signer` from one event loop.

    Each of the signer's lanes has one thread. What piles up while a lane is busy goes to it as one batch,
    which saves most of the cost of changing threads and processes under load and costs nothing when idle. A
    batch is no larger than the signer does in `aim_s`, nor than `batch`: its first answer waits for its last.
    """

    def __init__(
        self, signer: Signer, *, batch: int = 32, aim_s: float = 0.02, waiting_limit: int = 1024
    ) -> None:
        self._signer = signer
        self._batch = batch
        self._aim_s = aim_s
        self._size = 1  # what the signer does in the time aimed at, as far as is known
        self._waiting_limit = waiting_limit
        self._waiting: deque[tuple[bytes, asyncio.Future[bytes]]] = deque()
        self._threads = ThreadPoolExecutor(signer.lanes, thread_name_prefix="tsa-sign")
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0

    async def sign(self, digest: bytes) -> bytes:
        """Return the signature value over `digest`.

        Raises:
            Overloaded: too many are waiting.
            SigningError: the signer failed.
        """
        if len(self._waiting) >= self._waiting_limit:
            raise Overloaded
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((digest, future))
        if self._busy < self._signer.lanes:
            # counted here and in `_work`, not by the tasks: a finished task is told of only one turn later
            self._busy += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def close(self) -> None:
        """Let running batches end and stop the threads; the signer stays open."""
        for task in tuple(self._tasks):
            with suppress(asyncio.CancelledError):
                await task
        self._threads.shutdown()

    async def _work(self) -> None:
        try:
            await self._empty_the_queue()
        finally:
            self._busy -= 1

    async def _empty_the_queue(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            try:
                outcomes = await loop.run_in_executor(
                    self._threads, self._sign_all, [item[0] for item in batch]
                )
            except BaseException as error:
                for _, future in batch:
                    if not future.done():  # whoever waits must hear of it
                        future.set_exception(error)
                raise
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, SigningError):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _sign_all(self, digests: list[bytes]) -> list[bytes | SigningError]:
        started = time.perf_counter()
        try:
            outcomes = list(self._signer.sign(digests))
        except SigningError as error:
            return [error] * len(digests)
        each_s = max((time.perf_counter() - started) / len(digests), 1e-6)
        self._size = max(1, min(self._batch, int(self._aim_s / each_s)))
        if len(outcomes) != len(digests):
            lost = SignerLost("The signer returned too few signatures.", "Restart the time stamping unit.")
            return [lost] * len(digests)
        return outcomes
