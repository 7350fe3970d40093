"""Every call lost, before and after it took effect; deliveries that come late and twice; a CA that dies.

Whatever happens, one more try ends in the one certificate or in none that is valid.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cmsdesk.ca.ejbca_client import EjbcaClient
from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.ca.transport import Transport
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.operations.errors import CaUnreachable
from cmsdesk.operations.ports import EnrolmentOrder, Issued, Refused
from cmsdesk.sandbox.pki.desk import adapter, settings
from cmsdesk.sandbox.pki.process import SandboxCa
from tests.ca.contract import CESSATION
from tests.fixtures.orders import ask, new_key, new_order, new_request

LOSSES = ("lose_request", "lose_answer", "error", "error_after")


class Recorder:
    """Keeps what an adapter sends, to deliver it once more later."""

    def __init__(self, port: EjbcaRest, sandbox: SandboxCa) -> None:
        self.sent: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self._line = Transport("replay", settings(sandbox).endpoint)
        transport = port._transport
        self._send = transport.send

        def keep(*arguments: Any, **options: Any) -> tuple[int, bytes]:
            self.sent.append((arguments, options))
            return self._send(*arguments, **options)

        transport.send = keep  # type: ignore[method-assign]  # a wire tap

    def deliver(self, deliveries: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        for arguments, options in deliveries:
            self._line.send(*arguments, **options)


def valid_certificates(sandbox: SandboxCa, ca: EjbcaRest, key: str) -> list[bytes]:
    """Return an order's certificates that are valid now, as the CA itself lists them."""
    transport = Transport("check", settings(sandbox).endpoint)
    found = EjbcaClient("check", transport).certificates(key)
    transport.close()
    return [each for each in found if ca.status(each) is CertificateStatus.VALID]


@dataclass(frozen=True)
class Situation:
    """An order and what there is of it."""

    order: EnrolmentOrder
    certificate: bytes = b""


def new_situation(name: str, ca: EjbcaRest, sandbox: SandboxCa) -> Situation:
    """Return an order that never arrived, was only added, is issued, suspended or withdrawn."""
    order, certificate = new_order(), b""
    if name == "added":
        sandbox.lose_request(on=["certify"])
        with pytest.raises(CaUnreachable):
            ask(ca, order)
    elif name != "never arrived":
        issued = ask(ca, order)
        assert isinstance(issued, Issued)
        certificate = issued.certificate
        if name == "suspended":
            ca.suspend(certificate)
        if name == "withdrawn":
            ca.withdraw(order.key, CESSATION)
    sandbox.clear()
    return Situation(order, certificate)


Act = Callable[[EjbcaRest, Situation], object]


@dataclass(frozen=True)
class Lost:
    """An adapter after the loss of a call, and what it was about."""

    port: EjbcaRest
    situation: Situation
    what: str


def each_loss(sandbox: SandboxCa, ca: EjbcaRest, name: str, act: Act) -> Iterator[Lost]:
    """Lose each call of ``act`` in each way in turn, by an adapter that was just started."""
    with started(sandbox) as port:
        act(port, new_situation(name, ca, sandbox))
        calls = len(sandbox.report()["requests"])
    assert calls
    for kind, call in itertools.product(LOSSES, range(calls)):
        situation = new_situation(name, ca, sandbox)
        sandbox.fault(kind, skip=call)
        with started(sandbox) as port:
            with pytest.raises(CaUnreachable):
                act(port, situation)
            yield Lost(port, situation, f"{kind} at call {call}")


@contextmanager
def started(sandbox: SandboxCa) -> Iterator[EjbcaRest]:
    """An adapter that knows nothing yet."""
    port = adapter(sandbox)
    yield port
    port.close()


def enrol(port: EjbcaRest, of: Situation) -> object:
    return ask(port, of.order)


def withdraw(port: EjbcaRest, of: Situation) -> None:
    port.withdraw(of.order.key, CESSATION)


def test_what_came_before_a_loss_is_answered(sandbox_ca: SandboxCa) -> None:
    for kind, call in [*itertools.product(LOSSES, range(2, 4)), ("offline", 1)]:
        orders = [new_order(slot) for slot in Slot]
        sandbox_ca.fault(kind, skip=call)
        with started(sandbox_ca) as port:
            came = port.enrol(orders)
            assert [type(answer) for answer in came] == [Issued], (kind, call)
            sandbox_ca.clear()
            first, second = port.enrol(orders)
            assert [first] == came
            assert isinstance(second, Issued)
            assert valid_certificates(sandbox_ca, port, orders[1].key) == [second.certificate]


@pytest.mark.parametrize("situation", ["never arrived", "added", "issued"])
def test_an_enrolment_survives_every_loss(sandbox_ca: SandboxCa, ca: EjbcaRest, situation: str) -> None:
    for lost in each_loss(sandbox_ca, ca, situation, enrol):
        order = lost.situation.order
        answer = ask(lost.port, order)
        assert isinstance(answer, Issued), (lost.what, answer)
        assert valid_certificates(sandbox_ca, ca, order.key) == [answer.certificate], lost.what


