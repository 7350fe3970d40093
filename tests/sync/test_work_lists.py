"""Work lists: every filter against a plain reading of the same rows, kept in step with feed and outbox."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cmsdesk.base.secret import Secret
from cmsdesk.domain.events import Event
from cmsdesk.sync.desk_store import Applied, DeskStore, Followed
from cmsdesk.sync.list_rows import ListRow, ListWriter, WorkList, schema
from cmsdesk.sync.local_store import KEY_BYTES, connect, connect_to_read
from cmsdesk.sync.search_terms import folded
from cmsdesk.sync.work_lists import ListQuery, SavedFilter, Sort, WorkLists

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = Secret(bytes(range(KEY_BYTES)))
PEOPLE = [("Tessari", "Marta"), ("Rossi", "Ugo"), ("Pöder", "Jörg"), ("De Rosa", "Lia"), ("D'Amico", "Nino")]
TYPED = ["", "", "ross", "tess mart", "poder", "R", "d'a", "amico", "cf01", "0007", "117", '"', "ug", "g"]
STATES = ["registered", "approved", "produced"]
FILTERS = {"states": "approved", "offices": "uno-1", "operators": "M-2"}


def event(number: int, source: random.Random, **personal: str) -> Applied:
    surname, given = source.choice(PEOPLE)
    at = (START + timedelta(hours=number)).isoformat()
    holder = {"surname": surname, "given_name": given, "fiscal_code": f"CF{number % 40:03}", **personal}
    changes = {
        "body": "uno",
        "office": f"uno-{source.randrange(3)}",
        "state": source.choice(STATES),
        "registered_by": f"M-{source.randrange(4)}",
        "created_at": at,
        "device": f"{number:016}",
        "device_kind": source.choice(["smart_card", "usb_token"]),
    }
    return Applied(
        f"C-{number}", Event("request.x", "request", f"R-{number}", changes, {"holder": holder}), at
    )


def at_size(size: int) -> Followed:
    return Followed("uno", "s", 1, size, b"")


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[WorkLists]:
    """Two hundred requests, read through a connection of its own."""
    database = connect(tmp_path / "desk.db", KEY)
    source = random.Random(7)
    DeskStore(database).apply([event(number, source) for number in range(200)], at_size(200))
    reader = connect_to_read(tmp_path / "desk.db", KEY)
    yield WorkLists(reader)
    reader.close()
    database.close()


def shown(lists: WorkLists, query: ListQuery, limit: int | None = None) -> list[ListRow]:
    rows = lists.rows(query.list, lists.keys(query, limit))
    return [row for row in rows if row is not None]


def finds(typed: str, text: str) -> bool:
    """Tell whether a word of a text begins so, at its beginning or behind a mark, or a number ends so."""
    wanted = re.sub(r"[\W_]", "", folded(typed))
    if not wanted:
        return False
    for word in folded(text).split():
        begins = [0, *(mark.end() for mark in re.finditer(r"[\W_]+", word))]
        if any(re.sub(r"[\W_]", "", word[at:]).startswith(wanted) for at in begins):
            return True
        number = re.search(r"[0-9]{4,}$", word)
        if number and 3 <= len(wanted) <= 8 and number.group().endswith(wanted):
            return True
    return False


def plainly(rows: list[ListRow], query: ListQuery) -> list[ListRow]:
    """Filter and sort rows without a database."""

    def holds(row: ListRow) -> bool:
        at = datetime.fromisoformat(row.created_at)
        texts = [row.name, row.fiscal_code, row.serial, row.code]
        return (
            all(
                not wanted or value in wanted
                for wanted, value in (
                    (query.states, row.state),
                    (query.offices, row.office),
                    (query.operators, row.operator),
                    (query.kinds, row.kind),
                )
            )
            and (query.created_from is None or at >= query.created_from)
            and (query.created_before is None or at < query.created_before)
            and all(any(finds(word, text) for text in texts) for word in query.contains.split())
        )

    def key(row: ListRow) -> tuple[str, str]:
        if query.sort is Sort.CREATED:
            return "", row.created_at
        name = "name" if query.sort is Sort.NAME else query.sort.value
        return folded(getattr(row, name)), row.created_at

    return sorted(filter(holds, rows), key=key, reverse=query.descending)


def any_query(source: random.Random) -> ListQuery:
    def some(values: list[str]) -> frozenset[str]:
        return frozenset(source.sample(values, source.choice([0, 0, 1, 2])))

    begin = START + timedelta(hours=source.randrange(150)) if source.random() < 0.4 else None
    return ListQuery(
        WorkList.REQUESTS,
        contains=source.choice(
            ["", "", "ross", "tess mart", "poder", "R", "d'a", "amico", "cf01", "0007", "117", '"', "ug", "g"]
        ),
        states=some(STATES),
        offices=some(["uno-0", "uno-1", "uno-2"]),
        operators=some(["M-0", "M-1", "M-2"]),
        kinds=some(["smart_card", "usb_token"]),
        created_from=begin,
        created_before=None if begin is None else begin + timedelta(hours=source.choice([1, 60])),
        sort=source.choice([Sort.CREATED, Sort.NAME, Sort.STATE, Sort.OFFICE, Sort.SERIAL, Sort.FISCAL_CODE]),
        descending=source.random() < 0.5,
    )


@pytest.mark.parametrize("seed", range(10))
def test_filters_in_any_combination_give_what_a_plain_reading_gives(lists: WorkLists, seed: int) -> None:
    source = random.Random(seed)
    everything = shown(lists, ListQuery(WorkList.REQUESTS))
    assert len(everything) == 200
    some = 0
    for _ in range(40):
        query = any_query(source)
        wanted = plainly(everything, query)
        assert shown(lists, query) == wanted, query
        assert shown(lists, query, 3) == wanted[:3]
        some += bool(wanted)
    assert some > 10


def test_a_list_finds_its_row_again_and_tells_its_values(lists: WorkLists) -> None:
    key = lists.key_of(WorkList.REQUESTS, "R-17")
    assert key is not None
    [row] = lists.rows(WorkList.REQUESTS, [key])
    assert row is not None
    assert row.id == "R-17"
    assert lists.rows(WorkList.REQUESTS, [1]) == [None]
    assert lists.key_of(WorkList.REQUESTS, "R-999") is None
    assert lists.values(WorkList.REQUESTS, Sort.STATE) == sorted(STATES)
    assert lists.values(WorkList.DEVICES, Sort.OFFICE) == []
    with pytest.raises(ValueError, match="few"):
        lists.values(WorkList.REQUESTS, Sort.NAME)


def test_holders_are_kept_with_their_requests(store: DeskStore) -> None:
    source = random.Random(1)
    store.apply([event(number, source) for number in range(80)], at_size(80))
    lists = WorkLists(store._db)
    holders = shown(lists, ListQuery(WorkList.HOLDERS, sort=Sort.FISCAL_CODE, descending=False))
    assert [row.id for row in holders] == [f"CF{number:03}" for number in range(40)]
    assert holders[3].created_at == (START + timedelta(hours=3)).isoformat()
    # request 3 is amended to another person: request 43 still names the old one; then it does not
    for number in (3, 43):
        moved = event(number, source, fiscal_code="CFNEW")
        store.apply([moved], at_size(81))
        ids = [row.id for row in shown(lists, ListQuery(WorkList.HOLDERS))]
        assert ("CF003" in ids) is (number == 3)
        assert "CFNEW" in ids
    assert shown(lists, ListQuery(WorkList.HOLDERS, contains="cfnew"))[0].id == "CFNEW"


def test_what_was_created_in_one_moment_keeps_its_order(store: DeskStore) -> None:
    source = random.Random(1)
    page = [event(number, source) for number in range(30)]
    same = [
        Applied(
            one.command, replace(one.event, changes={**one.event.changes, "created_at": START.isoformat()})
        )
        for one in page
    ]
    store.apply(same, at_size(30))
    lists = WorkLists(store._db)
    rows = shown(lists, ListQuery(WorkList.REQUESTS, descending=False))
    assert [row.id for row in rows] == [f"R-{number}" for number in range(30)]
    moment = ListQuery(
        WorkList.REQUESTS, created_from=START, created_before=START + timedelta(milliseconds=1)
    )
    assert len(lists.keys(moment)) == 30


def test_beginning_anew_empties_the_lists_and_the_index(store: DeskStore) -> None:
    source = random.Random(1)
    store.apply([event(number, source) for number in range(30)], at_size(30))
    store.begin_anew()
    lists = WorkLists(store._db)
    for work_list in WorkList:
        assert not lists.keys(ListQuery(work_list))
        assert not lists.keys(ListQuery(work_list, contains="ross"))
    store.apply([event(number, source) for number in range(30)], at_size(30))
    assert len(lists.keys(ListQuery(WorkList.REQUESTS))) == 30


def test_devices_are_listed(store: DeskStore) -> None:
    device = {
        "body": "uno",
        "state": "in_stock",
        "lot": "L-7",
        "kind": "usb_token",
        "certified_until": "2031-01-01",
    }
    store.apply(
        [
            Applied("C-1", Event("device.received", "device", "0000000000000007", device), START.isoformat()),
            Applied("C-3", Event("office.opened", "office", "uno-9", {"body": "uno"}), START.isoformat()),
        ],
        at_size(3),
    )
    lists = WorkLists(store._db)
    [row] = shown(lists, ListQuery(WorkList.DEVICES, contains="l-7", until_before="2031-01-02"))
    assert (row.serial, row.created_at, row.until) == ("0000000000000007", START.isoformat(), "2031-01-01")


def a_certificate(serial: int) -> str:
    """Return a certificate, DER in base 64, as a production's document holds it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial)
    builder = builder.not_valid_before(START).not_valid_after(datetime(2029, 1, 1, 12, tzinfo=UTC))
    made = builder.sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)], ids=["issued first", "status first"])
