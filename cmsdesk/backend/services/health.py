"""Whether the service can work, and what waits in it: for whoever watches over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from cmsdesk.backend.storage import jobs
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.migrate import revision_of
from cmsdesk.base.clock import Clock
from cmsdesk.base.logs import Log


@dataclass(frozen=True)
class Waiting:
    """The due jobs of one kind."""

    due: int
    attempts: int
    """The most tries among them; 0: none was tried yet."""


class Health:
    """Looks at the parts that everything else stands on."""

    def __init__(self, engine: Engine, try_vault: Callable[[], object], clock: Clock) -> None:
        """``try_vault`` has the HSM do something; it raises what it likes when it cannot."""
        self._engine = engine
        self._try_vault = try_vault
        self._clock = clock

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

    def waiting(self) -> dict[str, Waiting]:
        """Return the due jobs by kind."""
        with reading(self._engine) as connection:
            found = jobs.waiting(connection, self._clock.now())
        return {kind: Waiting(due, attempts) for kind, (due, attempts) in found.items()}

    def last_done(self) -> dict[str, datetime]:
        """Return by kind for when the last job that is done was due."""
        with reading(self._engine) as connection:
            return jobs.last_done(connection)

    def _vault(self) -> bool:
        try:
            self._try_vault()
        except Exception as error:  # noqa: BLE001 - whatever a vendor's module raises, the answer is no
            Log("health").warning("vault_gone", error=type(error).__name__)
            return False
        return True
