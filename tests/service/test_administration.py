"""What the administration asks beside commands, over HTTPS with the real vault: supplies, figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from cmsdesk.backend.journal.store import history
from cmsdesk.backend.services.administration import Administration
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import AlreadyThere, BadFacts, NotAllowed, Unknown
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.figures import Grain
from cmsdesk.domain.organisation import GRANTED, Body, BodyKind, Permission, Role
from cmsdesk.operations.administration import NewBody
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice, Supply, receive_acts
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.operator import HOLDER
from cmsdesk.sandbox.world import BODY, CA_NAME, OFFICE
from cmsdesk.sync.far_bodies import FarBodies
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


@pytest.mark.parametrize("role", GRANTED)
def test_figures_are_counted_for_who_may_see_them(office: Office, desk: Desk, role: Role) -> None:
    under(desk, granted(office, role, frozenset()))
    figures, period = FarFigures(desk.connection), (date(2020, 1, 1), date(2040, 1, 1), Grain.WHOLE)
    if role in (Role.RAO, Role.ADMINISTRATOR):
        assert all(one.begins == date(2020, 1, 1) for one in figures.figures(*period))
    else:
        with pytest.raises(NotAllowed):
            figures.figures(*period)


def a_body(**values: object) -> NewBody:
    made = NewBody(
        id=f"ente-{new_id()[-12:]}",
        name="Camera di Trento (prova)",
        names={"de": "Handelskammer Trient (Test)"},
        kind=BodyKind.CHAMBER,
        sigle=("TN",),
        office_name="Sportello 1",
        administrator="TSSMRT87C54A952D",
        surname="Tessari",
        given_name="Marta",
        valid_until=date(2039, 12, 31),
        authority=CA_NAME,
    )
    return replace(made, **values)


def test_a_security_administrator_creates_a_body_that_works(office: Office, desk: Desk) -> None:
    mandate = granted(office, Role.ADMINISTRATOR, frozenset({Permission.BODIES}))
    under(desk, mandate)
    new = a_body()
    FarBodies(desk.connection).create(new)
    made = Administration(office.world.service.engine, office.world.service.clock, new.id)
    assert Body.of(new.id, made.get("body", new.id) or {}) == Body(
        new.id, new.name, new.kind, new.sigle, new.names
    )
    assert [identifier for identifier, _ in made.all("office")] == [new.office]
    [(_, held)] = made.all("mandate")
    assert (held["operator"], held["role"], held["permissions"]) == (
        new.administrator,
        "administrator",
        [],
    )
    [(_, person)] = made.all("operator")
    assert (person["surname"], person["fiscal_code"]) == ("Tessari", new.administrator)
    assert made.get("configuration", new.id)["authorities"] == [CA_NAME]
    # its journal names who created it
    with office.world.service.engine.connect() as connection:
        told = list(history(connection, new.id, "body", new.id))
    assert [f"mandate:{mandate}".encode() in (one.public or b"") for one in told] == [True]
    with pytest.raises(AlreadyThere):
        FarBodies(desk.connection).create(replace(new, name="Un altro"))


@pytest.mark.parametrize("role", GRANTED)
def test_without_the_right_no_body_is_created(office: Office, desk: Desk, role: Role) -> None:
    held = frozenset(Permission)
    if role is Role.ADMINISTRATOR:
        held -= {Permission.BODIES}
    under(desk, granted(office, role, held))
    new = a_body()
    with pytest.raises(NotAllowed):
        FarBodies(desk.connection).create(new)
    with pytest.raises(Unknown):
        Administration(office.world.service.engine, office.world.service.clock, new.id)


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"office_name": ""},
        {"surname": ""},
        {"authority": " "},
        {"id": "Ente"},
        {"sigle": ("TN", "TN")},
        {"names": {"de": " "}},
        {"administrator": "TSSMRT87C54A952X"},
        {"valid_until": date(2020, 1, 1)},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_is_wrong_about_a_new_body_is_named(values: dict[str, object]) -> None:
    a_body().check(date(2026, 1, 1))
    with pytest.raises(BadFacts):
        a_body(**values).check(date(2026, 1, 1))


def test_the_sandboxes_training_operator_has_a_name(office: Office) -> None:
    known = Administration(office.world.service.engine, office.world.service.clock, BODY).all("operator")
    names = {one["fiscal_code"]: (one["given_name"], one["surname"]) for _, one in known}
    assert names[HOLDER.fiscal_code] == (HOLDER.given_name, HOLDER.surname)
