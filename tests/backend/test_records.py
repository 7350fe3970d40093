"""`ports.Records` on the real service and a real database: a production's life, repeated and interrupted."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from cmsdesk.backend.journal import store as journal
from cmsdesk.base.errors import Mendable
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import NotAllowed, WrongState
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.journal import Entry
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.production import Production, ProductionState
from cmsdesk.domain.request import RequestState, enrolment_key
from cmsdesk.domain.scratch_card import ScratchCardState
from cmsdesk.operations.errors import UnknownRequest
from cmsdesk.operations.ports import SignedOpening
from cmsdesk.sync.records import CommandRecords
from tests.fixtures.people import a_request
from tests.fixtures.service import BODY, RAO, Near

DEVICE, CARD = "7430010024925855", "S-000001"
OPENING = SignedOpening(b"message", b"signature", b"certificate")
CERTIFICATES = {Slot.AUTHENTICATION: b"cns", Slot.SIGNATURE: b"qualified"}
KEYS = [enrolment_key("P-1", slot) for slot in Slot]
Change = Callable[[CommandRecords], None]


def production(identifier: str = "P-1") -> Production:
    return Production(identifier, "R-1", DEVICE, CARD, RAO, ProductionState.RUNNING)


def approved(near: Near, records: CommandRecords) -> None:
    """Stock and an approved request."""
    near.receive(DEVICE, CARD)
    records.save_request(a_request())
    records.save_request(a_request().approved())


ISSUE: list[tuple[str, Change]] = [
    ("open", lambda records: records.open_production(production(), OPENING)),
    ("certificates", lambda records: records.record_certificates("P-1", CERTIFICATES)),
    ("confirm", lambda records: records.confirm_enrolment("P-1")),
    ("bind", lambda records: records.bind_scratch_card("P-1")),
    ("complete", lambda records: records.complete("P-1")),
]
RESET: list[tuple[str, Change]] = [
    ("open", ISSUE[0][1]),
    ("begin", lambda records: records.begin_reset("P-1", "operator", KEYS)),
    ("withdrawal", lambda records: records.withdrawal_tried(KEYS[0], confirmed=True)),
    ("withdrawal", lambda records: records.withdrawal_tried(KEYS[1], confirmed=True)),
    ("finish", lambda records: records.finish_reset("P-1")),
]


def states(records: CommandRecords) -> tuple[str, str, str, str | None, str]:
    """Return the states of request, device, scratch card (with its production) and production."""
    device, card, found = records.device(DEVICE), records.scratch_card(CARD), records.production("P-1")
    assert device is not None
    assert card is not None
    assert found is not None
    return (
        records.request("R-1").state.value,
        device.state.value,
        card.state.value,
        card.production,
        found.state.value,
    )


def dump(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with engine.connect() as connection:
        names = (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        )
        return {
            name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]  # noqa: S608 - own names
            for name in names
        }


def test_a_production_from_opening_to_issue(near: Near, records: CommandRecords) -> None:
    approved(near, records)
    expected = [
        ("in_production", "in_production", "reserved", "P-1", "running"),
        ("in_production", "in_production", "reserved", "P-1", "running"),
        ("in_production", "in_production", "reserved", "P-1", "running"),
        ("in_production", "in_production", "bound", "P-1", "running"),
        ("produced", "personalised", "used", "P-1", "issued"),
    ]
    for (_, change), after in zip(ISSUE, expected, strict=True):
        change(records)
        assert states(records) == after
    assert records.certificates("P-1") == CERTIFICATES
    assert records.production("P-1") == Production("P-1", "R-1", DEVICE, CARD, RAO, ProductionState.ISSUED)


def test_a_production_from_opening_to_reset_and_another_on_the_same_things(
    near: Near, records: CommandRecords
) -> None:
    approved(near, records)
    for name, change in RESET[:-1]:
        change(records)
        if name == "begin":
            assert states(records) == ("in_production", "resetting", "reserved", "P-1", "resetting")
            assert [(job.key, job.ca) for job in records.withdrawals()] == [
                (k, "Ente di Prova") for k in sorted(KEYS)
            ]
    assert records.withdrawals() == records.withdrawals("P-1") == []
    records.finish_reset("P-1")
    assert states(records) == ("approved", "in_stock", "in_stock", None, "reset")
    assert records.request("R-1").is_as_approved()
    records.open_production(production("P-2"), OPENING)
    assert states(records)[:4] == ("in_production", "in_production", "reserved", "P-2")


def test_a_scratch_card_whose_codes_had_left_is_void_after_a_reset(
    near: Near, records: CommandRecords
) -> None:
    approved(near, records)
    for _, change in ISSUE[:4]:
        change(records)
    records.begin_reset("P-1", "operator", [])
    records.finish_reset("P-1")
    assert states(records) == ("approved", "in_stock", "void", "P-1", "reset")


@pytest.mark.parametrize("life", [ISSUE, RESET], ids=["issue", "reset"])
def test_every_change_may_be_repeated(
    near: Near, records: CommandRecords, life: list[tuple[str, Change]]
) -> None:
    approved(near, records)
    for _, change in life:
        change(records)
        before = states(records), journal_of(near)
        change(records)
        assert (states(records), journal_of(near)) == before, "a repetition that changes, or is told again"


def test_a_reset_is_not_finished_before_the_authority_has_confirmed(
    near: Near, records: CommandRecords
) -> None:
    approved(near, records)
    for _, change in RESET[:3]:
        change(records)
    records.withdrawal_tried(KEYS[1], confirmed=False)
    assert [(job.key, job.attempts) for job in records.withdrawals("P-1")] == [(KEYS[1], 1)]
    with pytest.raises(WrongState):
        records.finish_reset("P-1")
    assert states(records)[1] == "resetting"


@pytest.mark.parametrize("change", [change for name, change in ISSUE if name != "open"])
def test_nothing_is_changed_behind_a_reset(near: Near, records: CommandRecords, change: Change) -> None:
    approved(near, records)
    for _, step in RESET[:2]:
        step(records)
    before = dump(near.engine)
    with pytest.raises(WrongState):
        change(records)
    # A refusal is remembered under its command; nothing else has changed.
    after = dump(near.engine)
    assert {name: rows for name, rows in after.items() if rows != before[name]}.keys() <= {"receipts"}


def test_two_productions_cannot_have_the_same_things(near: Near, records: CommandRecords) -> None:
    approved(near, records)
    records.open_production(production(), OPENING)
    before = states(records)
    with pytest.raises(WrongState):
        records.open_production(production("P-2"), OPENING)
    assert records.production("P-2") is None
    assert states(records) == before


def test_what_is_not_there(records: CommandRecords) -> None:
    with pytest.raises(UnknownRequest):
        records.request("R-9")
    assert records.device("D-9") is None
    assert records.scratch_card("S-9") is None
    assert records.production("P-9") is None
    assert records.withdrawals("P-9") == []
    assert records.certificates("P-9") == {}
    with pytest.raises(Mendable):
        records.complete("P-9")


def test_stock_is_read_as_it_was_received(near: Near, records: CommandRecords) -> None:
    near.receive(DEVICE, CARD)
    device, card = records.device(DEVICE), records.scratch_card(CARD)
    assert device is not None
    assert card is not None
    assert (device.state, device.certified_until.isoformat()) == (DeviceState.IN_STOCK, "2031-12-31")
    assert (card.state, card.production, card.lot) == (ScratchCardState.IN_STOCK, None, "LOT-1")


def test_an_ir_produces_nothing(near: Near, records: CommandRecords) -> None:
    approved(near, records)
    with pytest.raises(NotAllowed):
        CommandRecords(near.gateway(Role.IR)).open_production(production(), OPENING)
    assert records.request("R-1").state is RequestState.APPROVED


# --- interruptions -----------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends between two statements."""


