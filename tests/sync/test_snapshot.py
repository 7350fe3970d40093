"""A mandate that sees other things than before: a snapshot of the new scope, and forgetting at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cmsdesk.backend.services.erasure import erase_thing
from cmsdesk.base.ids import new_id
from cmsdesk.domain.journal import Act, Validity
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.list_rows import WorkList, table_of
from cmsdesk.sync.synchroniser import FeedBroken
from tests.sync.bench import (
    BODY,
    OFFICE,
    SECOND_OFFICE,
    CentralService,
    CrashingStore,
    digest_of,
    held,
    registration,
)
from tests.sync.test_synchroniser import Desk, Page


class Changing:
    """A desk whose mandate is changed while it is worked under."""

    def __init__(self, central: CentralService, store: CrashingStore) -> None:
        self.central, self.store = central, store
        rao = central.grant(Role.RAO)
        self.here, self.there = new_id(), new_id()
        for request, office in ((self.here, OFFICE), (self.there, SECOND_OFFICE)):
            central.do(rao, "request.register", **registration(request, office))
        self.desk = Desk(central, store, central.grant(Role.IR, OFFICE, BODY, Permission.DATA_ENTRY))
        self.desk.line.page_limit = 2
        self.desk.run()

    def change(self, *permissions: Permission) -> None:
        values = [permission.value for permission in permissions]
        self.central.administer("mandate.change", mandate=self.desk.mandate, permissions=values)

    def seen(self) -> set[str]:
        return {name for (thing, name) in held(self.store) if thing == "request"}

    def listed(self) -> set[str]:
        query = f"SELECT id FROM {table_of(WorkList.REQUESTS)}"  # noqa: S608 - a name of the program's
        rows = self.store._db.execute(query).fetchall()
        return {name for (name,) in rows}


def test_a_widened_mandate_brings_a_snapshot_and_lists_are_never_empty(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    shown: list[set[str]] = []
    one.desk.line.spoil_snapshot = lambda page: shown.append(one.listed())
    cursors: list[Any] = []
    one.desk.line.spoil = lambda page: cursors.append(page["cursor"]["index"])
    followed = store.followed()
    assert followed is not None
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    assert len(shown) > 2, "page by page"
    assert all(one.here in listed for listed in shown)
    assert one.seen() == one.listed() == {one.here, one.there}
    assert min(cursors) > followed.size, "the feed goes on; it is not replayed"
    one.desk.check()


def test_a_narrowed_mandate_forgets_at_once_even_when_the_snapshot_is_cut(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    assert one.seen() == {one.here, one.there}
    one.change(Permission.DATA_ENTRY)
    one.desk.line.faults.extend(["", "", "request"])
    with pytest.raises(ServiceUnreachable):
        one.desk.run()
    assert one.seen() == one.listed() == {one.here}
    one.desk.run()
    one.desk.check()


def test_narrowed_and_widened_again_while_a_snapshot_is_cut_nothing_is_missing(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    one.change(Permission.DATA_ENTRY)
    one.desk.line.faults.extend(["", "", "request"])
    with pytest.raises(ServiceUnreachable):
        one.desk.run()
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    assert one.seen() == one.listed() == {one.here, one.there}
    one.desk.check()


def test_a_snapshot_that_is_cut_anywhere_is_fetched_anew(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    for kept_up in range(1, 4):
        one.desk.line.faults.extend([*[""] * kept_up, "request"])
        with pytest.raises(ServiceUnreachable):
            one.desk.run()
        assert one.seen() == {one.here}
        one.desk.line.faults.clear()
    one.desk.run()
    one.desk.check()


def test_what_happens_while_a_snapshot_is_fetched_is_in_it_or_in_the_feed(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    rao = central.grant(Role.RAO)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)

    def meanwhile(page: Page) -> None:
        central.do(rao, "request.register", **registration(new_id(), SECOND_OFFICE))
        if page["after"] is None:
            digest = digest_of(one.there, SECOND_OFFICE)
            central.do(rao, "request.approve", request=one.there, digest=digest)

    one.desk.line.spoil_snapshot = meanwhile
    one.desk.run()
    one.desk.check()
    shown = store.get("request", one.there)
    assert shown is not None
    assert shown["state"] == "approved"


def test_personal_data_from_a_snapshot_can_still_be_erased(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    assert "holder" in (store.get("request", one.there) or {})
    past = datetime(2000, 1, 1, tzinfo=UTC)
    act = Act(new_id(), "service:erasure", central.clock.now())
    with central.engine.begin() as connection:
        assert (
            erase_thing(connection, BODY, "request", one.there, Validity(past, past).keep_until(), act)
            is not None
        )
    one.desk.run()
    assert "holder" not in (store.get("request", one.there) or {})
    one.desk.check()


def test_a_snapshot_brings_what_happened_and_forgetting_takes_it_away(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    assert [found.kind for found in store.past.of("request", one.there)] == ["request.registered"]
    one.change(Permission.DATA_ENTRY)
    one.desk.run()
    assert store.past.of("request", one.there) == []
    assert store.past.of("request", one.here) != []


@pytest.mark.parametrize("spoil", ["another", "nothing"])
def test_a_snapshot_of_other_things_is_refused(
    central: CentralService, store: CrashingStore, spoil: str
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)

    def spoilt(page: Page) -> None:
        for item in page["items"]:
            item["id" if spoil == "another" else "entries"] = "x"

    one.desk.line.spoil_snapshot = spoilt
    with pytest.raises(FeedBroken):
        one.desk.run()
    assert one.here in one.seen()


def approved_meanwhile(one: Changing) -> None:
    """Give the other office's request two entries."""
    rao = one.central.grant(Role.RAO)
    digest = digest_of(one.there, SECOND_OFFICE)
    one.central.do(rao, "request.approve", request=one.there, digest=digest)


