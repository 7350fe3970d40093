"""The service's table of municipalities, in a file beside the desk's; it counts from the next sign-in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import Log
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.http import Connection


class FarMunicipalities:
    """Asks once in a session; the table is public and changes seldom."""

    def __init__(self, connection: Connection, file: Path, check: Callable[[bytes], object]) -> None:
        """``check`` raises for what is no table: it is not kept."""
        self._connection, self._file, self._check = connection, file, check
        self._asked = False

    def renew(self) -> None:
        """Fetch the table where the service has another one; forget it where the service has none.

        A table that is wrong, or a service that knows of none, hinders nobody's work.

        Raises:
            ServiceUnreachable.
        """
        if self._asked:
            return
        try:
            self._renew()
        except ServiceUnreachable:
            raise
        except Mendable as error:
            Log("municipalities").warning("not_renewed", code=error.code)
        self._asked = True

    def _renew(self) -> None:
        known = hashlib.sha256(self._file.read_bytes()).hexdigest() if self._file.exists() else ""
        answer: dict[str, Any] = self._connection.call(
            "GET", "/look-ups/municipalities", query={"known": known}
        )
        content = base64.b64decode(answer["content"])
        if content:
            self._check(content)
            draft = self._file.with_name(self._file.name + ".new")
            draft.write_bytes(content)
            draft.replace(self._file)
        elif not answer["sha256"]:
            self._file.unlink(missing_ok=True)
