"""Tampering with the rows themselves, in both databases, as their administrator can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Table, delete, insert, null, select, text, update

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.errors import UnknownJournal
from cmsdesk.backend.journal.findings import Kind
from cmsdesk.backend.journal.heads import Keys, sign_head
from cmsdesk.backend.journal.store import append, open_body
from cmsdesk.backend.journal.tables import BODIES, HEADS, LEAVES, METADATA, NODES, PERSONAL
from tests.backend.journal.world import BODY, START, SoftwareSigner, act, drafts, sqlite_engine

TABLES = (BODIES, LEAVES, PERSONAL, NODES, HEADS)
# what a head is filed under is no evidence: the signed bytes say it again
FILED_UNDER = {(HEADS.name, "epoch"), (HEADS.name, "size"), (HEADS.name, "timestamp_token")}


@pytest.fixture
def desk(connection: Connection, signer: SoftwareSigner) -> Evidence:
    """A journal of two tiles, and its head as a desk keeps it."""
    append(connection, BODY, drafts(0, 200))
    sign_head(connection, BODY, signer, START)
    append(connection, BODY, drafts(200, 260))
    return Evidence.of_head(sign_head(connection, BODY, signer, act(300).at), "desk")


def columns() -> list[Any]:
    return [
        pytest.param(table, column, id=f"{table.name}.{column.name}")
        for table in TABLES
        for column in table.columns
        if column.name != "body" and (table.name, column.name) not in FILED_UNDER
    ]


def other(value: Any) -> Any:
    if value is None:
        return "x"
    if isinstance(value, int):
        return value + 500
    return value + (b"x" if isinstance(value, bytes) else "x")


def test_an_untouched_database_is_sound(connection: Connection, keys: Keys, desk: Evidence) -> None:
    report = check(DatabaseSource(connection, BODY), keys, [desk])
    assert report.findings == []
    assert report.covered == report.entries == 286


@pytest.mark.parametrize(("table", "column"), columns())
def test_an_edit_of_any_column_is_found(
    connection: Connection, keys: Keys, desk: Evidence, table: Table, column: Column[Any]
) -> None:
    rows = connection.execute(select(table)).all()
    for row in (rows[0], rows[len(rows) // 2], rows[-1]):
        changed = other(row._mapping[column.name])
        if column.name == "commitment" and not isinstance(changed, bytes):
            changed = b"x"
        place = [key == row._mapping[key.name] for key in table.primary_key.columns]
        with connection.begin_nested() as tampering:
            done = connection.execute(update(table).where(*place).values({column.name: changed}))
            assert done.rowcount == 1
            assert not check(DatabaseSource(connection, BODY), keys, [desk]).sound
            tampering.rollback()
    assert check(DatabaseSource(connection, BODY), keys, [desk]).sound


@pytest.mark.parametrize("column", [c for c in LEAVES.columns if c.nullable], ids=str)
def test_a_column_set_to_null_is_found(
    connection: Connection, keys: Keys, desk: Evidence, column: Column[Any]
) -> None:
    connection.execute(update(LEAVES).where(column.is_not(None)).values({column.name: null()}))
    assert not check(DatabaseSource(connection, BODY), keys, [desk]).sound


@pytest.mark.parametrize("table", [LEAVES, PERSONAL, NODES], ids=str)
def test_a_row_taken_away_is_found(connection: Connection, keys: Keys, desk: Evidence, table: Table) -> None:
    rows = connection.execute(select(table)).all()
    for row in rows[::29]:
        place = [key == row._mapping[key.name] for key in table.primary_key.columns]
        with connection.begin_nested() as tampering:
            connection.execute(delete(table).where(*place))
            assert not check(DatabaseSource(connection, BODY), keys).sound
            tampering.rollback()


def test_rows_that_belong_to_nothing_are_found(connection: Connection, keys: Keys, desk: Evidence) -> None:
    stray = {"body": BODY, "leaf_index": 5_000, "salt": bytes(32), "personal": b"{}"}
    connection.execute(insert(PERSONAL).values(stray))
    report = check(DatabaseSource(connection, BODY), keys, [desk])
    assert [(found.kind, found.first, found.detail) for found in report.findings] == [
        (Kind.STRAY, 5_000, "journal_personal")
    ]


def test_personal_data_given_to_an_entry_that_had_none_are_found(
    connection: Connection, keys: Keys, desk: Evidence
) -> None:
    [index] = connection.execute(
        select(LEAVES.c.leaf_index).where(LEAVES.c.commitment.is_(None)).limit(1)
    ).scalars()
    connection.execute(insert(PERSONAL).values(body=BODY, leaf_index=index, salt=bytes(32), personal=b"{}"))
    report = check(DatabaseSource(connection, BODY), keys, [desk])
    assert [(found.kind, found.first) for found in report.findings] == [(Kind.PERSONAL_EDITED, index)]


def test_a_number_used_twice_is_found_though_the_key_was_dropped(
    connection: Connection, keys: Keys, desk: Evidence
) -> None:
    """An administrator can drop the primary key and insert a second entry 7."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE journal_leaves DROP CONSTRAINT journal_leaves_pkey"))
    else:
        connection.execute(text("CREATE TABLE loose AS SELECT * FROM journal_leaves"))
        connection.execute(text("DROP TABLE journal_leaves"))
        connection.execute(text("ALTER TABLE loose RENAME TO journal_leaves"))
    connection.execute(text("DROP INDEX IF EXISTS journal_leaves_by_command"))
    connection.execute(text("INSERT INTO journal_leaves SELECT * FROM journal_leaves WHERE leaf_index = 7"))
    report = check(DatabaseSource(connection, BODY), keys, [desk])
    assert {Kind.DUPLICATE, Kind.STRAY} <= {found.kind for found in report.findings}
    assert all(found.first == 7 for found in report.findings if found.kind in {Kind.DUPLICATE, Kind.STRAY})


