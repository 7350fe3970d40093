"""The books balance after all that happened: CA, records, vault and chips tell one story.

These tests run after the others of the package, on what those left.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass

import pytest

from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState
from tests.round.bench import CARD_EC, Bench, Lane, Sitting, at
from tests.round.chip import ChipState
from tests.round.verdicts import vault_names

Document = dict[str, object]


@dataclass(frozen=True)
class Books:
    """All certificates of the CA, and the service's records."""

    certificates: list[tuple[str, str, bytes, bool]]
    """(production, slot, DER, revoked)."""
    things: dict[tuple[str, str], Document]

    def of_kind(self, thing: str) -> dict[str, Document]:
        """Return one kind of things by id."""
        return {identifier: found for (kind, identifier), found in self.things.items() if kind == thing}


@pytest.fixture
def books(bench: Bench, lane: Lane) -> Books:
    """The books, with at least one production of each end in them."""
    bench.issue(lane, bench.case(CARD_EC))
    lane.empty()
    case = bench.case(CARD_EC)
    lane.insert(case.path)
    pull = at("i", "begin", lambda: lane.emulator.remove(lane.reader))
    with Sitting(bench, lane, case, watch=pull) as sitting:
        with contextlib.suppress(Exception):
            sitting.begin()
        lane.insert(case.path)
        sitting.reset()
    return Books(_certificates(bench), _things(bench))


def _certificates(bench: Bench) -> list[tuple[str, str, bytes, bool]]:
    path = bench.folder / "ca" / "ca.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT username, der, reason >= 0 FROM certificates").fetchall()
    return [(*user.rpartition("-")[::2], bytes(der), bool(revoked)) for user, der, revoked in rows]


def _things(bench: Bench) -> dict[tuple[str, str], Document]:
    path = bench.world.places.service / "service.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT thing, id, document FROM things").fetchall()
    return {(thing, identifier): json.loads(document) for thing, identifier, document in rows}


def test_a_valid_certificate_is_on_the_device_that_it_names(bench: Bench, books: Books) -> None:
    productions = books.of_kind("production")
    valid = [entry for entry in books.certificates if not entry[3]]
    operators = [production for production, *_ in valid if production not in productions]
    assert len(operators) == 1, "besides the productions' there is the training operator's own"
    for production, _, der, _ in valid:
        if production in productions:
            found = productions[production]
            assert found["state"] == ProductionState.ISSUED.value, production
            chip = ChipState(bench.world.places.cards / f"{found['device']}.card")
            assert chip.holds_object(der), production


def test_every_issued_production_has_its_two_certificates(books: Books) -> None:
    counted: dict[str, int] = {}
    for production, _, _, revoked in books.certificates:
        counted[production] = counted.get(production, 0) + (not revoked)
    states = {identifier: found["state"] for identifier, found in books.of_kind("production").items()}
    assert ProductionState.ISSUED.value in states.values()
    assert ProductionState.RESET.value in states.values()
    for production, state in states.items():
        assert counted.get(production, 0) == (2 if state == ProductionState.ISSUED.value else 0), production


def test_nothing_is_left_half_done(bench: Bench, books: Books) -> None:
    ended = {ProductionState.ISSUED.value, ProductionState.RESET.value}
    open_ones = [key for key, found in books.of_kind("production").items() if found["state"] not in ended]
    assert open_ones == []
    devices = {found["state"] for found in books.of_kind("device").values()}
    assert devices <= {state.value for state in _AT_REST}
    requests = {found["state"] for found in books.of_kind("request").values()}
    assert RequestState.IN_PRODUCTION.value not in requests
    assert bench.world.stores.records.withdrawals() == []


_AT_REST = (DeviceState.IN_STOCK, DeviceState.PERSONALISED, DeviceState.SET_ASIDE)


def test_the_vault_keeps_codes_only_of_what_waits_in_stock(bench: Bench, books: Books) -> None:
    names = vault_names(bench)
    assert [name for name in names if name.startswith("escrow/")] == []
    devices, scratch_cards = books.of_kind("device"), books.of_kind("scratch_card")
    for kind, identifier in (name.split("/") for name in names):
        if kind == "transport" and identifier in devices:
            assert devices[identifier]["state"] != DeviceState.PERSONALISED.value
        elif kind == "scratch":
            assert scratch_cards[identifier]["state"] not in ("used",), identifier


def test_card_hosts_printed_no_traceback(bench: Bench) -> None:
    assert "Traceback" not in bench.host_errors.read_text("utf-8", "replace")
