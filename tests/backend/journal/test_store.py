"""Appending and reading on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.exc import IntegrityError

from cmsdesk.backend.journal.errors import CursorLost, JournalDamaged, NotRestored, UnknownJournal
from cmsdesk.backend.journal.store import (
    Cursor,
    Draft,
    append,
    declare_epoch,
    epochs,
    history,
    open_body,
    read_page,
    tree_state,
)
from cmsdesk.backend.journal.tables import BODIES, LEAVES, NODES, PERSONAL
from cmsdesk.base.errors import Bug
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Entry, commitment_of
from cmsdesk.domain.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from tests.backend.journal.world import BODY, act, drafts


def test_an_empty_journal(connection: Connection) -> None:
    state = tree_state(connection, BODY)
    assert (state.size, state.epoch, state.root) == (0, 1, EMPTY_ROOT)
    assert read_page(connection, BODY).items == ()
    assert append(connection, BODY, []) == []


def test_indexes_follow_without_gap_and_the_tree_is_the_leaves(connection: Connection) -> None:
    entries = append(connection, BODY, drafts(0, 7)) + append(connection, BODY, drafts(7, 20))
    assert [entry.index for entry in entries] == list(range(len(entries)))
    hashes = [leaf_hash(entry.encode()) for entry in entries]
    assert tree_state(connection, BODY).root == CompactRange.of(hashes).root()
    assert [item.leaf_hash for item in read_page(connection, BODY).items] == hashes


def test_events_of_one_command_are_parts_of_it(connection: Connection) -> None:
    entries = append(connection, BODY, drafts(8, 11))
    assert [(entry.kind, entry.part) for entry in entries][1:3] == [
        ("device.in_production", 0),
        ("production.opened", 1),
    ]


def test_a_command_is_journalled_once(engine: Engine) -> None:
    with engine.begin() as connection:
        append(connection, BODY, drafts(0, 1))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        append(connection, BODY, drafts(0, 1))
    with engine.begin() as connection:
        assert tree_state(connection, BODY).size == 1, "the counter went back with the transaction"


def test_what_is_rolled_back_leaves_no_gap(engine: Engine) -> None:
    with engine.connect() as connection:
        append(connection, BODY, drafts(0, 5))
        connection.rollback()
    with engine.begin() as connection:
        assert [entry.index for entry in append(connection, BODY, drafts(5, 7))] == [0, 1]


def test_personal_data_stand_apart_under_their_salt(connection: Connection) -> None:
    [entry] = append(connection, BODY, drafts(0, 1))
    [item] = read_page(connection, BODY).items
    assert item.public is not None
    assert item.salt is not None
    assert item.personal is not None
    assert b"Rossi" not in item.public
    assert "Lucía".encode() in item.personal
    assert commitment_of(item.salt, item.personal) == entry.commitment
    [other] = append(connection, BODY, [replace(drafts(0, 1)[0], act=act(1))])
    assert other.commitment != entry.commitment, "equal data commit differently: each has its own salt"


def test_personal_data_in_the_wrong_place_stop_the_transaction(connection: Connection) -> None:
    leak = Draft(act(0), Event("mandate.granted", "mandate", "m", {"operator": "RSSMRA80A01H501U"}))
    with pytest.raises(Bug):
        append(connection, BODY, [leak])


def test_bodies_have_journals_of_their_own(connection: Connection) -> None:
    open_body(connection, "TN")
    append(connection, BODY, drafts(0, 3))
    [first] = append(connection, "TN", drafts(0, 1))
    assert first.index == 0
    assert len(read_page(connection, BODY).items) == 3
    assert len(read_page(connection, "TN").items) == 1


def test_a_body_without_a_journal(connection: Connection) -> None:
    for ask in (
        lambda: append(connection, "TN", drafts(0, 1)),
        lambda: read_page(connection, "TN"),
        lambda: tree_state(connection, "TN"),
    ):
        with pytest.raises(UnknownJournal):
            ask()
    with pytest.raises(Bug):
        open_body(connection, "no body")


def test_every_256th_hash_is_kept(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 300))
    size = append(connection, BODY, drafts(300, 500))[-1].index + 1
    assert connection.scalar(select(func.count()).select_from(NODES)) == size // 256
    hashes = list(connection.execute(select(LEAVES.c.leaf_hash).order_by(LEAVES.c.leaf_index)).scalars())
    kept = connection.execute(select(NODES.c.hash).order_by(NODES.c.node_index)).scalars().all()
    assert kept == [CompactRange.of(hashes[at : at + 256]).root() for at in range(0, size - 255, 256)]


# --- the feed ----------------------------------------------------------------------------------


def test_pages_follow_one_another(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 25))
    cursor, seen = None, []
    while (page := read_page(connection, BODY, cursor, limit=4)).items:
        seen += [item.index for item in page.items]
        cursor = page.cursor
    assert seen == list(range(page.size))
    assert cursor == Cursor(1, page.size)


def test_the_feed_reads_only_what_the_offices_may_see(connection: Connection) -> None:
    entries = append(connection, BODY, drafts(0, 20))
    page = read_page(connection, BODY, offices=["BZ-1"])
    for entry, item in zip(entries, page.items, strict=True):
        seen = entry.office in (None, "BZ-1")
        assert (item.public is not None) is seen
        assert (item.personal is not None) is (seen and entry.commitment is not None)
        assert (item.salt is None) is (item.personal is None)
    hashes = [item.leaf_hash for item in page.items]
    assert CompactRange.of(hashes).root() == tree_state(connection, BODY).root
    nobody = read_page(connection, BODY, offices=[]).items
    assert [item.public is not None for item in nobody] == [entry.office is None for entry in entries]


def test_a_gap_in_the_feed_is_not_passed_over(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 10))
    connection.execute(delete(LEAVES).where(LEAVES.c.leaf_index == 4))
    with pytest.raises(JournalDamaged):
        read_page(connection, BODY, Cursor(1, 2))
    assert len(read_page(connection, BODY, Cursor(1, 5)).items) > 0


def test_history_of_one_thing(connection: Connection) -> None:
    entries = append(connection, BODY, drafts(0, 30))
    request = entries[3].id
    expected = [entry for entry in entries if (entry.thing, entry.id) == ("request", request)]
    assert len(expected) == 3
    items = list(history(connection, BODY, "request", request))
    assert [Entry.decode(item.public or b"") for item in items] == expected
    assert [item.index for item in history(connection, BODY, "request", request, size=5)] == [3, 4]


# --- epochs ------------------------------------------------------------------------------------


def test_a_reader_behind_a_restore_just_goes_on(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 5))
    began = declare_epoch(connection, BODY, act(100))
    append(connection, BODY, drafts(5, 8))
    page = read_page(connection, BODY, Cursor(1, 3))
    assert [item.index for item in page.items] == [3, 4, 5, 6, 7, 8]
    assert page.cursor == Cursor(began.epoch, 9)
    assert read_page(connection, BODY, Cursor(1, 5)).items[0].index == 5
    assert epochs(connection, BODY) == [(1, 0), (began.epoch, 5)]
    assert tree_state(connection, BODY).epoch == began.epoch


def test_a_reader_ahead_of_a_restore_is_told_where_to_go_back_to(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 5))
    began = declare_epoch(connection, BODY, act(100))
    append(connection, BODY, drafts(5, 18))
    with pytest.raises(CursorLost) as caught:
        read_page(connection, BODY, Cursor(1, 6))
    assert caught.value.facts == {"epoch": began.epoch, "fork": 5}


def test_a_reader_of_an_epoch_this_history_never_had(connection: Connection) -> None:
    """Restored twice: the reader followed the first restore's epoch, the second took an older backup."""
    append(connection, BODY, drafts(0, 5))
    lost = int(act(100).at.timestamp())
    began = declare_epoch(connection, BODY, act(101))
    assert began.epoch > lost
    with pytest.raises(CursorLost) as caught:
        read_page(connection, BODY, Cursor(lost, 9))
    assert caught.value.facts["fork"] == 5


