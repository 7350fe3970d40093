"""One command of a body at a time."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from cmsdesk.backend.journal.errors import UnknownJournal
from cmsdesk.backend.journal.tables import BODIES

_TURN = select(BODIES.c.body).where(BODIES.c.body == bindparam("body")).with_for_update()


def take_turn(connection: Connection, body: str) -> None:
    """Wait until no other transaction is deciding for ``body``, and hold the others off until commit.

    Taken before anything is read, so that decisions see all that was decided before them and no two
    transactions wait for one another. SQLite has one writer anyway.

    Raises:
        UnknownJournal: there is no such body.
    """
    if connection.execute(_TURN, {"body": body}).scalar_one_or_none() is None:
        raise UnknownJournal(body=body)
