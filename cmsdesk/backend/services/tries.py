"""How often a caller tried something this minute, at whatever replica: sign-ins and enrolment codes."""

from __future__ import annotations

import hashlib
import math

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cmsdesk.backend.storage.tries import count_try
from cmsdesk.base.clock import Clock

MINUTE_S = 60


class Tries:
    """Counts in the database that all replicas share."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def wait_s(self, kind: str, caller: str, most: float) -> int:
        """Count a try; return 0, or in how many whole seconds the next minute begins. Blocks.

        A database that cannot be used counts nothing: the call itself cannot succeed without it.
        """
        now_s = self._clock.now().timestamp()
        minute, since_s = divmod(now_s, MINUTE_S)
        try:
            with self._engine.begin() as connection:
                count = count_try(connection, kind, hashlib.sha256(caller.encode()).digest(), int(minute))
        except SQLAlchemyError:
            return 0
        return 0 if count <= max(most, 1) else math.ceil(MINUTE_S - since_s)
