"""The registers of a running sandbox answer a desk through the service, as `installer/run` starts them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from cmsdesk.domain.first_issue import Finding
from cmsdesk.operations.lookups import NO_ANSWER, Answered, Unavailable
from cmsdesk.sandbox.desk.start import Sandbox, know_the_filled, running_sandbox
from cmsdesk.sandbox.desk.table import REGISTERS_SLOW_S
from cmsdesk.sandbox.desks import sign_in
from cmsdesk.sandbox.scenario import fill
from cmsdesk.sandbox.world import DESKS, READER_OPERATOR, Pins, World
from cmsdesk.sync.far_look_ups import FarLookUps
from tests.fixtures.worlds import place_for_a_world

pytestmark = [pytest.mark.own_process, pytest.mark.timeout(600)]
MARTA = "TSSMRT87C54A952D"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox with a few registrations; its processes and folder are gone afterwards."""
    with (
        place_for_a_world() as folder,
        running_sandbox(World(folder, Pins.random(), registers=True)) as made,
    ):
        fill(made.world, 60)
        know_the_filled(made.world)
        yield made


def test_registers_answer_and_their_troubles_are_answers(sandbox: Sandbox) -> None:
    world, outside = sandbox.world, sandbox.world.outside
    assert outside is not None
    reader = world.stack.emulator.insert(READER_OPERATOR, world.operator.path, face="cns").pcsc_name or ""
    with world.readers.open_operator(reader) as operator:
        operator.identify()
        desk = sign_in(world, sandbox.service, DESKS[0], operator)
    look_ups = FarLookUps(desk.connection)
    assert look_ups.check(MARTA, "BZ-123456", 2026).found("BZ-123456").legal_representative is Finding.YES
    # a company of the registrations that the sandbox was filled with
    company = outside.companies[-1]
    found = look_ups.check(next(iter(company.offices)), company.rea, 2026).company
    assert isinstance(found, Answered)
    assert found.value is not None
    assert found.value.name == company.name
    outside.agency.trouble.wrong = "error"
    assert look_ups.check_code(MARTA) == Unavailable(NO_ANSWER)
    # the faults of the sandbox's window, one after the other, and mended
    table = sandbox.table

    def representative() -> Finding:
        return look_ups.check(MARTA, "BZ-123456", 2026).found("BZ-123456").legal_representative

    table.run_registers(on=False)
    assert not table.registers_up
    assert representative() is Finding.UNAVAILABLE
    table.confuse_registers()
    assert representative() is Finding.UNAVAILABLE
    table.contradict_at_registers()
    assert representative() is Finding.CONTRADICTORY
    table.slow_registers()
    began = time.monotonic()
    assert representative() is Finding.YES
    assert time.monotonic() - began >= REGISTERS_SLOW_S
    table.mend_registers()
    assert table.registers_up
    assert look_ups.check_code(MARTA) != Unavailable(NO_ANSWER)
    desk.close()
