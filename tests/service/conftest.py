"""One world and service process per database for the package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from cmsdesk.cards.client import OperatorCardSession
from cmsdesk.sandbox.desks import Desk, ServiceProcess, enable_desk, sign_in
from cmsdesk.sandbox.world import DESKS, READER_OPERATOR, Pins, World
from tests.fixtures.postgres import *  # noqa: F403
from tests.fixtures.postgres import PostgresCluster
from tests.fixtures.worlds import place_for_a_world


@dataclass
class Office:
    """A world, its service process, and the operator's card in its reader."""

    world: World
    service: ServiceProcess
    operator: OperatorCardSession

    def desk(self, name: str = DESKS[0], *, url: str = "") -> Desk:
        """Sign the operator in at a desk."""
        return sign_in(self.world, self.service, name, self.operator, url=url)


@contextmanager
def running_office(database: str = "") -> Iterator[Office]:
    """Start an office; its processes, folder and settings are gone afterwards."""
    with ExitStack() as stack:
        folder = stack.enter_context(place_for_a_world())
        world = stack.enter_context(World(folder, Pins.random(), database=database))
        for name in DESKS:
            enable_desk(world, name)
        service = stack.enter_context(ServiceProcess(world))
        reader = world.stack.emulator.insert(READER_OPERATOR, world.operator.path, face="cns").pcsc_name or ""
        operator = stack.enter_context(world.readers.open_operator(reader))
        operator.identify()
        yield Office(world, service, operator)


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest) -> Iterator[Office]:
    """A running office on each database."""
    database = ""
    if request.param == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        database = cluster.create_database()
    with running_office(database) as running:
        yield running


@pytest.fixture
def desk(office: Office) -> Iterator[Desk]:
    """The first desk, signed in."""
    signed_in = office.desk()
    yield signed_in
    signed_in.close()