def test_certificates_are_listed_with_the_status_that_is_asked_for_and_then_so(
    store: DeskStore, order: tuple[int, ...]
) -> None:
    issued = {"body": "uno", "state": "issued", "device": "D-7", "request": "R-1"}
    held = {"certificates": {"cns": a_certificate(0x1A2B), "qualified": a_certificate(0x3C4D)}}
    asked = {"body": "uno", "state": "valid", "wanted": "suspended"}
    events = [
        Event("production.issued", "production", "P-1", issued, held),
        Event("certificate.suspension_asked", "certificate", "P-1-cns", asked),
        Event("certificate.suspended", "certificate", "P-1-cns", {"state": "suspended", "wanted": None}),
    ]
    lists, seen = WorkLists(store._db), []
    for size, number in enumerate(order, 1):
        store.apply([Applied(f"C-{number}", events[number], START.isoformat())], at_size(size))
        rows = shown(lists, ListQuery(WorkList.CERTIFICATES, contains="1A2B", until_from="2029-01-01"))
        seen.append([(row.kind, row.state, row.pending) for row in rows])
    assert seen[1:] == [[("cns", "suspended", True)], [("cns", "suspended", False)]]
    [other] = shown(lists, ListQuery(WorkList.CERTIFICATES, contains="3C4D"))
    assert (other.state, other.code) == ("", "D-7"), "nothing was asked of it"
    assert not lists.keys(ListQuery(WorkList.CERTIFICATES, until_before="2029-01-01"))


