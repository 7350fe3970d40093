"""A running sandbox is filled, and works on as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cmsdesk.domain.organisation import GRANTED
from cmsdesk.sandbox.operator import HOLDER
from cmsdesk.sandbox.scenario import Filled, fill, is_filled
from cmsdesk.sandbox.scenario.__main__ import main
from cmsdesk.sandbox.world import BODY, Pins, World
from tests.fixtures.worlds import place_for_a_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A sandbox of its own."""
    with place_for_a_world() as folder, World(folder, Pins.random()) as made:
        yield made


def test_a_sandbox_is_filled_once_and_its_desk_works_on(world: World) -> None:
    assert not is_filled(world)
    filled = fill(world, size=60)
    assert isinstance(filled, Filled)
    assert filled.registrations == 60
    assert is_filled(world)
    assert fill(world) is None
    held = world.service.sign_in.mandates_of(HOLDER.fiscal_code)
    own = {mandate.role for mandate in held if mandate.body == BODY}
    assert own == set(GRANTED)
    assert {mandate.body for mandate in held} == {BODY, "prova-verona"}
    seen = [
        identifier
        for state in ("registered", "approved", "delivered")
        for identifier, _ in world.near.records._gateway.in_state("request", state)
    ]
    assert len(seen) > 10
    # what the sandbox makes itself goes on beside what it was filled with
    blank = world.blank()
    device = world.near.records.device(blank.card_id)
    assert device is not None
    assert device.card_id == blank.card_id


def test_a_service_of_its_own_is_filled_from_the_command_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the sandbox's settings: it was filled, and says so."""
    settings = world.places.service / "service.toml"
    assert main(["--language", "en", str(settings)]) == 0
    assert "filled already" in capsys.readouterr().out
    assert main(["--language", "en", str(settings.with_name("none.toml"))]) == 1
    assert "none.toml" in capsys.readouterr().err
