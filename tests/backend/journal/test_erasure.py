"""Erasing personal data after the legal time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, select

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.erasure import erase
from cmsdesk.backend.journal.errors import StillKept
from cmsdesk.backend.journal.findings import Kind
from cmsdesk.backend.journal.heads import Keys, sign_head
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.backend.journal.store import append, open_body, read_page
from cmsdesk.backend.journal.tables import METADATA, PERSONAL
from cmsdesk.domain.events import evolve
from cmsdesk.domain.journal import erasure
from tests.backend.journal.world import BODY, START, SoftwareSigner, act, drafts, sqlite_engine

END = datetime(2049, 3, 12, 10, tzinfo=UTC)
AFTER = act(900, at=END + timedelta(seconds=1))


def personal_of(connection: Connection) -> list[int]:
    return list(connection.execute(select(PERSONAL.c.leaf_index).order_by(PERSONAL.c.leaf_index)).scalars())


def test_within_the_legal_time_it_is_refused(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 6))
    for at in (START, END - timedelta(days=1), END):
        with pytest.raises(StillKept) as caught:
            erase(connection, BODY, [0], END, act(900, at=at))
        assert caught.value.facts == {"until": "2049-03-12"}
    assert personal_of(connection) == [0, 2, 3, 5]


def test_salt_and_data_go_together_and_the_leaf_stays_valid(
    connection: Connection, signer: SoftwareSigner, keys: Keys
) -> None:
    append(connection, BODY, drafts(0, 6))
    before = Evidence.of_head(sign_head(connection, BODY, signer, START), "desk")
    hashes = [item.leaf_hash for item in read_page(connection, BODY).items]
    entry = erase(connection, BODY, [0, 2, 4], END, AFTER)
    assert entry is not None
    assert entry.changes == {"entries": [0, 2], "kept_until": "2049-03-12T10:00:00.000000Z"}
    page = read_page(connection, BODY)
    assert [item.leaf_hash for item in page.items][:6] == hashes
    assert (page.items[0].salt, page.items[0].personal) == (None, None)
    assert personal_of(connection) == [3, 5]
    report = check(DatabaseSource(connection, BODY), keys, [before])
    assert report.sound
    assert (report.erased, report.covered) == (2, 6)


def test_erasing_again_records_nothing(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 6))
    assert erase(connection, BODY, [0], END, AFTER)
    assert erase(connection, BODY, [0, 1], END, act(901, at=AFTER.at)) is None
    assert read_page(connection, BODY).size == 7


def test_data_gone_without_a_record_are_found_data_left_behind_too(
    connection: Connection, keys: Keys
) -> None:
    append(connection, BODY, drafts(0, 6))
    source = DatabaseSource(connection, BODY)
    with connection.begin_nested() as tampering:
        connection.execute(delete(PERSONAL).where(PERSONAL.c.leaf_index == 3))
        assert [(f.kind, f.first) for f in check(source, keys).findings] == [(Kind.PERSONAL_MISSING, 3)]
        tampering.rollback()
    kept = connection.execute(select(PERSONAL).where(PERSONAL.c.leaf_index == 3)).one()
    erase(connection, BODY, [3], END, AFTER)
    assert check(source, keys).sound
    connection.execute(PERSONAL.insert().values(**kept._mapping))
    assert [(f.kind, f.first) for f in check(source, keys).findings] == [(Kind.PERSONAL_LEFT, 3)]


def test_a_recorded_erasure_within_the_legal_time_is_found(connection: Connection, keys: Keys) -> None:
    """The service would refuse it: somebody wrote the record by hand."""
    append(connection, BODY, drafts(0, 6))
    draft = drafts(100, 101)[0]
    forged = type(draft)(draft.act, erasure(BODY, [0], END))
    append(connection, BODY, [forged])
    connection.execute(delete(PERSONAL).where(PERSONAL.c.leaf_index == 0))
    assert [f.kind for f in check(DatabaseSource(connection, BODY), keys).findings] == [Kind.ERASED_EARLY]


def test_the_replay_goes_on_without_what_was_erased(connection: Connection, keys: Keys) -> None:
    entries = append(connection, BODY, drafts(0, 3))
    request = ("request", entries[0].id)
    erase(connection, BODY, [0, 2], END, AFTER)
    state = {request: {"body": BODY, "office": "BZ-0", "state": "approved", "fee_cents": 4500}}
    replay = Replay(evolve, lambda: iter(state.items()))
    assert check(DatabaseSource(connection, BODY), keys, replay=replay).sound


def test_nothing_of_it_stays_in_the_database_file(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "journal.db")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
        append(connection, BODY, drafts(0, 1))
        salt = connection.scalar(select(PERSONAL.c.salt)) or b""
    engine.dispose()
    assert b"Rossi" in (tmp_path / "journal.db").read_bytes(), "or the test shows nothing"
    with engine.begin() as connection:
        erase(connection, BODY, [0], END, AFTER)
        assert connection.scalar(select(func.count()).select_from(PERSONAL)) == 0
    engine.dispose()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Rossi" not in left
    assert salt not in left