@pytest.mark.parametrize("situation", ["never arrived", "added", "issued", "suspended", "withdrawn"])
def test_a_withdrawal_survives_every_loss(sandbox_ca: SandboxCa, ca: EjbcaRest, situation: str) -> None:
    for lost in each_loss(sandbox_ca, ca, situation, withdraw):
        withdraw(lost.port, lost.situation)
        assert valid_certificates(sandbox_ca, ca, lost.situation.order.key) == [], lost.what
        assert isinstance(enrol(ca, lost.situation), Refused)


@pytest.mark.parametrize("situation", ["never arrived", "added", "issued", "withdrawn"])
def test_an_enrolment_lost_at_every_call_can_be_withdrawn(
    sandbox_ca: SandboxCa, ca: EjbcaRest, situation: str
) -> None:
    for lost in each_loss(sandbox_ca, ca, situation, enrol):
        withdraw(lost.port, lost.situation)
        assert valid_certificates(sandbox_ca, ca, lost.situation.order.key) == [], lost.what


@pytest.mark.parametrize(
    ("situation", "act", "wanted"),
    [
        ("issued", EjbcaRest.suspend, CertificateStatus.SUSPENDED),
        ("suspended", EjbcaRest.reactivate, CertificateStatus.VALID),
        ("issued", partial(EjbcaRest.revoke, reason=CESSATION), CertificateStatus.REVOKED),
    ],
    ids=["suspend", "reactivate", "revoke"],
)
def test_a_change_of_status_survives_every_loss(
    sandbox_ca: SandboxCa,
    ca: EjbcaRest,
    situation: str,
    act: Callable[[EjbcaRest, bytes], None],
    wanted: CertificateStatus,
) -> None:
    for lost in each_loss(sandbox_ca, ca, situation, lambda port, of: act(port, of.certificate)):
        act(lost.port, lost.situation.certificate)
        assert ca.status(lost.situation.certificate) is wanted, lost.what


@pytest.mark.parametrize("lost", ["", "add", "certify"])
def test_late_and_doubled_deliveries_leave_nothing_valid(
    sandbox_ca: SandboxCa, ca: EjbcaRest, lost: str
) -> None:
    """The requests of an enrolment arrive again, in every order, after the order was withdrawn."""
    order = new_order()
    recorder = Recorder(ca, sandbox_ca)
    if lost:
        sandbox_ca.lose_request(on=[lost])
        with pytest.raises(CaUnreachable):
            ask(ca, order)
    else:
        assert isinstance(ask(ca, order), Issued)
    enrolment = list(recorder.sent)
    ca.withdraw(order.key, CESSATION)
    for deliveries in itertools.permutations(enrolment * 2):
        recorder.deliver(list(deliveries))
    assert valid_certificates(sandbox_ca, ca, order.key) == []


def test_a_doubled_delivery_issues_no_second_certificate(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    order = new_order()
    recorder = Recorder(ca, sandbox_ca)
    issued = ask(ca, order)
    assert isinstance(issued, Issued)
    recorder.deliver(recorder.sent * 2)
    assert valid_certificates(sandbox_ca, ca, order.key) == [issued.certificate]


def test_a_key_of_an_order_never_yields_two_certificates_for_two_cards(ca: EjbcaRest) -> None:
    """The same order with another card's key is told apart, not certified."""
    order = new_order()
    assert isinstance(ask(ca, order), Issued)
    other = EnrolmentOrder(order.key, order.slot, new_request(Slot.SIGNATURE, new_key()))
    with pytest.raises(Exception, match="ISSUE-CERTIFICATE"):
        ask(ca, other)


def test_the_ca_remembers_after_sigkill(pki_template: SandboxCa, tmp_path: Path) -> None:
    sandbox = pki_template.copy_to(tmp_path / "pki")
    sandbox.start()
    try:
        ca = adapter(sandbox)
        orders = [new_order() for _ in range(4)]
        issued = [ask(ca, order) for order in orders]
        certificates = [each.certificate for each in issued if isinstance(each, Issued)]
        ca.suspend(certificates[0])
        ca.revoke(certificates[1], CESSATION)
        ca.withdraw(orders[2].key, CESSATION)
        number = crl_number(ca)
        sandbox.kill()
        with pytest.raises(CaUnreachable):
            ca.status(certificates[0])
        sandbox.start()
        states = [ca.status(each) for each in certificates]
        assert states == [
            CertificateStatus.SUSPENDED,
            CertificateStatus.REVOKED,
            CertificateStatus.REVOKED,
            CertificateStatus.VALID,
        ]
        assert ask(ca, orders[3]) == issued[3]
        ca.reactivate(certificates[0])
        assert crl_number(ca) == number + 1
        ca.close()
    finally:
        sandbox.stop()


def crl_number(ca: EjbcaRest) -> int:
    crl = x509.load_der_x509_crl(ca.crl(Slot.SIGNATURE))
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