def test_an_undeclared_restore_is_noticed(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 5))
    for cursor in (Cursor(1, 6), Cursor(7, 2)):
        with pytest.raises(NotRestored):
            read_page(connection, BODY, cursor)


def test_two_epochs_after_one_another(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 5))
    first = declare_epoch(connection, BODY, act(100))
    append(connection, BODY, drafts(5, 8))
    second = declare_epoch(connection, BODY, act(200))
    assert (first.index, second.index) == (5, 9)
    assert read_page(connection, BODY, Cursor(first.epoch, 9)).items[0].index == 9
    with pytest.raises(CursorLost) as caught:
        read_page(connection, BODY, Cursor(1, 7))
    assert caught.value.facts["fork"] == 5


def test_the_tables_hold_what_the_entries_say(connection: Connection) -> None:
    append(connection, BODY, drafts(0, 12))
    for row in connection.execute(select(LEAVES)):
        entry = Entry.decode(row.public)
        assert (entry.index, entry.act.command, entry.part) == (row.leaf_index, row.command, row.part)
        assert (entry.thing, entry.id, entry.office) == (row.thing, row.thing_id, row.office)
        assert entry.commitment == row.commitment
    kept = connection.scalar(select(func.count()).select_from(PERSONAL))
    assert kept == connection.scalar(
        select(func.count()).select_from(LEAVES).where(LEAVES.c.commitment.is_not(None))
    )
    assert connection.scalar(select(BODIES.c.size)) == 13
