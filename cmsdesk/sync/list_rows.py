"""What the desk's work lists hold of each thing, and how rows are kept (PRO-1).

A row is keyed by its moment of creation, in milliseconds, so that «newest first», a period, and the
search index share one order and a list begins at once however long it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.events import Document
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import request_code
from cmsdesk.sync import search_terms
from cmsdesk.sync.certificate_facts import facts_of
from cmsdesk.sync.local_store import Database
from cmsdesk.sync.search_terms import folded

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
FILTERED = ("state", "office", "operator", "kind")
"""Columns whose values are terms of the search index (`search_terms`)."""


class WorkList(Enum):
    """The lists that screens show; the value names their table."""

    REQUESTS = "requests"
    DEVICES = "devices"
    HOLDERS = "holders"
    CERTIFICATES = "certificates"


@dataclass(frozen=True)
class ListRow:
    """One row of a list: codes and texts as the thing's document has them, empty where it has none."""

    id: str
    """Id of the thing; of a holder the codice fiscale."""
    state: str = ""
    office: str = ""
    operator: str = ""
    """Id of the mandate under which the thing was registered (`operator` of that mandate is the person)."""
    created_at: str = ""
    """ISO 8601, UTC."""
    name: str = ""
    """Surname and given name."""
    fiscal_code: str = ""
    serial: str = ""
    """Of the device, or of the certificate."""
    code: str = ""
    """The request's number, the device's lot, the device of a certificate."""
    kind: str = ""
    until: str = ""
    """Last day: of the device's certification, of the certificate's validity. ISO 8601."""
    pending: bool = False
    """As a command shows it that the service has not decided yet, or its CA not confirmed."""


COLUMNS = tuple(field.name for field in fields(ListRow))
_TOGETHER = (
    ("office", "state"),
    ("operator", "state"),
    ("operator", "office"),
    ("operator", "office", "state"),
)
"""Filters that are set together have an index each: its rows come in the order of creation, so that the
first of a long list are found without reading the rest."""
_ALONE = ("state", "office", "operator")
_INDEXED = (*_ALONE, "name_key", "fiscal_code", "serial", "code", "until")


