"""Every single-record change of a journal is found: by its own inconsistency, or by a head kept outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import create_engine

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.findings import SENTENCES, Finding, Kind, Report
from cmsdesk.backend.journal.heads import Keys, key_id, sign_head
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.backend.journal.store import append, declare_epoch, open_body
from cmsdesk.backend.journal.tables import METADATA
from cmsdesk.base.texts import texts
from cmsdesk.domain.events import Document, evolve
from cmsdesk.domain.journal import Entry, SignedHead, TreeHead, TreeState
from cmsdesk.domain.merkle import CompactRange, leaf_hash
from tests.backend.journal.forgery import Copy, rewritten, with_changes
from tests.backend.journal.world import BODY, START, SoftwareSigner, act, drafts

COMMANDS = 190
SIGNER = SoftwareSigner()
KEYS = Keys(SIGNER.public_key)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """209 entries, with heads signed on the way."""
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
        for first in range(0, COMMANDS, 38):
            append(connection, BODY, drafts(first, first + 38))
            sign_head(connection, BODY, SIGNER, act(first + 38).at)
        copied = Copy.of(connection, BODY)
    engine.dispose()
    return copied


@pytest.fixture(scope="module")
def desk(journal: Copy) -> Evidence:
    """The newest head, as a desk keeps it."""
    return Evidence.of_head(journal.signed[-1], "desk BZ-1")


def kinds(report: Report) -> set[Kind]:
    return {finding.kind for finding in report.findings}


def at(report: Report, kind: Kind) -> list[int | None]:
    return [finding.first for finding in report.findings if finding.kind is kind]


def each(journal: Copy) -> Iterator[tuple[int, Copy]]:
    """Yield (index, a fresh copy) for every entry."""
    for index in range(len(journal.entries)):
        yield index, journal.fresh()


# --- an untouched journal ----------------------------------------------------------------------


def test_an_untouched_journal_is_sound(journal: Copy, desk: Evidence) -> None:
    report = check(journal, KEYS, [desk])
    assert report.findings == []
    assert report.sound
    assert report.entries == report.covered == len(journal.entries) == 209
    assert report.root == CompactRange.of(leaf.leaf_hash for leaf in journal.entries).root()


def test_without_a_head_kept_outside_nothing_is_covered(journal: Copy) -> None:
    report = check(journal, KEYS)
    assert report.sound
    assert report.covered == 0


def test_an_empty_journal_is_sound() -> None:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        open_body(connection, BODY)
        head = sign_head(connection, BODY, SIGNER, START)
        report = check(Copy.of(connection, BODY), KEYS, [Evidence.of_head(head, "desk")])
    engine.dispose()
    assert (report.sound, report.entries, report.covered) == (True, 0, 0)


def test_the_paper_is_evidence(journal: Copy) -> None:
    line = journal.signed[2].head.state.paper()
    report = check(journal, KEYS, [Evidence.of_paper(line, "closing sheet")])
    assert report.sound
    assert report.covered == journal.signed[2].head.state.size


def test_the_report_as_json(journal: Copy, desk: Evidence) -> None:
    cut = journal.fresh()
    cut.entries.pop()
    document = check(cut, KEYS, [desk]).document()
    assert document["sound"] is False
    assert document["entries"] == 208
    assert {"kind": "cut", "first": 208, "last": 208, "detail": "desk BZ-1"} in document["findings"]  # type: ignore[operator]  # Json


def test_every_finding_has_its_sentence() -> None:
    for kind in Kind:
        sentence = Finding(kind, 3, 9, "detail").sentence(texts("en"))
        assert sentence.endswith(".")
        assert "{" not in sentence
    assert set(SENTENCES) == set(Kind)


# --- somebody changes one record ---------------------------------------------------------------

EDITS: dict[str, Callable[[Any], Any]] = {
    "index": lambda index: index + 1_000,
    "at": lambda text: text.replace("2026", "2025"),
    "command": lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
    "part": lambda number: number + 1,
    "thing": lambda text: text + "s",
    "id": lambda text: text + "0",
    "office": lambda text: "BZ-7" if text else "BZ-0",
    "public": lambda data: data.replace(b'"v":1', b'"v": 1'),
    "leaf_hash": lambda data: bytes(32),
    "commitment": lambda data: bytes(32) if data else b"x" * 32,
    "salt": lambda data: bytes(32),
    "personal": lambda data: data.replace(b"Rossi", b"Verdi") if data else b"{}",
}


@pytest.mark.parametrize("column", EDITS)
def test_every_edit_of_a_column_is_found(journal: Copy, column: str) -> None:
    for index, copy in each(journal):
        record = copy.entries[index]
        copy.entries[index] = replace(record, **{column: EDITS[column](getattr(record, column))})
        report = check(copy, KEYS)
        assert index in [finding.first for finding in report.findings], index


@pytest.mark.parametrize("wrong", [None, b"", b"text", "text", True, -1])
def test_values_of_a_wrong_type_are_found_not_stumbled_over(journal: Copy, wrong: Any) -> None:
    for column in EDITS:
        copy = journal.fresh()
        if getattr(copy.entries[9], column) == wrong:
            continue
        bytes_wanted = column in {"public", "leaf_hash", "commitment", "salt", "personal"}
        if bytes_wanted and not isinstance(wrong, bytes | None):
            continue  # the source has made bytes of it
        if column == "public" and wrong is None:
            continue
        copy.entries[9] = replace(copy.entries[9], **{column: wrong})
        assert not check(copy, KEYS).sound, column


def test_every_edit_of_an_entry_that_renews_its_hash_is_found(journal: Copy) -> None:
    """As before, with the leaf hash made to fit: the tree shows it."""
    for index, copy in each(journal):
        record = with_changes(copy.entries[index], state="delivered!")
        copy.entries[index] = replace(record, leaf_hash=leaf_hash(record.public))
        report = check(copy, KEYS)
        assert Kind.TREE in kinds(report)
        first = next(found for found in report.findings if found.kind is Kind.REWRITTEN)
        assert first.first is not None
        assert first.last is not None
        assert first.first <= index <= first.last, "between two heads"


def test_every_exchange_of_personal_data_is_found(journal: Copy) -> None:
    with_data = [leaf.index for leaf in journal.entries if leaf.salt is not None]
    for one, other in pairwise(with_data):
        copy = journal.fresh()
        first, second = copy.entries[one], copy.entries[other]
        copy.entries[one] = replace(first, salt=second.salt, personal=second.personal)
        copy.entries[other] = replace(second, salt=first.salt, personal=first.personal)
        assert at(check(copy, KEYS), Kind.PERSONAL_EDITED) == [one, other]


def test_personal_data_taken_away_without_a_record_are_found(journal: Copy) -> None:
    for index, copy in each(journal):
        record = copy.entries[index]
        if record.salt is None:
            continue
        copy.entries[index] = replace(record, salt=None, personal=None)
        assert at(check(copy, KEYS), Kind.PERSONAL_MISSING) == [index]


def test_every_deletion_is_found(journal: Copy) -> None:
    for index, copy in each(journal):
        del copy.entries[index]
        report = check(copy, KEYS)
        if index < len(journal.entries) - 1:
            assert at(report, Kind.MISSING) == [index]
        else:
            assert at(report, Kind.CUT) == [index]
        assert Kind.TREE in kinds(report)


def test_every_swap_is_found(journal: Copy) -> None:
    """Rows exchanged as they are (an edited export)."""
    for index, copy in each(journal):
        if index + 1 == len(copy.entries):
            continue
        copy.entries[index : index + 2] = copy.entries[index + 1], copy.entries[index]
        assert at(check(copy, KEYS), Kind.MOVED) == [index]


@pytest.mark.parametrize("distance", [1, 100])
def test_every_swap_of_places_is_found(journal: Copy, distance: int) -> None:
    """Rows exchanged with their index (two UPDATEs in the database)."""
    for index, copy in each(journal):
        other = index + distance
        if other >= len(copy.entries):
            continue
        one, two = copy.entries[index], copy.entries[other]
        copy.entries[index] = replace(two, index=index)
        copy.entries[other] = replace(one, index=other)
        assert at(check(copy, KEYS), Kind.MOVED) == [index, other]


def test_every_duplicate_is_found(journal: Copy) -> None:
    for index, copy in each(journal):
        copy.entries.insert(index + 1, copy.entries[index])
        assert index in at(check(copy, KEYS), Kind.DUPLICATE)


def test_every_duplicate_at_the_end_is_found(journal: Copy) -> None:
    for index, copy in each(journal):
        end = len(copy.entries)
        copy.entries.append(replace(copy.entries[index], index=end))
        report = check(copy, KEYS)
        assert at(report, Kind.MOVED) == [end]
        assert at(report, Kind.DUPLICATE) == [end]


def test_every_truncation_is_found(journal: Copy) -> None:
    for index, copy in each(journal):
        del copy.entries[index:]
        report = check(copy, KEYS)
        assert index in at(report, Kind.CUT)
        assert Kind.TREE in kinds(report)


def test_edits_of_the_kept_tree_are_found(journal: Copy) -> None:
    for changed in (
        {"size": 210},
        {"size": 208},
        {"epoch": 2},
        {"peaks": journal.record.peaks[:-1] + b"x"},
        {"peaks": b""},
    ):
        copy = journal.fresh()
        copy.record = replace(copy.record, **changed)
        assert [*changed] == [found.detail for found in check(copy, KEYS).findings]
    copy = journal.fresh()
    copy.tree = [(8, 0, bytes(32))]
    assert [found.detail for found in check(copy, KEYS).findings] == ["nodes"]


def test_heads_that_are_not_genuine_are_found(journal: Copy) -> None:
    head = journal.signed[1]
    forged = TreeHead(replace(head.head.state, root=bytes(32)), START).encode()
    stranger = SoftwareSigner()
    for other in (
        replace(head, signature=head.signature[:-1] + b"x"),
        replace(head, signature=b""),
        replace(head, signed=forged),
        replace(head, signed=b"{}"),
        replace(head, key_id="other"),
        SignedHead(head.signed, stranger.sign(head.signed), key_id(stranger.public_key)),
        SignedHead(head.signed, stranger.sign(head.signed), head.key_id),
    ):
        copy = journal.fresh()
        copy.signed[1] = other
        assert kinds(check(copy, KEYS)) == {Kind.HEAD}


def test_evidence_that_is_not_genuine_covers_nothing(journal: Copy) -> None:
    head = journal.signed[-1]
    forged = replace(head, signature=bytes(64))
    other = Evidence(replace(head.head.state, body="TN"), "paper of Trento")
    report = check(journal, KEYS, [Evidence.of_head(forged, "desk"), other])
    assert [found.detail for found in report.findings] == [
        "desk: signature",
        "paper of Trento: of another body",
    ]
    assert report.covered == 0


# --- the administrator rewrites everything -----------------------------------------------------

Forge = Callable[[Copy, int], Copy | None]


def _edit(copy: Copy, index: int) -> Copy:
    changed = with_changes(copy.entries[index], state="delivered!")
    return rewritten(copy, [*copy.entries[:index], changed, *copy.entries[index + 1 :]])


def _delete(copy: Copy, index: int) -> Copy:
    return rewritten(copy, [*copy.entries[:index], *copy.entries[index + 1 :]])


def _swap(copy: Copy, index: int) -> Copy | None:
    if index + 1 == len(copy.entries):
        return None
    one, two = copy.entries[index : index + 2]
    return rewritten(copy, [*copy.entries[:index], two, one, *copy.entries[index + 2 :]])


def _double(copy: Copy, index: int) -> Copy:
    entry = Entry.decode(copy.entries[index].public)
    again = replace(entry, act=replace(entry.act, command=entry.act.command + "'"))
    twin = replace(copy.entries[index], public=again.encode())
    return rewritten(copy, [*copy.entries[: index + 1], twin, *copy.entries[index + 1 :]])


def _cut(copy: Copy, index: int) -> Copy:
    return rewritten(copy, copy.entries[:index])


FORGERIES: dict[str, Forge] = {
    "edit": _edit,
    "delete": _delete,
    "swap": _swap,
    "duplicate": _double,
    "truncate": _cut,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_every_consistent_rewriting_is_found_by_a_head_kept_outside(
    journal: Copy, desk: Evidence, forgery: str
) -> None:
    for index, copy in each(journal):
        forged = FORGERIES[forgery](copy, index)
        if forged is None:
            continue
        report = check(forged, KEYS, [desk])
        if forged.entries[: len(copy.entries)] == copy.entries:
            assert index + 1 == len(copy.entries), "a twin after the last entry only goes on"
            assert report.covered < report.entries
            continue
        [finding] = report.findings
        shorter = len(forged.entries) < len(copy.entries)
        assert finding.kind is (Kind.CUT if shorter else Kind.REWRITTEN)
        assert report.covered == 0


@pytest.mark.parametrize("forgery", FORGERIES)
def test_without_a_head_kept_outside_such_a_rewriting_is_not_found_and_the_report_does_not_claim_so(
    journal: Copy, forgery: str
) -> None:
    forged = FORGERIES[forgery](journal.fresh(), 100)
    assert forged is not None
    report = check(forged, KEYS)
    assert report.sound
    assert report.covered == 0


def test_the_head_of_an_earlier_day_finds_what_was_rewritten_before_it_only(journal: Copy) -> None:
    earlier = journal.signed[1]
    size = earlier.head.state.size
    evidence = [Evidence.of_head(earlier, "paper")]
    for index, copy in each(journal):
        report = check(_edit(copy, index), KEYS, evidence)
        assert report.sound is (index >= size)
        assert report.covered == (size if index >= size else 0)


def test_a_rewriting_is_found_though_the_service_went_on_signing(journal: Copy, desk: Evidence) -> None:
    """After the rewriting the service, unaware, signs heads of the forged tree."""
    forged = _edit(journal.fresh(), 40)
    state = TreeState(
        BODY, 1, len(forged.entries), CompactRange.of(e.leaf_hash for e in forged.entries).root()
    )
    signed = TreeHead(state, START).encode()
    forged.signed = [SignedHead(signed, SIGNER.sign(signed), key_id(SIGNER.public_key))]
    report = check(forged, KEYS, [desk])
    assert [(found.kind, found.detail) for found in report.findings] == [(Kind.REWRITTEN, "desk BZ-1")]


# --- restores ----------------------------------------------------------------------------------


@pytest.fixture
def restored() -> Iterator[tuple[Copy, list[SignedHead]]]:
    """A journal of 20 entries, restored from a backup of 12, declared, and continued to 26."""
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    heads = []
    with engine.connect() as connection:
        open_body(connection, BODY)
        append(connection, BODY, drafts(0, 9))
        connection.commit()
        append(connection, BODY, drafts(10, 12))
        backup_at = 11
        heads.append(sign_head(connection, BODY, SIGNER, act(12).at))
        connection.commit()
        append(connection, BODY, drafts(12, 19))
        heads.append(sign_head(connection, BODY, SIGNER, act(19).at))
        connection.rollback()
        declare_epoch(connection, BODY, act(50))
        append(connection, BODY, drafts(51, 60))
        heads.append(sign_head(connection, BODY, SIGNER, act(60).at))
        assert heads[0].head.state.size == backup_at
        yield Copy.of(connection, BODY), heads
    engine.dispose()


def test_a_declared_restore_is_told_apart_from_a_cut(restored: tuple[Copy, list[SignedHead]]) -> None:
    journal, (before, lost, after) = restored
    assert check(journal, KEYS, [Evidence.of_head(before, "desk"), Evidence.of_head(after, "desk")]).sound
    report = check(journal, KEYS, [Evidence.of_head(lost, "desk")])
    [finding] = report.findings
    assert (finding.kind, finding.first, finding.last) == (Kind.LOST_IN_RESTORE, 11, lost.head.state.size - 1)
    assert report.covered == 0


def test_an_undeclared_restore_is_a_cut(restored: tuple[Copy, list[SignedHead]]) -> None:
    journal, (_, lost, _) = restored
    back = rewritten(journal, journal.entries[:11])
    back.record = replace(back.record, epoch=1)
    report = check(back, KEYS, [Evidence.of_head(lost, "desk")])
    assert [(found.kind, found.first) for found in report.findings] == [(Kind.CUT, 11)]


def test_an_epoch_that_was_not_begun_is_found(restored: tuple[Copy, list[SignedHead]]) -> None:
    journal, _ = restored
    without = rewritten(journal, [*journal.entries[:11], *journal.entries[12:]])
    assert Kind.EPOCH in kinds(check(without, KEYS))


# --- the state tables --------------------------------------------------------------------------

State = dict[tuple[str, str], Document]


def state_of(journal: Copy) -> State:
    """What the state tables hold when every event was applied to them."""
    state: State = {}
    for leaf in journal.entries:
        entry = Entry.decode(leaf.public)
        event = entry.event(json.loads(leaf.personal) if leaf.personal else None)
        state[event.thing, event.id] = evolve(state.get((event.thing, event.id)), event)
    return state


def replayed(journal: Copy, state: State) -> Report:
    return check(journal, KEYS, replay=Replay(evolve, lambda: iter(state.items())))


def test_the_state_tables_are_what_the_journal_says(journal: Copy) -> None:
    state = state_of(journal)
    report = replayed(journal, state)
    assert report.sound
    assert report.replayed == len(state) == 101


def test_every_edited_value_of_a_state_table_is_found(journal: Copy) -> None:
    state = state_of(journal)
    for (thing, identifier), document in state.items():
        for name in [*document, "added"]:
            edited = {**state, (thing, identifier): {**document, name: "other"}}
            [finding] = replayed(journal, edited).findings
            assert (finding.kind, finding.detail) == (Kind.STATE_DIFFERS, f"{thing} {identifier} ({name})")


def test_rows_of_a_state_table_that_are_missing_or_too_many_are_found(journal: Copy) -> None:
    state = state_of(journal)
    for key in state:
        without = {other: document for other, document in state.items() if other != key}
        assert [(f.kind, f.detail) for f in replayed(journal, without).findings] == [
            (Kind.STATE_MISSING, " ".join(key))
        ]
    added = {**state, ("request", "invented"): {"state": "delivered"}}
    assert [f.kind for f in replayed(journal, added).findings] == [Kind.STATE_UNKNOWN]


def test_a_replay_needs_the_personal_data(journal: Copy) -> None:
    copy = journal.fresh()
    copy.with_personal = False
    with pytest.raises(ValueError, match="personal"):
        replayed(copy, {})


def test_findings_hold_no_personal_data(journal: Copy) -> None:
    copy, state = journal.fresh(), state_of(journal)
    copy.entries[0] = replace(copy.entries[0], personal=b'{"surname":"Verdi"}')
    key = next(iter(state))
    state[key] = {**state[key], "holder": {"surname": "Verdi"}}
    told = str(check(copy, KEYS, replay=Replay(evolve, lambda: iter(state.items()))).document())
    assert "Verdi" not in told
    assert "Rossi" not in told
