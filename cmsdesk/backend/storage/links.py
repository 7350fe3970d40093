"""Table of the links that came in: what desks did without the service, in the order of their chains."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Integer, String, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.backend.storage.things import metadata
from cmsdesk.domain.voucher import Kept, Neighbours

_links = Table(
    "voucher_links",
    metadata,
    Column("voucher", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("at", String(40), nullable=False),
)


def neighbours(connection: Connection, voucher: str, number: int) -> Neighbours:
    """Return what is known of a voucher's chain around a place."""
    query = select(_links.c.number, _links.c.digest, _links.c.previous, _links.c.at).where(
        _links.c.voucher == voucher, _links.c.number.between(number - 1, number + 1)
    )
    found = {
        row.number - number: Kept(row.digest, row.previous, datetime.fromisoformat(row.at))
        for row in connection.execute(query)
    }
    return Neighbours(found.get(-1), found.get(0), found.get(1))


def is_whole(connection: Connection, voucher: str, number: int) -> bool:
    """Tell whether all links of a voucher before the ``number``-th have come in."""
    query = select(func.count()).where(_links.c.voucher == voucher, _links.c.number.between(1, number - 1))
    return connection.execute(query).scalar_one() == number - 1


def add_link(connection: Connection, voucher: str, number: int, link: Kept) -> None:
    """Store a link; of two in one place the first stays."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "voucher": voucher,
        "number": number,
        "digest": link.digest,
        "previous": link.previous,
        "at": link.at.isoformat(),
    }
    connection.execute(make(_links).values(row).on_conflict_do_nothing())


def forget_links(connection: Connection, before: datetime) -> None:
    """Delete the links that were given before: their desks have handed everything over long since."""
    connection.execute(delete(_links).where(_links.c.at < before.isoformat()))
