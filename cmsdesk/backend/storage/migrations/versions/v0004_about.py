"""What a thing holds more data of: what belongs to a request is found, and erased, with it."""

from __future__ import annotations

import json

from alembic import op
from sqlalchemy import Column, MetaData, String, Table, Text, bindparam, select, update

revision = "0004"
down_revision = "0003"

_THINGS = Table(
    "things",
    MetaData(),
    Column("thing", String(32), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("about", String(64)),
    Column("document", Text, nullable=False),
)
_WITH_REQUEST = ("production", "attachment", "payment", "booking", "certificate")
_PAGE = 500


def upgrade() -> None:
    """Make the column and fill it."""
    op.add_column("things", Column("about", String(64)))
    connection = op.get_bind()
    fill = (
        update(_THINGS)
        .where(_THINGS.c.thing == bindparam("of"), _THINGS.c.id == bindparam("named"))
        .values(about=bindparam("whose"))
    )
    for thing in (*_WITH_REQUEST, "problem"):
        after = ""
        while True:
            query = select(_THINGS.c.id, _THINGS.c.document).where(
                _THINGS.c.thing == thing, _THINGS.c.id > after
            )
            page = connection.execute(query.order_by(_THINGS.c.id).limit(_PAGE)).all()
            rows = [{"of": thing, "named": row.id, "whose": _about(thing, row.document)} for row in page]
            if rows:
                connection.execute(fill, rows)
            if len(page) < _PAGE:
                break
            after = page[-1].id
    filled = _THINGS.c.about.is_not(None)
    op.create_index("things_by_about", "things", ["about"], postgresql_where=filled, sqlite_where=filled)


def _about(thing: str, text: str) -> str | None:
    document = json.loads(text)
    if thing == "problem":
        found = document.get("about") or document.get("facts", {}).get("request")
    else:
        found = document.get("request")
    return found if isinstance(found, str) and len(found) <= 64 else None