def test_saved_filters_come_back_whole(store: DeskStore) -> None:
    lists = WorkLists(store._db)
    query = any_query(random.Random(12))
    assert query.created_from is None
    query = replace(query, created_from=START, states=frozenset({"approved"}))
    lists.save("Da produrre", ListQuery(WorkList.REQUESTS))
    lists.save("Da produrre", query)
    lists.save("Altro", ListQuery(WorkList.DEVICES))
    assert lists.saved(WorkList.REQUESTS) == [SavedFilter("Da produrre", query)]
    lists.forget("Da produrre")
    assert lists.saved(WorkList.REQUESTS) == []
    with pytest.raises(ValueError, match="saved query"):
        ListQuery.from_json('{"list": "requests"}')


def test_a_reader_sees_that_another_wrote(tmp_path: Path) -> None:
    database = connect(tmp_path / "desk.db", KEY)
    store = DeskStore(database)
    lists = WorkLists(connect_to_read(tmp_path / "desk.db", KEY))
    before = lists.changes()
    assert lists.changes() == before
    store.apply([event(1, random.Random(1))], at_size(1))
    assert lists.changes() != before
    assert len(lists.keys(ListQuery(WorkList.REQUESTS))) == 1
    with pytest.raises(Exception, match="readonly"):
        lists.save("x", ListQuery(WorkList.REQUESTS))
    lists._db.close()
    database.close()


