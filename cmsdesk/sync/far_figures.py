"""Figures per office over HTTPS: the service counts, the desk shows (ORG-6)."""

from __future__ import annotations

from datetime import date
from typing import Any

from cmsdesk.domain.figures import Grain, OfficeFigures
from cmsdesk.sync.http import Connection


class FarFigures:
    """`operations.administration.Figures` under the mandate that the connection works under."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def figures(self, first: date, last: date, grain: Grain) -> list[OfficeFigures]:
        """Return what happened from ``first`` to ``last``, by office and part.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        query = {"first": first.isoformat(), "last": last.isoformat(), "grain": grain.value}
        found: list[dict[str, Any]] = self._connection.call("GET", "/figures", query=query)
        return [OfficeFigures(**{**one, "begins": date.fromisoformat(one["begins"])}) for one in found]