def schema() -> str:
    """Return the statements that make the lists' tables."""
    made = []
    for work_list in WorkList:
        table = table_of(work_list)
        made.append(
            f"CREATE TABLE IF NOT EXISTS {table} (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
            " state TEXT NOT NULL, office TEXT NOT NULL, operator TEXT NOT NULL, created_at TEXT NOT NULL,"
            " name TEXT NOT NULL, fiscal_code TEXT NOT NULL, serial TEXT NOT NULL, code TEXT NOT NULL,"
            " kind TEXT NOT NULL, until TEXT NOT NULL, pending INTEGER NOT NULL, name_key TEXT NOT NULL)"
            " STRICT;"
        )
        made += [f"CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({name});" for name in _INDEXED]
        made += [
            f"CREATE INDEX IF NOT EXISTS {table}_{'_'.join(names)} ON {table} ({', '.join(names)});"
            for names in _together(work_list)
        ]
        made.append(
            f"CREATE TABLE IF NOT EXISTS {table}_late"
            " (row INTEGER PRIMARY KEY, created_at TEXT NOT NULL) STRICT;"
            f"CREATE INDEX IF NOT EXISTS {table}_pending ON {table} (pending) WHERE pending = 1;"
            f"DROP TABLE IF EXISTS {table}_text;"  # of file versions up to 5
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_terms USING fts5(terms, content='',"
            f' contentless_delete=1, detail=none, tokenize="{search_terms.TOKENIZER}");'
        )
    return "\n".join(made)


def _together(work_list: WorkList) -> tuple[tuple[str, ...], ...]:
    return _TOGETHER if work_list is WorkList.REQUESTS else ()


def index_of(work_list: WorkList, columns: Collection[str]) -> str | None:
    """Return the index that has the rows with one value in each column in order; None: there is none."""
    made = (*((name,) for name in _ALONE), *_together(work_list))
    found = next((names for names in made if set(names) == set(columns)), None)
    return None if found is None else f"{table_of(work_list)}_{'_'.join(found)}"


def table_of(work_list: WorkList) -> str:
    """Return the name of a list's table.

    That of its search index ends in ``_terms``; that of the rows whose key is not their moment's, because
    others of the same moment had it, in ``_late``.
    """
    return f"list_{work_list.value}"


def key_of(at: datetime) -> int:
    """Return the row key of a moment: milliseconds since 2000."""
    return int((at - _BEGINNING).total_seconds() * 1000)


def row_of(thing: str, identifier: str, document: Document) -> tuple[WorkList, ListRow] | None:
    """Return the list that shows a thing and its row there; None for things that no list shows."""
    make = _ROWS.get(thing)
    return None if make is None else make(identifier, document)


class ListWriter:
    """Keeps the lists' rows, inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._last: dict[str, tuple[int, int]] = {}
        """Of each table: the moment that was asked for last and the key that was given. A supply has
        thousands of one moment, and to look for the end of their keys each time takes long."""

    def put(
        self, thing: str, identifier: str, document: Document, at: str = "", *, pending: bool = False
    ) -> None:
        """Store the row of a thing as its document is now.

        ``at`` is the moment of the event, ISO 8601: the row's, unless the document or an earlier
        event says when the thing was created.
        """
        if thing == "production":
            self._put_certificates(identifier, document, at)
        elif thing == "certificate":
            self._put_status(identifier, document, pending=pending)
        found = row_of(thing, identifier, document)
        if found is None:
            return
        work_list, row = found
        old = self._row(work_list, row.id)
        created = row.created_at or (old[1].created_at if old else at)
        row = replace(row, created_at=created, pending=pending)
        self._store(work_list, row, old)
        if work_list is WorkList.REQUESTS:
            if old is not None and old[1].fiscal_code != row.fiscal_code:
                self._holder_left(old[1].fiscal_code)
            self._holder_seen(row)

    def remove(self, thing: str, identifier: str) -> None:
        """Take a thing's row away."""
        if thing == "production":
            self._put_certificates(identifier, {}, "")
        elif thing == "certificate":
            self._put_status(identifier, {}, pending=False)
        found = _LISTS.get(thing)
        old = None if found is None else self._row(found, identifier)
        if found is None or old is None:
            return
        self._delete(found, old[0])
        if found is WorkList.REQUESTS:
            self._holder_left(old[1].fiscal_code)

    def clear(self) -> None:
        """Empty all lists."""
        for work_list in WorkList:
            table = table_of(work_list)
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of this module
            self._db.execute(f"DELETE FROM {table}_late")  # noqa: S608 - a name of this module
            self._forget_terms(table)

    def index_again(self) -> None:
        """Make the search index of every list anew from its rows."""
        names = ", ".join(COLUMNS)
        for work_list in WorkList:
            table = table_of(work_list)
            self._forget_terms(table)
            rows = self._db.execute(f"SELECT row, {names} FROM {table}")  # noqa: S608 - names of this module
            for key, *values in rows.fetchall():
                self._index(table, key, read_row(tuple(values)))

    # --- inside --------------------------------------------------------------------------------

    def _forget_terms(self, table: str) -> None:
        """Empty a search index, in FTS5's own way: a command is an insertion into its hidden column."""
        self._db.execute(f"INSERT INTO {table}_terms ({table}_terms) VALUES ('delete-all')")  # noqa: S608 - ours

    def _put_certificates(self, production: str, document: Document, at: str) -> None:
        """Store a row for each certificate of an issued production; of any other there is none."""
        issued = document.get("state") == ProductionState.ISSUED.value
        certificates = document.get("certificates") or {} if issued else {}
        for slot in Slot:
            identifier = f"{production}-{slot.value}"
            old = self._row(WorkList.CERTIFICATES, identifier)
            facts = facts_of(certificates.get(slot.value, ""))
            if facts is None:
                if old is not None:
                    self._delete(WorkList.CERTIFICATES, old[0])
                continue
            request = self._row(WorkList.REQUESTS, _text(document, "request"))
            holder = ListRow("") if request is None else request[1]
            state, pending = (old[1].state, old[1].pending) if old else self._kept_status(identifier)
            row = ListRow(
                id=identifier,
                state=state,
                pending=pending,
                office=_text(document, "office"),
                created_at=old[1].created_at if old else at,
                name=holder.name,
                fiscal_code=holder.fiscal_code,
                serial=facts.serial,
                code=_text(document, "device"),
                kind=slot.value,
                until=facts.until,
            )
            self._store(WorkList.CERTIFICATES, row, old)

    def _put_status(self, identifier: str, document: Document, *, pending: bool) -> None:
        """Show a certificate's status: the one it is to have, and that it has not got it yet."""
        old = self._row(WorkList.CERTIFICATES, identifier)
        if old is None:  # a mandate that sees no productions
            return
        state, waits = _status(document)
        self._store(WorkList.CERTIFICATES, replace(old[1], state=state, pending=pending or waits), old)

    def _kept_status(self, identifier: str) -> tuple[str, bool]:
        query = "SELECT document FROM things WHERE thing = 'certificate' AND id = ?"
        found = self._db.execute(query, (identifier,)).fetchone()
        return ("", False) if found is None else _status(json.loads(found[0]))

    def _holder_seen(self, request: ListRow) -> None:
        if not request.fiscal_code:
            return
        old = self._row(WorkList.HOLDERS, request.fiscal_code)
        first = request.created_at if old is None else min(old[1].created_at, request.created_at)
        row = ListRow(
            id=request.fiscal_code,
            office=request.office,
            created_at=first,
            name=request.name,
            fiscal_code=request.fiscal_code,
            serial=request.serial or (old[1].serial if old else ""),
            pending=request.pending and (old is None or old[1].pending),
        )
        self._store(WorkList.HOLDERS, row, old)

    def _holder_left(self, fiscal_code: str) -> None:
        """Take a holder away whose last request is gone or says another name."""
        table = table_of(WorkList.REQUESTS)
        query = f"SELECT 1 FROM {table} WHERE fiscal_code = ? LIMIT 1"  # noqa: S608 - a name of this module
        old = self._row(WorkList.HOLDERS, fiscal_code)
        if old is not None and self._db.execute(query, (fiscal_code,)).fetchone() is None:
            self._delete(WorkList.HOLDERS, old[0])

    def _row(self, work_list: WorkList, identifier: str) -> tuple[int, ListRow] | None:
        query = f"SELECT row, {', '.join(COLUMNS)} FROM {table_of(work_list)} WHERE id = ?"  # noqa: S608
        found = self._db.execute(query, (identifier,)).fetchone()
        return None if found is None else (found[0], read_row(found[1:]))

    def _store(self, work_list: WorkList, row: ListRow, old: tuple[int, ListRow] | None) -> None:
        table = table_of(work_list)
        if old is not None and old[1] == row:
            return
        if old is not None and old[1].created_at == row.created_at:
            sets = ", ".join(f"{name} = ?" for name in (*COLUMNS, "name_key"))
            self._db.execute(
                f"UPDATE {table} SET {sets} WHERE row = ?",  # noqa: S608 - names of this module
                (*_values(row), folded(row.name), old[0]),
            )
            if terms_of(old[1]) != terms_of(row):
                self._db.execute(f"DELETE FROM {table}_terms WHERE rowid = ?", (old[0],))  # noqa: S608
                self._index(table, old[0], row)
            return
        if old is not None:
            self._delete(work_list, old[0])
        key = self._free_key(table, row.created_at)
        marks = ", ".join("?" for _ in (*COLUMNS, "row", "name_key"))
        self._db.execute(
            f"INSERT INTO {table} (row, {', '.join(COLUMNS)}, name_key) VALUES ({marks})",  # noqa: S608
            (key, *_values(row), folded(row.name)),
        )
        if key != key_of(_moment(row.created_at)):
            self._db.execute(f"INSERT INTO {table}_late VALUES (?, ?)", (key, row.created_at))  # noqa: S608
        self._index(table, key, row)

    def _index(self, table: str, key: int, row: ListRow) -> None:
        self._db.execute(
            f"INSERT INTO {table}_terms (rowid, terms) VALUES (?, ?)",  # noqa: S608 - a name of this module
            (key, terms_of(row)),
        )

    def _delete(self, work_list: WorkList, key: int) -> None:
        table = table_of(work_list)
        self._db.execute(f"DELETE FROM {table} WHERE row = ?", (key,))  # noqa: S608
        self._db.execute(f"DELETE FROM {table}_late WHERE row = ?", (key,))  # noqa: S608
        self._db.execute(f"DELETE FROM {table}_terms WHERE rowid = ?", (key,))  # noqa: S608

    def _free_key(self, table: str, created_at: str) -> int:
        """Return a free key at a moment, or behind the last one of that moment; in the order of asking."""
        key = key_of(_moment(created_at))
        moment, last = self._last.get(table, (-1, 0))
        free = self._free_from(table, last + 1 if moment == key else key)
        self._last[table] = key, free
        return free

    def _free_from(self, table: str, key: int) -> int:
        taken = self._db.execute(f"SELECT 1 FROM {table} WHERE row = ?", (key,)).fetchone()  # noqa: S608
        if taken is None:
            return key
        query = (
            f"SELECT row + 1 FROM {table} AS one WHERE row >= ? AND NOT EXISTS"  # noqa: S608
            f" (SELECT 1 FROM {table} AS next WHERE next.row = one.row + 1) ORDER BY row LIMIT 1"
        )
        return int(self._db.execute(query, (key,)).fetchone()[0])


def read_row(values: tuple[Any, ...]) -> ListRow:
    """Return the row of a list's `COLUMNS`."""
    return ListRow(**dict(zip(COLUMNS, (*values[:-1], bool(values[-1])), strict=True)))


def _values(row: ListRow) -> tuple[object, ...]:
    *texts, pending = astuple(row)
    return (*texts, int(pending))


def terms_of(row: ListRow) -> str:
    """Return a row's terms in its list's search index."""
    values = {column: str(getattr(row, column)) for column in FILTERED}
    return search_terms.terms((row.name, row.fiscal_code, row.serial, row.code), values)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return _BEGINNING
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


# --- one kind of thing each --------------------------------------------------------------------


def _request(identifier: str, document: Document) -> tuple[WorkList, ListRow]:
    holder = document.get("holder") or {}
    row = ListRow(
        id=identifier,
        state=_text(document, "state"),
        office=_text(document, "office"),
        operator=_text(document, "registered_by"),
        created_at=_text(document, "created_at"),
        name=f"{holder.get('surname', '')} {holder.get('given_name', '')}".strip(),
        fiscal_code=str(holder.get("fiscal_code", "")),
        serial=_text(document, "device"),
        code=request_code(identifier),
        kind=_text(document, "device_kind"),
    )
    return WorkList.REQUESTS, row


def _device(identifier: str, document: Document) -> tuple[WorkList, ListRow]:
    row = ListRow(
        id=identifier,
        state=_text(document, "state"),
        office=_text(document, "office"),
        created_at=_text(document, "created_at"),
        serial=identifier,
        code=_text(document, "lot"),
        kind=_text(document, "kind"),
        until=_text(document, "certified_until"),
    )
    return WorkList.DEVICES, row


def _status(document: Document) -> tuple[str, bool]:
    """Return a certificate's status as it is shown, and whether its CA has not confirmed it yet."""
    return _text(document, "wanted") or _text(document, "state"), "wanted" in document


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    return "" if value is None else str(value)


_Maker = Callable[[str, Document], tuple[WorkList, ListRow]]
_ROWS: Mapping[str, _Maker] = {"request": _request, "device": _device}
_LISTS: Mapping[str, WorkList] = {
    "request": WorkList.REQUESTS,
    "device": WorkList.DEVICES,
}