def test_a_given_name_is_found_from_its_first_letter(tmp_path: Path) -> None:
    database = connect(tmp_path / "desk.db", Secret(bytes(range(KEY_BYTES))))
    database.executescript(schema())
    writer, lists = ListWriter(database), WorkLists(database)
    for at, name in enumerate(("Mario", "Luca", "Maria"), 1):
        document = {
            "holder": {"surname": "Rossi", "given_name": name},
            "created_at": f"2026-01-0{at}T08:00:00+00:00",
        }
        writer.put("request", f"r-{at}", document)
    found = shown(lists, ListQuery(WorkList.REQUESTS, contains="rossi m"))
    assert [one.name for one in found] == ["Rossi Maria", "Rossi Mario"]
    database.close()


def test_a_burst_at_a_periods_edge_falls_on_its_own_side(store: DeskStore) -> None:
    edge, source = START + timedelta(hours=5), random.Random(3)
    rows = []
    for number in range(60):
        one = event(number, source)
        at = (edge + timedelta(milliseconds=-1 if number < 50 else 0)).isoformat()
        rows.append(replace(one, event=replace(one.event, changes={**one.event.changes, "created_at": at})))
    store.apply(rows, at_size(60))
    lists = WorkLists(store._db)
    after = shown(lists, ListQuery(WorkList.REQUESTS, created_from=edge))
    before = shown(lists, ListQuery(WorkList.REQUESTS, created_before=edge))
    assert {row.id for row in after} == {f"R-{number}" for number in range(50, 60)}
    assert {row.id for row in before} == {f"R-{number}" for number in range(50)}


@pytest.mark.parametrize("period", [False, True])
@pytest.mark.parametrize("names", [names for size in (1, 2, 3) for names in combinations(FILTERS, size)])
def test_filters_that_are_set_together_read_their_own_rows_only(
    lists: WorkLists, names: tuple[str, ...], period: bool
) -> None:
    query = ListQuery(WorkList.REQUESTS, **{name: frozenset({FILTERS[name]}) for name in names})
    if period:
        query = replace(query, created_from=START, created_before=START + timedelta(days=4))
    asked: list[str] = []
    lists._db.set_trace_callback(asked.append)
    keys = lists.keys(query, 5)
    lists._db.set_trace_callback(None)
    assert len(keys) > 0
    [step] = [row[-1] for row in lists._db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}")]
    assert "COVERING INDEX" in step, "no row is read for it"
    equal = {part.removesuffix("=?") for part in step.partition("(")[2].strip(")").split(" AND ")}
    assert {f"{name}s" for name in equal if "rowid" not in name} == set(names)


def test_reading_ends_when_nobody_wants_the_rest(lists: WorkLists) -> None:
    query = ListQuery(WorkList.REQUESTS, contains="r")
    whole = lists.keys(query)
    assert whole
    assert not lists.keys(query, wanted=lambda: False)
    assert lists.keys(query, wanted=lambda: True) == whole
