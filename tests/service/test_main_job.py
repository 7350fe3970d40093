"""The main job over HTTPS from two desks (PRO-3), with the service and the network failing."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.device import DeviceKind, DeviceState, KeyAlgorithm
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.errors import CardInterrupted, NothingUnfinished, ServiceUnreachable
from cmsdesk.operations.issue import Choice, Issuing, Outcome, ProductionOrder
from cmsdesk.operations.ports import SignedOpening
from cmsdesk.operations.register import Registration, approve, register
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.world import CA_NAME, DESKS, READER_CARD, Blank
from tests.fixtures.proxy import FaultProxy
from tests.service.conftest import Office

Hook = Callable[[str, str], None]


def approved_request(desk: Desk, delivery: ScratchDelivery = ScratchDelivery.PAPER) -> str:
    """Register and approve a request at a desk."""
    registration = Registration(
        body=desk.actor.mandate.body,
        office=desk.actor.mandate.office,
        holder=read_holder(SAMPLE),
        device_kind=DeviceKind.SMART_CARD,
        key_algorithm=KeyAlgorithm.EC_P256,
        ca=CA_NAME,
        scratch_delivery=delivery,
    )
    request = register(registration, desk.records, LibraryFiscalCodes(), desk.parts.clock)
    return approve(request.id, desk.records).id


class Production:
    """A blank device in the reader and a request to produce on it, at one desk."""

    def __init__(self, office: Office, desk: Desk, delivery: ScratchDelivery = ScratchDelivery.PAPER) -> None:
        self.office, self.desk = office, desk
        self.request = approved_request(desk, delivery)
        self.blank: Blank = office.world.blank()
        self.reader = office.world.stack.emulator.insert(READER_CARD, self.blank.path).pcsc_name or ""

    def begin(self, hook: Hook = lambda step, phase: None) -> Outcome:
        """Produce; ``hook`` is told of every step."""
        operator = self.office.operator
        certificate = operator.certificate()

        def sign_opening(message: bytes) -> SignedOpening:
            return SignedOpening(message, operator.sign(message, self.office.world.operator.pin), certificate)

        order = ProductionOrder(self.request, self.blank.scratch_card, certificate)
        with self.desk.parts.readers.open(self.reader) as session:
            return self.issuing(hook).begin(session, order, sign_opening)

    def finish(self, choice: Choice) -> Outcome:
        """Resume or reset, after reading where it stands."""
        with self.desk.parts.readers.open(self.reader) as session:
            position = self.issuing().examine(session)
            assert position is not None
            assert choice in position.choices
            act = self.issuing().resume if choice is Choice.RESUME else self.issuing().reset
            return act(session)

    def issuing(self, hook: Hook = lambda step, phase: None) -> Issuing:
        """Return the use case at this desk."""
        return Issuing(self.desk.parts, lambda step, phase, seconds: hook(step, phase))

    def check_issued(self, outcome: Outcome) -> None:
        """Issued everywhere: records, vault, CA."""
        records = self.office.world.stores.records
        device, envelope = records.device(self.blank.card_id), records.scratch_card(self.blank.scratch_card)
        assert records.request(self.request).state is RequestState.PRODUCED
        assert device is not None
        assert device.state is DeviceState.PERSONALISED
        assert envelope is not None
        assert envelope.state.value == "used"
        assert self.office.world.service.vault.confirmed(outcome.production.id)
        for der in outcome.certificates.values():
            assert self.office.world.authority.status(der) is CertificateStatus.VALID

    def check_clean(self) -> None:
        """Clean everywhere."""
        records = self.office.world.stores.records
        device = records.device(self.blank.card_id)
        assert records.request(self.request).state is RequestState.APPROVED
        assert device is not None
        assert device.state is DeviceState.IN_STOCK
        assert records.withdrawals() == []


@pytest.fixture
def production(office: Office, desk: Desk) -> Production:
    """A production at the first desk; the card leaves its reader afterwards by the next insertion."""
    office.world.stack.emulator.remove(READER_CARD)
    return Production(office, desk)


def test_a_device_issued_at_one_desk_is_seen_at_the_other(office: Office, production: Production) -> None:
    outcome = production.begin()
    production.check_issued(outcome)
    other = office.desk(DESKS[1])
    other.synchroniser.run()
    seen = other.files.store.get("request", production.request)
    assert seen is not None
    assert seen["state"] == RequestState.PRODUCED.value
    assert other.files.store.get("device", production.blank.card_id) is not None
    other.close()


@pytest.mark.parametrize("choice", [Choice.RESUME, Choice.RESET])
@pytest.mark.parametrize("step", ["b", "f", "i"])
def test_the_service_is_killed_in_the_middle(
    office: Office, production: Production, step: str, choice: Choice
) -> None:
    def kill(at: str, phase: str) -> None:
        if (at, phase) == (step, "begin"):
            office.service.kill()

    with pytest.raises(ServiceUnreachable):
        production.begin(kill)
    office.service.start()
    outcome = production.finish(choice)
    if choice is Choice.RESUME:
        production.check_issued(outcome)
    else:
        production.check_clean()


def test_answers_and_requests_lost_on_the_way_are_asked_again(office: Office) -> None:
    with FaultProxy(office.service.port) as proxy:
        desk = office.desk(url=proxy.url)
        office.world.stack.emulator.remove(READER_CARD)
        production = Production(office, desk)

        def lose(step: str, phase: str) -> None:
            if phase == "begin":
                (proxy.lose_answers if step in "acegi" else proxy.lose_requests)()

        production.check_issued(production.begin(lose))
        desk.close()


def test_the_network_is_down_and_comes_back(office: Office) -> None:
    with FaultProxy(office.service.port) as proxy:
        desk = office.desk(url=proxy.url)
        office.world.stack.emulator.remove(READER_CARD)
        production = Production(office, desk)

        def cut(step: str, phase: str) -> None:
            if (step, phase) == ("h", "begin"):
                proxy.down()

        with pytest.raises(ServiceUnreachable) as caught:
            production.begin(cut)
        assert caught.value.code == "SERVICE"
        proxy.down(False)
        production.check_issued(production.finish(Choice.RESUME))
        desk.close()


def test_a_killed_process_is_killed(office: Office) -> None:
    # what the tests above rest on: kill() is SIGKILL, and start() comes back on the same port
    process, port = office.service.child.process, office.service.port
    assert process is not None
    office.service.kill()
    assert process.returncode == -signal.SIGKILL
    office.service.start()
    assert office.service.port == port


@pytest.mark.parametrize("step", ["c", "g", "j"])
def test_a_device_that_never_comes_back_is_set_aside(
    office: Office, production: Production, step: str
) -> None:
    emulator = office.world.stack.emulator

    def take(at: str, phase: str) -> None:
        if (at, phase) == (step, "begin"):
            emulator.remove(READER_CARD)

    with pytest.raises(CardInterrupted):
        production.begin(take)
    production.issuing().set_aside(production.blank.card_id)
    records = office.world.stores.records
    device = records.device(production.blank.card_id)
    assert device is not None
    assert device.state is DeviceState.SET_ASIDE
    assert records.request(production.request).state is RequestState.APPROVED
    (given_up,) = records.productions_of(production.request)
    for der in records.certificates(given_up).values():
        assert office.world.authority.status(der) is CertificateStatus.REVOKED
    with pytest.raises(NothingUnfinished):
        production.issuing().set_aside(production.blank.card_id)