@contextmanager
def killed_before(engine: Engine, statement: int) -> Iterator[list[str]]:
    """Raise `Killed` before the n-th statement that follows; yield what was sent."""
    sent: list[str] = []

    def before(connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        if len(sent) == statement:
            raise Killed
        sent.append(sql)

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", before)


@pytest.mark.parametrize("life", [ISSUE, RESET], ids=["issue", "reset"])
def test_a_kill_between_any_two_statements_leaves_all_or_nothing(
    near: Near, records: CommandRecords, life: list[tuple[str, Change]]
) -> None:
    approved(near, records)
    cuts = 0
    for name, change in life:
        before = dump(near.engine)
        for statement in range(100):
            with killed_before(near.engine, statement) as sent:
                try:
                    change(records)
                except Killed:
                    pass
                else:
                    break
            assert dump(near.engine) == before, f"{name} was left half done after {sent}"
            cuts += 1
        assert dump(near.engine) != before, f"{name} did nothing"
    assert cuts > 5 * len(life)


# --- history -----------------------------------------------------------------------------------


def journal_of(near: Near) -> list[tuple[str, str, str]]:
    """Return (kind, thing, id) of every entry of the body's journal, in order."""
    with near.engine.connect() as connection:
        page = journal.read_page(connection, BODY)
    entries = [Entry.decode(item.public or b"") for item in page.items]
    return [(entry.kind, entry.thing, entry.id) for entry in entries]


def test_everything_is_on_record_once_and_in_order(near: Near, records: CommandRecords) -> None:
    approved(near, records)
    begin = len(journal_of(near))
    for _, change in ISSUE:
        change(records)
    assert journal_of(near)[begin:] == [
        ("request.in_production", "request", "R-1"),
        ("device.in_production", "device", DEVICE),
        ("scratch_card.reserved", "scratch_card", CARD),
        ("production.opened", "production", "P-1"),
        ("production.certificates_recorded", "production", "P-1"),
        ("production.enrolment_confirmed", "production", "P-1"),
        ("scratch_card.bound", "scratch_card", CARD),
        ("production.issued", "production", "P-1"),
        ("device.personalised", "device", DEVICE),
        ("scratch_card.used", "scratch_card", CARD),
        ("request.produced", "request", "R-1"),
    ]


def test_one_things_history_tells_who_and_when(near: Near, records: CommandRecords) -> None:
    approved(near, records)
    records.open_production(production(), OPENING)
    with near.engine.connect() as connection:
        (item,) = list(journal.history(connection, BODY, "production", "P-1"))
    entry = Entry.decode(item.public or b"")
    assert entry.act.at == near.clock.now()
    assert entry.act.actor.startswith("mandate:")
    assert base64.b64decode(entry.changes["opening"]) == OPENING.message
    assert RAO.encode() not in (item.public or b""), "personal data stand outside the public part"
    assert RAO.encode() in (item.personal or b"")
