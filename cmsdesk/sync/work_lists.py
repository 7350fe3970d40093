"""Reading the desk's work lists: search, filters in any combination, sorting, saved filters (PRO-1).

A screen asks for the row keys of a query (first a few, then all of them, in a reader's thread) and
for the rows themselves a page at a time.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Self

from cmsdesk.domain.events import Document
from cmsdesk.sync import search_terms
from cmsdesk.sync.list_rows import (
    COLUMNS,
    FILTERED,
    ListRow,
    WorkList,
    index_of,
    key_of,
    read_row,
    schema,
    table_of,
)
from cmsdesk.sync.local_store import Database

PAGE = 100
FIRST = 200
"""Keys that a screen asks for before it asks for all."""
_AT_ONCE = 1000
"""Keys read between two questions whether they are still wanted."""
# keys of rows created in one burst run ahead of their moments by at most this
_BURST = timedelta(days=1)

_SAVED = """
CREATE TABLE IF NOT EXISTS saved_filters (
    name TEXT PRIMARY KEY, list TEXT NOT NULL, query TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_LISTED = "(SELECT value FROM json_each(?))"
_SHOWN = (
    "SELECT id, document FROM overlay WHERE thing = ?1"
    " UNION ALL SELECT id, document FROM things AS t WHERE thing = ?1"
    " AND NOT EXISTS (SELECT 1 FROM overlay AS o WHERE o.thing = t.thing AND o.id = t.id)"
)
"""Things of one kind with the pending commands' effects."""


class Sort(Enum):
    """What a list is sorted by; the value is the column, ``row`` the moment of creation."""

    CREATED = "row"
    NAME = "name_key"
    STATE = "state"
    OFFICE = "office"
    OPERATOR = "operator"
    FISCAL_CODE = "fiscal_code"
    SERIAL = "serial"
    CODE = "code"
    UNTIL = "until"


@dataclass(frozen=True)
class ListQuery:
    """What a list shows: every filter that is set must hold; of each set, one of the values."""

    list: WorkList
    contains: str = ""
    """Beginnings of words of name, codice fiscale, serial or code, or a number's last digits: all of them."""
    states: frozenset[str] = frozenset()
    offices: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    created_from: datetime | None = None
    created_before: datetime | None = None
    until_from: str = ""
    until_before: str = ""
    """Days, ISO 8601: of certificates that expire, of devices whose certification ends."""
    within_days: int = 0
    """Of a saved filter: the last so many days on the day it is used, in place of ``created_from``."""
    only_pending: bool = False
    sort: Sort = Sort.CREATED
    descending: bool = True

    @property
    def filtered(self) -> bool:
        """Tell whether anything is left out of the list."""
        return replace(self, sort=Sort.CREATED, descending=True) != ListQuery(self.list)

    def to_json(self) -> str:
        """Return the query as JSON."""
        values = {name: _plain(value) for name, value in self.__dict__.items()}
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the query that `to_json` wrote.

        Raises:
            ValueError: it is none.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            values["list"], values["sort"] = WorkList(values["list"]), Sort(values["sort"])
            for name in ("states", "offices", "operators", "kinds"):
                values[name] = frozenset(values[name])
            for name in ("created_from", "created_before"):
                values[name] = values[name] and datetime.fromisoformat(values[name])
            return cls(**values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not a saved query") from error


@dataclass(frozen=True)
class SavedFilter:
    """A query with the name that a person gave it."""

    name: str
    query: ListQuery


class WorkLists:
    """The lists in the desk's encrypted file.

    Best with a connection of its own (`local_store.connect_to_read`), so that reading waits for no
    writer; saving filters needs one that may write.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def keys(
        self, query: ListQuery, limit: int | None = None, wanted: Callable[[], bool] = lambda: True
    ) -> array[int]:
        """Return the row keys of a query in its order: all, or the first ``limit``.

        ``wanted`` is asked now and then; once it says no, what was found so far is returned.
        """
        table = table_of(query.list)
        direction = "DESC" if query.descending else "ASC"
        where, values = _conditions(query)
        source, key = f"{table} AS r{_by_index(query)}", "r.row"
        if query.contains.strip():
            asked = search_terms.match(query.contains, _chosen(query))
            if asked is None:
                return array("q")
            # the index gives its rows in the order of keys: nothing is sorted, nothing read twice
            key, reads_rows = "t.rowid", bool(where) or query.sort is not Sort.CREATED
            beside = f" CROSS JOIN {table} AS r ON r.row = t.rowid" if reads_rows else ""
            source = f"{table}_terms AS t{beside}"
            where, values = [f"{table}_terms MATCH ?", *where], [asked, *values]
        else:
            for column, chosen in _chosen(query).items():
                if chosen:
                    where.append(f"r.{column} IN ({', '.join('?' for _ in chosen)})")
                    values.extend(chosen)
        for condition, bound in self._period(query):
            where.append(condition.replace("r.row ", f"{key} "))
            values.extend(bound)
        order = f"{key} {direction}"
        if query.sort is not Sort.CREATED:
            order = f"r.{query.sort.value} {direction}, {order}"
        sql = f"SELECT {key} FROM {source}"  # noqa: S608 - names of this module; values are bound
        if where:
            sql += " WHERE " + " AND ".join(where)
        values.append(-1 if limit is None else limit)
        cursor = self._db.execute(f"{sql} ORDER BY {order} LIMIT ?", values)
        keys: array[int] = array("q")
        while wanted() and (some := cursor.fetchmany(_AT_ONCE)):
            keys.extend(row[0] for row in some)
        return keys

    def _period(self, query: ListQuery) -> Iterator[tuple[str, Sequence[object]]]:
        """Yield the conditions of a period: about keys alone, so that rows need not be read for them."""
        if query.created_from is not None:
            first, strays = self._edge(query.list, query.created_from)
            yield "r.row >= ?", (first,)
            if strays:
                yield f"r.row NOT IN {_LISTED}", (json.dumps(strays),)
        if query.created_before is not None:
            end, strays = self._edge(query.list, query.created_before)
            if strays:
                between = f"(r.row < ? OR r.row IN {_LISTED})"
                yield f"r.row <= ? AND {between}", (max(strays), end, json.dumps(strays))
            else:
                yield "r.row < ?", (end,)

    def _edge(self, work_list: WorkList, at: datetime) -> tuple[int, list[int]]:
        """Return a moment's key, and the keys from there on whose rows were created before all the same."""
        table, key, moment = table_of(work_list), key_of(at), at.astimezone(UTC).isoformat()
        sql = (
            f"SELECT row FROM {table}_late WHERE row >= ?1 AND row < ?2 AND created_at < ?3"  # noqa: S608
            f" UNION SELECT row FROM {table} WHERE row = ?1 AND created_at < ?3"
        )
        return key, [row for (row,) in self._db.execute(sql, (key, key_of(at + _BURST), moment))]

    def rows(self, work_list: WorkList, keys: Sequence[int]) -> list[ListRow | None]:
        """Return the rows of keys, in their order; None where one is gone since."""
        marks = ", ".join("?" for _ in keys)
        names = ", ".join(COLUMNS)
        sql = f"SELECT row, {names} FROM {table_of(work_list)} WHERE row IN ({marks})"  # noqa: S608
        found = {row[0]: read_row(row[1:]) for row in self._db.execute(sql, tuple(keys))}
        return [found.get(key) for key in keys]

    def key_of(self, work_list: WorkList, identifier: str) -> int | None:
        """Return the key of a thing's row: to find the selected row again after a change."""
        sql = f"SELECT row FROM {table_of(work_list)} WHERE id = ?"  # noqa: S608 - a name of this module
        found = self._db.execute(sql, (identifier,)).fetchone()
        return None if found is None else int(found[0])

    def values(self, work_list: WorkList, column: Sort) -> list[str]:
        """Return the different values of a column that is filtered by (states, offices, operators)."""
        if column not in (Sort.STATE, Sort.OFFICE, Sort.OPERATOR):
            raise ValueError("only few values are listed")
        table, name = table_of(work_list), column.value
        # one step of the index for each value, however many rows have it
        sql = (
            f"WITH RECURSIVE v(x) AS (SELECT min({name}) FROM {table} UNION ALL"  # noqa: S608
            f" SELECT (SELECT min({name}) FROM {table} WHERE {name} > v.x) FROM v WHERE v.x IS NOT NULL)"
            " SELECT x FROM v WHERE x <> ''"
        )
        return [value for (value,) in self._db.execute(sql)]

    def things(self, thing: str) -> list[tuple[str, Document]]:
        """Return (id, document) of all things of one kind as screens show them, by id.

        For kinds of which a body has hundreds (offices, operators, mandates).
        """
        rows = self._db.execute(f"{_SHOWN} ORDER BY id", (thing,)).fetchall()
        return [(identifier, json.loads(document)) for identifier, document in rows]

    def tally(self, thing: str, *names: str) -> dict[tuple[str, ...], int]:
        """Return how many things of one kind have each combination of values, as screens show them.

        ``names``: of values of the document; what it has not is the empty text.
        """
        columns = ", ".join(f"coalesce(document ->> ?{at}, '')" for at, _ in enumerate(names, 2))
        places = ", ".join(str(at) for at, _ in enumerate(names, 1))
        sql = f"SELECT {columns}, count(*) FROM ({_SHOWN}) GROUP BY {places}"  # noqa: S608 - places alone
        return {tuple(row[:-1]): int(row[-1]) for row in self._db.execute(sql, (thing, *names))}

    def ids(self, thing: str, wanted: Mapping[str, str | None], order: str, limit: int) -> list[str]:
        """Return ids of things of one kind whose documents have these values (None: none), in an order.

        ``order``: name of the value that comes before the id.
        """
        conditions = " AND ".join(
            f"document ->> ?{2 * at} IS ?{2 * at + 1}" for at in range(1, len(wanted) + 1)
        )
        last = 2 * len(wanted) + 2
        sql = (
            f"SELECT id FROM ({_SHOWN}) WHERE {conditions}"  # noqa: S608 - places alone; values are bound
            f" ORDER BY document ->> ?{last}, id LIMIT ?{last + 1}"
        )
        bound = [part for pair in wanted.items() for part in pair]
        return [str(row[0]) for row in self._db.execute(sql, (thing, *bound, order, limit))]

    def changes(self) -> int:
        """Return a number that grows when another connection has written: whether to read again."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    # --- saved filters -------------------------------------------------------------------------

    def save(self, name: str, query: ListQuery) -> None:
        """Keep a query under a name; one of the same name is replaced."""
        self._db.execute(
            "INSERT OR REPLACE INTO saved_filters VALUES (?, ?, ?)", (name, query.list.value, query.to_json())
        )

    def forget(self, name: str) -> None:
        """Forget a saved query."""
        self._db.execute("DELETE FROM saved_filters WHERE name = ?", (name,))

    def saved(self, work_list: WorkList) -> list[SavedFilter]:
        """Return a list's saved queries by name."""
        sql = "SELECT name, query FROM saved_filters WHERE list = ? ORDER BY name"
        found = self._db.execute(sql, (work_list.value,)).fetchall()
        return [SavedFilter(name, ListQuery.from_json(text)) for name, text in found]


def create_lists(database: Database) -> None:
    """Make the lists' tables that are not there."""
    database.executescript(schema() + _SAVED)


def _conditions(query: ListQuery) -> tuple[list[str], list[object]]:
    where: list[str] = []
    values: list[object] = []

    def add(condition: str, *bound: object) -> None:
        where.append(condition)
        values.extend(bound)

    if query.until_from:
        add("r.until >= ?", query.until_from)
    if query.until_before:
        add("r.until <> '' AND r.until < ?", query.until_before)
    if query.only_pending:
        add("r.pending = 1")
    return where, values


def _by_index(query: ListQuery) -> str:
    """Return what has SQLite use the index of the filters that are set together.

    Left to itself it takes, for a period, an index of one of them and reads most of its rows.
    """
    if query.contains or query.only_pending or query.until_from or query.until_before:
        return ""
    if query.sort is not Sort.CREATED:
        return ""
    filters = {"state": query.states, "office": query.offices, "operator": query.operators}
    index = index_of(query.list, [name for name, wanted in filters.items() if len(wanted) == 1])
    return "" if index is None else f" INDEXED BY {index}"


def _chosen(query: ListQuery) -> Mapping[str, Sequence[str]]:
    """Return the values that are filtered by, by column."""
    sets = (query.states, query.offices, query.operators, query.kinds)
    return {column: sorted(wanted) for column, wanted in zip(FILTERED, sets, strict=True)}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else value
