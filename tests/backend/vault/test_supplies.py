"""Codes of a supply from a desk into the real vault: tickets, rights, and what is never overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from cmsdesk.backend.services.supplies import LASTS, Supplies
from cmsdesk.backend.vault import Hsm, SealingVault
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import Actor, AlreadyThere, NotAllowed
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.errors import CallMalformed, VaultError
from cmsdesk.operations.intake import Ticket, seal_codes
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice
from tests.sync.bench import BODY, CA, MORNING, OTHER_BODY, CentralService


def device(number: str = "D-1") -> SuppliedDevice:
    until = date(2030, 1, 1)
    return SuppliedDevice(number, DeviceKind.SMART_CARD, CA, until, Secret("12345678"), Secret("87654321"))


@pytest.fixture
def central(tmp_path: Path) -> Iterator[CentralService]:
    made = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(MORNING))
    yield made
    made.close()


@pytest.fixture
def supplies(central: CentralService, vault: SealingVault, hsm: Hsm) -> Supplies:
    return Supplies(central.engine, vault, hsm, central.clock)


def administrator(central: CentralService, body: str = BODY) -> Actor:
    return central.actor(central.administrators[body].id)


def sealed(ticket: Ticket, *devices: SuppliedDevice, body: str = BODY) -> tuple[str, bytes, bytes]:
    return ticket.until, ticket.sealed_key, seal_codes(ticket, body, devices, [])


def test_codes_come_into_the_vault_and_match(
    central: CentralService, supplies: Supplies, vault: SealingVault
) -> None:
    actor = administrator(central)
    ticket = supplies.ticket(actor)
    card = SuppliedCard("S-1", Secret("11112222"), Secret("33334444"), Secret("EMERGENZA1"))
    ciphertext = seal_codes(ticket, BODY, [device()], [card])
    assert supplies.take(actor, ticket.until, ticket.sealed_key, ciphertext) == 2
    assert vault._get("transport/D-1") == {"pin": "12345678", "puk": "87654321"}
    assert vault.emergency_code_is("S-1", Secret("EMERGENZA1"))
    assert supplies.take(actor, ticket.until, ticket.sealed_key, ciphertext) == 2, "again is the same"


def test_who_takes_no_supplies_gets_no_ticket(central: CentralService, supplies: Supplies) -> None:
    for role in (Role.IR, Role.RAO, Role.HELP_DESK):
        actor = central.actor(central.grant(role))
        with pytest.raises(NotAllowed):
            supplies.ticket(actor)
        with pytest.raises(NotAllowed):
            supplies.take(actor, "", b"", b"")


def test_a_ticket_is_over_after_its_time_and_serves_no_other_body(
    central: CentralService, supplies: Supplies
) -> None:
    actor, other = administrator(central), administrator(central, OTHER_BODY)
    ticket = supplies.ticket(actor)
    with pytest.raises(VaultError):
        supplies.take(other, *sealed(ticket, device(), body=OTHER_BODY))
    until, key, ciphertext = sealed(ticket, device())
    with pytest.raises(CallMalformed):
        supplies.take(actor, until, key, ciphertext[:-1])
    later = replace(ticket, until=(central.clock.now() + 2 * LASTS).isoformat())
    with pytest.raises(VaultError):
        supplies.take(actor, *sealed(later, device()))
    central.clock.advance(LASTS + timedelta(seconds=1))
    with pytest.raises(CallMalformed):
        supplies.take(actor, until, key, ciphertext)


def test_codes_of_what_is_in_stock_are_left_as_they_are(
    central: CentralService, supplies: Supplies, vault: SealingVault
) -> None:
    actor = administrator(central, OTHER_BODY)
    until = date(2030, 1, 1).isoformat()
    known = {"card_id": "D-1", "kind": "smart_card", "ca": CA, "certified_until": until}
    central.administer("stock.receive", BODY, lot="L", supplier="P", devices=[known])
    vault.put_transport("D-1", Secret("00000000"), Secret("00000001"))
    with pytest.raises(AlreadyThere):
        supplies.take(actor, *sealed(supplies.ticket(actor), device("D-2"), device(), body=OTHER_BODY))
    assert vault._get("transport/D-1")["pin"] == "00000000"


def test_a_call_holds_a_bounded_number(central: CentralService, supplies: Supplies) -> None:
    actor = administrator(central)
    many = [device(f"D-{number}") for number in range(51)]
    for devices in ([], many):
        with pytest.raises(CallMalformed):
            supplies.take(actor, *sealed(supplies.ticket(actor), *devices))
