"""State tables: one row per thing with its document, and what lists and scopes need beside it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache

from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Index,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from cmsdesk.domain.events import Document

metadata = MetaData()

things = Table(
    "things",
    metadata,
    Column("thing", String(32), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("body", String(64), nullable=False),
    Column("office", String(64)),
    Column("state", String(32)),
    Column("owner", String(64)),
    Column("about", String(64)),
    Column("document", Text, nullable=False),
    Index("things_by_body", "body", "thing", "state"),
    Index("things_by_owner", "thing", "owner"),
)
Index(
    "things_by_about",
    things.c.about,
    postgresql_where=things.c.about.is_not(None),
    sqlite_where=things.c.about.is_not(None),
)
"""``owner``: whom a thing is looked up by: a mandate's operator, a production's device,
an operator's codice fiscale, a request's or earlier issue's company (CCIAA + REA).
``about``: the thing whose data it holds more of: the request of a production, certificate, attachment,
payment or booking, what a problem is about."""

_LONGEST_ID = 64
_OWNER = {"mandate": "operator", "operator": "fiscal_code", "production": "device", "earlier_issue": "rea"}


_DOCUMENT = select(things.c.document).where(
    things.c.thing == bindparam("thing"), things.c.id == bindparam("id")
)
_DOCUMENTS = select(things.c.thing, things.c.id, things.c.document).where(
    # pairs in one list would be clearer, but SQLite reads the whole table for them
    things.c.thing.in_(bindparam("kinds", expanding=True)),
    things.c.id.in_(bindparam("ids", expanding=True)),
)
# Built once: for a look-up like this, building the statement costs as much as carrying it out.


class StoredThings:
    """`domain.events.View` inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document, or None."""
        found = self._connection.execute(_DOCUMENT, {"thing": thing, "id": identifier}).scalar_one_or_none()
        return None if found is None else json.loads(found)

    def get_all(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        """Return the documents of those of the keys (thing, id) that are there."""
        named = {"kinds": list({thing for thing, _ in keys}), "ids": list({one for _, one in keys})}
        rows = self._connection.execute(_DOCUMENTS, named)
        return {
            (thing, identifier): json.loads(document)
            for thing, identifier, document in rows
            if (thing, identifier) in keys
        }

    def put(self, changed: Mapping[tuple[str, str], Document]) -> None:
        """Store documents by (thing, id)."""
        rows = [
            {
                "thing": thing,
                "id": identifier,
                "body": document["body"],
                "office": document.get("office"),
                "state": document.get("state"),
                "owner": _owner(thing, document),
                "about": about_of(thing, document),
                "document": json.dumps(document, sort_keys=True, ensure_ascii=False),
            }
            for (thing, identifier), document in changed.items()
        ]
        if rows:
            self._connection.execute(_put(self._connection.dialect.name), rows)

    def of_owner(self, thing: str, owner: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things looked up by ``owner``, by id."""
        query = (
            select(things.c.id, things.c.document)
            .where(things.c.thing == thing, things.c.owner == owner)
            .order_by(things.c.id)
        )
        return [
            (identifier, json.loads(document)) for identifier, document in self._connection.execute(query)
        ]

    def about(self, identifier: str) -> list[tuple[tuple[str, str], Document]]:
        """Return ((thing, id), document) of the things that belong to one, in order."""
        query = (
            select(things.c.thing, things.c.id, things.c.document)
            .where(things.c.about == identifier)
            .order_by(things.c.thing, things.c.id)
        )
        return [((thing, name), json.loads(text)) for thing, name, text in self._connection.execute(query)]

    def of_body(self, thing: str, body: str) -> list[tuple[str, Document]]:
        """Return (id, document) of all of a body's things of one kind, by id."""
        query = (
            select(things.c.id, things.c.document)
            .where(things.c.body == body, things.c.thing == thing)
            .order_by(things.c.id)
        )
        return [
            (identifier, json.loads(document)) for identifier, document in self._connection.execute(query)
        ]

    def after(self, body: str, key: tuple[str, str], limit: int) -> list[tuple[tuple[str, str], Document]]:
        """Return ((thing, id), document) of a body's things behind a key, in order, at most ``limit``."""
        query = (
            select(things.c.thing, things.c.id, things.c.document)
            .where(tuple_(things.c.thing, things.c.id) > key, things.c.body == body)
            .order_by(things.c.thing, things.c.id)
            .limit(limit)
        )
        return [((thing, name), json.loads(text)) for thing, name, text in self._connection.execute(query)]

    def all_of(self, body: str) -> Iterator[tuple[tuple[str, str], Document]]:
        """Yield ((thing, id), document) of all that a body has."""
        query = select(things.c.thing, things.c.id, things.c.document).where(things.c.body == body)
        for thing, identifier, document in self._connection.execute(query):
            yield (thing, identifier), json.loads(document)

    def in_state(self, thing: str, body: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of a body's things of one kind and state, by id."""
        query = (
            select(things.c.id, things.c.document)
            .where(things.c.body == body, things.c.thing == thing, things.c.state == state)
            .order_by(things.c.id)
        )
        return [
            (identifier, json.loads(document)) for identifier, document in self._connection.execute(query)
        ]


def _owner(thing: str, document: Document) -> str | None:
    if thing == "request":
        company = document.get("company")
        return None if company is None else f"{company['rea_office']}-{company['rea_number']}"
    owner: str | None = document.get(_OWNER.get(thing, ""))
    return owner


def about_of(thing: str, document: Document) -> str | None:
    """Return what a thing holds more data of, by its document; None: it stands for itself."""
    if thing == "problem":
        found = document.get("about") or document.get("facts", {}).get("request")
    else:
        found = document.get("request")
    return found if isinstance(found, str) and len(found) <= _LONGEST_ID else None


@cache
def _put(dialect: str) -> Executable:
    """Return the statement that stores rows, over those that are there; built once."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(things)
    values = {name: insert.excluded[name] for name in ("office", "state", "owner", "about", "document")}
    return insert.on_conflict_do_update(index_elements=["thing", "id"], set_=values)
