"""What the administration asks beside commands, over HTTPS with the real vault: supplies, figures."""

from __future__ import annotations

from datetime import date

import pytest

from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import AlreadyThere, NotAllowed
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.figures import Grain
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice, Supply, receive_acts
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import BODY, CA_NAME, OFFICE
from cmsdesk.sync.far_figures import FarFigures
from cmsdesk.sync.far_supplies import FarSupplies
from tests.service.conftest import Office
from tests.service.test_access import under
from tests.service.test_rights import Maker, granted


def supply() -> Supply:
    number = new_id()[:18]
    until = date(2031, 1, 1)
    device = SuppliedDevice(
        f"D-{number}", DeviceKind.SMART_CARD, CA_NAME, until, Secret("12345678"), Secret("87654321")
    )
    card = SuppliedCard(f"S-{number}", Secret("11112222"), Secret("33334444"), Secret("EMERGENZA1"))
    return Supply((device,), (card,))


def test_codes_of_a_supply_reach_the_vault_sealed_and_are_never_replaced(office: Office, desk: Desk) -> None:
    under(desk, granted(office, Role.ADMINISTRATOR, frozenset()))
    found, supplies = supply(), FarSupplies(desk.connection, BODY)
    supplies.put(found.devices, found.scratch_cards)
    vault = office.world.service.vault
    assert vault.emergency_code_is(found.scratch_cards[0].number, Secret("EMERGENZA1"))
    for kind, facts in receive_acts(found, lot="L", supplier="P", office=OFFICE):
        Maker(office, BODY, OFFICE).do(Role.ADMINISTRATOR, kind, **facts)
    with pytest.raises(AlreadyThere):
        supplies.put(found.devices, found.scratch_cards)


def test_who_takes_no_supplies_is_refused(office: Office, desk: Desk) -> None:
    under(desk, granted(office, Role.RAO, frozenset()))
    found = supply()
    with pytest.raises(NotAllowed):
        FarSupplies(desk.connection, BODY).put(found.devices, found.scratch_cards)


@pytest.mark.parametrize("role", Role)
def test_figures_are_counted_for_who_may_see_them(office: Office, desk: Desk, role: Role) -> None:
    under(desk, granted(office, role, frozenset()))
    figures, period = FarFigures(desk.connection), (date(2020, 1, 1), date(2040, 1, 1), Grain.WHOLE)
    if role in (Role.RAO, Role.ADMINISTRATOR):
        assert all(one.begins == date(2020, 1, 1) for one in figures.figures(*period))
    else:
        with pytest.raises(NotAllowed):
            figures.figures(*period)
