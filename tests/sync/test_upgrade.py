"""An upgraded desk keeps its outbox; one that was set back to an older program touches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmsdesk.base.secret import Secret
from cmsdesk.domain.events import Event
from cmsdesk.operations.errors import StoreNewer
from cmsdesk.sync.desk_store import Applied, DeskStore, Followed, OutboxState
from cmsdesk.sync.list_rows import WorkList, table_of
from cmsdesk.sync.local_store import KEY_BYTES, VERSION, connect
from cmsdesk.sync.work_lists import ListQuery, WorkLists

KEY = bytes(range(KEY_BYTES))
FIRST = """
CREATE TABLE things (
    thing TEXT NOT NULL, id TEXT NOT NULL, state TEXT, document TEXT NOT NULL, PRIMARY KEY (thing, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX things_by_state ON things (thing, state);
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, command TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,
    facts TEXT NOT NULL, mandate TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',
    code TEXT, refusal TEXT
) STRICT;
CREATE INDEX outbox_by_state ON outbox (state, seq);
CREATE TABLE feed (
    one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, head TEXT
) STRICT;
CREATE TABLE witnessed (
    body TEXT PRIMARY KEY, scope TEXT NOT NULL,
    epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, head TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO things VALUES ('request', 'R-1', 'approved', '{"state": "approved", "body": "ente"}');
INSERT INTO feed VALUES (1, 'ente', 's', 1, 7, x'70', NULL);
INSERT INTO outbox VALUES
    (1, 'C-1', 'request.deliver', 'ente', '{"request": "R-1"}', 'M-1', '2026-06-01T08:00:00+00:00',
     'pending', NULL, NULL),
    (2, 'C-2', 'request.deliver', 'ente', '{"request": "R-2"}', 'M-1', '2026-06-01T08:01:00+00:00',
     'accepted', NULL, NULL),
    (3, 'C-3', 'request.deliver', 'ente', '{"request": "R-3"}', 'M-1', '2026-06-01T08:02:00+00:00',
     'refused', 'RULE-STATE', '{"thing": "request"}');
"""
"""The first version's file, as it was written then."""


def test_the_first_versions_outbox_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    old = connect(path, Secret(KEY))
    old.executescript(FIRST)
    old.close()
    store = DeskStore(connect(path, Secret(KEY)))
    assert [(queued.command.id, queued.state) for queued in store.queued()] == [
        ("C-1", OutboxState.PENDING),
        ("C-2", OutboxState.ACCEPTED),
        ("C-3", OutboxState.REFUSED),
    ]
    assert store.queued(OutboxState.REFUSED)[0].facts == {"thing": "request"}
    assert store._db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert store.followed() is None, "the lists are filled anew from the feed"
    witnessed = store.witnessed("ente")
    assert witnessed is not None
    assert (witnessed.size, witnessed.peaks) == (7, b"p"), "and the journal cannot be rewritten meanwhile"
    store._db.close()


def test_the_fifth_versions_lists_are_indexed_again(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    store = DeskStore(connect(path, Secret(KEY)))
    holder = {"holder": {"surname": "Tessari", "given_name": "Marta"}}
    event = Event("request.registered", "request", "R-1", {"state": "registered"}, holder)
    store.apply([Applied("C-1", event, "2026-06-01T08:00:00+00:00")], Followed("ente", "s", 1, 1, b""))
    for work_list in WorkList:
        store._db.execute(f"DROP TABLE {table_of(work_list)}_terms")
        store._db.execute(f"CREATE VIRTUAL TABLE {table_of(work_list)}_text USING fts5(name, content='')")
    store._db.execute("PRAGMA user_version = 5")
    store._db.close()
    again = DeskStore(connect(path, Secret(KEY)))
    assert again.followed() is not None, "nothing is fetched anew"
    assert len(WorkLists(again._db).keys(ListQuery(WorkList.REQUESTS, contains="tess mar"))) == 1
    left = again._db.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE '%_text%'").fetchone()
    assert left == (0,), "the old index is gone"
    again._db.close()


def test_a_file_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    newer = connect(path, Secret(KEY))
    newer.executescript(FIRST)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(StoreNewer):
        connect(path, Secret(KEY))