def test_text_where_bytes_belong_is_found_not_stumbled_over(
    connection: Connection, keys: Keys, desk: Evidence
) -> None:
    """SQLite keeps whatever type was written."""
    if connection.dialect.name == "postgresql":
        with pytest.raises(Exception, match="type bytea"):
            connection.execute(text("UPDATE journal_leaves SET public = 7 WHERE leaf_index = 3"))
        return
    for table in TABLES:
        for column in table.columns:
            if column.name == "body" or (table.name, column.name) in FILED_UNDER:
                continue
            place = f"rowid = (SELECT max(rowid) FROM {table.name})"  # noqa: S608 - our own names
            with connection.begin_nested() as tampering:
                connection.execute(text(f"UPDATE {table.name} SET {column.name} = 'x' WHERE {place}"))  # noqa: S608
                assert not check(DatabaseSource(connection, BODY), keys, [desk]).sound, column
                tampering.rollback()


def test_text_where_numbers_belong_is_found_not_stumbled_over(tmp_path: Path, keys: Keys) -> None:
    engine = sqlite_engine(tmp_path / "text.db")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
        append(connection, BODY, drafts(0, 9))
        connection.execute(
            text("UPDATE journal_leaves SET leaf_index = 'x' || leaf_index WHERE leaf_index > 3")
        )
        report = check(DatabaseSource(connection, BODY), keys)
        assert Kind.UNREADABLE in {found.kind for found in report.findings}
        assert report.entries == 9
    engine.dispose()


def test_there_is_no_journal_of_that_body(connection: Connection, keys: Keys) -> None:
    with pytest.raises(UnknownJournal):
        check(DatabaseSource(connection, "TN"), keys)


def test_a_journal_is_not_mistaken_for_another_bodys(
    connection: Connection, keys: Keys, desk: Evidence
) -> None:
    """Every row given to another body: leaves name their body, heads too."""
    for table in TABLES:
        connection.execute(update(table).values(body="TN"))
    kinds = {found.kind for found in check(DatabaseSource(connection, "TN"), keys).findings}
    assert kinds == {Kind.EDITED, Kind.HEAD}


def test_the_order_of_names_in_personal_data_is_part_of_them(
    connection: Connection, keys: Keys, desk: Evidence
) -> None:
    row = connection.execute(select(PERSONAL).limit(1)).one()
    shuffled = json.dumps(json.loads(row.personal)).encode()
    connection.execute(
        update(PERSONAL).where(PERSONAL.c.leaf_index == row.leaf_index).values(personal=shuffled)
    )
    report = check(DatabaseSource(connection, BODY), keys, [desk])
    assert [(found.kind, found.first) for found in report.findings] == [
        (Kind.PERSONAL_EDITED, row.leaf_index)
    ]
