"""A desk's encrypted file with as many invented registrations in its work list as asked for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlcipher3

from cmsdesk.base.secret import Secret
from cmsdesk.sync.list_rows import COLUMNS, ListRow, WorkList, key_of, schema, table_of, terms_of
from cmsdesk.sync.local_store import KEY_BYTES, connect
from cmsdesk.sync.search_terms import folded

KEY = bytes(range(KEY_BYTES))
FIRST_DAY = datetime(2023, 1, 2, 7, tzinfo=UTC)
DAYS = 1400
STATES = ("registered", "approved", "in_production", "produced", "delivered", "cancelled")
WEIGHTS = (2, 2, 1, 4, 88, 3)
OFFICES = tuple(f"uno-{number}" for number in range(1, 11))
OPERATORS = tuple(f"m-{number:02}" for number in range(1, 41))
SURNAMES = tuple(
    head + tail
    for head in ("Ross", "Bianc", "Ferr", "Espos", "Roman", "Colomb", "Ricc", "Marin", "Grec", "Brun")
    for tail in ("i", "ini", "oni", "etti", "ato", "ella", "ara", "uzzi", "asco", "enti")
)
NAMES = ("Marta", "Luca", "Giulia", "Hans", "Anna", "Paolo", "Chiara", "Dario", "Elena", "Franz")
_BATCH = 20_000
_TABLE = table_of(WorkList.REQUESTS)
_NAMES = ("row", *COLUMNS, "name_key")
# names of the list's own columns; values are bound
_ROW = f"INSERT INTO {_TABLE} ({', '.join(_NAMES)}) VALUES ({', '.join('?' for _ in _NAMES)})"  # noqa: S608
_TERMS = f"INSERT INTO {_TABLE}_terms (rowid, terms) VALUES (?, ?)"  # noqa: S608


def open_file(path: Path) -> sqlcipher3.Connection:
    """Open the desk's file as the desk does."""
    with Secret(KEY) as key:
        return connect(path, key)


def fill(database: sqlcipher3.Connection, number: int, *, texts: bool = True) -> None:
    """Put rows into the list of requests, and their texts into its search index; indexes come at the end."""
    database.execute("PRAGMA cache_size = -262144")
    database.execute("PRAGMA synchronous = OFF")
    database.executescript(schema())
    made = database.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (_TABLE,),
    ).fetchall()
    for name, _ in made:
        database.execute(f"DROP INDEX {name}")
    rows = _rows(number)
    while batch := [one for _, one in zip(range(_BATCH), rows, strict=False)]:
        database.execute("BEGIN")
        database.executemany(_ROW, [(key, *row.__dict__.values(), folded(row.name)) for key, row in batch])
        if texts:
            database.executemany(_TERMS, [(key, terms_of(row)) for key, row in batch])
        database.execute("COMMIT")
    for _, statement in made:
        database.execute(statement)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _rows(number: int) -> Iterator[tuple[int, ListRow]]:
    chance = random.Random(7)
    step = timedelta(days=DAYS) / number
    for at in range(number):
        created = FIRST_DAY + at * step
        surname, name = chance.choice(SURNAMES), chance.choice(NAMES)
        office = chance.randrange(len(OFFICES))
        row = ListRow(
            id=f"r-{at:08}",
            state=chance.choices(STATES, WEIGHTS)[0],
            office=OFFICES[office],
            operator=OPERATORS[office * 4 + chance.randrange(4)],
            created_at=created.isoformat(),
            name=f"{surname} {name}",
            fiscal_code=f"{surname[:3]}{name[:3]}{at % 1_000_000:06}A{at // 1_000_000:03}".upper(),
            serial=f"7430{at:012}",
            code=f"R-{created.year}-{at:07}",
            kind="smart_card",
        )
        yield key_of(created), row
