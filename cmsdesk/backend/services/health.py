"""Whether the service can work, and what waits in it: for whoever watches over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from cmsdesk.backend.storage import jobs
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.migrate import revision_of
from cmsdesk.base.clock import Clock
from cmsdesk.base.logs import Log

JOBS_KEPT = timedelta(seconds=5)


@dataclass(frozen=True)
class Waiting:
    """The due jobs of one kind."""

    due: int
    attempts: int
    """The most tries among them; 0: none was tried yet."""


@dataclass(frozen=True)
class JobFigures:
    """The jobs, by kind."""

    at: datetime
    """When they were counted."""
    waiting: Mapping[str, Waiting]
    last_done: Mapping[str, datetime]
    """For when the last job that is done was due."""


class Health:
    """Looks at the parts that everything else stands on."""

    def __init__(self, engine: Engine, try_vault: Callable[[], object], clock: Clock) -> None:
        """``try_vault`` has the HSM do something; it raises what it likes when it cannot."""
        self._engine = engine
        self._try_vault = try_vault
        self._clock = clock
        self._counting = threading.Lock()
        self._jobs: JobFigures | None = None

    def parts(self) -> dict[str, bool]:
        """Return by part whether it works: ``database``, ``vault``."""
        return {"database": self.schema() is not None, "vault": self._vault()}

    def schema(self) -> str | None:
        """Return the version of the database's schema; None: it cannot be reached."""
        try:
            with reading(self._engine) as connection:
                return revision_of(connection)
        except DBAPIError as error:
            Log("health").warning("database_gone", error=type(error).__name__)
            return None

    def jobs(self) -> JobFigures:
        """Return the jobs as they were at most `JOBS_KEPT` ago: counting them reads all that were done."""
        with self._counting:
            now, known = self._clock.now(), self._jobs
            if known is None or not timedelta() <= now - known.at < JOBS_KEPT:
                with reading(self._engine) as connection:
                    due, last_done = jobs.waiting(connection, now), jobs.last_done(connection)
                waiting = {kind: Waiting(number, attempts) for kind, (number, attempts) in due.items()}
                known = self._jobs = JobFigures(now, waiting, last_done)
            return known

    def _vault(self) -> bool:
        try:
            self._try_vault()
        except Exception as error:  # noqa: BLE001 - whatever a vendor's module raises, the answer is no
            Log("health").warning("vault_gone", error=type(error).__name__)
            return False
        return True