def entries_of(page: Page, request: str) -> list[Any]:
    """Return the entries about a request, if the page has any."""
    return next((item["entries"] for item in page["items"] if item["id"] == request), [])


def forge_a_value(one: Changing, page: Page) -> None:
    for entry in entries_of(page, one.there):
        entry["public"] = entry["public"].replace('"state":"approved"', '"state":"produced"')


def forge_personal_data(one: Changing, page: Page) -> None:
    for entry in entries_of(page, one.there):
        if entry["personal"] is not None and "holder" in entry["personal"]:
            entry["personal"]["holder"]["surname"] = "Altro"


def another_order(one: Changing, page: Page) -> None:
    entries_of(page, one.there).reverse()


def another_place(one: Changing, page: Page) -> None:
    for entry in entries_of(page, one.there):
        entry["proof"] = entry["proof"][1:]


def an_older_head(one: Changing, page: Page) -> None:
    followed = one.store.followed()
    assert followed is not None
    page["head"], page["proof"] = json.loads(followed.head or ""), []


def another_key(one: Changing, page: Page) -> None:
    page["head"]["signature"] = "00" * 64


def another_history(one: Changing, page: Page) -> None:
    page["proof"] = page["proof"][1:]


@pytest.mark.parametrize(
    "spoil",
    [
        forge_a_value,
        forge_personal_data,
        another_order,
        another_place,
        an_older_head,
        another_key,
        another_history,
    ],
)
def test_a_snapshot_that_is_not_of_the_journal_that_was_followed_is_refused(
    central: CentralService, store: CrashingStore, spoil: Callable[[Changing, Page], None]
) -> None:
    one = Changing(central, store)
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    approved_meanwhile(one)
    changed: list[bool] = []

    def spoilt(page: Page) -> None:
        before = json.dumps(page)
        spoil(one, page)
        changed.append(json.dumps(page) != before)

    one.desk.line.spoil_snapshot = spoilt
    with pytest.raises(FeedBroken):
        one.desk.run()
    assert changed[-1], "refused where it was spoilt, and not before"
    assert not any(changed[:-1])
    assert one.seen() == {one.here}
    one.desk.line.spoil_snapshot = lambda page: None
    one.desk.run()
    one.desk.check()


def test_a_service_restored_since_is_followed_from_the_beginning(
    central: CentralService, store: CrashingStore
) -> None:
    one = Changing(central, store)
    copy = central.backup()
    central.restore(copy)
    copy.close()
    one.change(Permission.DATA_ENTRY, Permission.WHOLE_BODY)
    one.desk.run()
    assert one.seen() == {one.here, one.there}
    one.desk.check()
